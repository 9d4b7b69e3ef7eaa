package cib

import (
	"fmt"
	"math"
	"strings"
)

// compileXPath reads an expression.
func compileXPath(src string) (x xexpr, err error) {
	if len(src) > 64<<10 {
		return nil, fmt.Errorf("%w: the XPath has %d characters, which is too long", ErrUsage, len(src))
	}
	p := &xpathParser{src: src}
	defer func() {
		if r := recover(); r != nil {
			pe, ok := r.(xpathError)
			if !ok {
				panic(r)
			}
			x, err = nil, fmt.Errorf("%w: the XPath %q is wrong at character %d: %s", ErrUsage, src, pe.pos+1, pe.msg)
		}
	}()
	p.next()
	x = p.or()
	if p.tok != "" {
		p.fail("%q was not expected", p.tok)
	}
	return x, nil
}

type xpathError struct {
	pos int
	msg string
}

type xpathParser struct {
	src string
	// pos is behind the current token, start at it.
	pos, start int
	// tok is the current token, "" at the end; kind tells names ('n'),
	// literals ('l'), numbers ('0') and symbols ('s') apart.
	tok   string
	kind  byte
	depth int
	// positional is set when an expression read looks at positions.
	positional bool
}

func (p *xpathParser) fail(format string, args ...any) {
	panic(xpathError{p.start, fmt.Sprintf(format, args...)})
}

// next reads a token. Whether * and names are operators depends on what came
// before, which the parser knows from where it asks.
func (p *xpathParser) next() {
	for p.pos < len(p.src) && isSpace(p.src[p.pos]) {
		p.pos++
	}
	p.start = p.pos
	if p.pos >= len(p.src) {
		p.tok, p.kind = "", 0
		return
	}
	c := p.src[p.pos]
	rest := p.src[p.pos:]
	switch {
	case c == '"' || c == '\'':
		end := strings.IndexByte(rest[1:], c)
		if end < 0 {
			p.fail("the text has no closing %c", c)
		}
		p.tok, p.kind = rest[:end+2], 'l'
	case c >= '0' && c <= '9' || c == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		end := 0
		for end < len(rest) && (rest[end] >= '0' && rest[end] <= '9' || rest[end] == '.') {
			end++
		}
		p.tok, p.kind = rest[:end], '0'
	case strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "::"), strings.HasPrefix(rest, ".."),
		strings.HasPrefix(rest, "!="), strings.HasPrefix(rest, "<="), strings.HasPrefix(rest, ">="):
		p.tok, p.kind = rest[:2], 's'
	case strings.IndexByte("/[]()@,.|=<>+-*$", c) >= 0:
		p.tok, p.kind = rest[:1], 's'
	default:
		end := 0
		for end < len(rest) {
			c := rest[end]
			colon := c == ':' && end > 0 && end+1 < len(rest) && rest[end+1] != ':' && rest[end-1] != ':'
			if !colon && (c == ':' || c < 0x80 && charClass[c]&nameChar == 0) {
				break
			}
			end++
		}
		if end == 0 || rest[0] < 0x80 && charClass[rest[0]]&nameStart == 0 {
			p.fail("%q cannot stand here", rest[:1])
		}
		p.tok, p.kind = rest[:end], 'n'
	}
	p.pos += len(p.tok)
}

func (p *xpathParser) accept(tok string) bool {
	if p.tok != tok || p.kind == 'l' || p.kind == 0 {
		return false
	}
	p.next()
	return true
}

func (p *xpathParser) expect(tok string) {
	if !p.accept(tok) {
		if p.tok == "" {
			p.fail("%q is missing", tok)
		}
		p.fail("%q is expected, not %q", tok, p.tok)
	}
}

// or is the outermost level of an expression.
func (p *xpathParser) or() xexpr {
	if p.depth++; p.depth > 64 {
		p.fail("the expression is nested too deep")
	}
	defer func() { p.depth-- }()
	x := p.and()
	for p.accept("or") {
		a, b := x, p.and()
		x = func(c *xctx) any { return toBool(a(c)) || toBool(b(c)) }
	}
	return x
}

func (p *xpathParser) and() xexpr {
	x := p.equality()
	for p.accept("and") {
		a, b := x, p.equality()
		x = func(c *xctx) any { return toBool(a(c)) && toBool(b(c)) }
	}
	return x
}

func (p *xpathParser) equality() xexpr {
	return p.binary([]string{"=", "!="}, func() xexpr {
		return p.binary([]string{"<", "<=", ">", ">="}, p.sum, compareValues2)
	}, compareValues2)
}

func compareValues2(op string, a, b any) any { return compareValues(op, a, b) }

func (p *xpathParser) sum() xexpr {
	return p.binary([]string{"+", "-"}, func() xexpr {
		return p.binary([]string{"*", "div", "mod"}, p.unary, calculate)
	}, calculate)
}

// binary reads operands joined by operators of one level, from the left.
func (p *xpathParser) binary(ops []string, operand func() xexpr, apply func(string, any, any) any) xexpr {
	x := operand()
	for {
		op := ""
		for _, o := range ops {
			if p.tok == o && p.kind != 'l' {
				op = o
			}
		}
		if op == "" {
			return x
		}
		p.next()
		a, b := x, operand()
		// The value may be a number, which a predicate takes as a position.
		p.positional = p.positional || strings.Contains("+-*divmod", op)
		x = func(c *xctx) any { return apply(op, a(c), b(c)) }
	}
}

func calculate(op string, a, b any) any {
	x, y := toNumber(a), toNumber(b)
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "div":
		return x / y
	}
	return math.Mod(x, y)
}

func (p *xpathParser) unary() xexpr {
	minus := 0
	for p.accept("-") {
		minus++
		p.positional = true
	}
	x := p.union()
	if minus == 0 {
		return x
	}
	return func(c *xctx) any {
		n := toNumber(x(c))
		if minus%2 == 1 {
			n = -n
		}
		return n
	}
}

func (p *xpathParser) union() xexpr {
	x := p.path()
	for p.accept("|") {
		a, b := x, p.path()
		x = func(c *xctx) any {
			m, ok := a(c).([]*xnode)
			n, ok2 := b(c).([]*xnode)
			if !ok || !ok2 {
				return []*xnode(nil)
			}
			return c.ev.sort(append(append([]*xnode(nil), m...), n...))
		}
	}
	return x
}

// path reads a location path or a primary expression with what follows it.
func (p *xpathParser) path() xexpr {
	switch {
	case p.tok == "/" && p.kind == 's':
		p.next()
		var steps []*xstep
		if p.atStep() {
			steps = p.steps()
		}
		return func(c *xctx) any { return evalSteps(c.ev, []*xnode{c.ev.doc}, steps) }
	case p.tok == "//":
		steps := p.steps()
		return func(c *xctx) any { return evalSteps(c.ev, []*xnode{c.ev.doc}, steps) }
	case p.kind == 'l', p.kind == '0', p.tok == "(", p.tok == "$", p.atFunction():
		return p.filter()
	case p.atStep():
		steps := p.steps()
		return func(c *xctx) any { return evalSteps(c.ev, []*xnode{c.node}, steps) }
	case p.tok == "":
		p.fail("the expression ends here, where something is expected")
	}
	p.fail("%q was not expected", p.tok)
	return nil
}

func (p *xpathParser) atStep() bool {
	return p.kind == 'n' || p.kind == 's' && (p.tok == "." || p.tok == ".." || p.tok == "@" || p.tok == "*")
}

var nodeTests = map[string]bool{"node": true, "text": true, "comment": true, "processing-instruction": true}

// atFunction tells whether a name is followed by a parenthesis and no node test.
func (p *xpathParser) atFunction() bool {
	return p.kind == 'n' && !nodeTests[p.tok] && strings.HasPrefix(strings.TrimLeft(p.src[p.pos:], " \t\r\n"), "(")
}

// filter reads a primary expression, its predicates and a path from there.
func (p *xpathParser) filter() xexpr {
	x := p.primary()
	for p.tok == "[" && p.kind == 's' {
		in := x
		pred, _ := p.predicate()
		x = func(c *xctx) any {
			n, _ := in(c).([]*xnode)
			return filterNodes(c.ev, n, pred)
		}
	}
	if p.kind == 's' && (p.tok == "/" || p.tok == "//") {
		in := x
		if p.tok == "/" {
			p.next()
		}
		steps := p.steps()
		x = func(c *xctx) any {
			n, _ := in(c).([]*xnode)
			return evalSteps(c.ev, n, steps)
		}
	}
	return x
}

func (p *xpathParser) predicate() (xexpr, bool) {
	p.expect("[")
	outer := p.positional
	p.positional = false
	number := p.kind == '0' || p.tok == "-"
	x := p.or()
	positional := p.positional || number
	p.positional = outer
	p.expect("]")
	return x, positional
}

// steps reads a relative path; a leading "//" is taken here as well.
func (p *xpathParser) steps() []*xstep {
	var out []*xstep
	for {
		deep := p.accept("//")
		s := p.step()
		switch {
		case deep && s.axis == "child" && !s.positional:
			s.axis = "descendant"
		case deep:
			out = append(out, &xstep{axis: "descendant-or-self", test: "node()"})
		}
		out = append(out, s)
		if p.kind == 's' && p.tok == "//" {
			continue
		}
		if p.kind != 's' || p.tok != "/" {
			return out
		}
		p.next()
	}
}

func (p *xpathParser) step() *xstep {
	s := &xstep{axis: "child"}
	switch {
	case p.accept("."):
		s.axis, s.test = "self", "node()"
		return s
	case p.accept(".."):
		s.axis, s.test = "parent", "node()"
		return s
	case p.accept("@"):
		s.axis = "attribute"
	case p.kind == 'n' && strings.HasPrefix(strings.TrimLeft(p.src[p.pos:], " \t\r\n"), "::"):
		if s.axis = p.tok; !xpathAxes[s.axis] {
			p.fail("the axis %q is not known here", s.axis)
		}
		p.next()
		p.next()
	}
	switch {
	case p.kind == 'n':
		s.test = p.tok
		p.next()
		if nodeTests[s.test] && p.tok == "(" {
			s.test += "()"
			p.next()
			p.expect(")")
		}
	case p.tok == "*" && p.kind == 's':
		s.test = "*"
		p.next()
	default:
		p.fail("the name of an element or attribute, or *, is expected, not %q", p.tok)
	}
	for p.tok == "[" && p.kind == 's' {
		x, positional := p.predicate()
		s.preds = append(s.preds, x)
		s.positional = s.positional || positional
	}
	return s
}
