package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/quorate/quorate/cib"
)

// masked stands for a secret.
const masked = "****"

// DefaultPattern matches the names of variables whose values are secret.
const DefaultPattern = "passw.*"

// masker hides the values of secret variables.
type masker struct {
	name *regexp.Regexp // a whole name
	text *regexp.Regexp // NAME=VALUE, NAME: VALUE
	attr *regexp.Regexp // name="NAME" value="VALUE"
	rev  *regexp.Regexp // value="VALUE" name="NAME"
}

// newMasker makes a masker of the default pattern and further ones.
func newMasker(patterns []string) (*masker, error) {
	var word []string
	for _, p := range append([]string{DefaultPattern}, patterns...) {
		if _, err := regexp.Compile(p); err != nil {
			return nil, fmt.Errorf("-p %q is no regular expression: %w", p, err)
		}
		// Inside a line the name ends where its value begins.
		word = append(word, "(?:"+strings.ReplaceAll(p, ".*", `[\w.-]*`)+")")
	}
	any := strings.Join(word, "|")
	m := new(masker)
	for _, x := range []struct {
		to   **regexp.Regexp
		text string
	}{
		{&m.name, `(?i)(?:` + any + `)`},
		{&m.text, `(?i)([\w.-]*(?:` + any + `)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"']+)`},
		{&m.attr, `(?i)(name="[^"]*(?:` + any + `)[^"]*"[^<>]*?\svalue=)("[^"]*")`},
		{&m.rev, `(?i)(\svalue=)("[^"]*")([^<>]*?\sname="[^"]*(?:` + any + `)[^"]*")`},
	} {
		re, err := regexp.Compile(x.text)
		if err != nil {
			return nil, fmt.Errorf("the patterns of -p are no regular expressions together: %w", err)
		}
		*x.to = re
	}
	return m, nil
}

// Text masks a line of a log or of a configuration file.
func (m *masker) Text(line string) string {
	if !m.name.MatchString(line) { // nearly all
		return line
	}
	line = m.attr.ReplaceAllString(line, `${1}"`+masked+`"`)
	line = m.rev.ReplaceAllString(line, `${1}"`+masked+`"${3}`)
	return m.text.ReplaceAllStringFunc(line, func(s string) string {
		x := m.text.FindStringSubmatch(s)
		if q := x[2][0]; q == '"' || q == '\'' {
			return x[1] + string(q) + masked + string(q)
		}
		return x[1] + masked
	})
}

// XML masks a document: the values of nvpairs and parameters with a secret name,
// and attributes that have one themselves.
func (m *masker) XML(e *cib.Element) *cib.Element {
	out := *e
	out.Attrs, out.Children = nil, nil
	secret := m.name.MatchString(e.Get("name"))
	for _, a := range e.Attrs {
		if a.Name == "value" && secret || a.Name != "name" && m.name.MatchString(a.Name) {
			a.Value = masked
		} else {
			a.Value = m.Text(a.Value)
		}
		out.Attrs = append(out.Attrs, a)
	}
	for _, c := range e.Children {
		if c.IsElement() {
			c = m.XML(c)
		} else {
			t := *c
			t.Text = m.Text(c.Text)
			c = &t
		}
		out.Children = append(out.Children, c)
	}
	return &out
}

// HaCf masks ha.cf: the parameters of fencing devices, which are in no order that
// tells which is the password, and what looks like a secret elsewhere.
func (m *masker) HaCf(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) > 3 && f[0] == "stonith_host":
			line = strings.Join(f[:3], " ") + " " + masked + "\n"
		case len(f) > 0 && f[0] == "stonith" && len(f) > 2:
			line = strings.Join(f[:2], " ") + " " + masked + "\n"
		case len(f) > 2 && f[0] == "env" && m.name.MatchString(f[1]):
			line = strings.Join(f[:2], " ") + " " + masked + "\n"
		default:
			line = m.Text(line)
		}
		b.WriteString(line)
	}
	return b.String()
}
