package cib

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// ToEtree copies an element and all below it into a document of the etree
// library, for programs that build or edit with it. Its write settings keep
// newlines and tabs in attribute values.
func ToEtree(e *Element) *etree.Document {
	doc := etree.NewDocument()
	doc.WriteSettings.CanonicalAttrVal = true
	doc.SetRoot(toEtree(e))
	return doc
}

// FromEtree copies the root of an etree document. It refuses, with an error
// that wraps ErrBadData, what the library lets pass and XML does not: names
// that are none, attributes given twice, undeclared prefixes, characters that
// cannot be written, and a document without a root.
func FromEtree(doc *etree.Document) (*Element, error) {
	if doc == nil || doc.Root() == nil {
		return nil, fmt.Errorf("%w: the document has no root element", ErrBadData)
	}
	e := fromEtree(doc.Root())
	// The strict reader has all the rules; what it reads back must be the same.
	back, err := Parse(PrintCompact(e), "document")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadData, err)
	}
	if !Equal(e, back) {
		return nil, fmt.Errorf("%w: the document holds names or characters that XML cannot hold", ErrBadData)
	}
	return e, nil
}

func toEtree(e *Element) *etree.Element {
	n := etree.NewElement(e.Name)
	for _, a := range e.Attrs {
		n.CreateAttr(a.Name, a.Value)
	}
	for _, c := range e.Children {
		switch c.Name {
		case TextName:
			n.CreateText(c.Text)
		case CommentName:
			n.CreateComment(c.Text)
		case InstructionName:
			target, data, _ := strings.Cut(c.Text, " ")
			n.CreateProcInst(target, data)
		default:
			n.AddChild(toEtree(c))
		}
	}
	return n
}

// fromEtree copies the library's tree into elements. Runs of text become one;
// blank text is dropped, as Parse does.
func fromEtree(n *etree.Element) *Element {
	e := &Element{Name: n.FullTag()}
	for _, a := range n.Attr {
		e.Attrs = append(e.Attrs, Attr{a.FullKey(), a.Value})
	}
	text := ""
	flush := func() {
		if strings.Trim(text, " \t\r\n") != "" {
			e.Children = append(e.Children, &Element{Name: TextName, Text: text})
		}
		text = ""
	}
	for _, t := range n.Child {
		switch c := t.(type) {
		case *etree.CharData:
			text += c.Data
		case *etree.Element:
			flush()
			e.Children = append(e.Children, fromEtree(c))
		case *etree.Comment:
			flush()
			e.Children = append(e.Children, &Element{Name: CommentName, Text: c.Data})
		case *etree.ProcInst:
			flush()
			e.Children = append(e.Children, &Element{Name: InstructionName, Text: strings.TrimRight(c.Target+" "+c.Inst, " ")})
		}
	}
	flush()
	return e
}
