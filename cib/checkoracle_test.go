package cib

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib/grammar"
)

// invalid returns the first error of a document as its schema sees it.
func invalid(root *Element) *Problem {
	for _, p := range Check(root) {
		if p.Severity == Error {
			return &p
		}
	}
	return nil
}

// TestSchemasAgreeWithXmllint compares three verdicts on documents of every
// schema and on mutants of them: our own, that of xmllint with our grammar, and
// that of xmllint with Debian's.
//
// QUORATE_SEED replays a run; QUORATE_LONG=1 makes 2,000 mutants a schema.
func TestSchemasAgreeWithXmllint(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("SKIPPED: xmllint is absent (Debian: libxml2-utils)")
	}
	const installed = "/usr/share/pacemaker/"
	_, err := os.Stat(installed + grammar.Newest + ".rng")
	debian := err == nil
	if !debian {
		t.Log("NOT COMPARED with Debian's grammars: " + installed + " has none (Debian: pacemaker-common)")
	}
	rng := schemaSeed(t)
	mutants := 50
	if os.Getenv("QUORATE_LONG") != "" {
		mutants = 2000
	}
	dir := t.TempDir()
	cases := caseDocuments(t, rng)
	parts := words(schemaDocument(t, "1.3"), schemaDocument(t, "2.10"), schemaDocument(t, "3.9"))
	total, bad := 0, 0
	for _, v := range grammar.Versions {
		name := grammar.Prefix + v
		ours := filepath.Join(dir, name+".rng")
		if err := os.WriteFile(ours, grammar.Load(name).RelaxNG(), 0o600); err != nil {
			t.Fatal(err)
		}
		base := schemaDocument(t, v)
		docs, what := []*Element{base}, []string{"all parts"}
		for range mutants {
			m, how := parts.mutate(base, rng)
			docs, what = append(docs, m), append(what, how)
		}
		for _, c := range cases[name] {
			m, how := parts.mutate(c.root, rng)
			docs, what = append(docs, c.root, m), append(what, c.name, c.name+": "+how)
		}
		byOurs := lint(t, ours, docs)
		byDebian := byOurs
		if debian {
			byDebian = lint(t, installed+name+".rng", docs)
		}
		wrong := 0
		for i, d := range docs {
			p := invalid(d)
			if (p == nil) != byDebian[i] || byOurs[i] != byDebian[i] {
				keep := filepath.Join(os.TempDir(), fmt.Sprintf("cib-disagree-%s-%d.xml", v, i))
				_ = os.WriteFile(keep, Print(d), 0o600)
				t.Errorf("%s, %s: we say %v; xmllint says with our grammar %v, with Debian's %v (true is valid): %s", name, what[i], p, byOurs[i], byDebian[i], keep)
			}
			if p != nil && (p.Line == 0 && i < 1 || p.Sentence == "") {
				t.Errorf("%s, %s: a problem without line or sentence: %v", name, what[i], p)
			}
			if i > 0 && i <= mutants && !byDebian[i] {
				wrong++
			}
		}
		if !byDebian[0] {
			t.Errorf("%s: the document of all its parts is not valid", name)
		}
		if wrong < mutants/2 {
			t.Errorf("%s: only %d of %d mutants are invalid", name, wrong, mutants)
		}
		total, bad = total+len(docs), bad+wrong
	}
	t.Logf("%d verdicts; of %d mutants a schema at least half are invalid, in all %d", total, mutants, bad)
}

type caseDocument struct {
	name string
	root *Element
}

// caseDocuments returns the conformance cases by their schemas: a twelfth of them, or
// all with QUORATE_LONG=1.
func caseDocuments(t *testing.T, rng *rand.Rand) map[string][]caseDocument {
	files, _ := filepath.Glob("../../shared/conformance/cases/*.xml")
	if len(files) == 0 {
		t.Log("NOT COMPARED on the conformance cases: ../shared/conformance/cases is absent")
	}
	step := 12
	if os.Getenv("QUORATE_LONG") != "" {
		step = 1
	}
	out := map[string][]caseDocument{}
	for i := int(rng.Uint64() % uint64(step)); i < len(files); i += step {
		data, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(data, filepath.Base(files[i]))
		if err != nil || root.Name != "cib" || !slices.Contains(grammar.Versions, strings.TrimPrefix(root.Get("validate-with"), grammar.Prefix)) {
			continue
		}
		with := root.Get("validate-with")
		out[with] = append(out[with], caseDocument{filepath.Base(files[i]), root})
	}
	return out
}
