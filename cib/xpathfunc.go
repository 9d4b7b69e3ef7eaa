package cib

import (
	"math"
	"strconv"
	"strings"
)

// xfunc is a function of XPath 1.0 with the least and the greatest number of
// its arguments.
type xfunc struct {
	least, most int
	call        func(c *xctx, args []any) any
}

// primary reads a literal, a number, a call or an expression in parentheses.
func (p *xpathParser) primary() xexpr {
	switch {
	case p.kind == 'l':
		s := p.tok[1 : len(p.tok)-1]
		p.next()
		return func(*xctx) any { return s }
	case p.kind == '0':
		n, err := strconv.ParseFloat(p.tok, 64)
		if err != nil {
			p.fail("%q is no number", p.tok)
		}
		p.next()
		return func(*xctx) any { return n }
	case p.accept("("):
		x := p.or()
		p.expect(")")
		return x
	case p.tok == "$":
		p.fail("variables are not known here")
	}
	name := p.tok
	f, ok := xfuncs[name]
	if !ok {
		p.fail("the function %s() is not known here", name)
	}
	switch name {
	case "position", "last", "count", "number", "sum", "floor", "ceiling", "round", "string-length":
		// Its value may be a number, which a predicate takes as a position.
		p.positional = true
	}
	p.next()
	p.expect("(")
	var args []xexpr
	for p.tok != ")" {
		if len(args) > 0 {
			p.expect(",")
		}
		args = append(args, p.or())
	}
	if len(args) < f.least || len(args) > f.most {
		p.fail("the function %s() cannot have %d arguments", name, len(args))
	}
	p.expect(")")
	return func(c *xctx) any {
		values := make([]any, len(args))
		for i, a := range args {
			values[i] = a(c)
		}
		return f.call(c, values)
	}
}

// self returns the first argument, or the context node if there is none.
func self(c *xctx, args []any) any {
	if len(args) > 0 {
		return args[0]
	}
	return []*xnode{c.node}
}

func nodeName(c *xctx, args []any) string {
	if n, _ := self(c, args).([]*xnode); len(n) > 0 {
		return n[0].name()
	}
	return ""
}

const manyArgs = 1 << 10

var xfuncs = map[string]xfunc{
	"last":     {0, 0, func(c *xctx, _ []any) any { return float64(c.size) }},
	"position": {0, 0, func(c *xctx, _ []any) any { return float64(c.pos) }},
	"count": {1, 1, func(_ *xctx, a []any) any {
		n, _ := a[0].([]*xnode)
		return float64(len(n))
	}},
	"name": {0, 1, func(c *xctx, a []any) any { return nodeName(c, a) }},
	"local-name": {0, 1, func(c *xctx, a []any) any {
		n := nodeName(c, a)
		return n[strings.IndexByte(n, ':')+1:]
	}},
	"string": {0, 1, func(c *xctx, a []any) any { return toText(self(c, a)) }},
	"concat": {2, manyArgs, func(_ *xctx, a []any) any {
		var b strings.Builder
		for _, v := range a {
			b.WriteString(toText(v))
		}
		return b.String()
	}},
	"starts-with": {2, 2, func(_ *xctx, a []any) any { return strings.HasPrefix(toText(a[0]), toText(a[1])) }},
	"contains":    {2, 2, func(_ *xctx, a []any) any { return strings.Contains(toText(a[0]), toText(a[1])) }},
	"substring-before": {2, 2, func(_ *xctx, a []any) any {
		if s, _, ok := strings.Cut(toText(a[0]), toText(a[1])); ok {
			return s
		}
		return ""
	}},
	"substring-after": {2, 2, func(_ *xctx, a []any) any {
		_, s, _ := strings.Cut(toText(a[0]), toText(a[1]))
		return s
	}},
	"substring":       {2, 3, substring},
	"string-length":   {0, 1, func(c *xctx, a []any) any { return float64(len([]rune(toText(self(c, a))))) }},
	"normalize-space": {0, 1, func(c *xctx, a []any) any { return strings.Join(strings.Fields(toText(self(c, a))), " ") }},
	"translate":       {3, 3, translate},
	"boolean":         {1, 1, func(_ *xctx, a []any) any { return toBool(a[0]) }},
	"not":             {1, 1, func(_ *xctx, a []any) any { return !toBool(a[0]) }},
	"true":            {0, 0, func(*xctx, []any) any { return true }},
	"false":           {0, 0, func(*xctx, []any) any { return false }},
	"number":          {0, 1, func(c *xctx, a []any) any { return toNumber(self(c, a)) }},
	"sum": {1, 1, func(_ *xctx, a []any) any {
		total := 0.0
		n, _ := a[0].([]*xnode)
		for _, x := range n {
			total += toNumber(x.text())
		}
		return total
	}},
	"floor":   {1, 1, func(_ *xctx, a []any) any { return math.Floor(toNumber(a[0])) }},
	"ceiling": {1, 1, func(_ *xctx, a []any) any { return math.Ceil(toNumber(a[0])) }},
	"round":   {1, 1, func(_ *xctx, a []any) any { return math.Floor(toNumber(a[0]) + 0.5) }},
}

func substring(_ *xctx, a []any) any {
	from := math.Floor(toNumber(a[1]) + 0.5)
	to := math.Inf(1)
	if len(a) == 3 {
		to = from + math.Floor(toNumber(a[2])+0.5)
	}
	var b strings.Builder
	i := 0.0
	for _, r := range toText(a[0]) {
		if i++; i >= from && i < to {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func translate(_ *xctx, a []any) any {
	from, to := []rune(toText(a[1])), []rune(toText(a[2]))
	table := map[rune]rune{}
	for i, r := range from {
		if _, ok := table[r]; ok {
			continue
		}
		table[r] = -1
		if i < len(to) {
			table[r] = to[i]
		}
	}
	return strings.Map(func(r rune) rune {
		if by, ok := table[r]; ok {
			return by
		}
		return r
	}, toText(a[0]))
}
