package cib

import (
	"strings"
	"testing"

	"github.com/quorate/quorate/cib/grammar"
)

func TestCheck(t *testing.T) {
	if p := Check(mustParse(sample)); p != nil {
		t.Fatalf("the sample has problems: %v", p)
	}
	for _, c := range []struct {
		// old and by are replaced in the sample; say is in the first problem.
		old, by  string
		line     int
		severity Severity
		id, say  string
	}{
		{`type="Dummy">`, `type="Dummy" bogus="1">`, 13, Error, "a", "the attribute bogus, which is not known"},
		{`<constraints/>`, `<constraints><thing/></constraints>`, 19, Error, "", "<thing> is not known in <constraints>"},
		{`<constraints/>`, `<constraints/><constraints/>`, 19, Error, "", "a second <constraints>"},
		{`<constraints/>`, ``, 2, Error, "", "has no <constraints>"},
		{`<constraints/>`, `<constraints>text</constraints>`, 19, Error, "", "text"},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="zz" node="n1" score="5"/></constraints>`, 19, Error, "l", `rsc="zz" to a resource that does not exist`},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="a-mon" node="n1" score="5"/></constraints>`, 19, Warning, "l", "which is no resource"},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="a" node="n1" score="5.0"/></constraints>`, 19, Error, "l", "a score"},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="a" node="n1"/></constraints>`, 19, Error, "l", "has no score, which it must have"},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="a"/></constraints>`, 19, Error, "l", "needs node and score, or <rule>"},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="a" node="n1" score="1"><rule id="r" score="1"><expression id="e" attribute="x" operation="defined"/></rule></rsc_location></constraints>`, 19, Error, "r", "both node and <rule>"},
		{`<constraints/>`, `<constraints><rsc_order id="l" first="a" then="b" kind="Optional" score="1"/></constraints>`, 19, Error, "l", "has both kind and score"},
		{`<constraints/>`, `<constraints><rsc_order id="l" first="a" then="b" kind="mandatory"/></constraints>`, 19, Error, "l", "one of Optional, Mandatory, Serialize"},
		{`<constraints/>`, `<constraints><rsc_colocation id="l" rsc="a"/></constraints>`, 19, Error, "l", "has no with-rsc"},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="a"><rule id="r" score="1"/></rsc_location></constraints>`, 19, Error, "r", "is empty"},
		{`<constraints/>`, `<constraints><rsc_location id="l" rsc="a"><rule id="r" score="1"><date_expression id="d" operation="lt"/></rule></rsc_location></constraints>`, 19, Error, "d", "has no end"},
		{`id="a-mon"`, `id="a"`, 15, Error, "a", "uses an id that <primitive> in line 13 has already"},
		{`id="a-mon"`, `id="1a"`, 15, Error, "1a", "an id (a letter or _ first"},
		{`<nvpair id="o1"`, `<nvpair`, 5, Error, "cib-bootstrap-options", "has no id"},
		{`interval="10s"`, `interval="soon"`, 15, Warning, "a-mon", "which is no time"},
		{`name="monitor" interval="10s"`, `name="monitor"`, 15, Error, "a-mon", "has no interval"},
		{`<group id="g">`, `<group id="g"><meta_attributes id-ref="none"/>`, 17, Error, "g", `id-ref="none" to something that does not exist`},
		{`class="lsb"`, `class="lsb" provider="x"`, 17, Error, "c", "only class ocf has"},
		{`class="lsb"`, `class="UNKNOWN"`, 17, Error, "c", "one of ocf, lsb"},
		{`class="lsb" `, ``, 17, Error, "c", "has no class"},
		{`class="lsb" type="x"`, ``, 17, Error, "c", "needs template, or class and type"},
		{`value="false"`, `value="maybe"`, 5, Warning, "o1", "the option stonith-enabled is \"maybe\""},
		{`value="Started"`, `value="Running"`, 14, Warning, "a-m1", "target-role"},
		{`validate-with="pacemaker-3.9"`, `validate-with="pacemaker-9.9"`, 1, Error, "", "names no schema that is known"},
		{`epoch="5"`, `epoch="x"`, 1, Error, "", "whole number"},
		{`<cib `, `<cib have_quorum="1" `, 1, Error, "", "have_quorum"},
		{`validate-with="pacemaker-3.9"`, `have_quorum="1"`, 1, Error, "", "dialect of Heartbeat 2"},
		{`<nodes>`, `<nodes><node id="2"/>`, 8, Error, "2", "has no uname"},
	} {
		src := strings.Replace(sample, c.old, c.by, 1)
		if src == sample {
			t.Fatalf("%q is not in the sample", c.old)
		}
		p := Check(mustParse(src))
		if len(p) == 0 {
			t.Errorf("%s: no problem was found", c.by)
			continue
		}
		if p[0].Severity != c.severity || p[0].ID != c.id || p[0].Line != c.line || !strings.Contains(p[0].Sentence, c.say) {
			t.Errorf("%s: %v %q %v; want line %d, %v, id %q, %q", c.by, p[0].Severity, p[0].ID, p[0], c.line, c.severity, c.id, c.say)
		}
	}
}

func TestCheckOfOtherSchemas(t *testing.T) {
	for _, c := range []struct {
		old, by, with string
		severity      Severity
		say           string
	}{
		{`type="Dummy">`, `type="Dummy" bogus="1">`, "none", Warning, "bogus, which is not known there"},
		{`type="Dummy">`, `type="Dummy" bogus="1">`, "pacemaker-1.2", Error, "bogus, which is not known there"},
		{`interval="10s"`, `interval="10s" role="Promoted"`, "pacemaker-3.6", Error, "a role (Started, Stopped, Master, Slave)"},
		{`interval="10s"`, `interval="10s" requires="quorum"`, "pacemaker-3.0", Error, "(pacemaker-2.10 was the last to know it)"},
		{`<constraints/>`, `<constraints/><alerts/>`, "pacemaker-2.4", Error, "<alerts> is not known in <configuration> (pacemaker-2.5 and later know it)"},
		{`name="stonith-enabled"`, `name="stonith_enabled"`, "pacemaker-3.0", Error, "which pacemaker-3.0 does not allow"},
	} {
		p := Check(mustParse(strings.Replace(strings.Replace(sample, "pacemaker-3.9", c.with, 1), c.old, c.by, 1)))
		if len(p) != 1 || p[0].Severity != c.severity || !strings.Contains(p[0].Sentence, c.say) {
			t.Errorf("%s with %s: %v", c.with, c.by, p)
		}
	}
	for _, root := range []*Element{nil, New("x")} {
		if p := Check(root); len(p) != 1 || p[0].Severity != Error {
			t.Errorf("%v: %v", root, p)
		}
	}
}

// TestEmptyIsValid sees that a new document of every schema is one.
func TestEmptyIsValid(t *testing.T) {
	for _, v := range grammar.Versions {
		if p := Check(Empty(grammar.Prefix + v)); p != nil {
			t.Errorf("%s: %v", v, p)
		}
	}
}
