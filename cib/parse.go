package cib

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of the reader. They bound what a hostile or broken input can cost.
const (
	// MaxDepth is the deepest nesting of elements that Parse accepts.
	MaxDepth = 1000
	// MaxName is the longest name of an element or attribute in bytes.
	MaxName = 1000
	// MaxPrefixes is the greatest number of namespace prefixes in effect.
	MaxPrefixes = 100
	// MaxSize is the longest document in bytes that Parse accepts.
	MaxSize = 128 << 20
)

// ParseError tells where and why a document is not well-formed.
type ParseError struct {
	// File is the name the caller gave, as it is to be shown.
	File string
	// Line is 1-based.
	Line int
	// Msg is one sentence without the place.
	Msg string
}

// Error returns "file:line: sentence".
func (e *ParseError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// Parse reads a document and returns its root element. The name of the file is
// used in errors only; every error is a *ParseError.
//
// The reader is strict: what XML 1.0 with namespaces forbids is refused. The
// XML declaration, processing instructions and comments outside of the root,
// and a DOCTYPE without an internal subset are read and forgotten; character
// data which is only white space is dropped. The values of the result point
// into one private copy of data, so an element keeps its document's text in
// memory as long as it lives.
func Parse(data []byte, file string) (*Element, error) {
	if len(data) > MaxSize { // before it is copied
		return nil, tooLong(len(data), file)
	}
	return ParseText(string(data), file)
}

// ParseText is Parse for a text which is a string already, and is not copied.
func ParseText(text, file string) (*Element, error) { return ParseLike(text, file, nil) }

// ParseLike is ParseText for a document that differs little from another: the
// subtrees in which they are equal are not made anew but are those of the other,
// with the line numbers that they have there. That saves memory, and whoever
// compares the two needs not look into what is the same element.
func ParseLike(text, file string, like *Element) (*Element, error) {
	p := &parser{src: text, file: file, line: 1, like: like}
	return p.parse()
}

func tooLong(n int, file string) error {
	return &ParseError{cmp.Or(file, "input"), 1, fmt.Sprintf("the document has %d bytes, where %d MB are the most that are read", n, MaxSize>>20)}
}

func (p *parser) parse() (root *Element, err error) {
	p.file = cmp.Or(p.file, "input")
	if len(p.src) > MaxSize {
		return nil, tooLong(len(p.src), p.file)
	}
	defer func() {
		if r := recover(); r != nil {
			pe, ok := r.(*ParseError)
			if !ok {
				panic(r)
			}
			root, err = nil, pe
		}
	}()
	p.checkChars()
	p.document()
	return p.root, nil
}

// parser is the state of one Parse. Errors travel as panics of *ParseError
// up to Parse, which keeps the inner loops free of checks.
type parser struct {
	src  string
	pos  int
	file string
	// line is the line number at offset lineAt; lineOf moves both forward.
	line, lineAt int

	root  *Element
	stack []*Element
	// kids holds the children of all open elements; marks[i] is where those of
	// stack[i] begin.
	kids  []*Element
	marks []int
	// text collects character data that is made of several pieces.
	text     []byte
	names    nameCache
	elements []Element
	attrs    []Attr
	ptrs     []*Element
	scopes   nsScopes

	// like is the document to share with, opened has for each element of stack
	// what is needed for that; both are empty where nothing is shared.
	like   *Element
	opened []opened
	// certain tells of an error that it would be the same whatever followed the
	// text.
	certain bool
}

// lineOf returns the line of an offset; calls must come in rising order except
// on the way to an error.
func (p *parser) lineOf(pos int) int {
	if pos < p.lineAt {
		return 1 + strings.Count(p.src[:pos], "\n")
	}
	p.line += strings.Count(p.src[p.lineAt:pos], "\n")
	p.lineAt = pos
	return p.line
}

func (p *parser) fail(pos int, format string, args ...any) {
	p.failLine(p.lineOf(min(pos, len(p.src))), format, args...)
}

func (p *parser) failLine(line int, format string, args ...any) {
	panic(&ParseError{p.file, line, fmt.Sprintf(format, args...)})
}

// document reads prolog, root element and epilog.
func (p *parser) document() {
	if strings.HasPrefix(p.src, "\ufeff") {
		p.pos = 3
	}
	if p.hasPrefix("<?xml") && p.pos+5 < len(p.src) && isSpace(p.src[p.pos+5]) {
		p.declaration()
	}
	doctype := false
	for {
		p.skipSpace()
		if p.pos >= len(p.src) {
			break
		}
		switch {
		case p.src[p.pos] != '<':
			if p.root != nil {
				p.fail(p.pos, "there is text after the end of <%s>: a document has one root element and nothing else", p.root.Name)
			}
			p.certain = true
			p.fail(p.pos, "the document does not begin with an element but with %s", p.quoteHere())
		case p.hasPrefix("<!--"):
			p.comment(false)
		case p.hasPrefix("<?"):
			p.instruction(false)
		case p.hasPrefix("<!DOCTYPE"):
			if doctype || p.root != nil {
				p.fail(p.pos, "a DOCTYPE may appear once only, before the root element")
			}
			doctype = true
			p.doctype()
		case p.root != nil:
			if p.hasPrefix("</") {
				p.fail(p.pos, "there is a closing tag after the end of <%s>, the root element: it has no opening tag", p.root.Name)
			}
			p.fail(p.pos, "a second root element follows <%s>: a document has one only", p.root.Name)
		default:
			p.tree()
		}
	}
	if p.root == nil {
		if strings.Trim(p.src, " \t\r\n\ufeff") == "" {
			p.fail(len(p.src), "the document is empty: an XML element such as <cib> is expected")
		}
		p.fail(len(p.src), "the document has no element: an XML element such as <cib> is expected")
	}
}

// tree reads the root element and everything in it.
func (p *parser) tree() {
	p.startTag()
	for len(p.stack) > 0 {
		next := strings.IndexByte(p.src[p.pos:], '<')
		if next < 0 {
			p.unclosed()
		}
		if next > 0 {
			p.charData(p.pos, p.pos+next)
			p.pos += next
		}
		if p.pos+1 >= len(p.src) {
			p.unclosed()
		}
		switch p.src[p.pos+1] {
		case '/':
			p.flushText()
			p.endTag()
		case '!':
			switch {
			case p.hasPrefix("<!--"):
				p.flushText()
				p.comment(true)
			case p.hasPrefix("<![CDATA["):
				p.cdata()
			case p.hasPrefix("<!DOCTYPE"):
				p.fail(p.pos, "a DOCTYPE may appear before the root element only")
			default:
				p.fail(p.pos, "\"<!\" begins neither a comment nor a CDATA section")
			}
		case '?':
			p.flushText()
			p.instruction(true)
		default:
			p.flushText()
			p.startTag()
		}
	}
}

func (p *parser) hasPrefix(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

func (p *parser) skipSpace() {
	for p.pos < len(p.src) && isSpace(p.src[p.pos]) {
		p.pos++
	}
}

// quoteHere describes the character at the position for an error.
func (p *parser) quoteHere() string {
	if p.pos >= len(p.src) {
		return "the end of the file"
	}
	r, _ := utf8.DecodeRuneInString(p.src[p.pos:])
	return fmt.Sprintf("%q", r)
}

// unclosed reports that the input ended inside of open elements.
func (p *parser) unclosed() {
	p.lostSlash()
	top := p.stack[len(p.stack)-1]
	p.fail(len(p.src), "the document ends inside <%s>, which opened in line %d and is not closed: </%s> is missing", top.Name, top.Line, top.Name)
}

// lostSlash fails with a hint if the open elements look like closing tags which
// have lost their slash: an element without attributes which has the name of an
// element that is still open around it. No element of either dialect but rule
// and acl parts nests in its own kind, and those have attributes.
func (p *parser) lostSlash() {
	first, around, count := (*Element)(nil), (*Element)(nil), 0
	open := make(map[string]*Element, len(p.stack))
	for _, e := range p.stack {
		if o := open[e.Name]; o != nil && len(e.Attrs) == 0 {
			if count++; first == nil {
				first, around = e, o
			}
			continue
		}
		open[e.Name] = e
	}
	if first == nil {
		return
	}
	more := ""
	if count > 1 {
		more = fmt.Sprintf(", and so in %d more places", count-1)
	}
	p.failLine(first.Line, "<%s> opens again inside the <%s> of line %d: the closing tags have lost their slash; write </%s> here%s",
		first.Name, around.Name, around.Line, first.Name, more)
}
