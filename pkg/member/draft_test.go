package member

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/quorate/quorate/cib"
)

func option(value string) cib.Op {
	e, err := cib.Parse([]byte(`<cluster_property_set id="o"><nvpair id="o-x" name="x" value="`+value+`"/></cluster_property_set>`), "test")
	if err != nil {
		panic(err)
	}
	return cib.Op{Verb: cib.VerbModify, Scope: "crm_config", AllowCreate: true, XML: e}
}

func TestDraft(t *testing.T) {
	agreed, err := cib.Parse([]byte(`<cib admin_epoch="0" epoch="5" num_updates="3" validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>`), "test")
	if err != nil {
		t.Fatal(err)
	}
	after := func(root *cib.Element, values ...string) *cib.Element {
		for _, v := range values {
			var err error
			if root, err = cib.ApplyOp(root, option(v)); err != nil {
				t.Fatal(err)
			}
		}
		return root
	}
	var d *Draft
	for _, v := range []string{"1", "2"} {
		if d, err = d.Force(agreed, cib.Digest(agreed), option(v)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "forced.xml")
	if none, err := LoadDraft(path); none != nil || err != nil {
		t.Fatalf("without a file: %v %v", none, err)
	}
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
	if d, err = LoadDraft(path); err != nil || d.Base != "0.5" {
		t.Fatalf("read again: %v %v", d, err)
	}
	for _, c := range []struct {
		name  string
		there *cib.Element
		wins  bool
		lost  string
	}{
		{"nobody else has changed anything", agreed, true, ""},
		{"the others have changed less", after(agreed, "a"), true, "a"},
		{"the others have changed as much", after(agreed, "a", "b"), false, "2"},
		{"the others have changed more", after(agreed, "a", "b", "c"), false, "2"},
	} {
		op, lost := d.Settle(c.there, cib.Digest(c.there))
		if (op != nil) != c.wins || (lost != nil) != (c.lost != "") {
			t.Errorf("%s: change %v, lost %v", c.name, op, lost)
			continue
		}
		if lost != nil && lost.Path("configuration", "crm_config", "cluster_property_set", "nvpair").Get("value") != c.lost {
			t.Errorf("%s: lost is %v", c.name, lost)
		}
		if op == nil {
			continue
		}
		out, err := cib.ApplyOp(c.there, *op)
		if err != nil || !cib.Equal(out.First("configuration"), d.Root.First("configuration")) {
			t.Errorf("%s: %v makes %v (%v)", c.name, op, out, err)
		}
		if moved, err := cib.ApplyOp(after(c.there, "late"), *op); !errors.Is(err, cib.ErrMoved) {
			t.Errorf("%s: a change that came in between is overwritten: %v %v", c.name, moved, err)
		}
	}
	if shown := d.Over(agreed.WithChild(cib.New("status")).WithAttr("have-quorum", "0")); shown.First("status") == nil || shown.Get("have-quorum") != "0" ||
		shown.Path("configuration", "crm_config", "cluster_property_set", "nvpair").Get("value") != "2" {
		t.Errorf("shown: %v", shown)
	}
}
