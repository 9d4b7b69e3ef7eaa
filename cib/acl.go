package cib

import (
	"fmt"
	"os/user"
	"slices"
	"strings"
)

// Access is what a user may do with an element.
type Access int

// The kinds of access, each of which outweighs those before it where several
// permissions name one element.
const (
	// AccessUnset is the mark of an element that no permission names.
	AccessUnset Access = iota
	// AccessRead lets the user see the element and what is below it.
	AccessRead
	// AccessWrite lets the user change it too.
	AccessWrite
	// AccessDeny hides it.
	AccessDeny
)

// Account is a user as access control knows it.
type Account struct {
	Name string
	// Groups are the names of all groups that the user is a member of.
	Groups []string
}

// AccountOf returns a user of this machine with the names of the groups. Where
// they cannot be read there are none, so that only what is given to the user
// itself counts.
func AccountOf(u *user.User) Account {
	acc := Account{Name: u.Username}
	ids, err := u.GroupIds()
	if err != nil {
		return acc
	}
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			acc.Groups = append(acc.Groups, g.Name)
		}
	}
	return acc
}

// Unlimited tells whether access control does not apply to the account: to
// root and the cluster's own account it never does.
func (u Account) Unlimited() bool { return u.Name == "root" || u.Name == Owner }

// ACLEnabled tells whether a document asks for access control (cluster option
// enable-acl; false by default, and where the value is no boolean).
func ACLEnabled(root *Element) bool {
	value := ""
	for _, set := range root.Path("configuration", "crm_config").All("cluster_property_set") {
		for _, nv := range set.All("nvpair") {
			if nv.Get("name") == "enable-acl" && (value == "" || set.ID() == "cib-bootstrap-options") {
				value = nv.Get("value")
			}
		}
	}
	on, err := ParseBool(value)
	return err == nil && on
}

// permission is an acl_permission that holds for a user.
type permission struct {
	kind                            Access
	id, role                        string
	xpath, reference, object, attrs string
}

// ACL is what the permissions of a document allow one user. It applies to that
// document and to those that a change makes of it: a change cannot give its
// own author more.
type ACL struct {
	account     Account
	unlimited   bool
	permissions []permission
}

// ACLOf returns what a document allows an account (Pacemaker Explained, "Access
// Control Lists"): the permissions of all roles of the acl_target with its
// name and of each acl_group with the name of one of its groups. Without
// enable-acl everything is allowed.
func ACLOf(root *Element, account Account) *ACL {
	a := &ACL{account: account, unlimited: account.Unlimited() || !ACLEnabled(root)}
	if a.unlimited {
		return a
	}
	acls := root.Path("configuration", "acls")
	name := func(e *Element) string {
		if n := e.Get("name"); n != "" {
			return n
		}
		return e.ID()
	}
	for _, e := range acls.All("acl_target") {
		if name(e) == account.Name {
			a.roles(acls, e)
		}
	}
	for _, e := range acls.All("acl_group") {
		if slices.Contains(account.Groups, name(e)) {
			a.roles(acls, e)
		}
	}
	return a
}

// Unlimited tells whether the user may do everything.
func (a *ACL) Unlimited() bool { return a.unlimited }

func (a *ACL) roles(acls, holder *Element) {
	for _, ref := range holder.All("role") {
		for _, role := range acls.All("acl_role") {
			if role.ID() != ref.ID() {
				continue
			}
			for _, p := range role.All("acl_permission") {
				a.permissions = append(a.permissions, permission{
					kind: kindOf(p.Get("kind")), id: p.ID(), role: role.ID(),
					xpath: p.Get("xpath"), reference: p.Get("reference"), object: p.Get("object-type"), attrs: p.Get("attribute")})
			}
		}
	}
}

// kindOf reads a kind; what is none of the three denies.
func kindOf(s string) Access {
	switch s {
	case "read":
		return AccessRead
	case "write":
		return AccessWrite
	}
	return AccessDeny
}

// mark is the strongest permission that names an element.
type mark struct {
	kind Access
	by   *permission
}

// marks finds the elements that permissions name. A permission whose XPath
// cannot be evaluated denies everything: nobody knows what it was to protect.
func (a *ACL) marks(root *Element) map[*Element]mark {
	out := map[*Element]mark{}
	set := func(e *Element, kind Access, p *permission) {
		if kind > out[e].kind {
			out[e] = mark{kind, p}
		}
	}
	for i := range a.permissions {
		p := &a.permissions[i]
		if p.xpath != "" {
			found, err := Find(root, p.xpath)
			if err != nil {
				set(root, AccessDeny, p)
			}
			for _, e := range found {
				set(e, p.kind, p)
			}
			continue
		}
		root.Walk(func(e *Element) bool {
			if p.names(e) {
				set(e, p.kind, p)
			}
			return true
		})
	}
	return out
}

// names tells whether a permission by type or reference names an element.
func (p *permission) names(e *Element) bool {
	if !e.IsElement() || p.object == "" && p.reference == "" {
		return false
	}
	if p.object != "" && p.object != "*" && p.object != e.Name || p.reference != "" && p.reference != e.ID() {
		return false
	}
	_, has := e.Lookup(p.attrs)
	return p.attrs == "" || has
}

// below returns the access to an element from that to its parent: what may be
// written stays so unless it is denied, and what is denied may be given back.
func (m mark) below(parent Access) Access {
	switch {
	case m.kind == AccessUnset, m.kind == AccessRead && parent == AccessWrite:
		return parent
	}
	return m.kind
}

// Readable returns the part of a document that the user may see: an element
// that is denied but has something below it to see keeps its id only. The
// result is nil when there is nothing to see.
func (a *ACL) Readable(root *Element) *Element {
	if a.unlimited || root == nil {
		return root
	}
	return readable(root, AccessDeny, a.marks(root))
}

func readable(e *Element, parent Access, marks map[*Element]mark) *Element {
	access := marks[e].below(parent)
	var kept []*Element
	same := access != AccessDeny
	for _, c := range e.Children {
		k := c
		if c.IsElement() {
			k = readable(c, access, marks)
		} else if access == AccessDeny {
			k = nil
		}
		if k != nil {
			kept = append(kept, k)
		}
		same = same && k == c
	}
	switch {
	case same:
		return e
	case access != AccessDeny:
		return e.WithChildren(kept...)
	case len(kept) == 0:
		return nil
	}
	bare := &Element{Name: e.Name, Line: e.Line, Children: kept}
	if id, ok := e.Lookup("id"); ok {
		bare.Attrs = []Attr{{"id", id}}
	}
	return bare
}

// Access returns what the user may do with each element of a document: read,
// write or nothing (AccessDeny).
func (a *ACL) Access(root *Element) map[*Element]Access {
	marks, out := a.marks(root), map[*Element]Access{}
	var walk func(e *Element, parent Access)
	walk = func(e *Element, parent Access) {
		access := AccessWrite
		if !a.unlimited {
			access = marks[e].below(parent)
		}
		out[e] = access
		for _, c := range e.Children {
			if c.IsElement() {
				walk(c, access)
			}
		}
	}
	walk(root, AccessDeny)
	return out
}

// String names the permission in a sentence.
func (p *permission) String() string { return fmt.Sprintf("permission %s of role %s", p.id, p.role) }

// held names the roles of the user in a sentence.
func (a *ACL) held() string {
	var roles []string
	for _, p := range a.permissions {
		if !slices.Contains(roles, p.role) {
			roles = append(roles, p.role)
		}
	}
	if len(roles) == 0 {
		return "the user has no role"
	}
	return "no permission of the role " + strings.Join(roles, ", ") + " lets the user write there"
}
