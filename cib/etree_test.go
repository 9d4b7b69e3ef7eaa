package cib

import (
	"errors"
	"testing"

	"github.com/beevik/etree"
)

func TestEtree(t *testing.T) {
	e := mustParse("<a x=\"1&#10;2\"><!-- c --><b>text</b><?pi data?></a>")
	doc := ToEtree(e)
	back, err := FromEtree(doc)
	if err != nil || !Equal(e, back) {
		t.Errorf("%s became %s (%v)", e, back, err)
	}
	text, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	if again := mustParse(text); !Equal(e, again) {
		t.Errorf("written by the library it is %s", text)
	}
	for name, build := range map[string]func(*etree.Document){
		"no root":        func(*etree.Document) {},
		"bad name":       func(d *etree.Document) { d.CreateElement("a b") },
		"bad attribute":  func(d *etree.Document) { d.CreateElement("a").CreateAttr("1", "x") },
		"bad character":  func(d *etree.Document) { d.CreateElement("a").CreateAttr("b", "\x01") },
		"unknown prefix": func(d *etree.Document) { d.CreateElement("p:a") },
		"attribute twice": func(d *etree.Document) {
			x := d.CreateElement("a")
			x.Attr = append(x.Attr, etree.Attr{Key: "b", Value: "1"}, etree.Attr{Key: "b", Value: "2"})
		},
	} {
		d := etree.NewDocument()
		build(d)
		if got, err := FromEtree(d); !errors.Is(err, ErrBadData) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
