package haresources

import (
	"fmt"
	"io"
	"strings"

	"github.com/quorate/quorate/pkg/diag"
)

// Entry is one line as the converter reads it: exactly one of Group, Order and
// Colocation is set.
type Entry struct {
	Line int
	// Group is a node and its resources. ID is the name that the user chose for
	// it by a last word "#NAME", or ""; Clone tells that it was "#clone:NAME".
	Group *Group
	ID    string
	Clone bool
	// Words is the number of words of the line, node and name included.
	Words int

	Order      *Order
	Colocation *Colocation
}

// Order is a line "#rsc_order FROM ACTION TYPE TO".
type Order struct {
	From, Action string
	// Type is "before" or "after": FROM TYPE TO.
	Type, To string
}

// Colocation is a line "#rsc_colocation FROM TO SCORE".
type Colocation struct{ From, To, Score string }

// ParseLoose reads a file as haresources2cib does. What cannot be understood
// is skipped, with a warning that begins with the old tool's words; the error
// is only what the reader said.
func ParseLoose(r io.Reader, file string) ([]Entry, []diag.Diagnostic, error) {
	lines, err := logicalLines(r, file, false)
	if err != nil {
		return nil, nil, err
	}
	p := &looseParser{file: file}
	for _, l := range lines {
		p.oneLine(l)
	}
	return p.entries, p.diags, nil
}

type looseParser struct {
	file    string
	entries []Entry
	diags   []diag.Diagnostic
}

func (p *looseParser) warnf(line int, remedy, format string, a ...any) {
	p.diags = append(p.diags, diag.New(p.file, line, diag.Warning, remedy, fmt.Sprintf(format, a...)))
}

func (p *looseParser) oneLine(l logical) {
	words := strings.Fields(l.text)
	if len(words) == 0 {
		return
	}
	e := Entry{Line: l.line, Words: len(words)}
	if strings.HasPrefix(words[0], "#") {
		switch {
		case words[0] == "#rsc_order" && len(words) == 5:
			e.Order = &Order{words[1], words[2], words[3], words[4]}
			if e.Order.Type != "before" && e.Order.Type != "after" {
				p.warnf(l.line, "write: #rsc_order FROM ACTION before|after TO", "can not parse this line:%s", l.text)
				return
			}
		case words[0] == "#rsc_colocation" && len(words) == 4:
			e.Colocation = &Colocation{words[1], words[2], words[3]}
		case words[0] == "#rsc_order":
			p.warnf(l.line, "write: #rsc_order FROM ACTION before|after TO", "can not parse this line:%s", l.text)
			return
		case words[0] == "#rsc_colocation":
			p.warnf(l.line, "write: #rsc_colocation FROM TO SCORE", "can not parse this line:%s", l.text)
			return
		default:
			return // a remark
		}
		p.entries = append(p.entries, e)
		return
	}
	words = p.name(&e, words)
	if len(words) < 2 {
		p.warnf(l.line, "a line is a node and its resources", "can not parse this line:%s", l.text)
		return
	}
	e.Group = &Group{Node: strings.ToLower(words[0]), Line: l.line}
	for _, w := range words[1:] {
		e.Group.Resources = append(e.Group.Resources, looseResource(w))
	}
	p.entries = append(p.entries, e)
}

// name takes the name a user chose, or a remark, off the end of the line.
func (p *looseParser) name(e *Entry, words []string) []string {
	for i, w := range words {
		if !strings.HasPrefix(w, "#") {
			continue
		}
		if i == len(words)-1 && len(w) > 1 {
			e.ID, e.Clone = strings.CutPrefix(w[1:], "clone:")
		} else {
			p.warnf(e.Line, "", "[%s] is taken as a remark", strings.Join(words[i:], " "))
		}
		return words[:i]
	}
	return words
}

// looseResource splits a word: of an address only the first argument counts.
func looseResource(w string) Resource {
	r := newResource(w)
	if strings.HasPrefix(r.Script, "IPaddr") && len(r.Args) > 1 {
		r.Args = r.Args[:1]
	}
	return r
}
