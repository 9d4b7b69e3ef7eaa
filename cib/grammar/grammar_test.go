package grammar

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"testing"
)

// tree is a Node for tests.
type tree struct {
	tag   string
	attrs [][2]string
	kids  []*tree
}

func (t *tree) Tag() string                          { return t.tag }
func (t *tree) Attributes() int                      { return len(t.attrs) }
func (t *tree) Attribute(i int) (name, value string) { return t.attrs[i][0], t.attrs[i][1] }
func (t *tree) Kids() int                            { return len(t.kids) }
func (t *tree) Kid(i int) Node                       { return t.kids[i] }
func (t *tree) Position() int                        { return 0 }

// readTree makes a tree of XML text; nil if it is none.
func readTree(data []byte) *tree {
	d := xml.NewDecoder(bytes.NewReader(data))
	root := new(tree)
	stack := []*tree{root}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(stack) > 100 {
			return nil
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &tree{tag: tok.Name.Local}
			for _, a := range tok.Attr {
				n.attrs = append(n.attrs, [2]string{a.Name.Local, a.Value})
			}
			top := stack[len(stack)-1]
			top.kids = append(top.kids, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if top := stack[len(stack)-1]; len(bytes.TrimSpace(tok)) > 0 && len(stack) > 1 {
				top.kids = append(top.kids, new(tree))
			}
		}
	}
	if len(root.kids) != 1 {
		return nil
	}
	return root.kids[0]
}

// TestTablesAreUnambiguous sees that in every schema at most one element of a
// name can come at any place, which the checker relies on.
func TestTablesAreUnambiguous(t *testing.T) {
	for _, v := range Versions {
		s := Load(Prefix + v)
		for _, d := range s.byName {
			seen := map[string]*pattern{}
			for _, e := range everywhere(d.content, element, nil) {
				if seen[e.name] != nil {
					t.Errorf("%s: in %s there are two kinds of <%s>", v, d.name, e.name)
				}
				seen[e.name] = e
			}
		}
	}
}

// TestTablesAreUsed sees that every definition is reached in some schema.
func TestTablesAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, v := range Versions {
		for name := range Load(Prefix + v).reach() {
			used[name] = true
		}
	}
	for _, name := range Load(Newest).table.order {
		if !used[name] {
			t.Errorf("%s is defined and nowhere used", name)
		}
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		typ, yes, no string
	}{
		{"integer", "0 -5 +5 007 999999999999999999999999", "x 1.5 - 1e3 9999999999999999999999999"},
		{"nonNegativeInteger", "0 5 +5 -0", "-5 x"},
		{"positiveInteger", "1 01", "0 00 -1"},
		{"boolean", "true false 0 1", "True yes"},
		{"ID", "a _a a.b-c é", "1a a:b -a"},
	} {
		v := value{typ: c.typ}
		for _, s := range bytes.Fields([]byte(c.yes)) {
			if !v.match(string(s)) {
				t.Errorf("%s refuses %q", c.typ, s)
			}
		}
		for _, s := range append(bytes.Fields([]byte(c.no)), nil) {
			if v.match(string(s)) {
				t.Errorf("%s accepts %q", c.typ, s)
			}
		}
	}
	devices := chars("a-zA-Z0-9_.-", true)
	for s, want := range map[string]bool{"a": true, "a,b-c": true, "": false, ",a": false, "a,": false, "a,,b": false, "a b": false} {
		if devices.match(s) != want {
			t.Errorf("devices %q: %v", s, !want)
		}
	}
}

// TestAllFaultsAreFound sees that one fault hides no other, and that a limit holds.
func TestAllFaultsAreFound(t *testing.T) {
	doc := readTree([]byte(`<cib epoch="1" num_updates="x" validate-with="pacemaker-3.9"><configuration><crm_config><junk/></crm_config>
		<nodes><node id="1"/></nodes><resources><group id="g"/><primitive id="g" class="lsb" type="x">text<op id="o"/></primitive></resources></configuration></cib>`))
	faults, ids := Load(Newest).Check(doc, 0)
	var got []string
	for _, f := range faults {
		got = append(got, f.Sentence)
	}
	want := []string{
		`<cib> has num_updates="x", where a whole number, not below 0, is expected`,
		`<cib> has no admin_epoch, which it must have`,
		`<configuration> has no <constraints>, which it must have`,
		`<junk> is not known in <crm_config>`,
		`<node id="1"> has no uname, which it must have`,
		`<group id="g"> has no <primitive>, which it must have`,
		`<primitive id="g"> uses an id that <group> has already`,
		`there is text in <primitive id="g">, where only elements may be`,
		`<op> is not known in <primitive>`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if ids["g"] == nil || ids["g"].Tag() != "group" {
		t.Errorf("ids: %v", ids)
	}
	if some, _ := Load(Newest).Check(doc, 3); len(some) != 3 {
		t.Errorf("with a limit of 3: %d", len(some))
	}
}

// FuzzCheck sees that no document makes the checker panic, that every fault
// says something, and that a second check says the same as the first.
func FuzzCheck(f *testing.F) {
	f.Add(uint8(0), []byte(`<cib admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>`))
	f.Add(uint8(23), []byte(`<cib><configuration><resources><clone id="c"><primitive id="p" template="t"><operations><op/></operations></primitive></clone></resources></configuration></cib>`))
	f.Fuzz(func(t *testing.T, v uint8, data []byte) {
		root := readTree(data)
		if root == nil {
			return
		}
		s := Load(Prefix + Versions[int(v)%len(Versions)])
		first, _ := s.Check(root, 0)
		again, _ := s.Check(root, 0)
		if len(first) != len(again) {
			t.Fatalf("%d faults, then %d", len(first), len(again))
		}
		for i, a := range first {
			if a.Sentence == "" || a.Sentence != again[i].Sentence {
				t.Fatalf("%q, then %q", a.Sentence, again[i].Sentence)
			}
		}
	})
}
