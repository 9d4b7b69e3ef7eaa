package hacf

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/seedrow"
)

// seedLines returns lines from to to (1-based, inclusive) of a published
// article, or skips the test.
func seedLines(t *testing.T, file string, from, to int) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "seeds", file))
	if err != nil {
		t.Skipf("SKIPPED: the published articles are not here: %v", err)
	}
	return strings.Split(string(text), "\n")[from-1 : to]
}

// parseSeed parses text and checks that ucast interfaces and the like do not
// matter: it looks at the text alone.
func parseSeed(t *testing.T, text string) (*Config, []Diagnostic) {
	t.Helper()
	c, ds, err := Parse(strings.NewReader(text), "ha.cf")
	if err != nil {
		t.Fatalf("refused:\n%v\nin\n%s", err, text)
	}
	return c, ds
}

// TestSeed003 reads the three-director cluster's file unchanged: every line
// starts with a blank.
func TestSeed003(t *testing.T) {
	seedrow.Shows(t, "003-009", "003-013", "003-014")
	text := strings.Join(seedLines(t, "003_6e572dc9cfb0c729.txt", 96, 136), "\n")
	if !strings.Contains(text, " crm yes") || !strings.Contains(text, "use_logd on") {
		t.Fatalf("listing 3 is elsewhere:\n%s", text)
	}
	c, ds := parseSeed(t, text)
	if !reflect.DeepEqual(c.Nodes, []string{"litsha22", "litsha23", "litsha21"}) {
		t.Errorf("nodes %v", c.Nodes)
	}
	if c.Keepalive != 3*time.Second || c.Warntime != 5*time.Second || c.Deadtime != 10*time.Second || c.Initdead != 20*time.Second {
		t.Errorf("times %v %v %v %v", c.Keepalive, c.Warntime, c.Deadtime, c.Initdead)
	}
	if len(c.Media) != 3 || c.Media[2] != (Medium{Kind: Ucast, Iface: "eth1", Address: "192.168.68.203", Port: 694, Line: 26}) {
		t.Errorf("media %+v", c.Media)
	}
	child := c.Children[0]
	if len(c.Children) != 1 || child.Builtin != "pingd" || child.User != "hacluster" || strings.Join(child.Args, " ") != "-m 100 -d 5s" {
		t.Errorf("children %+v", c.Children)
	}
	if len(c.PingNodes) != 1 || c.PingNodes[0].Host != "litrout71_vip" || !c.CRM.Enabled() || !c.Log.Logd() {
		t.Errorf("%+v", c)
	}
	for _, d := range ds {
		t.Log(d)
	}
	// Without an account hacluster the file still loads on each node.
	m := plain()
	m.Account = func(string) bool { return false }
	dir := dirWith(t, map[string]string{"ha.cf": text})
	for _, n := range c.Nodes {
		if _, _, err := Load(filepath.Join(dir, "ha.cf"), n, Options{Machine: m}); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func TestSeed000(t *testing.T) {
	seedrow.Shows(t, "000-002")
	c, _ := parseSeed(t, strings.Join(seedLines(t, "000_38772ed112d6d8e8.txt", 41, 71), "\n"))
	if !reflect.DeepEqual(c.Nodes, []string{"slave5", "slave6"}) || c.CRM.Enabled() {
		t.Errorf("%+v", c)
	}
	if len(c.Media) != 2 || c.Media[0].Device != "/dev/ttyS0" || c.Media[0].Baud != 19200 || c.Media[1].Kind != Bcast || c.Media[1].Iface != "eth1" {
		t.Errorf("media %+v", c.Media)
	}
}

func TestSeed001(t *testing.T) {
	seedrow.Shows(t, "001-005", "001-011")
	c, _ := parseSeed(t, strings.Join(seedLines(t, "001_3553bd9d2e3fcb2e.txt", 41, 60), "\n"))
	if !reflect.DeepEqual(c.Nodes, []string{"wuyfcentos1.localdomain", "wuyfcentos2.localdomain"}) || c.AutoFailback != FailbackOn || c.Deadtime != 15*time.Second {
		t.Errorf("%+v", c)
	}
	if len(c.Media) != 1 || c.Media[0].Device != "/dev/ttyS0" {
		t.Errorf("media %+v", c.Media)
	}
}

// TestSeed002 reads an article that explains each directive on its own line.
// The explanation stands behind the value without "#": by the rules of ha.cf it
// is more values, so each line as printed is refused and says what to do. With
// a "#" before the explanation everything parses.
func TestSeed002(t *testing.T) {
	seedrow.Shows(t, "002-050", "002-059")
	lines := append(seedLines(t, "002_ac3856f4faba6fe5.txt", 416, 438), seedLines(t, "002_ac3856f4faba6fe5.txt", 513, 553)...)
	remark := regexp.MustCompile(`^([a-z_]+ [!-~ ]*[!-~])( ?[^\x00-\x7f].*)$`)
	var text []string
	for _, l := range lines {
		word, _, _ := strings.Cut(l, " ")
		if byName[word] == nil {
			continue // prose
		}
		m := remark.FindStringSubmatch(l)
		if m == nil {
			if !isASCII(l) {
				continue // "respawn" and prose, without a value
			}
			text = append(text, l)
			continue
		}
		text = append(text, m[1]+" #"+m[2])
		// The line as printed.
		_, ds, err := Parse(strings.NewReader(base+l+"\n"), "f")
		if err == nil || !strings.Contains(err.Error(), "f:5:") || !strings.Contains(err.Error(), "begins with #") {
			t.Errorf("%q: %v, %v", l, ds, err)
		}
	}
	for i, l := range text {
		// Here even the remark begins with an ASCII word.
		text[i] = strings.Replace(l, "bcast eth0 Linux", "bcast eth0 # Linux", 1)
	}
	c, ds := parseSeed(t, strings.Join(text, "\n"))
	for _, d := range ds {
		t.Log(d)
	}
	if !reflect.DeepEqual(c.Nodes, []string{"ken3", "primary.mydomain.com"}) {
		t.Errorf("nodes %v", c.Nodes)
	}
	if len(c.Media) != 3 || c.Media[0].Kind != Bcast || c.Media[1].Kind != Mcast || c.Media[2].Kind != Ucast || c.Media[1].TTL != 1 {
		t.Errorf("media %+v", c.Media)
	}
	if len(c.Children) != 3 || c.Children[0].Builtin != "ccm" || c.Children[1].Builtin != "ipfail" || c.Children[2].Builtin != "pingd" {
		t.Errorf("children %+v", c.Children)
	}
	if c.Watchdog != "/dev/watchdog" || c.Stonith[0].Type != "baytech" || c.Keepalive != 2*time.Second || len(c.Apiauth) != 3 {
		t.Errorf("%+v", c)
	}
}

// TestSeed004 reads an article whose page broke lines between a directive and
// its value. By the rules of ha.cf the value is then a directive of its own and
// illegal; each such line is reported with the advice to join the two. Joined,
// the file parses.
func TestSeed004(t *testing.T) {
	seedrow.Shows(t, "004-009", "004-015", "004-016", "004-018", "004-019")
	lines := seedLines(t, "004_88771bb465850c8b.txt", 38, 73)
	_, _, err := Parse(strings.NewReader(strings.Join(lines, "\n")), "f")
	if err == nil {
		t.Fatal("the damaged file was accepted")
	}
	for _, want := range []string{
		"Log facility(local) not valid",
		"f:7: error: Directive [keepalive] needs a value",
		"f:8: error: Illegal directive [2] in f (if this belongs to line 7, join the two lines)",
		"Illegal directive [0] in f (if this belongs to line 4, join the two lines)",
		"Illegal directive [off] in f (if this belongs to line 20, join the two lines)",
		"Illegal directive [alsme_probe3]", "Illegal directive [alssme_probe4]", "Illegal directive [172.18.158.254]",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	var joined []string
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		if d := byName[l]; d != nil {
			i++
			l += " " + lines[i]
		}
		if l == "logfacility local" {
			i++
			l += lines[i]
		}
		joined = append(joined, l)
	}
	c, ds := parseSeed(t, strings.Join(joined, "\n"))
	for _, d := range ds {
		t.Log(d)
	}
	if !reflect.DeepEqual(c.Nodes, []string{"alsme_probe3", "alssme_probe4"}) || c.AutoFailback != FailbackOff || c.CRM.Enabled() {
		t.Errorf("%+v", c)
	}
	if c.Deadping != 5*time.Second || c.Deadtime != 20*time.Second || c.Log.Facility != "local0" || c.PingNodes[0].Host != "172.18.158.254" {
		t.Errorf("%+v", c)
	}
	if len(c.Media) != 1 || c.Media[0] != (Medium{Kind: Ucast, Iface: "bond0", Address: "172.18.57.154", Port: 694, Line: 13}) {
		t.Errorf("media %+v", c.Media)
	}
}
