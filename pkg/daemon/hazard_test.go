package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/client"
)

// fakeCluster takes what is sent; everything else of the interface is unused.
type fakeCluster struct {
	ccm.Cluster
	sent []string
}

func (f *fakeCluster) Send(to string, payload []byte) {
	f.sent = append(f.sent, to+" "+string(payload))
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// Two requests with one id get one outcome, and only from the DC they went to.
func TestEditsWithOneID(t *testing.T) {
	d := &Daemon{cluster: &fakeCluster{}, log: quiet(), edits: edits{waiting: map[string]waitingEdit{}},
		opts: Options{Self: "n1"}, view: ccm.View{Quorum: true, DC: "n2"}}
	var got []string
	for _, who := range []string{"a", "b"} {
		d.edit(context.Background(), "id", []byte("x"), func(code int, text string) { got = append(got, who) })
	}
	done, _ := json.Marshal(&editMessage{ID: "id", Done: true})
	d.editFrom(context.Background(), "n3", done)
	if len(got) != 0 {
		t.Fatalf("%v were answered by a node that is not the DC", got)
	}
	d.editFrom(context.Background(), "n2", done)
	if len(got) != 2 {
		t.Fatalf("answered: %v, want both", got)
	}
	if len(d.edits.waiting) != 0 {
		t.Fatalf("still waiting: %v", d.edits.waiting)
	}
}

func TestGateForgetsOtherViews(t *testing.T) {
	g := newGate(&fakeCluster{})
	old, now := ccm.Instance{Number: 1}, ccm.Instance{Number: 2}
	g.allow("a", old)
	g.allow("b", now)
	g.prune(now)
	if len(g.views) != 1 || g.views["b"] != now {
		t.Fatalf("kept %v", g.views)
	}
}

// A change that no node can apply is refused, whatever it looks like.
func TestReplicaSurvivesAnyChange(t *testing.T) {
	r := newReplica()
	for _, op := range []cib.Op{
		{}, {Verb: cib.VerbReplace}, {Verb: cib.VerbCreate, Scope: "nodes"}, {Verb: cib.VerbModify},
		{Verb: cib.VerbDelete}, {Verb: cib.VerbReplace, XML: cib.New("x"), Unchecked: true},
		{Verb: cib.VerbReplace, Scope: "resources", XML: cib.New("x"), Unchecked: true},
		{Verb: cib.VerbDelete, XPath: "//["}, {Verb: cib.VerbReplace, XPath: "/cib", XML: cib.New("x"), Unchecked: true},
		{Verb: cib.VerbDelete, XPath: "/cib", Unchecked: true}, {Verb: cib.VerbDelete, XPath: "//configuration", Unchecked: true},
	} {
		err := r.Apply(1, cib.EncodeOp(op))
		if root := r.Root(); root == nil || root.Name != "cib" || root.First("configuration") == nil {
			t.Fatalf("%+v (error %v) left %s", op, err, cib.PrintCompact(root))
		}
	}
}

// tired is a listener that fails before it works.
type tired struct {
	net.Listener
	mu   sync.Mutex
	left int
}

func (l *tired) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left > 0 {
		l.left--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// A server that ran out of descriptors serves again; a watch ends with its
// client although nothing happens that could be told.
func TestServerOutlivesItsClients(t *testing.T) {
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	s := &server{ln: &tired{Listener: ln, left: 2}, log: quiet(),
		handle: func(ctx context.Context, _ caller, _ *client.Request, reply func(*client.Response) error) error {
			reply(&client.Response{})
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go s.serve(ctx)
	c, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte(`{"verb":"watch"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the watch of a client that has gone goes on")
	}
}
