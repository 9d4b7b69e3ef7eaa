package cib

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib/grammar"
)

// normal is a document without what an upgrade counts, and with attributes in
// the order of their names.
func normal(e *Element) *Element {
	if e.Name == "cib" {
		e = WithVersion(e, Version{})
	}
	kids := make([]*Element, 0, len(e.Children))
	for _, c := range e.Children {
		if c.IsElement() {
			kids = append(kids, normal(c))
		}
	}
	e = e.WithChildren(kids...)
	e.Attrs = slices.Clone(e.Attrs)
	slices.SortFunc(e.Attrs, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) })
	return e
}

// TestUpgradeSchemaEqualsDebian compares the upgrade to the newest schema with
// that of Debian's cibadmin on a file: on documents of every schema, on mutants
// of them, and on conformance cases.
//
// QUORATE_SEED replays a run; QUORATE_LONG=1 takes 50 mutants a schema and all
// cases, a short run few.
func TestUpgradeSchemaEqualsDebian(t *testing.T) {
	const tool = "/usr/sbin/cibadmin"
	if _, err := os.Stat(tool); err != nil {
		t.Skip("SKIPPED: " + tool + " is absent (Debian: pacemaker-cli-utils)")
	}
	rng := schemaSeed(t)
	mutants := 1
	if os.Getenv("QUORATE_LONG") != "" {
		mutants = 50
	}
	parts := words(schemaDocument(t, "1.3"), schemaDocument(t, "2.10"), schemaDocument(t, "3.9"), upgradeWords(t))
	file := filepath.Join(t.TempDir(), "cib.xml")
	same, refused := 0, 0
	compare := func(root *Element, name string) {
		if err := os.WriteFile(file, Print(root), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool, "--upgrade", "--force")
		cmd.Env = append(os.Environ(), "CIB_file="+file)
		said, theirError := cmd.CombinedOutput()
		ours, report, err := UpgradeSchema(root)
		keep := func() string {
			k := filepath.Join(os.TempDir(), fmt.Sprintf("cib-upgrade-%x.xml", rng.Uint32()))
			_ = os.WriteFile(k, Print(root), 0o600)
			return k
		}
		if (err != nil) != (theirError != nil) {
			t.Errorf("%s: we say %v, Debian's cibadmin %v: %.300s\n%s", name, err, theirError, said, keep())
			return
		}
		if err != nil {
			refused++
			return
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := Parse(data, "Debian's")
		if err != nil {
			t.Fatal(err)
		}
		if a, b := normal(ours), normal(theirs); !Equal(a, b) {
			t.Errorf("%s: the results differ:\n%s%s", name, firstDifference(a, b), keep())
			return
		}
		if report == nil && !Equal(normal(ours).WithAttr("validate-with", ""), normal(root).WithAttr("validate-with", "")) {
			t.Errorf("%s: something changed and the report is empty", name)
		}
		same++
	}
	cases := caseDocuments(t, rng)
	for _, v := range grammar.Versions {
		base := schemaDocument(t, v)
		compare(base, v)
		for _, c := range cases[grammar.Prefix+v] {
			if mutants > 1 || rng.IntN(12) == 0 {
				compare(c.root, c.name)
			}
		}
		if mutants == 1 && rng.IntN(3) > 0 {
			continue // a third of the schemas a run
		}
		for range mutants {
			// A mutant that is not valid says little here.
			m, how := parts.mutate(base, rng)
			for n := 0; n < 20 && (invalid(m) != nil || strayReference(m)); n++ {
				m, how = parts.mutate(base, rng)
			}
			if strayReference(m) {
				continue
			}
			compare(m, v+": "+how)
		}
	}
	t.Logf("%d results are the same, %d were refused by both", same, refused)
}

// strayReference tells whether an id-ref names nothing, or an element of another
// tag. The schema allows both (an IDREF has no kind), and Debian's upgrade then
// loses references that are sound too, elsewhere in the document; ours keeps
// them. What there is to compare are documents whose references mean something.
func strayReference(root *Element) bool {
	tags := map[string]string{}
	root.Walk(func(e *Element) bool { tags[e.ID()] = e.Name; return true })
	return !root.Walk(func(e *Element) bool {
		ref, is := e.Lookup("id-ref")
		return !is || tags[ref] == e.Name
	})
}

// upgradeWords are things which the upgrade must look at, for mutants.
func upgradeWords(t *testing.T) *Element {
	t.Helper()
	var b strings.Builder
	b.WriteString(`<configuration>`)
	n := 0
	for _, name := range []string{"default-action-timeout", "default_resource_stickiness", "is-managed-default", "symmetric_cluster", "transition_idle_timeout",
		"expected-quorum-votes", "notification-agent", "isolation", "isolation-host", "requires", "on-fail", "start-delay", "timeout", "role", "enabled",
		"pcmk_arg_map", "pcmk_reboot_cmd", "pcmk_list_cmd", "cluster-infrastructure"} {
		n++
		fmt.Fprintf(&b, `<nvpair id="uw%d" name=%q value="cman"/>`, n, name)
	}
	b.WriteString(`<nvpair id="uw0" name="pcmk_arg_map" value="port:x"/>`)
	for _, name := range []string{"start", "promote", "monitor"} {
		n++
		fmt.Fprintf(&b, `<op id="uw%d" name=%q interval="0" requires="quorum"><instance_attributes id="uwi%d"><nvpair id="uwn%d" name="on-fail" value="block"/></instance_attributes></op>`, n, name, n, n)
		fmt.Fprintf(&b, `<op id="uwo%d" name=%q interval="0"><meta_attributes id="uwm%d"><nvpair id="uwp%d" name="requires" value="nothing"/></meta_attributes></op>`, n, name, n, n)
	}
	b.WriteString(`</configuration>`)
	root, err := Parse([]byte(b.String()), "words")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// firstDifference shows where two documents begin to differ.
func firstDifference(a, b *Element) string {
	x, y := strings.Split(string(Print(a)), "\n"), strings.Split(string(Print(b)), "\n")
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	show := func(l []string) string { return strings.Join(l[min(i, len(l)):min(i+6, len(l))], "\n") }
	return fmt.Sprintf("after %s\nours:\n%s\nDebian's:\n%s\n", x[max(0, i-1)], show(x), show(y))
}
