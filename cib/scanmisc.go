package cib

import "strings"

// charData takes character data between two tags.
func (p *parser) charData(start, end int) {
	if len(p.text) == 0 {
		i := start
		for i < end && isSpace(p.src[i]) {
			i++
		}
		if i == end {
			// Blank so far: keep it only if more data follows (CDATA), which
			// is decided there.
			if end+9 > len(p.src) || p.src[end:end+9] != "<![CDATA[" {
				return
			}
		}
	}
	for p.pos = start; p.pos < end; {
		switch c := p.src[p.pos]; c {
		case '&':
			p.text = p.reference(p.text)
			if p.pos > end {
				p.fail(end, "\"&\" does not begin a reference such as &amp;: write &amp; for the character itself")
			}
		case '\r':
			p.pos++
			if p.pos < len(p.src) && p.src[p.pos] == '\n' {
				p.pos++
			}
			p.text = append(p.text, '\n')
		case ']':
			if p.hasPrefix("]]>") {
				p.fail(p.pos, "\"]]>\" in text ends no CDATA section: write ]]&gt;")
			}
			fallthrough
		default:
			p.text = append(p.text, c)
			p.pos++
		}
	}
	p.pos = start
}

// cdata reads a CDATA section as character data.
func (p *parser) cdata() {
	body := p.src[p.pos+9:]
	end := strings.Index(body, "]]>")
	if end < 0 {
		p.fail(p.pos, "the CDATA section is not terminated: \"]]>\" is missing")
	}
	p.text = append(p.text, newlines(body[:end])...)
	p.pos += 9 + end + 3
}

// flushText turns the collected character data into a child.
func (p *parser) flushText() {
	if len(p.text) == 0 {
		return
	}
	s := string(p.text)
	p.text = p.text[:0]
	if strings.Trim(s, " \t\r\n") == "" {
		return
	}
	p.leaf(TextName, s, p.lineOf(p.pos))
}

// comment reads a comment; it is kept inside the root only.
func (p *parser) comment(keep bool) {
	body := p.src[p.pos+4:]
	end := strings.Index(body, "--")
	if end < 0 {
		p.fail(p.pos, "the comment is not terminated: \"-->\" is missing")
	}
	if end+2 >= len(body) || body[end+2] != '>' {
		p.fail(p.pos+4+end, "\"--\" inside a comment is not allowed")
	}
	if keep {
		p.leaf(CommentName, newlines(body[:end]), p.lineOf(p.pos))
	}
	p.pos += 4 + end + 3
}

// instruction reads a processing instruction; it is kept inside the root only.
func (p *parser) instruction(keep bool) {
	start := p.pos
	p.pos += 2
	target := p.name("a processing instruction", "")
	if strings.EqualFold(target, "xml") {
		p.fail(start, "the XML declaration <?xml …?> is allowed at the very beginning only")
	}
	if strings.IndexByte(target, ':') >= 0 {
		p.fail(start, "the name of the processing instruction <?%s has a colon", target)
	}
	end := strings.Index(p.src[p.pos:], "?>")
	if end < 0 {
		p.fail(start, "the processing instruction <?%s is not terminated: \"?>\" is missing", target)
	}
	if end > 0 && !isSpace(p.src[p.pos]) {
		p.fail(p.pos, "white space is expected after <?%s, not %s", target, p.quoteHere())
	}
	if keep {
		p.leaf(InstructionName, strings.TrimRight(target+" "+newlines(strings.TrimLeft(p.src[p.pos:p.pos+end], " \t\r\n")), " "), p.lineOf(start))
	}
	p.pos += end + 2
}

// declaration reads <?xml version="1.0" encoding="…" standalone="…"?>.
func (p *parser) declaration() {
	start := p.pos
	p.pos += 5
	want := []string{"version", "encoding", "standalone"}
	for first := true; ; first = false {
		space := p.pos
		p.skipSpace()
		if p.hasPrefix("?>") {
			if first {
				p.fail(start, "the XML declaration has no version")
			}
			p.pos += 2
			return
		}
		if p.pos == space {
			p.fail(start, "the XML declaration is not terminated: \"?>\" is missing")
		}
		name := p.name("an item of the XML declaration", "")
		for len(want) > 0 && want[0] != name {
			if want[0] == "version" {
				p.fail(start, "the XML declaration does not begin with its version")
			}
			want = want[1:]
		}
		if len(want) == 0 {
			p.fail(start, "the XML declaration cannot have %q here", name)
		}
		want = want[1:]
		v := p.value("?xml", name)
		switch {
		case name == "version" && v != "1.0":
			p.fail(start, "XML version %q is not read, only 1.0", v)
		case name == "encoding" && !strings.EqualFold(v, "utf-8") && !strings.EqualFold(v, "us-ascii") && !strings.EqualFold(v, "ascii"):
			p.fail(start, "the encoding %q is not read, only UTF-8: convert the file, for instance with iconv -f %s -t UTF-8, and drop the declaration", v, v)
		case name == "standalone" && v != "yes" && v != "no":
			p.fail(start, "standalone in the XML declaration must be yes or no, not %q", v)
		}
	}
}

// doctype skips a DOCTYPE without internal subset; old documents carry one.
func (p *parser) doctype() {
	start := p.pos
	p.pos += len("<!DOCTYPE")
	if p.pos < len(p.src) && !isSpace(p.src[p.pos]) {
		p.fail(start, "white space is expected after <!DOCTYPE")
	}
	p.skipSpace()
	p.name("the document type", "")
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; c {
		case '>':
			p.pos++
			return
		case '[':
			end := p.pos + 1
			for end < len(p.src) && isSpace(p.src[end]) {
				end++
			}
			if end >= len(p.src) || p.src[end] != ']' {
				p.fail(p.pos, "the DOCTYPE declares entities or other things of its own, which is refused: remove the part in [ ], and write what its entities stand for")
			}
			p.pos = end + 1
		case '"', '\'':
			end := strings.IndexByte(p.src[p.pos+1:], c)
			if end < 0 {
				p.fail(start, "the DOCTYPE is not terminated: a closing %c is missing", c)
			}
			p.pos += end + 2
		case '<':
			p.fail(start, "the DOCTYPE is not terminated: its \">\" is missing")
		default:
			p.pos++
		}
	}
	p.fail(start, "the DOCTYPE is not terminated: its \">\" is missing")
}

// newlines maps CR LF and CR to LF, as XML 1.0 section 2.11 demands.
func newlines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
