package cib

import (
	"strings"

	"github.com/beevik/etree"
)

// toEtree copies an element into the library's tree and notes which element
// each of its nodes came from.
func toEtree(e *Element, origin map[*etree.Element]*Element) *etree.Element {
	n := etree.NewElement(e.Name)
	for _, a := range e.Attrs {
		n.CreateAttr(a.Name, a.Value)
	}
	for _, c := range e.Children {
		switch c.Name {
		case TextName:
			n.AddChild(etree.NewText(c.Text))
		case CommentName, InstructionName:
		default:
			n.AddChild(toEtree(c, origin))
		}
	}
	if origin != nil {
		origin[n] = e
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
