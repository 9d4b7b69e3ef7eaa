package cib

import (
	"fmt"
	"strings"
)

// Difference is one thing in which two documents differ.
type Difference struct {
	// Path names the element, as NodePath does.
	Path string
	// Sentence says what is different; it names old before new.
	Sentence string
}

// String returns "path: sentence".
func (d Difference) String() string { return d.Path + ": " + d.Sentence }

// Diff returns how b differs from a, in the order of b with what is gone
// first. Elements are paired by tag and id wherever they stand among their
// siblings, so that a change of order is one difference and not many.
func Diff(a, b *Element) []Difference {
	if a == nil || b == nil || a.Name != b.Name {
		return []Difference{{"/", fmt.Sprintf("the root was %s and is %s", rootName(a), rootName(b))}}
	}
	d := &differ{}
	d.element("/"+a.Name, a, align(a, b))
	return d.out
}

func rootName(e *Element) string {
	if e == nil {
		return "nothing"
	}
	return describe(e)
}

type differ struct{ out []Difference }

func (d *differ) say(path, format string, args ...any) {
	d.out = append(d.out, Difference{path, fmt.Sprintf(format, args...)})
}

func (d *differ) element(path string, a, b *Element) {
	if a == b {
		return
	}
	for _, at := range a.Attrs {
		if v, ok := b.Lookup(at.Name); !ok {
			d.say(path, "%s=%q is gone", at.Name, at.Value)
		} else if v != at.Value {
			d.say(path, "%s was %q and is %q", at.Name, at.Value, v)
		}
	}
	for _, at := range b.Attrs {
		if _, ok := a.Lookup(at.Name); !ok {
			d.say(path, "%s=%q is new", at.Name, at.Value)
		}
	}
	if a.Text != b.Text {
		d.say(path, "the text was %q and is %q", a.Text, b.Text)
	}
	d.children(path, a, b)
}

func (d *differ) children(path string, a, b *Element) {
	old := map[string]*Element{}
	place := map[string]int{}
	keysA, keysB := childKeys(a), childKeys(b)
	for i, c := range a.Children {
		old[keysA[i]] = c
	}
	for i := range b.Children {
		place[keysB[i]] = i
	}
	for i, c := range a.Children {
		if _, ok := place[keysA[i]]; !ok {
			d.say(childPath(path, c, keysA[i]), "is gone: %s", c)
		}
	}
	last, moved := -1, false
	for i, c := range a.Children {
		if at, ok := place[keysA[i]]; ok && c.IsElement() {
			moved = moved || at < last
			last = max(last, at)
		}
	}
	if moved {
		var order []string
		for i, c := range b.Children {
			if old[keysB[i]] != nil && c.IsElement() {
				order = append(order, keysB[i])
			}
		}
		d.say(path, "the order is now %s", strings.Join(order, ", "))
	}
	for i, c := range b.Children {
		if o := old[keysB[i]]; o != nil {
			d.element(childPath(path, c, keysB[i]), o, c)
		} else {
			d.say(childPath(path, c, keysB[i]), "is new: %s", c)
		}
	}
}

// childKeys names each child so that equal things have equal names: by tag and
// id, or by tag and number, comments and text by what they say.
func childKeys(e *Element) []string {
	keys := make([]string, len(e.Children))
	count := map[string]int{}
	for i, c := range e.Children {
		k := c.Name
		switch {
		case !c.IsElement():
			k += " " + c.Text
		case c.ID() != "":
			k += " " + c.ID()
		}
		if count[k]++; count[k] > 1 {
			k = fmt.Sprintf("%s[%d]", k, count[k])
		}
		keys[i] = k
	}
	return keys
}

func childPath(path string, c *Element, key string) string {
	if id := c.ID(); id != "" && c.IsElement() {
		return path + "/" + c.Name + "[@id='" + id + "']"
	}
	if !c.IsElement() {
		return path + "/" + c.Name
	}
	return path + "/" + key
}
