package ccm_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/ccm/link"
)

// The runner over real links: each node is a process in its own network
// namespace. The test binary is its own node program.

const nodeEnv = "QUORATE_CCM_TEST_NODE"

func TestMain(m *testing.M) {
	if name := os.Getenv(nodeEnv); name != "" {
		if err := nodeMain(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

var nsNodes = []string{"n1", "n2", "n3"}

// report is a line a node prints: its view whenever that changes, and answers.
type report struct {
	View    *ccm.View `json:",omitempty"`
	Answer  string    `json:",omitempty"`
	Seq     uint64    `json:",omitempty"`
	Expired []string  `json:",omitempty"`
	Err     string    `json:",omitempty"`
	State   string    `json:",omitempty"`
	Lease   bool      `json:",omitempty"`
	at      time.Time
}

// nodeMain is one node: commands on stdin, reports on stdout.
func nodeMain(name string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	timing, err := agree.NewTiming(agree.TimingOptions{Keepalive: 200 * time.Millisecond, Deadtime: time.Second})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", name)
	log.Info(timing.Sentence())
	var media []link.Medium
	for i := range nsNodes {
		media = append(media, link.Medium{Kind: "ucast", Iface: "eth0", Address: fmt.Sprintf("10.98.0.%d", i+1), Port: 694})
	}
	state := &lines{}
	node, err := ccm.Start(ctx, ccm.Config{Node: name, Nodes: nsNodes, StateDir: os.Getenv("QUORATE_CCM_TEST_DIR"), Replica: state, Timing: timing, ClusterID: "netns", Logger: log,
		Transport: func(l ccm.Life) (ccm.Transport, error) {
			return link.Open(ctx, link.Config{Self: name, Nodes: nsNodes, ClusterName: "netns", Incarnation: l.Incarnation, Media: media,
				Keys:      link.Keys{Sign: 1, ByID: map[int]link.Key{1: {Method: link.SHA256, Secret: []byte("secret")}}},
				Keepalive: timing.Beat, Deadtime: timing.Deadtime, NoGossip: true, Logger: log})
		}})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	var mu sync.Mutex
	say := func(r report) {
		mu.Lock()
		defer mu.Unlock()
		if err := out.Encode(r); err != nil {
			os.Exit(0) // the test is gone
		}
	}
	go func() {
		for {
			v, ch := node.View()
			say(report{View: &v})
			select {
			case <-ch:
			case <-node.Done():
				return
			}
		}
	}()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		word, arg, _ := strings.Cut(in.Text(), " ")
		r := report{Answer: word}
		c, done := context.WithTimeout(ctx, 20*time.Second)
		v, _ := node.View()
		switch word {
		case "propose":
			r.Seq, err = node.Propose(c, arg, []byte(arg))
		case "fill":
			n, _ := strconv.Atoi(arg)
			r.Seq, err = node.Propose(c, "fill", bytes.Repeat([]byte("x"), n))
		case "certify":
			r.Expired, err = node.Certify(c, v.Instance)
		case "maystart":
			err = node.MayStart(v.Instance)
		case "leave":
			err = node.Leave(c, true)
		case "state":
			r.State = strings.ReplaceAll(string(state.Snapshot()), strings.Repeat("x", 1000), "X")
			l, _ := node.Lease()
			r.Lease = l.Valid
		}
		done()
		if err != nil {
			r.Err, err = err.Error(), nil
		}
		say(r)
		if word == "leave" {
			break
		}
	}
	return node.Close()
}

// lines is a replicated list of lines.
type lines struct {
	mu sync.Mutex
	l  []string
}

func (r *lines) Snapshot() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []byte(strings.Join(r.l, "\n"))
}
func (r *lines) Restore(b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.l = nil
	if len(b) > 0 {
		r.l = strings.Split(string(b), "\n")
	}
	return nil
}
func (r *lines) Apply(_ uint64, c []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.l = append(r.l, string(c))
	return nil
}
func (r *lines) Digest() string { return string(r.Snapshot()) }

// process is a running node.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  chan report
	view ccm.View
	at   time.Time // when view was reported
}

type netlab struct {
	t      *testing.T
	prefix string
	dirs   map[string]string
	nodes  map[string]*process
}

func newNetlab(t *testing.T) *netlab {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: network namespaces need root")
	}
	l := &netlab{t: t, prefix: fmt.Sprintf("qccm-%d-", os.Getpid()), dirs: map[string]string{}, nodes: map[string]*process{}}
	if out, err := exec.Command("ip", "netns", "add", l.prefix+"sw").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no network namespaces here: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", l.prefix+"sw").Run() })
	l.sh("ip -n %ssw link add br0 type bridge; ip -n %ssw link set br0 up", l.prefix, l.prefix)
	for i, n := range nsNodes {
		ns := l.prefix + n
		l.sh("ip netns add %s; ip -n %s link set lo up", ns, ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		l.sh("ip -n %ssw link add p%d type veth peer name eth0 netns %s; ip -n %ssw link set p%d master br0 up", l.prefix, i+1, ns, l.prefix, i+1)
		l.sh("ip -n %s addr add 10.98.0.%d/24 dev eth0; ip -n %s link set eth0 up", ns, i+1, ns)
		l.dirs[n] = t.TempDir()
	}
	t.Cleanup(func() {
		for _, p := range l.nodes {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
	})
	return l
}

func (l *netlab) sh(format string, args ...any) {
	l.t.Helper()
	c := fmt.Sprintf(format, args...)
	if out, err := exec.Command("sh", "-c", c).CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v: %s", c, err, out)
	}
}

func (l *netlab) start(names ...string) {
	l.t.Helper()
	for _, n := range names {
		c := exec.Command("ip", "netns", "exec", l.prefix+n, "/proc/self/exe")
		exe, err := os.Executable()
		if err != nil {
			l.t.Fatal(err)
		}
		c.Args[4] = exe
		c.Env = append(os.Environ(), nodeEnv+"="+n, "QUORATE_CCM_TEST_DIR="+l.dirs[n])
		if os.Getenv("QUORATE_TRACE") != "" {
			c.Stderr = os.Stderr
		}
		in, err := c.StdinPipe()
		if err != nil {
			l.t.Fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			l.t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			l.t.Fatal(err)
		}
		p := &process{name: n, cmd: c, in: in, out: make(chan report, 100)}
		go func() {
			defer close(p.out)
			d := json.NewDecoder(out)
			for {
				var r report
				if d.Decode(&r) != nil {
					return
				}
				r.at = time.Now()
				p.out <- r
			}
		}()
		l.nodes[n] = p
	}
}

// next takes the next report of a node.
func (l *netlab) next(n, what string) report {
	l.t.Helper()
	select {
	case r, ok := <-l.nodes[n].out:
		if !ok {
			l.t.Fatalf("%s ended while waiting for %s", n, what)
		}
		if r.View != nil {
			l.nodes[n].view, l.nodes[n].at = *r.View, r.at
		}
		return r
	case <-time.After(30 * time.Second):
		l.t.Fatalf("%s: no %s within 30 s; last view %+v", n, what, l.nodes[n].view)
	}
	panic("unreachable")
}

// await waits for a view of exactly these members and returns it.
func (l *netlab) await(n string, members ...string) ccm.View {
	l.t.Helper()
	for {
		v := l.nodes[n].view
		if v.Quorum == (len(members) > 1) && slices.EqualFunc(v.Members, members, func(m ccm.Member, s string) bool { return m.Name == s }) {
			return v
		}
		l.next(n, fmt.Sprint("view of ", members))
	}
}

// ask sends a command and returns its answer.
func (l *netlab) ask(n, command string) report {
	l.t.Helper()
	if _, err := fmt.Fprintln(l.nodes[n].in, command); err != nil {
		l.t.Fatal(err)
	}
	for {
		if r := l.next(n, "answer to "+command); r.Answer != "" {
			return r
		}
	}
}

func (l *netlab) kill(n string) time.Time {
	l.t.Helper()
	at := time.Now()
	if err := l.nodes[n].cmd.Process.Kill(); err != nil {
		l.t.Fatal(err)
	}
	l.nodes[n].cmd.Wait()
	delete(l.nodes, n)
	return at
}

func TestThreeProcessesOverLinks(t *testing.T) {
	l := newNetlab(t)
	l.start(nsNodes...)
	for _, n := range nsNodes {
		l.await(n, nsNodes...)
	}
	dc := l.nodes["n1"].view.DC
	for i := range 20 {
		if r := l.ask(dc, fmt.Sprintf("propose change-%d", i)); r.Err != "" {
			t.Fatal(r.Err)
		}
	}
	// A large change: it and the state that is handed out later take many frames.
	at := time.Now()
	if r := l.ask(dc, "fill 3000000"); r.Err != "" {
		t.Fatal(r.Err)
	}
	t.Logf("a change of 3 MB was committed after %v", time.Since(at))
	at = l.kill(dc)
	rest := slices.DeleteFunc(slices.Clone(nsNodes), func(n string) bool { return n == dc })
	v := l.await(rest[0], rest...)
	l.await(rest[1], rest...)
	took := l.nodes[v.DC].at.Sub(at)
	r := l.ask(v.DC, "certify")
	if r.Err != "" || !slices.Equal(r.Expired, []string{dc}) {
		t.Fatalf("certificate %+v", r)
	}
	t.Logf("new view %v after the kill, certificate after %v", took, r.at.Sub(at))
	if r := l.ask(rest[0], "maystart"); r.Err != "" {
		t.Error(r.Err)
	}

	l.kill(rest[1])
	l.await(rest[0], rest[0])
	if r := l.ask(rest[0], "propose lost"); !strings.Contains(r.Err, "no quorum") {
		t.Errorf("proposal without quorum: %+v", r)
	}
	if err := os.Remove(filepath.Join(l.dirs[rest[1]], "cluster.db")); err != nil {
		t.Fatal(err)
	}
	at = time.Now()
	l.start(dc, rest[1]) // one of them with an empty disk
	for _, n := range nsNodes {
		l.await(n, nsNodes...)
		t.Logf("%s is back in a view of all after %v", n, l.nodes[n].at.Sub(at))
		if r := l.ask(n, "state"); strings.Count(r.State, "change-") != 20 || strings.Contains(r.State, "lost") || strings.Count(r.State, "X") != 3000 {
			t.Errorf("%s holds %q", n, r.State)
		}
	}

	// A planned stop is known at once.
	at = time.Now()
	if r := l.ask(dc, "leave"); r.Err != "" {
		t.Error(r.Err)
	}
	v = l.await(rest[0], rest...)
	t.Logf("view %v after a planned stop", l.nodes[rest[0]].at.Sub(at))
	if l.nodes[rest[0]].at.Sub(at) > 500*time.Millisecond {
		t.Errorf("a planned stop took %v", l.nodes[rest[0]].at.Sub(at))
	}
}

// A node that is frozen for longer than its lease refuses the first command it
// finds when it wakes, and comes back into the membership.
func TestFrozenProcessOverLinks(t *testing.T) {
	l := newNetlab(t)
	l.start(nsNodes...)
	for _, n := range nsNodes {
		l.await(n, nsNodes...)
	}
	dc := l.nodes["n1"].view.DC
	// The echoes that confirm it come a moment after the view.
	for end := time.Now().Add(5 * time.Second); ; {
		r := l.ask(dc, "maystart")
		if r.Err == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("before the freeze: %s", r.Err)
		}
	}
	rest := slices.DeleteFunc(slices.Clone(nsNodes), func(n string) bool { return n == dc })
	at := time.Now()
	if err := l.nodes[dc].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	v := l.await(rest[0], rest...)
	l.await(rest[1], rest...)
	t.Logf("new view %v after the freeze", l.nodes[rest[0]].at.Sub(at))
	if r := l.ask(v.DC, "certify"); r.Err != "" || !slices.Equal(r.Expired, []string{dc}) {
		t.Fatalf("certificate %+v", r)
	}
	if r := l.ask(rest[0], "maystart"); r.Err != "" {
		t.Error(r.Err)
	}
	if _, err := fmt.Fprintln(l.nodes[dc].in, "maystart"); err != nil {
		t.Fatal(err)
	}
	if err := l.nodes[dc].cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for {
		r := l.next(dc, "answer to the command it slept over")
		if r.Answer != "" {
			if r.Err == "" {
				t.Error("a frozen DC obeyed after its lease was over")
			}
			t.Log(r.Err)
			break
		}
	}
	for _, n := range nsNodes {
		l.await(n, nsNodes...)
	}
}
