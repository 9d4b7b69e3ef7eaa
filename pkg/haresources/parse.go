package haresources

import (
	"fmt"
	"io"
	"strings"

	"github.com/quorate/quorate/pkg/diag"
)

// maxSize bounds the file.
const maxSize = 1 << 20

// logical is one line after joining those that end in a backslash.
type logical struct {
	text string
	// line is that of the first part.
	line int
	// open tells that the file ended behind a backslash.
	open bool
}

// logicalLines splits text. strip removes remarks from each part, before the
// backslash is looked for.
func logicalLines(r io.Reader, file string, strip bool) ([]logical, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", file, err)
	}
	if len(raw) > maxSize {
		return nil, fmt.Errorf("%s has more than %d bytes: this is no haresources", file, maxSize)
	}
	var out []logical
	var cur *logical
	for i, part := range strings.Split(strings.TrimPrefix(string(raw), "\ufeff"), "\n") {
		if strip {
			part, _, _ = strings.Cut(part, "#")
		}
		part = strings.TrimSpace(part)
		if cur == nil {
			out = append(out, logical{line: i + 1})
			cur = &out[len(out)-1]
		}
		more := strings.HasSuffix(part, "\\")
		cur.text = strings.TrimSpace(cur.text + " " + strings.TrimSuffix(part, "\\"))
		cur.open = more
		if !more {
			cur = nil
		}
	}
	return out, nil
}

// Parse reads a file strictly; file is its name for messages. All errors are
// found in one pass; groups without an error are returned in any case. The
// error is a [diag.Errors] value, or what the reader said.
func Parse(r io.Reader, file string) ([]Group, []diag.Diagnostic, error) {
	lines, err := logicalLines(r, file, true)
	if err != nil {
		return nil, nil, err
	}
	var groups []Group
	var ds []diag.Diagnostic
	keys := make(map[string]int)
	for _, l := range lines {
		fail := func(s diag.Severity, remedy, format string, a ...any) {
			ds = append(ds, diag.New(file, l.line, s, remedy, fmt.Sprintf(format, a...)))
		}
		words := strings.Fields(l.text)
		if l.open && len(words) > 0 {
			fail(diag.Warning, "remove the backslash", "The file ends behind a backslash")
		}
		if len(words) == 0 {
			continue
		}
		if !validNode(words[0]) {
			fail(diag.Error, "a line is a node and its resources", "Bad nodename in %s [%s]", file, words[0])
			continue
		}
		if len(words) == 1 {
			fail(diag.Error, "a line is a node and its resources; one broken in two must be joined, or end in a backslash",
				"Node [%s] has no resources on this line", words[0])
			continue
		}
		g := Group{Node: strings.ToLower(words[0]), Line: l.line}
		bad := false
		for _, w := range words[1:] {
			res := newResource(w)
			if err := res.check(); err != nil {
				fail(diag.Error, "a resource is an address or a script with arguments behind ::", "Invalid resource [%s]: %v", w, err)
				bad = true
			}
			g.Resources = append(g.Resources, res)
		}
		if bad {
			continue
		}
		if first, ok := keys[g.Key()]; ok {
			fail(diag.Error, "the first resource of a line names its group and must be unique",
				"Resource [%s] is the first of line %d already", g.Key(), first)
			continue
		}
		keys[g.Key()] = l.line
		groups = append(groups, g)
	}
	return groups, ds, diag.Refusal(ds)
}

func (r Resource) check() error {
	if !validScript(r.Script) {
		return fmt.Errorf("[%s] is not the name of a script", r.Script)
	}
	if r.Script == "IPaddr" || r.Script == "IPaddr2" {
		if len(r.Args) == 0 {
			return fmt.Errorf("it has no address")
		}
		_, err := ParseIPSpec(r.Args[0])
		return err
	}
	return nil
}

func validNode(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
		case i > 0 && (r == '.' || r == '-'):
		default:
			return false
		}
	}
	return s != "" && len(s) < 100
}

// validScript accepts a plain file name: scripts are looked for in the
// directories of scripts only.
func validScript(s string) bool {
	if s == "" || s[0] == '.' || s[0] == '-' || len(s) > 255 {
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+@") == ""
}
