package e2e

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/seedrow"
)

// serialHaCf is the ha.cf of a pair whose only link is a serial cable.
const serialHaCf = `use_logd on
node litsha21 litsha22
baud 19200
serial /dev/ttyS0
keepalive 1
deadtime 5
warntime 2500ms
initdead 5
crm yes
`

// newPair makes two nodes with a public network, over which no heartbeat goes,
// and a serial cable.
func newPair(t *testing.T) (*cluster, *lab.Serial) {
	t.Helper()
	files := maps.Clone(program(t))
	cable, err := lab.NewSerial(19200)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo terminals here: %v", err)
	}
	t.Cleanup(cable.Close)
	l, err := lab.New(lab.Options{Segments: []string{"public"}, Files: files, TempDir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, lab: l, nodes: map[string]*lab.Node{}, daemons: map[string]*lab.Process{}}
	t.Cleanup(c.close)
	for i, name := range directors[:2] {
		n, err := l.AddNode(lab.Spec{Name: name, Devices: map[string]string{"/dev/ttyS0": cable.Ends[i]},
			Links: []lab.Link{{Name: "eth0", Segment: "public", Addr: prefix("192.168.71.%d/24", 201+i)}}})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes[name] = n
		c.write(name, "/etc/ha.d/ha.cf", serialHaCf, 0o600)
		c.write(name, "/etc/ha.d/authkeys", authkeys, 0o600)
	}
	return c, cable
}

// TestSerialAlone: two nodes joined by a cable of 19200 baud and nothing else
// form a cluster, replicate the article's configuration and fail over; a cut
// makes two owners, as it must without a quorum, and a mended cable one.
func TestSerialAlone(t *testing.T) {
	seedrow.Shows(t, "000-006", "001-001", "001-021", "002-030", "002-053")
	t.Parallel()
	text := repaired(t, listing4(t))
	c, cable := newPair(t)
	both := c.members()
	c.write("litsha22", cibFile, text, 0o600)
	c.form()

	c.sub("the configuration is replicated", func(t *testing.T, c *cluster) {
		want, err := cib.Parse([]byte(text), "listing 4")
		if err != nil {
			t.Fatal(err)
		}
		c.owned(floating, "litsha21")
		for _, name := range both {
			got, err := cib.Parse([]byte(c.configuration(name)), "cibadmin -Q on "+name)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{"nodes", "resources", "constraints"} {
				if w, g := len(want.Path("configuration", part).Children), len(got.First(part).Children); g != w {
					t.Errorf("%s has %d %s, the listing %d", name, g, part, w)
				}
			}
		}
	})
	c.sub("the link is shown", func(t *testing.T, c *cluster) {
		c.logged("litsha21", "info: Link litsha22:/dev/ttyS0 up.")
		c.says("litsha21", []string{"quorate", "links"}, "litsha22  /dev/ttyS0  up", "Own heartbeats: every 1s")
		for _, name := range both {
			if late := matching(c.log(name), "Late heartbeat"); len(late) > 0 {
				t.Errorf("%s: replication held up heartbeats:\n%s", name, strings.Join(late, ""))
			}
		}
	})
	c.sub("fail-over", func(t *testing.T, c *cluster) {
		c.kill("litsha21")
		c.logged("litsha22", "WARN: node litsha21: is dead")
		c.logged("litsha22", "info: Link litsha21:/dev/ttyS0 dead.")
		c.until("the address on litsha22", func() (bool, string) {
			got := c.lab.Sample(floating)
			return len(got) == 1 && got[0] == "litsha22", strings.Join(got, " ")
		})
		c.start("litsha21")
		c.formed(both...)
		c.logged("litsha22", "info: Heartbeat restart on node litsha21")
	})
	c.sub("cut and mended", func(t *testing.T, c *cluster) {
		cable.Cut()
		for i, name := range both {
			other := both[1-i]
			c.until(name+" takes the other for dead", func() (bool, string) {
				r := c.run(name, "cl_status", "nodestatus", other)
				return r.out == "dead\n", r.String()
			})
			c.becomes(name, 1, "dead\n", "cl_status", "hblinkstatus", other, "/dev/ttyS0")
		}
		cable.Mend()
		c.formed(both...)
		c.until("one owner", func() (bool, string) {
			got := c.lab.Sample(floating)
			return len(got) == 1, strings.Join(got, " ")
		})
		c.same(both...)
	})
}
