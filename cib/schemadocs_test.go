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

// schemaDocument returns the document of all parts in testdata/schema-parts.txt
// that a schema knows.
func schemaDocument(t *testing.T, version string) *Element {
	t.Helper()
	data, err := os.ReadFile("testdata/schema-parts.txt")
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(grammar.Versions, version)
	sections := map[string]string{}
	for line := range strings.Lines(string(data)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if strings.HasPrefix(line, "#") || len(f) < 3 {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		if to == "" {
			to = grammar.Versions[len(grammar.Versions)-1]
		}
		if at >= slices.Index(grammar.Versions, from) && at <= slices.Index(grammar.Versions, to) {
			sections[f[1]] += f[2] + "\n"
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<cib admin_epoch="0" epoch="7" num_updates="3" validate-with="pacemaker-%s" crm_feature_set="3.0.0" have-quorum="1"><configuration>`, version)
	for _, s := range []string{"crm_config", "nodes", "resources", "constraints", "rsc_defaults", "op_defaults", "fencing-topology", "acls", "tags", "alerts"} {
		if content, ok := sections[s]; ok {
			fmt.Fprintf(&b, "<%s>\n%s</%s>\n", s, content, s)
		}
	}
	b.WriteString("</configuration><status/></cib>")
	root, err := Parse([]byte(b.String()), "pacemaker-"+version)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// lint returns which documents xmllint finds valid by a grammar.
func lint(t *testing.T, grammar string, docs []*Element) []bool {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--noout", "--relaxng", grammar}
	names := make([]string, len(docs))
	for i, d := range docs {
		names[i] = filepath.Join(dir, fmt.Sprintf("%04d.xml", i))
		if err := os.WriteFile(names[i], Print(d), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := exec.Command("xmllint", append(args, names...)...).CombinedOutput() // its exit code says that one was not valid
	says := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutSuffix(line, " validates\n"); ok {
			says[name] = true
		} else if name, ok := strings.CutSuffix(line, " fails to validate\n"); ok {
			says[name] = false
		}
	}
	verdicts := make([]bool, len(docs))
	for i, n := range names {
		v, ok := says[n]
		if !ok {
			t.Fatalf("xmllint with %s says nothing about %s:\n%.2000s", grammar, n, out)
		}
		verdicts[i] = v
	}
	return verdicts
}

func schemaSeed(t *testing.T) *rand.Rand {
	seed := uint64(os.Getpid())
	if s := os.Getenv("QUORATE_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("QUORATE_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// vocabulary are names and values for mutants, taken from the tables' own documents.
type vocabulary struct {
	elements []*Element
	attrs    []Attr
}

func words(roots ...*Element) *vocabulary {
	v := new(vocabulary)
	for _, r := range roots {
		r.Walk(func(e *Element) bool {
			if e.Name != "cib" && e.Name != "configuration" && e.Name != "status" {
				v.elements = append(v.elements, e)
				v.attrs = append(v.attrs, e.Attrs...)
			}
			return true
		})
	}
	for _, s := range []string{"", "x y", "INFINITY", "1", "true", "1a", "Master", "start", " 5 ", "-1", "Serialize", "p,q", "a", "n1-a"} {
		v.attrs = append(v.attrs, Attr{"", s})
	}
	return v
}

// mutate changes one thing in the configuration, with names that the schema
// knows somewhere, so that about one mutant in five stays valid.
func (v *vocabulary) mutate(root *Element, rng *rand.Rand) (*Element, string) {
	var all []*Element
	root.First("configuration").Walk(func(e *Element) bool { all = append(all, e); return true })
	e := all[rng.IntN(len(all))]
	n := e
	what := ""
	switch k := rng.IntN(10); {
	case k == 0 && len(e.Attrs) > 0:
		a := e.Attrs[rng.IntN(len(e.Attrs))]
		n, what = e.WithoutAttr(a.Name), "without "+a.Name
	case k == 1:
		n, what = e.WithAttr("bogus", "1"), "with bogus attribute"
	case k <= 3:
		a := v.attrs[rng.IntN(len(v.attrs))]
		if a.Name == "" {
			a.Name = "role"
		}
		n, what = e.WithAttr(a.Name, a.Value), fmt.Sprintf("with %s=%q", a.Name, a.Value)
	case k <= 5 && len(e.Attrs) > 0:
		a := e.Attrs[rng.IntN(len(e.Attrs))]
		value := v.attrs[rng.IntN(len(v.attrs))].Value
		if rng.IntN(2) == 0 {
			value = v.attrs[len(v.attrs)-1-rng.IntN(14)].Value
		}
		n, what = e.WithAttr(a.Name, value), fmt.Sprintf("%s=%q", a.Name, value)
	case k == 6 && len(e.Children) > 0:
		c := e.Children[rng.IntN(len(e.Children))]
		n, what = e.WithReplaced(c, nil), "without child "+c.Name
	case k == 7 && len(e.Children) > 0:
		c := e.Children[rng.IntN(len(e.Children))]
		n, what = e.WithChildren(append([]*Element{withoutIDs(c)}, e.Children...)...), "child again first, without ids: "+c.Name
	case k == 8 && len(e.Children) > 1:
		kids := slices.Clone(e.Children)
		i, j := rng.IntN(len(kids)), rng.IntN(len(kids))
		kids[i], kids[j] = kids[j], kids[i]
		n, what = e.WithChildren(kids...), fmt.Sprintf("with children %d and %d exchanged", i, j)
	default:
		x := freshIDs(v.elements[rng.IntN(len(v.elements))], rng)
		n, what = e.WithChild(x), "with new child "+x.Name
	}
	return substitute(root, e, n), fmt.Sprintf("%s %s", describe(e), what)
}

// freshIDs gives every element with an id another one, so that a copy may be valid.
func freshIDs(e *Element, rng *rand.Rand) *Element {
	kids := make([]*Element, len(e.Children))
	for i, c := range e.Children {
		kids[i] = freshIDs(c, rng)
	}
	e = e.WithChildren(kids...)
	if e.ID() != "" && e.Name != "resource_ref" && e.Name != "obj_ref" && e.Name != "role" {
		e = e.WithAttr("id", fmt.Sprintf("fresh-%d", rng.Uint32()))
	}
	return e
}
