package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

// patience is how long a state may take on a busy machine; pollEvery is the time
// between two looks.
const (
	patience  = 20 * time.Second
	pollEvery = 60 * time.Millisecond
)

// The network: heartbeats on 192.168.68.0/24 over eth1, clients and the
// floating address on 192.168.71.0/24 over eth0.
var (
	directors = []string{"litsha21", "litsha22", "litsha23"}
	floating  = netip.MustParseAddr("192.168.71.205")
)

// hacf is the ha.cf of the article with short timers.
const hacf = `use_logd on
logfacility daemon
node litsha22
node litsha23
node litsha21
keepalive 200ms
warntime 500ms
deadtime 1
initdead 2
ucast eth1 192.168.68.201
ucast eth1 192.168.68.202
ucast eth1 192.168.68.203
respawn hacluster /usr/lib/heartbeat/pingd -m 100 -d 300ms
ping litrout71_vip
crm yes
`

const authkeys = "auth 1\n\n1 sha1 ca0e08148801f55794b23461eb4106db\n"

// cluster is a lab of three directors and a router, and the daemons in it.
type cluster struct {
	t       *testing.T
	lab     *lab.Lab
	nodes   map[string]*lab.Node
	daemons map[string]*lab.Process
	// names are the members where they are not directors.
	names []string
	// slow is how many times patience a state may take: a serial line is.
	slow int
}

// newCluster makes the nodes with ha.cf and authkeys; no daemon runs yet.
func newCluster(t *testing.T, names ...string) *cluster {
	t.Helper()
	if len(names) == 0 {
		names = directors
	}
	l, err := lab.New(lab.Options{Segments: []string{"public", "heartbeat"}, Files: maps.Clone(program(t)), TempDir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, lab: l, nodes: map[string]*lab.Node{}, daemons: map[string]*lab.Process{}}
	t.Cleanup(c.close)
	for _, name := range names {
		host := 201 + slices.Index(directors, name)
		c.add(name, lab.Link{Name: "eth0", Segment: "public", Addr: prefix("192.168.71.%d/24", host)},
			lab.Link{Name: "eth1", Segment: "heartbeat", Addr: prefix("192.168.68.%d/24", host)})
		c.write(name, "/etc/ha.d/ha.cf", hacf, 0o600)
		c.write(name, "/etc/ha.d/authkeys", authkeys, 0o600)
	}
	c.add("litrout71", lab.Link{Name: "eth0", Segment: "public", Addr: prefix("192.168.71.%d/24", 1), Names: []string{"litrout71_vip"}})
	return c
}

func prefix(format string, a ...any) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf(format, a...))
}

func (c *cluster) add(name string, links ...lab.Link) {
	c.t.Helper()
	n, err := c.lab.AddNode(lab.Spec{Name: name, Links: links})
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[name] = n
}

// write puts a file on the disk of a node.
func (c *cluster) write(name, path, text string, mode os.FileMode) {
	c.t.Helper()
	file := c.nodes[name].Disk(path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		c.t.Fatal(err)
	}
}

// start starts the daemon of each node named, of all directors if none is.
func (c *cluster) start(names ...string) {
	c.t.Helper()
	if len(names) == 0 {
		names = c.members()
	}
	for _, name := range names {
		p, err := c.nodes[name].Start("/lab/bin/quorate", "run")
		if err != nil {
			c.t.Fatal(err)
		}
		c.daemons[name] = p
	}
}

// sub runs a part of a test with the same cluster. A part whose forerunner has
// failed is left out: it would begin in another state than it believes.
func (c *cluster) sub(name string, f func(t *testing.T, c *cluster)) {
	c.t.Helper()
	if c.t.Failed() {
		c.t.Logf("not run after the failure: %s", name)
		return
	}
	c.t.Run(name, func(t *testing.T) {
		part := *c
		part.t = t
		f(t, &part)
	})
}

// members are the directors of this lab.
func (c *cluster) members() (out []string) {
	names := c.names
	if names == nil {
		names = directors
	}
	for _, name := range names {
		if c.nodes[name] != nil {
			out = append(out, name)
		}
	}
	return out
}

// form starts all daemons and waits until each sees all members with quorum.
func (c *cluster) form() {
	c.t.Helper()
	c.start()
	c.formed(c.members()...)
}

// formed waits until the nodes named are the members of one view with quorum,
// on each of them, and the controllers have settled.
func (c *cluster) formed(names ...string) {
	c.t.Helper()
	want := slices.Sorted(slices.Values(names))
	for _, name := range names {
		c.until("view of "+strings.Join(want, " ")+" on "+name, func() (bool, string) {
			p, q := c.run(name, "crm_node", "-p"), c.run(name, "crm_node", "-q")
			got := slices.Sorted(slices.Values(strings.Fields(p.out)))
			return slices.Equal(got, want) && q.out == "1\n", p.String() + q.String()
		})
		c.until("DC and members online in crm_mon on "+name, func() (bool, string) {
			r := c.run(name, "crm_mon", "-1")
			return strings.Contains(r.out, "Online: [ "+strings.Join(want, " ")+" ]") && strings.Contains(r.out, "partition with quorum") &&
				strings.Contains(r.out, "Stack: quorate"), r.String()
		})
	}
}

// signal sends a signal to the daemon of a node.
func (c *cluster) signal(name string, s syscall.Signal) {
	c.t.Helper()
	if err := c.daemons[name].Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// ended waits for the end of a node's daemon and returns its exit code.
func (c *cluster) ended(name string) int {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	code, err := c.daemons[name].Wait(ctx)
	if err != nil {
		c.t.Fatalf("end of the daemon on %s: %v", name, err)
	}
	delete(c.daemons, name)
	return code
}

// stop stops the daemon of a node in order.
func (c *cluster) stop(name string) {
	c.t.Helper()
	c.signal(name, syscall.SIGTERM)
	if code := c.ended(name); code != 0 {
		c.t.Fatalf("the daemon on %s ends with %d after SIGTERM, want 0", name, code)
	}
}

// kill ends the daemon of a node without warning; what it runs stays.
func (c *cluster) kill(names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.signal(name, syscall.SIGKILL)
	}
	for _, name := range names {
		c.ended(name)
	}
}

// result is what a command said.
type result struct {
	where, what string
	code        int
	out, err    string
}

func (r result) String() string {
	return fmt.Sprintf("%s# %s\n%s%s(exit code %d)\n", r.where, r.what, r.out, r.err, r.code)
}

// run executes a command on a node.
func (c *cluster) run(name string, argv ...string) result {
	c.t.Helper()
	return c.runWithin(patience, name, argv...)
}

// runWithin is run with another patience.
func (c *cluster) runWithin(d time.Duration, name string, argv ...string) result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	res, err := c.nodes[name].Exec(ctx, argv...)
	if err != nil {
		c.t.Fatalf("%s# %s: %v", name, strings.Join(argv, " "), err)
	}
	return result{name, strings.Join(argv, " "), res.Code, string(res.Stdout), string(res.Stderr)}
}

// beats waits until a node has sent some more beats.
func (c *cluster) beats(name string, n int) {
	c.t.Helper()
	sent := func() (k int) {
		_, rest, _ := strings.Cut(c.ok(name, "quorate", "links"), "Own heartbeats: ")
		fmt.Sscanf(rest[strings.Index(rest, ",")+1:], "%d sent", &k)
		return k
	}
	goal := sent() + n
	c.until(fmt.Sprintf("%d more beats of %s", n, name), func() (bool, string) {
		k := sent()
		return k >= goal, fmt.Sprint(k)
	})
}

// sh executes a line of the shell on a node.
func (c *cluster) sh(name, line string) result {
	c.t.Helper()
	return c.run(name, "sh", "-c", line)
}

// ok executes a command that must succeed and returns its output.
func (c *cluster) ok(name string, argv ...string) string {
	c.t.Helper()
	r := c.run(name, argv...)
	if r.code != 0 {
		c.t.Fatalf("must succeed: %v", r)
	}
	return r.out
}

// until polls for a state; look returns what it saw.
func (c *cluster) until(what string, look func() (ok bool, seen string)) {
	c.t.Helper()
	deadline := time.Now().Add(patience * time.Duration(max(1, c.slow)))
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, seen := look()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: not reached within %v; at the end:\n%s", what, patience, seen)
		}
		select {
		case <-tick.C:
		case <-c.t.Context().Done():
			c.t.Fatalf("%s: the test has ended", what)
		}
	}
}

// says polls until the output of a command holds all texts.
func (c *cluster) says(name string, argv []string, texts ...string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%q in %s", texts, strings.Join(argv, " ")), func() (bool, string) {
		r := c.run(name, argv...)
		for _, text := range texts {
			if !strings.Contains(r.out, text) {
				return false, r.String()
			}
		}
		return true, ""
	})
}

// owned waits until exactly this node holds the address.
func (c *cluster) owned(addr netip.Addr, name string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%s on %s alone", addr, name), func() (bool, string) {
		got := c.lab.Sample(addr)
		return slices.Equal(got, []string{name}), fmt.Sprintf("it is on %v\n%s", got, c.anywhere("crm_mon", "-1", "-f"))
	})
}

// ownedByOther waits until exactly one node holds the address, and not this.
func (c *cluster) ownedByOther(addr netip.Addr, not string) string {
	c.t.Helper()
	owner := ""
	c.until(fmt.Sprintf("%s on another node than %s", addr, not), func() (bool, string) {
		got := c.lab.Sample(addr)
		if len(got) == 1 && got[0] != not {
			owner = got[0]
		}
		return owner != "", fmt.Sprintf("it is on %v\n%s", got, c.anywhere("crm_mon", "-1", "-f"))
	})
	return owner
}

// neverTwice fails if two nodes held the sampler's address at once.
func neverTwice(t *testing.T, s *lab.Sampler) {
	t.Helper()
	for _, h := range s.History() {
		if len(h.Owners) > 1 {
			samples, longest := s.Quality()
			t.Errorf("two nodes held the address at once (%d samples, the longest pause %v): %v", samples, longest, s.History())
			return
		}
	}
}

// anywhere executes a command where a daemon runs.
func (c *cluster) anywhere(argv ...string) string {
	for _, name := range c.members() {
		if c.daemons[name] != nil {
			return c.run(name, argv...).String()
		}
	}
	return "no daemon runs\n"
}

// dc returns the DC, once all members named agree on it.
func (c *cluster) dc(names ...string) string {
	c.t.Helper()
	dc := ""
	c.until("one DC", func() (bool, string) {
		seen := map[string]bool{}
		for _, name := range names {
			r := c.run(name, "crm_mon", "-1")
			_, rest, found := strings.Cut(r.out, "Current DC: ")
			if !found {
				return false, r.String()
			}
			dc, _, _ = strings.Cut(rest, " ")
			seen[dc] = true
		}
		return len(seen) == 1 && c.nodes[dc] != nil, fmt.Sprint(seen)
	})
	return dc
}

// other returns a member that is none of these.
func (c *cluster) other(not ...string) string {
	for _, name := range c.members() {
		if !slices.Contains(not, name) {
			return name
		}
	}
	c.t.Fatalf("all of %v are excluded", c.members())
	return ""
}

// log returns what the daemon of a node has written so far.
func (c *cluster) log(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.nodes[name].Dir(), "quorate.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// logged waits for a line of a daemon's log that holds all texts, and returns
// it.
func (c *cluster) logged(name string, texts ...string) string {
	c.t.Helper()
	found := ""
	c.until(fmt.Sprintf("%q in the log of %s", texts, name), func() (bool, string) {
		log := c.log(name)
		lines := matching(log, texts...)
		if len(lines) > 0 {
			found = lines[0]
		}
		return found != "", log
	})
	return found
}

// matching returns the lines that hold all texts.
func matching(log string, texts ...string) (out []string) {
next:
	for line := range strings.Lines(log) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		out = append(out, line)
	}
	return out
}

// close removes the lab; after a failure what the nodes said is kept.
func (c *cluster) close() {
	for _, name := range c.members() {
		b, err := os.ReadFile(filepath.Join(c.nodes[name].Dir(), "quorate.log"))
		if err != nil {
			continue // no daemon was started
		}
		for _, bad := range []string{"panic: ", "fatal error: ", "WARNING: DATA RACE"} {
			if _, rest, found := strings.Cut(string(b), bad); found {
				c.t.Errorf("the daemon on %s: %s%.3000s", name, bad, rest)
			}
		}
	}
	if c.t.Failed() {
		for name, p := range c.daemons {
			if p == nil || !c.nodes[name].Up() {
				continue
			}
			for file, argv := range map[string][]string{"cib.xml": {"cibadmin", "-Q"}, "crm_mon.txt": {"crm_mon", "-1", "-f"}} {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				res, err := c.nodes[name].Exec(ctx, argv...)
				cancel()
				// What cannot be kept is no second failure.
				if err == nil {
					_ = os.WriteFile(filepath.Join(c.nodes[name].Dir(), file), append(res.Stdout, res.Stderr...), 0o644)
				}
			}
		}
		c.t.Logf("the logs of the nodes lie in %s", c.lab.Keep())
	}
	if err := c.lab.Close(); err != nil {
		c.t.Error(err)
	}
}
