package hacf

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/quorate/quorate/pkg/diag"
)

// maxSize bounds the file: a sane one has a few kilobytes.
const maxSize = 1 << 20

// Parse reads an ha.cf; file is its name for messages. It looks at nothing but
// the text. The Config is returned as far as it was understood even when the
// error is not nil, and must not be run then. The error is a [diag.Errors] value,
// or what the reader said.
func Parse(r io.Reader, file string) (*Config, []Diagnostic, error) {
	return parse(r, file, DefaultPort)
}

func parse(r io.Reader, file string, port int) (*Config, []Diagnostic, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read %s: %w", file, err)
	}
	if len(text) > maxSize {
		return nil, nil, fmt.Errorf("%s has more than %d bytes: this is no ha.cf", file, maxSize)
	}
	p := newParser(file, port)
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for i, l := range bytes.Split(text, []byte("\n")) {
		p.line = i + 1
		p.oneLine(string(l))
	}
	p.line = 0
	p.finish()
	return p.cfg, p.diags, diag.Refusal(p.diags)
}

// parser is the state of reading one file.
type parser struct {
	cfg   *Config
	diags []Diagnostic
	// line is the present line, dir the present directive.
	line int
	dir  *Directive
	// first is the line on which a directive was first met.
	first map[string]int
	// broken is the last line with an error in its value: a page that breaks
	// lines leaves the rest of the value on the next.
	broken  int
	noticed map[string]bool

	port, baudRate     int
	extendedTimeWarned bool
}

func newParser(file string, port int) *parser {
	return &parser{
		cfg: &Config{
			File: file, Cluster: DefaultCluster,
			Keepalive: DefaultKeepalive, Deadtime: DefaultDeadtime,
			Warntime: -1, Initdead: -1, Deadping: -1,
			Autojoin: "none", UUIDFrom: "file", HBGenMethod: "file",
			Realtime: true, RTPrio: 1, HopFudge: 1,
			RecordInputs: true, CoreDumps: true, CoreRoot: "/var/lib/heartbeat/cores",
			Log:    Log{BadPackets: true, ReconnectInterval: 60e9},
			params: make(map[string]string),
		},
		first: make(map[string]int), noticed: make(map[string]bool),
		port: port, baudRate: DefaultBaud,
	}
}

// blanks separate words; a comma is one in lists of values.
const (
	blanks     = " \t\r\n\f\v"
	separators = blanks + ","
)

func fields(s, cut string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(cut, r) })
}

func (p *parser) oneLine(text string) {
	text, _, _ = strings.Cut(text, "#")
	text = strings.Trim(text, blanks)
	if text == "" {
		return
	}
	name, rest := text, ""
	if i := strings.IndexAny(text, blanks); i >= 0 {
		name, rest = text[:i], strings.Trim(text[i:], blanks)
	}
	d := byName[name]
	p.dir = d
	if d == nil {
		p.illegal(name)
		return
	}
	p.notice(d)
	if rest == "" {
		p.errorf("write the value behind it: "+d.Name+" "+d.Syntax, "Directive [%s] needs a value", d.Name)
		return
	}
	if l := p.first[name]; l == 0 {
		p.first[name] = p.line
	} else if !d.many && p.cfg.params[name] != rest && name != "baud" && name != "watchdog" {
		p.warnf("keep one of the two lines", "%s is set again (first on line %d); the last value counts", name, l)
	}
	if d.many && p.cfg.params[name] != "" {
		p.cfg.params[name] += " " + rest
	} else {
		p.cfg.params[name] = rest
	}
	if d.whole {
		d.set(p, rest)
		return
	}
	values := fields(rest, separators)
	if len(values) == 0 {
		p.errorf("write the value behind it: "+d.Name+" "+d.Syntax, "Directive [%s] needs a value", d.Name)
	}
	for _, v := range values {
		n := len(p.diags)
		d.set(p, v)
		// One refused value is enough: what follows it is usually a remark.
		if len(p.diags) > n && p.diags[len(p.diags)-1].Severity == Error {
			break
		}
	}
}

// illegal reports an unknown first word, with the likely cause.
func (p *parser) illegal(name string) {
	remedy := "the man page ha.cf lists the directives"
	low := strings.ToLower(name)
	switch {
	case p.broken != 0 && p.broken == p.line-1:
		remedy = fmt.Sprintf("if this belongs to line %d, join the two lines", p.broken)
	case byName[low] != nil:
		remedy = "directives are written in lower case: " + low
	default:
		best, dist := "", 3
		for i := range directives {
			if n := distance(low, directives[i].Name); n < dist {
				best, dist = directives[i].Name, n
			}
		}
		if best != "" && dist < len(name) {
			remedy = "did you mean " + best + "?"
		} else if !isASCII(name) {
			remedy = "a remark begins with #"
		}
	}
	p.errorf(remedy, "Illegal directive [%s] in %s", name, p.cfg.File)
}

// notice gives the one warning of a directive that has no effect.
func (p *parser) notice(d *Directive) {
	if d.Support == Supported || p.noticed[d.Name] {
		return
	}
	p.noticed[d.Name] = true
	what := "is not implemented yet"
	if d.Support == NoEffect {
		what = "has no effect in this program"
	}
	if d.Note != "" {
		what += ": " + d.Note
	}
	p.warnf("", "Directive %s %s", d.Name, what)
}

func (p *parser) add(s diag.Severity, line int, remedy, format string, a ...any) {
	p.diags = append(p.diags, diag.New(p.cfg.File, line, s, remedy, fmt.Sprintf(format, a...)))
}

func (p *parser) errorf(remedy, format string, a ...any) {
	p.add(Error, p.line, remedy, format, a...)
	if p.dir != nil {
		p.broken = p.line
	}
}

func (p *parser) warnf(remedy, format string, a ...any) {
	p.add(Warning, p.line, remedy, format, a...)
}

// invalid reports a value that the present directive does not take.
func (p *parser) invalid(v, format string, a ...any) {
	remedy := "syntax: " + p.dir.Name + " " + p.dir.Syntax
	if !isASCII(v) {
		remedy = "a remark behind the value begins with #"
	}
	p.errorf(remedy, format, a...)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}
