package cib

import (
	"fmt"
	"strconv"
	"strings"
)

// Names of the patch format 2 (diff.rng of Pacemaker's grammar).
const (
	patchTag    = "diff"
	changeTag   = "change"
	opCreate    = "create"
	opDelete    = "delete"
	opModify    = "modify"
	opMove      = "move"
	attrPath    = "path"
	attrPlace   = "position"
	commentStep = "comment"
)

// MakePatch returns the patch, in format 2, that turns one document into the
// other, or nil when they are equal. The root elements must have one name,
// else the error wraps ErrBadData.
//
// With versions the patch says from which version to which it leads, and
// applies to no other document. Without, the version and the notes on who
// wrote it are left out, so that it suits whatever has the places it changes.
//
// Elements are paired by tag and id among the children of a pair. Where
// siblings share a tag and have no id, or text stands between them, no path can
// name them: then their parent is replaced.
func MakePatch(before, after *Element, versions bool) (*Element, error) {
	if before == nil || after == nil || before.Name != after.Name {
		return nil, fmt.Errorf("%w: %s and %s have no common root element", ErrBadData, rootName(before), rootName(after))
	}
	// What is equal becomes the same, and is not looked into again.
	after = align(before, after)
	m := &patchMaker{volatile: !versions, known: map[*Element]*childIndex{}}
	if !m.patchable(before, after) {
		return nil, fmt.Errorf("%w: the children of <%s> cannot be told apart", ErrBadData, before.Name)
	}
	path := "/" + before.Name
	m.deletions(path, before, after)
	m.changes(path, before, after)
	if len(m.deleted)+len(m.changed) == 0 {
		return nil, nil
	}
	diff := New(patchTag, "format", "2")
	if versions {
		source, target := New("source"), New("target")
		source, target = WithVersion(source, VersionOf(before)), WithVersion(target, VersionOf(after))
		diff.Children = append(diff.Children, New("version").WithChildren(source, target))
	}
	diff.Children = append(append(diff.Children, m.deleted...), m.changed...)
	return diff, nil
}

// patchMaker collects changes: what goes, in the order of the old document,
// and the rest in the order of the new one.
type patchMaker struct {
	volatile         bool // leave out versions
	deleted, changed []*Element
	known            map[*Element]*childIndex
}

// childIndex names the children of an element.
type childIndex struct {
	keys    []string       // as childKeys has them
	at      map[string]int // the place of each key
	unclear bool           // some children cannot be told apart, or have no path
}

// index returns the names of an element's children, which are made once.
func (m *patchMaker) index(e *Element) *childIndex {
	x := m.known[e]
	if x == nil {
		x = &childIndex{keys: childKeys(e), at: make(map[string]int, len(e.Children))}
		tags := map[string]int{}
		for i, k := range x.keys {
			x.at[k] = i
			tags[e.Children[i].Name]++
		}
		for _, c := range e.Children {
			switch c.Name {
			case CommentName: // named by its place
			case TextName, InstructionName:
				x.unclear = true
			default:
				// A path without id leads to the first of that tag.
				x.unclear = x.unclear || c.ID() == "" && tags[c.Name] > 1
			}
		}
		for _, k := range x.keys {
			x.unclear = x.unclear || strings.HasSuffix(k, "]") && !strings.HasPrefix(k, "#")
		}
		m.known[e] = x
	}
	return x
}

// patchable tells whether each changed child of a pair has a name of its own.
func (m *patchMaker) patchable(a, b *Element) bool {
	if a == b {
		return true
	}
	if m.index(a).unclear || m.index(b).unclear {
		return sameChildren(a, b)
	}
	return true
}

func sameChildren(a, b *Element) bool {
	if len(a.Children) != len(b.Children) {
		return false
	}
	for i := range a.Children {
		if !Equal(a.Children[i], b.Children[i]) {
			return false
		}
	}
	return true
}

// partner returns the child of b that a child of a with this key became, or
// nil when it is gone or is replaced as a whole.
func (m *patchMaker) partner(b *Element, byKey map[string]int, key string, c *Element) *Element {
	i, ok := byKey[key]
	if !ok || c.IsElement() && !m.patchable(c, b.Children[i]) {
		return nil
	}
	return b.Children[i]
}

func (m *patchMaker) deletions(path string, a, b *Element) {
	if a == b {
		return
	}
	byKey, keys := m.index(b).at, m.index(a).keys
	gone := 0
	for i, c := range a.Children {
		switch o := m.partner(b, byKey, keys[i], c); {
		case o != nil && c.IsElement():
			m.deletions(step(path, c), c, o)
		case o != nil || c.Name == TextName || c.Name == InstructionName:
		case c.IsElement():
			m.deleted = append(m.deleted, New(changeTag, "operation", opDelete, attrPath, step(path, c)))
			gone++
		default:
			m.deleted = append(m.deleted, New(changeTag, "operation", opDelete, attrPath, step(path, c), attrPlace, strconv.Itoa(i-gone)))
			gone++
		}
	}
}

func (m *patchMaker) changes(path string, a, b *Element) {
	if a == b {
		return
	}
	m.attributes(path, a, b)
	keysA, keysB := m.index(a).keys, m.index(b).keys
	byKeyA, byKeyB := m.index(a).at, m.index(b).at
	// present holds the keys in the order that they have as the patch is
	// applied up to here: before place p it is that of b already.
	var present []string
	for i, c := range a.Children {
		if m.partner(b, byKeyB, keysA[i], c) != nil {
			present = append(present, keysA[i])
		}
	}
	for p, c := range b.Children {
		var old *Element
		if i, ok := byKeyA[keysB[p]]; ok && m.partner(b, byKeyB, keysB[p], a.Children[i]) != nil {
			old = a.Children[i]
		}
		if old == nil {
			m.changed = append(m.changed, New(changeTag, "operation", opCreate, attrPath, path, attrPlace, strconv.Itoa(p)).WithChildren(c))
			present = insertAt(present, p, keysB[p])
			continue
		}
		if c.IsElement() {
			m.changes(step(path, c), old, c)
		}
		if present[p] == keysB[p] {
			continue
		}
		from := p
		for present[from] != keysB[p] {
			from++
		}
		move := New(changeTag, "operation", opMove, attrPath, step(path, c), attrPlace, strconv.Itoa(p))
		if !c.IsElement() {
			// A comment has no name of its own: it goes and comes back.
			m.changed = append(m.changed, New(changeTag, "operation", opDelete, attrPath, step(path, c), attrPlace, strconv.Itoa(from)))
			move = New(changeTag, "operation", opCreate, attrPath, path, attrPlace, strconv.Itoa(p)).WithChildren(c)
		}
		m.changed = append(m.changed, move)
		copy(present[p+1:from+1], present[p:from])
		present[p] = keysB[p]
	}
}

func insertAt(l []string, at int, s string) []string {
	l = append(l, "")
	copy(l[at+1:], l[at:])
	l[at] = s
	return l
}

// attributes adds the change of a pair's own attributes.
func (m *patchMaker) attributes(path string, a, b *Element) {
	root := strings.Count(path, "/") == 1
	skip := func(name string) bool { return root && m.volatile && isVersionAttr(name) }
	var list []*Element
	moved := reordered(a, b)
	for _, at := range b.Attrs {
		if v, ok := a.Lookup(at.Name); !skip(at.Name) && (!ok || v != at.Value || moved) {
			list = append(list, New("change-attr", "name", at.Name, "operation", "set", "value", at.Value))
		}
	}
	for _, at := range a.Attrs {
		if _, ok := b.Lookup(at.Name); !ok && !skip(at.Name) {
			list = append(list, New("change-attr", "name", at.Name, "operation", "unset"))
		}
	}
	if len(list) == 0 {
		return
	}
	m.changed = append(m.changed, New(changeTag, "operation", opModify, attrPath, path).WithChildren(
		New("change-list").WithChildren(list...),
		New("change-result").WithChildren(&Element{Name: b.Name, Attrs: b.Attrs})))
}

// reordered tells whether the attributes that both have stand in another order,
// or new ones not at the end: digests depend on it.
func reordered(a, b *Element) bool {
	i := 0
	for _, at := range a.Attrs {
		if _, ok := b.Lookup(at.Name); !ok {
			continue
		}
		if b.Attrs[i].Name != at.Name {
			return true
		}
		i++
	}
	return false
}

// isVersionAttr names the attributes of the root that say which version a
// document is and who wrote it.
func isVersionAttr(name string) bool {
	switch name {
	case "admin_epoch", "epoch", "num_updates", "cib-last-written", "update-origin", "update-client", "update-user":
		return true
	}
	return false
}

// step appends a child to a path.
func step(path string, c *Element) string {
	switch id := c.ID(); {
	case !c.IsElement():
		return path + "/" + commentStep
	case id == "":
		return path + "/" + c.Name
	case strings.Contains(id, "'"):
		return path + "/" + c.Name + `[@id="` + id + `"]`
	default:
		return path + "/" + c.Name + "[@id='" + id + "']"
	}
}
