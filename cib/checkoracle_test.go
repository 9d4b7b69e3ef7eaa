package cib

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckAgreesWithXmllint compares our verdict with that of xmllint and
// Debian's grammar on real documents and on mutants of them.
//
// QUORATE_SEED replays a run; QUORATE_LONG=1 takes all documents.
func TestCheckAgreesWithXmllint(t *testing.T) {
	grammar := "/usr/share/pacemaker/" + hb2Schema + ".rng"
	lint, err := exec.LookPath("xmllint")
	if _, e := os.Stat(grammar); err != nil || e != nil {
		t.Skip("SKIPPED: xmllint or " + grammar + " is absent (Debian: libxml2-utils, pacemaker-common)")
	}
	files, _ := filepath.Glob("../../shared/conformance/cases/*.xml")
	if len(files) == 0 {
		t.Skip("SKIPPED: ../shared/conformance/cases is absent")
	}
	seed := uint64(os.Getpid())
	if s := os.Getenv("QUORATE_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("QUORATE_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	long := os.Getenv("QUORATE_LONG") != ""
	step := 12
	if long {
		step = 1
	}
	dir, agree, valid := t.TempDir(), 0, 0
	verdict := func(root *Element, name string) bool {
		out := filepath.Join(dir, "doc.xml")
		if err := os.WriteFile(out, Print(root), 0o600); err != nil {
			t.Fatal(err)
		}
		msg, err := exec.Command(lint, "--noout", "--relaxng", grammar, out).CombinedOutput()
		var first *Problem
		for _, p := range Check(root) {
			if p.Severity == Error {
				first = &p
				break
			}
		}
		if (err == nil) != (first == nil) {
			lines := strings.SplitN(strings.ReplaceAll(string(msg), out, ""), "\n", 3)
			keep := ""
			if long {
				keep = filepath.Join(os.TempDir(), "cib-disagree-"+name)
				_ = os.WriteFile(keep, Print(root), 0o600)
			}
			t.Errorf("%s: we say %v, xmllint says %v %s\n%s", name, first, err, lines[0], keep)
			return err == nil
		}
		agree++
		return err == nil
	}
	for i := int(rng.Uint64() % uint64(step)); i < len(files); i += step {
		data, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(data, filepath.Base(files[i]))
		if err != nil || IsHeartbeat2(root) || !strings.HasPrefix(root.Get("validate-with"), "pacemaker-3.") {
			continue
		}
		root = root.WithAttr("validate-with", hb2Schema)
		if verdict(root, filepath.Base(files[i])) {
			valid++
		}
		for n := range 2 {
			m, what := mutate(root, rng)
			if verdict(m, fmt.Sprintf("%s, mutant %d (%s)", filepath.Base(files[i]), n, what)) {
				valid++
			}
		}
	}
	t.Logf("%d verdicts agree, %d of all were valid", agree, valid)
}

// mutate changes one thing in the configuration.
func mutate(root *Element, rng *rand.Rand) (*Element, string) {
	var all []*Element
	root.First("configuration").Walk(func(e *Element) bool { all = append(all, e); return true })
	e := all[rng.IntN(len(all))]
	n := e
	what := ""
	switch k := rng.IntN(6); {
	case k == 0 && len(e.Attrs) > 0:
		a := e.Attrs[rng.IntN(len(e.Attrs))]
		n, what = e.WithoutAttr(a.Name), "without "+a.Name
	case k == 1:
		n, what = e.WithAttr("bogus", "1"), "with bogus attribute"
	case k == 2 && len(e.Attrs) > 0:
		a := e.Attrs[rng.IntN(len(e.Attrs))]
		v := []string{"", "x y", "INFINITY", "1", "true", "1a", "Master", "start"}[rng.IntN(8)]
		n, what = e.WithAttr(a.Name, v), fmt.Sprintf("%s=%q", a.Name, v)
	case k == 3 && len(e.Children) > 0:
		c := e.Children[rng.IntN(len(e.Children))]
		n, what = e.WithReplaced(c, nil), "without child "+c.Name
	case k == 4 && len(e.Children) > 0:
		c := e.Children[rng.IntN(len(e.Children))]
		n, what = e.WithChild(withoutIDs(c)), "child again without ids: "+c.Name
	default:
		x := all[rng.IntN(len(all))]
		n, what = e.WithChild(New(x.Name, "id", "fresh-id")), "with new child "+x.Name
	}
	return substitute(root, e, n), fmt.Sprintf("%s %s", describe(e), what)
}
