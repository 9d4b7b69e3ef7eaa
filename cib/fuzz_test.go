package cib

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// readWithEtree reads a document with the library as the second opinion.
func readWithEtree(data []byte) (*Element, error) {
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = func(label string, in io.Reader) (io.Reader, error) { return in, nil }
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, err
	}
	if doc.Root() == nil {
		return nil, io.EOF
	}
	return fromEtree(doc.Root()), nil
}

// loose maps what the two readers are known to see differently: white space in
// attribute values, which XML tells a reader to normalise and Go does not, and
// blank text.
func loose(e *Element) *Element {
	c := &Element{Name: e.Name, Text: e.Text}
	for _, a := range e.Attrs {
		v := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(a.Value)
		c.Attrs = append(c.Attrs, Attr{a.Name, v})
	}
	for _, k := range e.Children {
		c.Children = append(c.Children, loose(k))
	}
	return c
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"<a/>", "<a x='1' y=\"&lt;&#10;\">t<!-- c --><b/><![CDATA[ x ]]></a>", "<?xml version='1.0'?><!DOCTYPE a SYSTEM \"x\"><a/>",
		"<a><?p d?></a>", "<a xmlns:p='u'><p:b p:c='d'/></a>", "<a>\r\n x \r</a>", "<a x='\r\n'/>", "<a><b></a>", "<a>]]></a>", "<a> <![CDATA[]]> x</a>",
	} {
		f.Add([]byte(s))
	}
	files, _ := filepath.Glob("../../shared/conformance/hb2/rsc_*.xml")
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Parse(data, "f")
		if err != nil {
			if _, ok := err.(*ParseError); !ok {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		again, err := Parse(Print(e), "again")
		if err != nil {
			t.Fatalf("what Print wrote is not read: %v\n%s", err, Print(e))
		}
		if !Equal(e, again) {
			t.Fatalf("Print and Parse changed the document:\n%s\n%s", e, again)
		}
		if compact, err := Parse(PrintCompact(e), "compact"); err != nil || !Equal(e, compact) {
			t.Fatalf("PrintCompact and Parse changed the document (%v):\n%s\n%s", err, e, compact)
		}
		for _, c := range data {
			if c >= 0x80 {
				// encoding/xml knows the names of an older Unicode only.
				return
			}
		}
		second, err := readWithEtree(data)
		if err != nil {
			t.Fatalf("etree refuses what we accept: %v\n%s", err, e)
		}
		if a, b := loose(e), loose(second); !Equal(a, b) {
			t.Fatalf("two readers, two trees:\n%s\n%s", a, b)
		}
	})
}
