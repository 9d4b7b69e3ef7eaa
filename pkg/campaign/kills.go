package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// killWriters is how many clients write while daemons are killed.
const killWriters = 3

// writer makes changes one after the other and remembers what was
// acknowledged. Each change is tried under one request id until its outcome is
// known, at one node after the other.
type writer struct {
	id    int
	tried int // number of the last change that was sent
	acked int // number of the last one that was acknowledged
	// objects are the changes that created an object, and not only set a value.
	objects []string
	retries int
}

// kills ends daemons by SIGKILL at random moments, often two or all at once,
// while clients write: whatever was acknowledged is there afterwards, once, and
// all nodes have the same bytes.
func (c *campaign) kills(ctx context.Context, p *Part) (err error) {
	s := setting{nodes: 3, keepalive: "75ms", deadtime: "300ms", initdead: "1", media: "ucast", resource: true, patience: 30 * time.Second}
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d times SIGKILL of daemons while %d clients write", s, c.Kills, killWriters)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	stop, wg := make(chan struct{}), sync.WaitGroup{}
	var writers [killWriters]writer
	var failed atomic.Pointer[error]
	for i := range writers {
		writers[i].id = i
		wg.Go(func() {
			if err := k.writeOn(ctx, &writers[i], stop); err != nil {
				failed.Store(&err)
			}
		})
	}
	killed, err := k.killAll(ctx, c.Kills, &failed)
	close(stop)
	wg.Wait()
	if err == nil && failed.Load() != nil {
		err = *failed.Load()
	}
	if err != nil {
		return err
	}
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	return k.judge(ctx, p, writers[:], killed)
}

// killAll kills and starts daemons; some moments are in the middle of the start
// of another.
func (k *cluster) killAll(ctx context.Context, n int, failed *atomic.Pointer[error]) (killed int, err error) {
	for killed < n && failed.Load() == nil {
		if err := pause(ctx, time.Duration(k.c.rnd.Int64N(int64(900*time.Millisecond)))); err != nil {
			return killed, err
		}
		victims := slices.Clone(k.names)
		k.c.rnd.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
		for _, v := range victims[:[]int{1, 1, 1, 2, 2, 3}[k.c.rnd.IntN(6)]] {
			if err := k.daemons[v].Signal(syscall.SIGKILL); err != nil {
				return killed, fmt.Errorf("SIGKILL of the daemon on %s: %w", v, err)
			}
			if _, err := k.daemons[v].Wait(ctx); err != nil {
				return killed, err
			}
			delete(k.daemons, v)
			killed++
		}
		if err := pause(ctx, time.Duration(k.c.rnd.Int64N(int64(400*time.Millisecond)))); err != nil {
			return killed, err
		}
		for _, v := range victims {
			if k.daemons[v] == nil {
				if err := k.start(v); err != nil {
					return killed, err
				}
			}
		}
		if killed%20 == 0 { // else a cluster that is killed all the time acknowledges nothing
			if _, err := k.whole(ctx, k.names...); err != nil {
				return killed, err
			}
		}
	}
	return killed, nil
}

// writeOn writes until stop.
func (k *cluster) writeOn(ctx context.Context, w *writer, stop <-chan struct{}) error {
	node := w.id
	var conn *client.Client
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for {
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		w.tried++
		op, object := option(fmt.Sprintf("writer-%d", w.id), strconv.Itoa(w.tried)), ""
		if w.tried%10 == 0 {
			object = fmt.Sprintf("w%d-%d", w.id, w.tried)
			op = cib.Op{Verb: cib.VerbCreate, Scope: "constraints", XML: cib.New("rsc_location", "id", object, "rsc", resource, "node", k.names[0], "score", "0")}
		}
		req := &client.Request{Verb: client.VerbEdit, Edit: cib.EncodeOp(op), RequestID: uuid.NewString()}
		for {
			if conn == nil {
				c, err := k.ask(k.names[node%len(k.names)])
				if err != nil {
					node++
					if ended(stop) {
						return nil
					}
					if err := pause(ctx, 5*time.Millisecond); err != nil {
						return err
					}
					continue
				}
				conn = c
			}
			within, cancel := context.WithTimeout(ctx, 3*time.Second)
			_, err := conn.Do(within, req)
			cancel()
			if err == nil {
				break
			}
			x := (*cli.Exit)(nil)
			if errors.As(err, &x) && slices.Contains([]int{cli.ExitExists, cli.ExitNoSuchObject, cli.ExitConfig, cli.ExitUsage}, x.Code) {
				return fmt.Errorf("change %d of client %d was refused: %w", w.tried, w.id, err)
			}
			conn.Close()
			conn = nil
			node++
			w.retries++
			if ended(stop) {
				return nil // its outcome stays unknown
			}
		}
		w.acked = w.tried
		if object != "" {
			w.objects = append(w.objects, object)
		}
	}
}

func ended(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// judge compares what was acknowledged with what is there.
func (k *cluster) judge(ctx context.Context, p *Part, writers []writer, killed int) error {
	lost, differ, changes, retries := 0, 0, 0, 0
	var docs []*cib.Element
	if _, err := k.until(ctx, "one version on all nodes", 50*time.Millisecond, func() (bool, string) {
		docs = docs[:0]
		for _, name := range k.names {
			c, err := k.ask(name)
			if err != nil {
				return false, err.Error()
			}
			root, err := c.Document(ctx)
			c.Close()
			if err != nil {
				return false, err.Error()
			}
			docs = append(docs, root)
		}
		for _, d := range docs[1:] {
			if cib.VersionOf(d).Configuration() != cib.VersionOf(docs[0]).Configuration() {
				return false, fmt.Sprintf("versions %v and %v", cib.VersionOf(docs[0]), cib.VersionOf(d))
			}
		}
		return true, ""
	}); err != nil {
		return err
	}
	for i, d := range docs {
		if !cib.Equal(d.First("configuration"), docs[0].First("configuration")) {
			differ++
			p.note("%s has another configuration than %s", k.names[i], k.names[0])
		}
		there := map[string]string{}
		d.First("configuration").Walk(func(e *cib.Element) bool {
			switch e.Name {
			case "nvpair":
				there[e.ID()] = e.Get("value")
			case "rsc_location":
				there[e.ID()] = ""
			}
			return true
		})
		for _, w := range writers {
			last := w.acked
			if last%10 == 0 {
				last-- // an object was created then
			}
			if v, _ := strconv.Atoi(there[fmt.Sprintf("opt-writer-%d", w.id)]); v < last || v > w.tried {
				lost++
				p.note("%s: client %d wrote %d and has an acknowledgement of %d, and the value is %d", k.names[i], w.id, w.tried, w.acked, v)
			}
			for _, o := range w.objects {
				if _, ok := there[o]; !ok {
					lost++
					p.note("%s: the object %s was acknowledged and is not there", k.names[i], o)
				}
			}
		}
	}
	for _, w := range writers {
		changes, retries = changes+w.acked, retries+w.retries
	}
	p.add("daemons killed", float64(killed), "")
	p.add("changes acknowledged", float64(changes), "")
	p.add("changes tried again after a lost answer", float64(retries), "")
	p.zero("acknowledged changes lost", float64(lost), "")
	p.zero("nodes with another configuration", float64(differ), "")
	return nil
}
