package demo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/hacf"
)

// directives returns the lines of an ha.cf without remarks and blank lines.
func directives(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// TestArticleFiles compares the demo's files with the published ones: only the
// timers of the short run differ.
func TestArticleFiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "seeds", "003_6e572dc9cfb0c729.txt"))
	if err != nil {
		t.Skipf("SKIPPED: the published articles are not here: %v", err)
	}
	want := directives(strings.Join(strings.Split(string(text), "\n")[95:136], "\n"))
	if got := directives(haCF(seedTimers)); !slices.Equal(got, want) {
		t.Errorf("ha.cf with the article's timers:\n%q\nwant\n%q", got, want)
	}
	for _, line := range append(strings.Split(strings.TrimSpace(haresources), "\n"), strings.Split(authkeys, "\n")...) {
		if line != "" && !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the article has no line %q", line)
		}
	}
	timer := map[string]bool{"keepalive": true, "warntime": true, "deadtime": true, "initdead": true}
	untimed := func(lines []string) (out []string) {
		for _, l := range lines {
			if word, _, _ := strings.Cut(l, " "); !timer[word] {
				l, _, _ = strings.Cut(l, " -d ")
				out = append(out, l)
			}
		}
		return out
	}
	if got := untimed(directives(haCF(shortTimers))); !slices.Equal(got, untimed(want)) {
		t.Errorf("the short run changes more than timers:\n%q", got)
	}
}

// TestTimers checks that the times written are those the demo reckons with.
func TestTimers(t *testing.T) {
	for _, tm := range []timers{shortTimers, seedTimers} {
		c, ds, err := hacf.Parse(strings.NewReader(haCF(tm)), "ha.cf")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			t.Log(d)
		}
		if c.Keepalive != tm.beat || c.Deadtime != tm.dead || c.Initdead < c.Deadtime || c.Warntime >= c.Deadtime || c.Deadtime < 2*c.Keepalive {
			t.Errorf("keepalive %v, warntime %v, deadtime %v, initdead %v; the demo reckons with %v", c.Keepalive, c.Warntime, c.Deadtime, c.Initdead, tm.dead)
		}
	}
}

func TestEditCIB(t *testing.T) {
	const converted = `<cib admin_epoch="0" epoch="0" num_updates="0"><configuration><crm_config/><nodes/><resources>
<primitive id="IPaddr_192_168_71_205" class="ocf" provider="heartbeat" type="IPaddr"/></resources><constraints>
<rsc_location id="rsc_location_IPaddr_192_168_71_205" rsc="IPaddr_192_168_71_205"><rule id="prefered" score="100">
<expression id="prefered-expr" attribute="#uname" operation="eq" value="litsha21"/></rule></rsc_location>
</constraints></configuration><status/></cib>`
	root, rsc, err := editCIB([]byte(converted))
	if err != nil {
		t.Fatal(err)
	}
	if rsc != "IPaddr_192_168_71_205" {
		t.Errorf("resource %q", rsc)
	}
	locations := root.Path("configuration", "constraints").All("rsc_location")
	if len(locations) != 2 {
		t.Fatalf("%d locations:\n%s", len(locations), cib.Print(root))
	}
	if got := locations[0].First("rule").Get("score"); got != "200" {
		t.Errorf("score %q", got)
	}
	if r := locations[1].First("rule"); r.Get("score-attribute") != "pingd" || locations[1].Get("rsc") != rsc ||
		r.First("expression").Get("attribute") != "pingd" {
		t.Errorf("second location: %s", locations[1])
	}
	for _, bad := range []string{"", "<cib/>", "<cib><configuration><constraints/></configuration></cib>"} {
		if _, _, err := editCIB([]byte(bad)); err == nil {
			t.Errorf("%q is edited", bad)
		}
	}
}

func TestPingdOf(t *testing.T) {
	const live = `<cib><status>
<node_state id="1" uname="litsha21"><transient_attributes id="1"><instance_attributes id="status-1">
<nvpair id="status-1-pingd" name="pingd" value="100"/></instance_attributes></transient_attributes></node_state>
<node_state id="2" uname="litsha22"/></status></cib>`
	got, err := pingdOf([]byte(live))
	if err != nil || len(got) != 1 || got["litsha21"] != "100" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := pingdOf([]byte("no document")); err == nil {
		t.Error("no document has attributes")
	}
}
