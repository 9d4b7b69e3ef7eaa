package cib

import (
	"errors"
	"strings"
	"testing"
)

func TestApplyOp(t *testing.T) {
	x := mustParse
	for _, c := range []struct {
		name string
		op   Op
		err  error
		// version afterwards and a text the result must or, with "!", must not hold.
		version string
		holds   string
	}{
		{"modify sets an attribute", Op{Verb: VerbModify, XML: x(`<primitive id="a" description="x"/>`)}, nil, "1.6.0", `type="Dummy" description="x"`},
		{"modify without effect", Op{Verb: VerbModify, XML: x(`<primitive id="a" class="ocf"/>`)}, nil, "1.5.7", `id="a"`},
		{"modify of what is not there", Op{Verb: VerbModify, XML: x(`<primitive id="zz" class="ocf"/>`)}, ErrNoSuchObject, "", ""},
		{"modify in the wrong section", Op{Verb: VerbModify, Scope: "constraints", XML: x(`<primitive id="b"/>`)}, ErrNoSuchObject, "", ""},
		{"modify that may create", Op{Verb: VerbModify, Scope: "resources", AllowCreate: true, XML: x(`<primitive id="zz" class="lsb" type="x"/>`)}, nil, "1.6.0", `<primitive id="zz"`},
		{"modify a section", Op{Verb: VerbModify, XML: x(`<resources><primitive id="a" description="x"/><primitive id="n" class="lsb" type="x"/></resources>`)}, nil, "1.6.0", `<primitive id="n" class="lsb" type="x"/>`},
		{"modify a pair in depth", Op{Verb: VerbModify, XML: x(`<nvpair id="o1" value="true"/>`)}, nil, "1.6.0", `name="stonith-enabled" value="true"`},
		{"modify the status", Op{Verb: VerbModify, XML: x(`<nvpair id="status-1-fc" value="value++"/>`)}, nil, "1.5.8", `value="4"`},
		{"count to infinity", Op{Verb: VerbModify, XML: x(`<nvpair id="status-1-fc" value="value+=INFINITY"/>`)}, nil, "1.5.8", `value="INFINITY"`},
		{"raise the admin epoch", Op{Verb: VerbModify, XML: x(`<cib admin_epoch="admin_epoch++"/>`)}, nil, "2.5.8", ""},
		{"lower the epoch", Op{Verb: VerbModify, XML: x(`<cib epoch="2"/>`)}, ErrOld, "", ""},
		{"modify by path", Op{Verb: VerbModify, XPath: "//primitive[@id='b']", XML: x(`<primitive description="y"/>`)}, nil, "1.6.0", `description="y"`},
		{"create", Op{Verb: VerbCreate, Scope: "resources", XML: x(`<primitive id="n" class="lsb" type="x"/>`)}, nil, "1.6.0", `<primitive id="n"`},
		{"create what exists", Op{Verb: VerbCreate, Scope: "resources", XML: x(`<primitive id="a" class="lsb" type="x"/>`)}, ErrExists, "", ""},
		{"create nowhere", Op{Verb: VerbCreate, XML: x(`<primitive id="n" class="lsb" type="x"/>`)}, ErrNoSuchObject, "", ""},
		{"create a section's children", Op{Verb: VerbCreate, Scope: "resources", XML: x(`<resources><primitive id="n" class="lsb" type="x"/></resources>`)}, nil, "1.6.0", `<primitive id="n"`},
		{"create in a section that is not there", Op{Verb: VerbCreate, Scope: "rsc_defaults", XML: x(`<meta_attributes id="rd"><nvpair id="rd1" name="resource-stickiness" value="5"/></meta_attributes>`)}, nil, "1.6.0", "<rsc_defaults>"},
		{"create under a path", Op{Verb: VerbCreate, XPath: "//group[@id='g']", XML: x(`<primitive id="n" class="lsb" type="y"/>`)}, nil, "1.6.0", `<primitive id="n"`},
		{"create with a bad reference", Op{Verb: VerbCreate, Scope: "constraints", XML: x(`<rsc_location id="l" rsc="nope" node="n1" score="5"/>`)}, ErrSchema, "", ""},
		{"create with a used id", Op{Verb: VerbCreate, Scope: "constraints", XML: x(`<rsc_location id="a" rsc="a" node="n1" score="5"/>`)}, ErrSchema, "", ""},
		{"create with a bad score", Op{Verb: VerbCreate, Scope: "constraints", XML: x(`<rsc_location id="l" rsc="a" node="n1" score="bogus"/>`)}, ErrSchema, "", ""},
		{"create in an unknown section", Op{Verb: VerbCreate, Scope: "bogus", XML: x(`<primitive id="n" class="lsb" type="x"/>`)}, ErrUsage, "", ""},
		{"create a bare option", Op{Verb: VerbCreate, Scope: "crm_config", XML: x(`<nvpair id="o2" name="x" value="y"/>`)}, ErrSchema, "", ""},
		{"create in the old dialect", Op{Verb: VerbCreate, Scope: "constraints", XML: x(`<rsc_order id="o" from="b" to="a" type="after" score="0"/>`)}, nil, "1.6.0", `<rsc_order id="o" first="a" then="b" kind="Optional"/>`},
		{"delete", Op{Verb: VerbDelete, XML: x(`<primitive id="a"/>`)}, nil, "1.6.0", `!id="a-mon"`},
		{"delete by attributes that differ", Op{Verb: VerbDelete, XML: x(`<primitive id="a" class="lsb"/>`)}, nil, "1.5.7", `id="a-mon"`},
		{"delete an operation", Op{Verb: VerbDelete, XML: x(`<op name="monitor"/>`)}, nil, "1.6.0", `!id="a-mon"`},
		{"delete in the wrong section", Op{Verb: VerbDelete, Scope: "constraints", XML: x(`<primitive id="a"/>`)}, nil, "1.5.7", `id="a"`},
		{"delete in a section that is not there", Op{Verb: VerbDelete, Scope: "alerts", XML: x(`<alert id="a"/>`)}, nil, "1.5.7", `id="a"`},
		{"delete a node's state", Op{Verb: VerbDelete, Scope: "status", XML: x(`<node_state uname="n1"/>`)}, nil, "1.5.8", "!node_state"},
		{"delete all by path", Op{Verb: VerbDelete, XPath: "//nvpair[@name='target-role' or @name='stonith-enabled']", All: true}, nil, "1.6.0", "!stonith-enabled"},
		{"delete the last member", Op{Verb: VerbDelete, XPath: "//group/primitive", All: true}, ErrSchema, "", ""},
		{"delete the document", Op{Verb: VerbDelete, XML: x(`<cib/>`)}, ErrUsage, "", ""},
		{"replace", Op{Verb: VerbReplace, Scope: "resources", XML: x(`<primitive id="b" class="lsb" type="y"/>`)}, nil, "1.6.0", `<primitive id="b" class="lsb" type="y"/>`},
		{"replace what is not there", Op{Verb: VerbReplace, XML: x(`<primitive id="zz" class="lsb" type="y"/>`)}, ErrNoSuchObject, "", ""},
		{"replace a section", Op{Verb: VerbReplace, Scope: "resources", XML: x(`<resources/>`)}, nil, "1.6.0", "!primitive"},
		{"replace by path", Op{Verb: VerbReplace, XPath: "//primitive[@id='b']", XML: x(`<primitive id="n" class="lsb" type="y"/>`)}, nil, "1.6.0", `<primitive id="n"`},
		{"replace by an older document", Op{Verb: VerbReplace, XML: x(`<cib validate-with="pacemaker-3.9" admin_epoch="1" epoch="4" num_updates="7"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`)}, ErrOld, "", ""},
		{"replace by a newer document", Op{Verb: VerbReplace, XML: x(`<cib validate-with="pacemaker-3.9" admin_epoch="1" epoch="9" num_updates="7"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`)}, nil, "1.10.0", "!node_state"},
		{"replace and keep the status", Op{Verb: VerbReplace, KeepStatus: true, XML: x(`<cib validate-with="pacemaker-3.9" admin_epoch="1" epoch="9" num_updates="7"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`)}, nil, "1.10.0", "node_state"},
		{"replace a section from a document", Op{Verb: VerbReplace, Scope: "resources", XML: x(`<cib><configuration><resources/></configuration></cib>`)}, nil, "1.6.0", "!primitive"},
		{"erase", Op{Verb: VerbErase}, nil, "2.6.0", "!primitive"},
		{"bump", Op{Verb: VerbBump}, nil, "1.6.0", ""},
		{"upgrade of what is new", Op{Verb: VerbUpgrade}, nil, "1.5.7", ""},
		{"no verb", Op{}, ErrUsage, "", ""},
		{"no element", Op{Verb: VerbCreate}, ErrUsage, "", ""},
	} {
		root := mustParse(sample)
		before := root.String()
		op, err := DecodeOp(EncodeOp(c.op))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		out, err := ApplyOp(root, op)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error is %v, want %v", c.name, err, c.err)
		}
		if root.String() != before {
			t.Errorf("%s: the old document changed", c.name)
		}
		if err != nil || c.err != nil {
			continue
		}
		if v := VersionOf(out).String(); v != c.version {
			t.Errorf("%s: version is %s, want %s", c.name, v, c.version)
		}
		want, not := strings.CutPrefix(c.holds, "!")
		if strings.Contains(out.String(), want) == not {
			t.Errorf("%s: result is %s", c.name, out)
		}
	}
}

func TestApplyOpNotesWho(t *testing.T) {
	op := Op{Verb: VerbModify, XML: mustParse(`<primitive id="a" description="x"/>`), LastWritten: "Fri Nov 20 12:00:00 2026", Origin: "n1", Client: "cibadmin", User: "root"}
	out, err := ApplyOp(mustParse(sample), op)
	if err != nil {
		t.Fatal(err)
	}
	if out.Get("cib-last-written") != op.LastWritten || out.Get("update-origin") != "n1" || out.Get("update-client") != "cibadmin" || out.Get("update-user") != "root" {
		t.Errorf("the document notes %v", out.Attrs)
	}
}

func TestRepairOneByOne(t *testing.T) {
	root := mustParse(strings.Replace(sample, "<constraints/>", `<constraints><rsc_location id="l1" rsc="no1" node="n1" score="1"/><rsc_location id="l2" rsc="no2" node="n1" score="1"/></constraints>`, 1))
	out, err := ApplyOp(root, Op{Verb: VerbDelete, XML: mustParse(`<rsc_location id="l1"/>`)})
	if err != nil {
		t.Fatalf("one of two faults cannot be removed: %v", err)
	}
	if _, err := ApplyOp(out, Op{Verb: VerbModify, XML: mustParse(`<rsc_location id="l2" rsc="no3"/>`)}); !errors.Is(err, ErrSchema) {
		t.Errorf("another fault was accepted: %v", err)
	}
}

func TestApplyOpKeepsToTheDepth(t *testing.T) {
	root := mustParse(sample)
	deep := mustParse(strings.Repeat("<x>", 300) + strings.Repeat("</x>", 300))
	for n := range 5 {
		op := Op{Verb: VerbCreate, XPath: "//status | //x[not(*)]", XML: deep}
		if n > 0 {
			op.XPath = "//x[not(*)]"
		}
		out, err := ApplyOp(root, op)
		if n < 3 && err != nil {
			t.Fatal(err)
		}
		if n >= 3 {
			if !errors.Is(err, ErrBadData) {
				t.Errorf("step %d: %v", n, err)
			}
			return
		}
		root = out
		if _, err := Parse(Print(root), "again"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	many := New("resources")
	for i := range 3000 {
		many.Children = append(many.Children, New("primitive", "id", "m"+itoa(i), "class", "lsb", "type", "x"))
	}
	root, err := ApplyOp(mustParse(sample), Op{Verb: VerbCreate, Scope: "resources", XML: many})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ApplyOp(root, Op{Verb: VerbCreate, Scope: "resources", XML: many}); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	for i, c := range many.Children {
		many.Children[i] = c.WithAttr("description", "d")
	}
	out, err := ApplyOp(root, Op{Verb: VerbModify, XML: many})
	if err != nil {
		t.Fatal(err)
	}
	resources := out.Path("configuration", "resources")
	if n := len(resources.All("primitive")); n != 3001 || strings.Count(resources.String(), `description="d"`) != 3000 {
		t.Errorf("%d primitives after the change", n)
	}
	twice := New("resources").WithChildren(New("primitive", "id", "q", "class", "lsb", "type", "x"), New("primitive", "id", "q", "description", "e"))
	if out, err = ApplyOp(root, Op{Verb: VerbModify, XML: twice}); err != nil || !strings.Contains(out.String(), `<primitive id="q" class="lsb" type="x" description="e"/>`) {
		t.Errorf("one object twice in a change: %v", err)
	}
}

func TestExitCode(t *testing.T) {
	_, parse := Parse([]byte("<"), "")
	for err, want := range map[error]int{nil: 0, ErrNoSuchObject: 105, ErrExists: 108, ErrSchema: 78, ErrOld: 103, parse: 65, ErrUsage: 64, errors.New("x"): 1} {
		if got := ExitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

func FuzzApplyOp(f *testing.F) {
	for _, op := range []Op{
		{Verb: VerbModify, XML: mustParse(`<primitive id="a" description="x"><operations><op id="n" interval="0" name="start"/></operations></primitive>`)},
		{Verb: VerbCreate, Scope: "constraints", XML: mustParse(`<rsc_order id="o" from="b" to="a" type="after" score="0"/>`)},
		{Verb: VerbReplace, XPath: "//primitive[2]", XML: mustParse(`<primitive id="n" class="lsb" type="y"/>`)},
		{Verb: VerbDelete, XPath: "//*[@id]", All: true},
		{Verb: VerbErase, KeepStatus: true, Origin: "x"},
		{Verb: VerbBump},
	} {
		f.Add(EncodeOp(op))
	}
	root := mustParse(sample)
	want := root.String()
	f.Fuzz(func(t *testing.T, data []byte) {
		op, err := DecodeOp(data)
		if err != nil {
			if ExitCode(err) != 65 {
				t.Fatalf("code %d for %v", ExitCode(err), err)
			}
			return
		}
		again, err := DecodeOp(EncodeOp(op))
		if err != nil || string(EncodeOp(again)) != string(EncodeOp(op)) {
			t.Fatalf("encoding is not stable (%v): %s", err, EncodeOp(op))
		}
		out, err := ApplyOp(root, op)
		if root.String() != want {
			t.Fatal("the old document changed")
		}
		if err != nil {
			if ExitCode(err) == 1 {
				t.Fatalf("an error without code: %v", err)
			}
			return
		}
		if out != root && VersionOf(out).Compare(VersionOf(root)) <= 0 {
			t.Fatalf("a change without a higher version: %s", out)
		}
		second, err := ApplyOp(root, again)
		if err != nil || !Equal(out, second) {
			t.Fatalf("the same change gave two results (%v)", err)
		}
		if back, err := Parse(Print(out), "again"); err != nil || !Equal(back, out) {
			t.Fatalf("the result does not survive printing (%v): %s", err, out)
		}
	})
}
