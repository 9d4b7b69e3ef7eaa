package cib

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// startTag reads a start tag or an empty element at the position and opens it.
func (p *parser) startTag() {
	start := p.pos
	line := p.lineOf(start)
	if len(p.stack) >= MaxDepth {
		p.certain = true
		p.fail(start, "the elements are nested more than %d deep", MaxDepth)
	}
	p.pos++
	name := p.name("an element", "")
	first := len(p.attrs)
	if cap(p.attrs)-first < 32 {
		// A fresh slab: attributes of one element must be contiguous, and an
		// element with more than this just grows the slab by append.
		p.attrs, first = make([]Attr, 0, p.slab(1024)+32), 0
	}
	empty, prefixed := false, strings.IndexByte(name, ':') >= 0
	for {
		space := p.pos
		p.skipSpace()
		if p.pos >= len(p.src) {
			p.fail(start, "the tag <%s is not terminated: its \">\" is missing", name)
		}
		c := p.src[p.pos]
		if c == '>' {
			p.pos++
			break
		}
		if c == '/' {
			if p.pos+1 >= len(p.src) || p.src[p.pos+1] != '>' {
				p.fail(p.pos, "\"/\" in the tag <%s is not followed by \">\"", name)
			}
			p.pos += 2
			empty = true
			break
		}
		if space == p.pos {
			p.fail(p.pos, "white space or \">\" is expected in the tag <%s, not %s", name, p.quoteHere())
		}
		if c == '<' {
			p.fail(start, "the tag <%s is not terminated: its \">\" is missing before the next \"<\"", name)
		}
		a := p.name("an attribute of", name)
		prefixed = prefixed || strings.IndexByte(a, ':') >= 0 || a == "xmlns"
		p.attrs = append(p.attrs, Attr{a, p.value(name, a)})
	}
	attrs := p.attrs[first:len(p.attrs):len(p.attrs)]
	twin := p.twin(name, attrs)
	p.unique(start, name, attrs)
	if prefixed {
		p.scopes.open(p, start, len(p.stack), name, attrs)
	}
	e := p.element()
	e.Name, e.Line = name, line
	if len(attrs) > 0 {
		e.Attrs = attrs
	}
	if len(p.stack) > 0 {
		p.kids = append(p.kids, e)
	} else {
		p.root = e
	}
	if empty {
		p.scopes.close(len(p.stack))
		if twin != nil {
			p.share(e, opened{twin: twin, attrs: first, element: len(p.elements) - 1}, nil)
		}
		return
	}
	p.stack = append(p.stack, e)
	p.marks = append(p.marks, len(p.kids))
	if p.like != nil {
		p.opened = append(p.opened, opened{twin: twin, attrs: first, element: len(p.elements) - 1})
	}
}

// endTag reads the closing tag of the innermost open element.
func (p *parser) endTag() {
	start := p.pos
	top := p.stack[len(p.stack)-1]
	p.pos += 2
	name := ""
	if n := p.pos + len(top.Name); n < len(p.src) && p.src[p.pos:n] == top.Name && p.src[n] == '>' {
		name, p.pos = top.Name, n
	} else {
		name = p.name("a closing tag", "")
		p.skipSpace()
	}
	if p.pos >= len(p.src) || p.src[p.pos] != '>' {
		p.fail(start, "the closing tag </%s is not terminated: its \">\" is missing", name)
	}
	p.pos++
	if name != top.Name {
		p.lostSlash()
		p.fail(start, "</%s> closes <%s>, which opened in line %d: </%s> is expected", name, top.Name, top.Line, top.Name)
	}
	last := len(p.stack) - 1
	mark := p.marks[last]
	if p.like != nil {
		o := p.opened[last]
		p.opened = p.opened[:last]
		if p.share(top, o, p.kids[mark:]) {
			p.kids = p.kids[:mark]
		}
	}
	if n := len(p.kids) - mark; n > 0 {
		if cap(p.ptrs)-len(p.ptrs) < n {
			p.ptrs = make([]*Element, 0, max(n, p.slab(1024)))
		}
		at := len(p.ptrs)
		p.ptrs = append(p.ptrs, p.kids[mark:]...)
		top.Children = p.ptrs[at:len(p.ptrs):len(p.ptrs)]
	}
	p.kids = p.kids[:mark]
	p.stack, p.marks = p.stack[:last], p.marks[:last]
	p.scopes.close(last)
}

// name reads an XML name with at most one colon. What it names is said for
// errors, in two parts so that the good way allocates nothing.
func (p *parser) name(of, element string) string {
	start := p.pos
	for p.pos < len(p.src) && charClass[p.src[p.pos]]&nameChar != 0 {
		p.pos++
	}
	s := p.src[start:p.pos]
	if p.pos < len(p.src) && p.src[p.pos] >= utf8.RuneSelf {
		s = p.wideName(start)
	}
	if len(s) > MaxName {
		p.fail(start, "the name of %s has %d characters, where %d are the most that are read: %.40s…", strings.TrimSpace(of+" "+element), len(s), MaxName, s)
	}
	if s == "" || charClass[s[0]]&nameStart == 0 {
		p.pos = start
		p.fail(start, "the name of %s cannot begin with %s", strings.TrimSpace(of+" "+element), p.quoteHere())
	}
	if i := strings.IndexByte(s, ':'); i >= 0 && (i == 0 || i == len(s)-1 || strings.IndexByte(s[i+1:], ':') >= 0 || charClass[s[i+1]]&nameStart == 0) {
		p.fail(start, "%q is no name for %s: a name has one colon at most, between a prefix and a name", s, strings.TrimSpace(of+" "+element))
	}
	return p.names.intern(s)
}

// wideName goes on with a name that has characters beyond ASCII.
func (p *parser) wideName(start int) string {
	for p.pos < len(p.src) {
		r, n := utf8.DecodeRuneInString(p.src[p.pos:])
		if !isNameRune(r, p.pos == start || p.src[p.pos-1] == ':') {
			break
		}
		p.pos += n
	}
	return p.src[start:p.pos]
}

// value reads ="…" and returns the value with references resolved and white
// space normalised as XML 1.0 section 3.3.3 demands.
func (p *parser) value(element, attr string) string {
	p.skipSpace()
	if p.pos >= len(p.src) || p.src[p.pos] != '=' {
		p.fail(p.pos, "attribute %s of <%s> has no value: \"=\" and a quoted value are expected, not %s", attr, element, p.quoteHere())
	}
	p.pos++
	p.skipSpace()
	if p.pos >= len(p.src) || p.src[p.pos] != '"' && p.src[p.pos] != '\'' {
		p.fail(p.pos, "the value of attribute %s of <%s> is not quoted", attr, element)
	}
	quote := p.src[p.pos]
	p.pos++
	start := p.pos
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if charClass[c]&valueStop == 0 {
			p.pos++
			continue
		}
		if c == quote {
			s := p.src[start:p.pos]
			p.pos++
			return s
		}
		if c == '"' || c == '\'' {
			p.pos++
			continue
		}
		return p.slowValue(start, quote, element, attr)
	}
	p.fail(start, "the value of attribute %s of <%s> is not terminated: the closing %c is missing", attr, element, quote)
	return ""
}

// slowValue goes on with a value in which something must be replaced.
func (p *parser) slowValue(start int, quote byte, element, attr string) string {
	out := append([]byte(nil), p.src[start:p.pos]...)
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; c {
		case quote:
			p.pos++
			return string(out)
		case '<':
			p.fail(start, "the value of attribute %s of <%s> holds \"<\": its closing %c is missing, or write &lt;", attr, element, quote)
		case '&':
			out = p.reference(out)
		case '\r':
			p.pos++
			if p.pos < len(p.src) && p.src[p.pos] == '\n' {
				p.pos++
			}
			out = append(out, ' ')
		case '\n', '\t':
			p.pos++
			out = append(out, ' ')
		default:
			p.pos++
			out = append(out, c)
		}
	}
	p.fail(start, "the value of attribute %s of <%s> is not terminated: the closing %c is missing", attr, element, quote)
	return ""
}

// reference reads a character or entity reference and appends what it means.
func (p *parser) reference(out []byte) []byte {
	end := strings.IndexByte(p.src[p.pos:min(len(p.src), p.pos+64)], ';')
	if end < 2 {
		p.fail(p.pos, "\"&\" does not begin a reference such as &amp;: write &amp; for the character itself")
	}
	ref := p.src[p.pos+1 : p.pos+end]
	if ref[0] == '#' {
		digits, base := ref[1:], 10
		if strings.HasPrefix(digits, "x") {
			digits, base = digits[1:], 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil || !isChar(rune(n)) || n > utf8.MaxRune {
			p.fail(p.pos, "&%s; is not a character that XML allows", ref)
		}
		p.pos += end + 1
		return utf8.AppendRune(out, rune(n))
	}
	c := byte(0)
	switch ref {
	case "lt":
		c = '<'
	case "gt":
		c = '>'
	case "amp":
		c = '&'
	case "quot":
		c = '"'
	case "apos":
		c = '\''
	default:
		if strings.ContainsAny(ref, " \t\r\n<>\"'&") {
			p.fail(p.pos, "\"&\" does not begin a reference such as &amp;: write &amp; for the character itself")
		}
		p.fail(p.pos, "the entity &%s; is not defined: only &lt; &gt; &amp; &quot; and &apos; are", ref)
	}
	p.pos += end + 1
	return append(out, c)
}

// unique refuses an attribute that is given twice.
func (p *parser) unique(pos int, element string, attrs []Attr) {
	if len(attrs) > 48 {
		seen := make(map[string]bool, len(attrs))
		for i := range attrs {
			if seen[attrs[i].Name] {
				p.fail(pos, "attribute %s of <%s> is given twice", attrs[i].Name, element)
			}
			seen[attrs[i].Name] = true
		}
		return
	}
	for i := 1; i < len(attrs); i++ {
		for j := range i {
			if attrs[i].Name == attrs[j].Name {
				p.fail(pos, "attribute %s of <%s> is given twice", attrs[i].Name, element)
			}
		}
	}
}

// element returns a new element from the slab.
func (p *parser) element() *Element {
	if len(p.elements) == cap(p.elements) {
		p.elements = make([]Element, 0, p.slab(256))
	}
	p.elements = p.elements[:len(p.elements)+1]
	e := &p.elements[len(p.elements)-1]
	*e = Element{} // its place may have been taken back
	return e
}

// slab returns how many items to allocate at once: few for a small input, so
// that reading a short text costs little.
func (p *parser) slab(most int) int {
	return min(most, 4+(len(p.src)-min(p.pos, len(p.src)))/32)
}
