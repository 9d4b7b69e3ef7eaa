package cib

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Print returns the element as text, indented by two spaces a level and ended
// by a newline, as Pacemaker's tools print. An element that holds text is
// printed on one line, so that reading the result gives an equal element.
//
// Newlines and tabs in attribute values are written as references and so
// survive. Characters that XML cannot hold are replaced by U+FFFD; they can
// come only from elements made by the program.
func Print(e *Element) []byte { return (&printer{indent: true}).print(e) }

// PrintCompact returns the element as text without any white space between
// elements.
func PrintCompact(e *Element) []byte { return (&printer{}).print(e) }

// String returns the compact form.
func (e *Element) String() string {
	if e == nil {
		return ""
	}
	return string(PrintCompact(e))
}

// WriteTo writes the indented form to w; see Print.
func (e *Element) WriteTo(w io.Writer) (int64, error) {
	p := &printer{indent: true, w: w}
	p.element(e, 0)
	p.buf = append(p.buf, '\n')
	p.flush(0)
	return p.n, p.err
}

type printer struct {
	buf    []byte
	indent bool
	w      io.Writer
	n      int64
	err    error
	// digest is set to print as Pacemaker does for its digests.
	digest bool
}

// escapes tells escape what the text is for.
type escapes int

const (
	escapeText escapes = iota
	escapeAttr
	escapeDigest
)

func (p *printer) print(e *Element) []byte {
	p.buf = make([]byte, 0, 512)
	p.element(e, 0)
	if p.indent {
		p.buf = append(p.buf, '\n')
	}
	return p.buf
}

// flush writes the buffer out once it has grown beyond the limit.
func (p *printer) flush(limit int) {
	if p.w == nil || len(p.buf) <= limit || p.err != nil {
		return
	}
	n, err := p.w.Write(p.buf)
	p.n, p.err = p.n+int64(n), err
	p.buf = p.buf[:0]
}

func (p *printer) element(e *Element, depth int) {
	switch e.Name {
	case CommentName:
		p.buf = append(append(append(p.buf, "<!--"...), commentText(e.Text)...), "-->"...)
		return
	case TextName:
		if !p.digest {
			p.buf = escape(p.buf, e.Text, escapeText)
		}
		return
	case InstructionName:
		if p.digest {
			return
		}
		p.buf = append(append(append(p.buf, "<?"...), strings.ReplaceAll(validText(e.Text), "?>", "? >")...), "?>"...)
		return
	}
	mode := escapeAttr
	if p.digest {
		mode = escapeDigest
	}
	p.buf = append(append(p.buf, '<'), e.Name...)
	for i := range e.Attrs {
		p.buf = append(append(append(p.buf, ' '), e.Attrs[i].Name...), '=', '"')
		p.buf = append(escape(p.buf, e.Attrs[i].Value, mode), '"')
	}
	if len(e.Children) == 0 || p.digest && !slices.ContainsFunc(e.Children, func(c *Element) bool { return c.Name != TextName && c.Name != InstructionName }) {
		p.buf = append(p.buf, '/', '>')
		return
	}
	p.buf = append(p.buf, '>')
	inline := !p.indent
	for _, c := range e.Children {
		if c.Name == TextName {
			inline = true
			break
		}
	}
	outer := p.indent
	p.indent = !inline
	for _, c := range e.Children {
		if p.indent {
			p.newline(depth + 1)
		}
		p.element(c, depth+1)
	}
	if p.indent {
		p.newline(depth)
	}
	p.indent = outer
	p.buf = append(append(append(p.buf, '<', '/'), e.Name...), '>')
	p.flush(64 << 10)
}

const blanks = "                                                                "

func (p *printer) newline(depth int) {
	p.buf = append(p.buf, '\n')
	for n := 2 * depth; n > 0; n -= len(blanks) {
		p.buf = append(p.buf, blanks[:min(n, len(blanks))]...)
	}
}

// escape appends s with what XML reserves written as references. For digests,
// white space is written as Pacemaker writes it, which no reader can undo.
func escape(out []byte, s string, mode escapes) []byte {
	last := 0
	for i := 0; i < len(s); {
		c := s[i]
		if charClass[c]&(valueStop|suspect) == 0 && c != '>' {
			i++
			continue
		}
		n, by := 1, ""
		switch c {
		case '<':
			by = "&lt;"
		case '>':
			by = "&gt;"
		case '&':
			by = "&amp;"
		case '\r':
			by = [...]string{"&#13;", "&#13;", `\r`}[mode]
		case '"':
			by = [...]string{"", "&quot;", "&quot;"}[mode]
		case '\'':
			by = [...]string{"", "&apos;", "&apos;"}[mode]
		case '\n':
			by = [...]string{"", "&#10;", `\n`}[mode]
		case '\t':
			by = [...]string{"", "&#9;", "    "}[mode]
		default:
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 || !isChar(r) {
				by = "\ufffd"
			}
		}
		if by != "" {
			out = append(append(out, s[last:i]...), by...)
			last = i + n
		}
		i += n
	}
	return append(out, s[last:]...)
}

// commentText makes any text fit for a comment.
func commentText(s string) string {
	s = validText(s)
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "- -")
	}
	if strings.HasSuffix(s, "-") {
		s += " "
	}
	return s
}

func validText(s string) string {
	return strings.Map(func(r rune) rune {
		if !isChar(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// Equal reports whether two elements have the same name, attributes in the same
// order, and children. Line numbers do not matter.
func Equal(a, b *Element) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Name != b.Name || a.Text != b.Text ||
		len(a.Attrs) != len(b.Attrs) || len(a.Children) != len(b.Children) {
		return false
	}
	for i := range a.Attrs {
		if a.Attrs[i] != b.Attrs[i] {
			return false
		}
	}
	for i := range a.Children {
		if !Equal(a.Children[i], b.Children[i]) {
			return false
		}
	}
	return true
}
