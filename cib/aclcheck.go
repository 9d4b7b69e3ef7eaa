package cib

import (
	"fmt"
	"slices"
)

// MayChange tells whether the user may make one document of another; if not,
// the error wraps ErrDenied and names the element and the permission.
//
// What is changed or removed is judged as it was before, what is new as it
// then is. Removing an element takes what is below it along. A new element
// without attributes besides its id needs no permission of its own, so that a
// permission for nvpairs suffices where their set does not exist yet.
// Permissions are those of the old document.
func (a *ACL) MayChange(before, after *Element) error {
	if a.unlimited || before == after {
		return nil
	}
	c := &aclCheck{acl: a, before: a.marks(before), after: a.marks(after)}
	if before.Name != after.Name {
		return a.refuse("/"+before.Name, c.before[before], c.before[before].below(AccessDeny))
	}
	c.pair("/"+before.Name, before, after, AccessDeny, AccessDeny)
	return c.err
}

// MayWrite tells whether the user may change attributes of the root.
func (a *ACL) MayWrite(root *Element) error {
	if a.unlimited {
		return nil
	}
	m := a.marks(root)[root]
	if access := m.below(AccessDeny); access != AccessWrite {
		return a.refuse("/"+root.Name, m, access)
	}
	return nil
}

// mayApply judges a change by its result. The version that a patch names is not
// the user's doing; raising it alone is.
func (a *ACL) mayApply(before, after *Element, verb Verb) error {
	switch verb {
	case VerbBump:
		return a.MayWrite(before)
	case VerbPatch:
		after = WithVersion(after, VersionOf(before))
	}
	return a.MayChange(before, after)
}

func (a *ACL) refuse(path string, m mark, access Access) error {
	why := a.held()
	if access == AccessDeny && m.by != nil {
		why = m.by.String() + " denies it"
	}
	return fmt.Errorf("%w: the user %s may not change %s: %s", ErrDenied, a.account.Name, path, why)
}

type aclCheck struct {
	acl           *ACL
	before, after map[*Element]mark
	err           error
}

func (c *aclCheck) need(path string, m mark, access Access) bool {
	if c.err == nil && access != AccessWrite {
		c.err = c.acl.refuse(path, m, access)
	}
	return c.err == nil
}

// pair compares an element with what became of it; the parents' access is
// given for both documents.
func (c *aclCheck) pair(path string, o, n *Element, parentOld, parentNew Access) {
	if o == n || c.err != nil {
		return
	}
	old, fresh := c.before[o].below(parentOld), c.after[n].below(parentNew)
	if !sameAttrs(o, n) && !c.need(path, c.before[o], old) {
		return
	}
	keysO, keysN := childKeys(o), childKeys(n)
	was, is := map[string]*Element{}, map[string]*Element{}
	for i, k := range keysO {
		was[k] = o.Children[i]
	}
	for i, k := range keysN {
		is[k] = n.Children[i]
	}
	for i, child := range o.Children {
		if is[keysO[i]] != nil {
			continue
		}
		p, m, access := path, c.before[o], old
		if child.IsElement() {
			m, access = c.before[child], c.before[child].below(old)
			p = childPath(path, child, keysO[i])
		}
		if !c.need(p, m, access) {
			return
		}
	}
	if old != AccessWrite && !slices.Equal(c.fixed(o, keysO, is, old), ordered(keysN, c.fixed(o, keysO, is, old))) {
		c.need(path, c.before[o], old)
		return
	}
	for i, child := range n.Children {
		switch partner := was[keysN[i]]; {
		case partner != nil && child.IsElement():
			c.pair(childPath(path, child, keysN[i]), partner, child, old, fresh)
		case partner != nil:
		case child.IsElement():
			c.created(childPath(path, child, keysN[i]), child, fresh)
		default:
			c.need(path, c.before[o], old)
		}
	}
}

// fixed returns the keys of the children that stay and which the user may not
// move, in their order.
func (c *aclCheck) fixed(o *Element, keys []string, stays map[string]*Element, access Access) (out []string) {
	for i, child := range o.Children {
		if stays[keys[i]] != nil && c.before[child].below(access) != AccessWrite {
			out = append(out, keys[i])
		}
	}
	return out
}

// ordered returns those of the keys that are in the set.
func ordered(keys, set []string) (out []string) {
	in := make(map[string]bool, len(set))
	for _, k := range set {
		in[k] = true
	}
	for _, k := range keys {
		if in[k] {
			out = append(out, k)
		}
	}
	return out
}

func (c *aclCheck) created(path string, e *Element, parent Access) {
	access := c.after[e].below(parent)
	bare := len(e.Attrs) == 0 || len(e.Attrs) == 1 && e.Attrs[0].Name == "id"
	if (!bare || access == AccessDeny && c.after[e].by != nil) && !c.need(path, c.after[e], access) {
		return
	}
	for i, k := range childKeys(e) {
		child := e.Children[i]
		if child.IsElement() {
			c.created(childPath(path, child, k), child, access)
		} else if !c.need(path, c.after[e], access) {
			return
		}
	}
}

func sameAttrs(a, b *Element) bool {
	if len(a.Attrs) != len(b.Attrs) {
		return false
	}
	for _, at := range a.Attrs {
		if v, ok := b.Lookup(at.Name); !ok || v != at.Value {
			return false
		}
	}
	return true
}
