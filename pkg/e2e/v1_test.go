package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/seedrow"
)

// v1Pair is a pair of seed 000 or 001: a serial cable between the nodes and a LAN
// with a client.
type v1Pair struct {
	*cluster
	cable *lab.Serial
}

// newV1Pair makes two nodes with the files of a directory in each of them; hosts
// are their addresses on the LAN.
func newV1Pair(t *testing.T, names [2]string, lan, hacf, haresources string, own map[string]string) *v1Pair {
	t.Helper()
	files := maps.Clone(program(t))
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for inside, text := range own {
		file := filepath.Join(dir, strings.ReplaceAll(inside, "/", "_"))
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		files[inside] = file
	}
	cable, err := lab.NewSerial(115200)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo terminals here: %v", err)
	}
	t.Cleanup(cable.Close)
	l, err := lab.New(lab.Options{Segments: []string{"lan", "cross"}, Files: files, TempDir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, lab: l, nodes: map[string]*lab.Node{}, daemons: map[string]*lab.Process{}, names: names[:], slow: 3}
	t.Cleanup(c.close)
	for i, name := range names {
		n, err := l.AddNode(lab.Spec{Name: name, Devices: map[string]string{"/dev/ttyS0": cable.Ends[i]}, Links: []lab.Link{
			{Name: "eth0", Segment: "lan", Addr: prefix(lan+".%d/24", 101+i)}, {Name: "eth1", Segment: "cross", Addr: prefix("10.0.0.%d/24", 1+i)}}})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes[name] = n
		c.write(name, "/etc/ha.d/ha.cf", hacf, 0o600)
		c.write(name, "/etc/ha.d/authkeys", "auth 1\n1 crc\n", 0o600)
		c.write(name, "/etc/ha.d/haresources", haresources, 0o644)
		c.write(name, "/var/lib/html/index.html", "page of "+name+"\n", 0o644)
	}
	c.add("client", lab.Link{Name: "eth0", Segment: "lan", Addr: prefix(lan+".%d/24", 9)})
	return &v1Pair{c, cable}
}

// sub runs a part of a test.
func (p *v1Pair) sub(name string, f func(t *testing.T, p *v1Pair)) {
	p.t.Helper()
	p.cluster.sub(name, func(t *testing.T, c *cluster) { f(t, &v1Pair{c, p.cable}) })
}

// cableCarries is the article's check of the cable.
func (p *v1Pair) cableCarries(from, to string) {
	p.t.Helper()
	for _, name := range []string{from, to} {
		p.ok(name, "stty", "-F", "/dev/ttyS0", "raw", "-echo")
	}
	if _, err := p.nodes[to].Start("sh", "-c", "head -n 1 < /dev/ttyS0 > /var/log/cable"); err != nil {
		p.t.Fatal(err)
	}
	p.until("the text comes out", func() (bool, string) {
		p.sh(from, "echo 'test serial connection' > /dev/ttyS0")
		r := p.run(to, "cat", "/var/log/cable")
		return r.out == "test serial connection\n", r.String()
	})
}

// page waits until a browser on the LAN is shown the page of a node.
func (p *v1Pair) page(url, of string) {
	p.t.Helper()
	p.until("the page of "+of+" at "+url, func() (bool, string) {
		r := p.run("client", pageArg, url)
		return r.out == "page of "+of+"\n", r.String()
	})
}

// TestSeed001 is the article on two machines with a virtual serial cable: the
// page is served from the address, the owner is killed, the page comes from the
// other, and from the owner when it is back.
func TestSeed001(t *testing.T) {
	seedrow.Shows(t, "001-011", "000-025", "000-026", "000-028", "000-029", "001-001", "001-007", "001-014", "001-017", "001-018", "001-019", "001-020", "001-021", "001-022", "001-023", "001-024", "001-025", "001-026", "001-028", "002-024", "002-026", "002-056", "004-034", "000-004", "001-002", "001-010", "002-023", "000-035")
	t.Parallel()
	const one, two = "wuyfcentos1.localdomain", "wuyfcentos2.localdomain"
	hacf := `serial /dev/ttyS0 #the port
baud 115200
auto_failback on
autojoin none
warntime 3
deadtime 5
initdead 5
keepalive 1
node wuyfcentos1.localdomain #node 1
node wuyfcentos2.localdomain #node 2
`
	// The article's log says that its address preferred the second node.
	p := newV1Pair(t, [2]string{one, two}, "192.168.2", hacf, two+" 192.168.2.100 httpd\n",
		map[string]string{"/etc/init.d/httpd": strings.Replace(scriptNamed("httpd"), "\techo \"Starting httpd\"\n", "\techo \"Starting httpd\"\n\tsleep 2\n", 1)})
	for _, name := range p.members() {
		p.write(name, "/etc/ha.d/rc.d/status", "#!/bin/sh\necho $1 $HA_src $HA_st >> /var/log/handled\n", 0o755)
	}
	p.cableCarries(one, two)
	p.start()
	const url = "http://192.168.2.100/"
	p.page(url, two)
	p.logged(two, "ResourceManager[", "info: Acquiring resource group: "+two+" 192.168.2.100 httpd")
	p.logged(two, "info: Running /etc/ha.d/resource.d/IPaddr 192.168.2.100 start")
	p.logged(two, "info: Running /etc/init.d/httpd start")
	p.sub("the owner is killed", func(t *testing.T, p *v1Pair) {
		c := p.cluster
		if err := c.nodes[two].Crash(); err != nil {
			t.Fatal(err)
		}
		delete(c.daemons, two)
		killed := time.Now()
		stalled := stalls(t.Context())
		p.logged(one, "WARN: node "+two+": is dead")
		// Its last beat left a second before at most.
		if after := time.Since(killed); after < 4*time.Second || after > 15*time.Second {
			t.Errorf("dead %v after the kill, with deadtime 5", after)
		}
		p.page(url, one)
		t.Logf("the page of the other came %v after the kill", time.Since(killed))
		p.logged(one, "WARN: node "+two+": is dead")
		p.logged(one, "info: Link "+two+":/dev/ttyS0 dead.")
		p.inOrder(one, "Resources being acquired from "+two+".", "Taking over resource group 192.168.2.100", "Acquiring resource group: "+two+" 192.168.2.100 httpd",
			"Running /etc/ha.d/resource.d/IPaddr 192.168.2.100 start", "Running /etc/init.d/httpd start", "mach_down takeover complete for node "+two+".")
		// deadtime 5, a script of 2 s, and 2 s; and what the machine did not run at all.
		complete := logTime(t, p.logged(one, "mach_down takeover complete for node "+two+"."))
		took, bound := complete.Sub(killed), 9*time.Second+time.Second
		t.Logf("taken over %v after the kill", took)
		if late := stalled(); took > bound+3*late {
			t.Errorf("taken over %v after the kill, more than %v (the log tells whole seconds), though the machine stood still for %v at the most", took, bound, late)
		}
		if started := logTime(t, p.logged(one, "Running /etc/init.d/httpd start")); complete.Sub(started) < time.Second {
			t.Errorf("complete at %v, although httpd was called at %v and takes 2 s", complete, started)
		}
	})
	p.sub("the owner is back", func(t *testing.T, p *v1Pair) {
		c := p.cluster
		if err := c.nodes[two].Boot(); err != nil {
			t.Fatal(err)
		}
		c.start(two)
		p.page(url, two)
		p.inOrder(one, "info: Heartbeat restart on node "+two, "info: Link "+two+":/dev/ttyS0 up.", "info: Status update for node "+two+": status up",
			"info: Running /etc/ha.d/rc.d/status status", "info: remote resource transition completed.", "info: "+one+" wants to go standby [foreign]",
			"info: standby: "+two+" can take our foreign resources", "info: give up foreign HA resources (standby).",
			"info: foreign HA resource release completed (standby).", "info: Local standby process completed [foreign].",
			"info: Other node completed standby takeover of foreign resources.")
		if out := c.ok(one, "cat", "/var/log/handled"); !strings.Contains(out, fmt.Sprintf("status %s dead\n", two)) || !strings.Contains(out, fmt.Sprintf("status %s active\n", two)) {
			t.Errorf("what the handler was told:\n%s", out)
		}
	})
	for _, name := range p.members() {
		if bad := matching(p.log(name), "ERROR"); len(bad) > 0 {
			t.Errorf("%s logs errors:\n%s", name, strings.Join(bad, ""))
		}
	}
}

var logDate = regexp.MustCompile(`\d{4}/\d{2}/\d{2}_\d{2}:\d{2}:\d{2}`)

// logTime is when a line was written.
func logTime(t *testing.T, line string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006/01/02_15:04:05", logDate.FindString(line), time.Local)
	if err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return at
}

// stalls measures for how long at the most a machine did not run what was due;
// the function it returns ends that.
func stalls(ctx context.Context) func() time.Duration {
	ctx, cancel := context.WithCancel(ctx)
	worst := make(chan time.Duration, 1)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		var most time.Duration
		for last := time.Now(); ; {
			select {
			case <-ctx.Done():
				worst <- most
				return
			case <-tick.C:
				most = max(most, time.Since(last)-50*time.Millisecond)
				last = time.Now()
			}
		}
	}()
	return func() time.Duration { cancel(); return <-worst }
}
