package ocftest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// element is one element of the document type.
type element struct {
	// content matches the names of its children, each with a blank after it; nil
	// is anything.
	content *regexp.Regexp
	attrs   map[string]attribute
}

// attribute is one attribute of an element; without values any will do.
type attribute struct {
	required bool
	values   []string
}

func model(s string) *regexp.Regexp { return regexp.MustCompile("^(?:" + s + ")$") }

var (
	flag = attribute{values: []string{"0", "1"}}
	need = attribute{required: true}
	may  = attribute{}
)

// documentType is ra-api-1.dtd of the OCF Resource Agent API 1.0.
var documentType = map[string]element{
	"resource-agent": {model("version longdesc shortdesc (parameters )?actions "), map[string]attribute{"name": need, "version": may}},
	"version":        {model(""), nil},
	"parameters":     {model("(parameter )*"), nil},
	"parameter":      {model("(longdesc )+(shortdesc )+content "), map[string]attribute{"name": need, "required": flag, "unique": flag}},
	"longdesc":       {nil, map[string]attribute{"lang": may}},
	"shortdesc":      {nil, map[string]attribute{"lang": may}},
	"content": {model(""), map[string]attribute{"default": may,
		"type": {required: true, values: []string{"string", "integer", "boolean", "time"}}}},
	"actions": {model("(action )*"), nil},
	"action": {model(""), map[string]attribute{"timeout": need, "interval": may, "start-delay": may, "role": may, "depth": may,
		"name": {required: true, values: []string{"start", "stop", "recover", "monitor", "restart", "migrate_to", "migrate_from", "promote", "demote",
			"notify", "status", "reload", "meta-data", "usage", "methods", "validate-all"}}}},
}

// textual elements may hold text.
var textual = []string{"version", "longdesc", "shortdesc"}

// Errors of [CheckMetaData].
var (
	// ErrNotXML indicates meta-data that is no XML document.
	ErrNotXML = errors.New("meta-data is no XML document")
	// ErrNotConforming indicates meta-data that the document type does not allow.
	ErrNotConforming = errors.New("meta-data does not conform to ra-api-1.dtd")
)

// CheckMetaData compares an agent's meta-data with the document type. The error
// holds the line and [ErrNotXML] or [ErrNotConforming].
func CheckMetaData(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	type open struct {
		name     string
		children strings.Builder
	}
	var stack []*open
	subset, declared, roots := "", false, 0
	bad := func(format string, args ...any) error {
		line, _ := d.InputPos()
		return fmt.Errorf("line %d: %s: %w", line, fmt.Sprintf(format, args...), ErrNotConforming)
	}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotXML, err)
		}
		switch t := tok.(type) {
		case xml.Directive:
			if s := string(t); strings.HasPrefix(s, "DOCTYPE") {
				declared, subset = true, s
			}
		case xml.StartElement:
			if len(stack) > 0 {
				fmt.Fprintf(&stack[len(stack)-1].children, "%s ", t.Name.Local)
			} else if roots++; t.Name.Local != "resource-agent" {
				return bad("the document is a %s, not a resource-agent", t.Name.Local)
			}
			stack = append(stack, &open{name: t.Name.Local})
			if why := attributes(t, subset); why != "" {
				return bad("%s", why)
			}
		case xml.CharData:
			if n := len(stack); n > 0 && strings.TrimSpace(string(t)) != "" && !slices.Contains(textual, stack[n-1].name) {
				return bad("text in the element %s", stack[n-1].name)
			}
		case xml.EndElement:
			o := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if m := documentType[o.name].content; m != nil && !m.MatchString(o.children.String()) {
				return bad("element %s holds %q", o.name, strings.TrimSpace(o.children.String()))
			}
		}
	}
	switch {
	case roots == 0:
		return fmt.Errorf("%w: it is empty", ErrNotXML)
	case !declared:
		return fmt.Errorf("it names no document type (<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\">): %w", ErrNotConforming)
	}
	return nil
}

// attributes says what is wrong with an element's name and attributes.
func attributes(t xml.StartElement, subset string) string {
	e, ok := documentType[t.Name.Local]
	if !ok {
		return fmt.Sprintf("element %s is not known", t.Name.Local)
	}
	seen := map[string]bool{}
	for _, a := range t.Attr {
		n := a.Name.Local
		seen[n] = true
		rule, ok := e.attrs[n]
		inSubset := regexp.MustCompile(`<!ATTLIST\s+` + t.Name.Local + `\s+` + regexp.QuoteMeta(n) + `\s+([^>]*)>`).FindStringSubmatch(subset)
		if inSubset != nil {
			// The internal subset goes before the document type.
			if values, _, many := strings.Cut(strings.TrimPrefix(inSubset[1], "("), ")"); many && !slices.Contains(strings.Split(values, "|"), a.Value) {
				return fmt.Sprintf("attribute %s=%q of element %s is none of %s", n, a.Value, t.Name.Local, values)
			}
			continue
		}
		if !ok {
			return fmt.Sprintf("attribute %s of element %s is not known", n, t.Name.Local)
		}
		if rule.values != nil && !slices.Contains(rule.values, a.Value) {
			return fmt.Sprintf("attribute %s=%q of element %s is none of %s", n, a.Value, t.Name.Local, strings.Join(rule.values, ", "))
		}
	}
	for n, rule := range e.attrs {
		if rule.required && !seen[n] {
			return fmt.Sprintf("element %s lacks the attribute %s", t.Name.Local, n)
		}
	}
	return ""
}
