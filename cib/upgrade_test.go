package cib

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hb2Files returns the documents of the old dialect in the shared folder.
func hb2Files(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../shared/conformance/hb2/*.xml")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: ../shared/conformance/hb2 is absent, so there are no documents to upgrade")
	}
	return files
}

func TestUpgradeSharedDocuments(t *testing.T) {
	grammar := "/usr/share/pacemaker/" + hb2Schema + ".rng"
	lint, err := exec.LookPath("xmllint")
	if _, e := os.Stat(grammar); err != nil || e != nil {
		lint = ""
		t.Log("xmllint or Debian's grammar is absent: the results are not validated by it")
	}
	// These were wrong in the old dialect as well and stay so: a primitive
	// without class, and expressions with an operation of unknown meaning.
	wrong := map[string]bool{"bad3.xml": true, "rsc_location1.xml": true, "rsc_location2.xml": true}
	for _, name := range hb2Files(t) {
		base := filepath.Base(name)
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(data, base)
		if base == "params-1.xml" {
			if err == nil || !strings.HasPrefix(err.Error(), "params-1.xml:29: ") {
				t.Errorf("params-1.xml: want an error with line 29, got %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if !IsHeartbeat2(root) {
			t.Errorf("%s is not recognised", base)
			continue
		}
		up, report, err := Upgrade(root)
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		if IsHeartbeat2(up) {
			t.Errorf("%s: the result still looks like Heartbeat 2", base)
		}
		account(t, base, root, up, report)
		if lint != "" {
			out := filepath.Join(t.TempDir(), base)
			// Whether it validates does not depend on the switch in it.
			if err := os.WriteFile(out, Print(up.WithAttr("validate-with", hb2Schema)), 0o600); err != nil {
				t.Fatal(err)
			}
			if msg, err := exec.Command(lint, "--noout", "--relaxng", grammar, out).CombinedOutput(); err != nil {
				if !wrong[base] {
					t.Errorf("%s: %s", base, strings.Join(strings.Split(string(msg), "\n")[:3], "\n  "))
				}
			} else if wrong[base] {
				t.Errorf("%s validates, which was not expected", base)
			}
		}
	}
}

// articleCIB returns the listing of the article with its slashes put back: the
// second opening of a name that is still open was a closing tag.
func articleCIB(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(shared(t, "seeds/003*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, listing, ok := strings.Cut(string(text), "<cib admin_epoch=")
	listing, _, ok2 := strings.Cut(listing, "\n  <cib>\n")
	if !ok || !ok2 {
		t.Fatal("the listing is not in the article")
	}
	var open []string
	lines := strings.Split("<cib admin_epoch="+listing+"\n<cib>", "\n")
	for i, line := range lines {
		tag, ok := strings.CutPrefix(strings.TrimSpace(line), "<")
		if !ok || strings.HasSuffix(tag, "/>") {
			continue
		}
		name := strings.FieldsFunc(tag, func(r rune) bool { return r == ' ' || r == '>' })[0]
		switch {
		case len(open) > 0 && open[len(open)-1] == name:
			open = open[:len(open)-1]
			lines[i] = "</" + name + ">"
		case !strings.Contains(line, "/"):
			// An element that ends in a later line closes itself there.
			if i+1 < len(lines) && !strings.Contains(line, ">") && strings.HasSuffix(strings.TrimSpace(lines[i+1]), "/>") {
				continue
			}
			open = append(open, name)
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

func TestUpgradeOfTheArticle(t *testing.T) {
	root, err := Parse(articleCIB(t), "cib.xml")
	if err != nil {
		t.Fatal(err)
	}
	up, report, err := Upgrade(root)
	if err != nil {
		t.Fatal(err)
	}
	conf := up.First("configuration")
	options := map[string]string{}
	for _, nv := range conf.Path("crm_config", "cluster_property_set").All("nvpair") {
		options[nv.Get("name")] = nv.Get("value")
	}
	for name, want := range map[string]string{"stonith-enabled": "false", "no-quorum-policy": "stop", "cluster-delay": "5min", "symmetric-cluster": "true"} {
		if options[name] != want {
			t.Errorf("option %s is %q, want %q", name, options[name], want)
		}
	}
	if nv := conf.Path("rsc_defaults", "meta_attributes", "nvpair"); nv.Get("name") != "resource-stickiness" || nv.Get("value") != "0" {
		t.Errorf("rsc_defaults has %v", nv)
	}
	for _, n := range conf.First("nodes").Children {
		nv := n.Path("instance_attributes", "nvpair")
		if n.Get("type") != "member" || nv.Get("name") != "standby" || nv.Get("value") != "off" {
			t.Errorf("node is %s", n)
		}
	}
	locations := conf.First("constraints").All("rsc_location")
	if len(locations) != 2 || locations[1].ID() != "my_resource-connected" || locations[1].First("rule").Get("score-attribute") != "pingd" {
		t.Errorf("constraints are %s", conf.First("constraints"))
	}
	seen := map[string]bool{}
	conf.Walk(func(e *Element) bool {
		if id := e.ID(); id != "" && e.Name != "node" {
			if seen[id] || !ValidName(id) {
				t.Errorf("id %s of <%s> is used twice or not valid", id, e.Name)
			}
			seen[id] = true
		}
		return true
	})
	reported := map[string]bool{}
	for _, c := range report {
		if c.Kind == Renamed {
			reported[c.ID] = true
		}
	}
	for _, id := range []string{
		"my_resource:connected", "my_resource:connected:rule", "my_resource:connected:expr:defined",
		"standby-01ca9c3e-8876-4db5-ba33-a25cd46b72b3", "standby-dc9a784f-3325-4268-93af-96d2ab651eac", "standby-114f3ad1-f18a-4bec-9f01-7ecc4d820f6c",
	} {
		if !reported[id] {
			t.Errorf("the report does not name %s", id)
		}
	}
}

// account checks that every element and attribute of the source is in the
// result or in the report.
func account(t *testing.T, name string, from, to *Element, report Report) {
	t.Helper()
	said := map[string]bool{}
	for _, c := range report {
		said[c.Element+" "+itoa(c.Line)] = true
	}
	type key struct {
		line int
		attr string
	}
	have := map[key][]string{}
	to.Walk(func(e *Element) bool {
		for _, a := range e.Attrs {
			have[key{e.Line, ""}] = append(have[key{e.Line, ""}], a.Value)
		}
		return true
	})
	from.Walk(func(e *Element) bool {
		for _, a := range e.Attrs {
			found := false
			for _, v := range have[key{e.Line, ""}] {
				found = found || v == a.Value
			}
			if !found && !said[e.Name+" "+itoa(e.Line)] && !strings.HasPrefix(a.Name, "transition_") {
				t.Errorf("%s:%d: %s=%q of <%s> is neither in the result nor in the report", name, e.Line, a.Name, a.Value, e.Name)
			}
		}
		return true
	})
}

func itoa(n int) string { return strings.TrimSpace(string(appendInt(nil, n))) }

func appendInt(b []byte, n int) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}
