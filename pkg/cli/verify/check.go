package verify

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
)

// check collects what is wrong in one document.
type check struct {
	env              *cli.Env
	verbose          int
	errors, warnings int
	lines            []string
}

// say prints one finding; what is hidden still counts for -V and XML.
func (c *check) say(show bool, format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	if show {
		c.lines = append(c.lines, text)
		fmt.Fprintln(c.env.Stderr, text)
	}
}

// document checks everything.
func (c *check) document(doc *source.Document) {
	for _, r := range doc.Report {
		if r.Kind == cib.Dropped {
			c.warnings++
		}
		c.say(c.verbose > 0 && (r.Kind == cib.Dropped || c.verbose > 1), "%s:%d: %s", doc.Name, r.Line, r)
	}
	if doc.Root.Get("validate-with") == "none" {
		c.say(true, "Schema validation of configuration is disabled (enabling is encouraged and prevents common misconfigurations)")
	}
	invalid := false
	for _, p := range cib.Check(doc.Root) {
		where, severity := place(doc.Name, p.Line, p.ID), "warning"
		if p.Severity == cib.Error {
			invalid = true
			c.errors++
			severity = "error"
		}
		c.say(p.Severity == cib.Error || c.verbose > 0, "%s: %s: %s", where, severity, p.Sentence)
	}
	if invalid {
		// What the schema forbids may mislead the policy engine.
		return
	}
	res, err := schedule(doc)
	if err != nil {
		c.errors++
		c.say(true, "%s: error: %v", doc.Name, err)
		return
	}
	at := index(doc.Root)
	for _, s := range res.Errors {
		c.errors++
		c.say(c.verbose > 0, "%s: error: %s", at.place(doc.Name, s), s)
	}
	for _, s := range res.Warnings {
		c.warnings++
		c.say(c.verbose > 0, "%s: warning: %s", at.place(doc.Name, s), s)
	}
	for _, s := range pengine.OrderLoops(doc.Root) {
		c.warnings++
		c.say(c.verbose > 0, "%s: warning: %s", at.place(doc.Name, s), s)
	}
	for _, s := range res.Notes {
		c.say(c.verbose > 1, "%s: note: %s", at.place(doc.Name, s), s)
	}
}

// verdict is the closing text with its exit code.
func (c *check) verdict() error {
	text := ""
	switch {
	case c.errors > 0:
		text = "crm_verify: Errors found during check: config not valid"
	case c.warnings > 0:
		text = "crm_verify: Warnings found during check: config may not be valid"
	default:
		return nil
	}
	if c.verbose == 0 {
		text += "\n-V may provide more details"
	}
	return cli.Exitf(cli.ExitConfig, "%s", text)
}

func place(name string, line int, id string) string {
	if line > 0 {
		name = fmt.Sprintf("%s:%d", name, line)
	}
	if id != "" {
		name += ": " + id
	}
	return name
}

// ids finds elements of a document by id.
type ids map[string]*cib.Element

func index(root *cib.Element) ids {
	out := ids{}
	add := func(name string, e *cib.Element) {
		if name != "" && out[name] == nil {
			out[name] = e
		}
	}
	config, status := root.First("configuration"), root.First("status")
	config.Walk(func(x *cib.Element) bool {
		add(x.ID(), x)
		return true
	})
	config.Walk(func(x *cib.Element) bool {
		add(x.Get("uname"), x)
		return true
	})
	if options := config.First("crm_config"); options != nil {
		options.Walk(func(x *cib.Element) bool {
			add(x.Get("name"), x)
			return true
		})
	}
	if status != nil {
		status.Walk(func(x *cib.Element) bool {
			add(x.ID(), x)
			return true
		})
	}
	return out
}

// nouns stand before the name of an object in the engine's sentences.
var nouns = map[string]bool{"resource": true, "node": true, "clone": true, "group": true, "bundle": true, "template": true,
	"constraint": true, "location": true, "colocation": true, "order": true, "ticket": true, "rule": true, "expression": true,
	"date_expression": true, "operation": true, "option": true, "set": true, "history": true}

// place returns where the first object that a sentence names stands: a word
// after a noun, or the first word.
func (m ids) place(name, sentence string) string {
	words := strings.Fields(sentence)
	for i, word := range words {
		if i > 0 && !nouns[strings.ToLower(words[i-1])] {
			continue
		}
		if e := m[strings.Trim(word, `",;:()`)]; e != nil {
			return place(name, e.Line, e.ID())
		}
	}
	return name
}
