package cib

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Verb says what an Op does.
type Verb string

// The verbs of an Op, named as cibadmin's commands.
const (
	// VerbCreate adds objects that must not exist.
	VerbCreate Verb = "create"
	// VerbModify finds an object anywhere in the scope by tag and id, and
	// merges attributes and children into it.
	VerbModify Verb = "modify"
	// VerbReplace finds an object by tag and id and puts the given one in its place.
	VerbReplace Verb = "replace"
	// VerbDelete removes the first object that has the tag and all given attributes.
	VerbDelete Verb = "delete"
	// VerbErase empties the document.
	VerbErase Verb = "erase"
	// VerbBump raises the epoch.
	VerbBump Verb = "bump"
	// VerbUpgrade brings the document to the newest dialect.
	VerbUpgrade Verb = "upgrade"
	// VerbPatch applies a patch, a <diff> element; see ApplyPatch.
	VerbPatch Verb = "patch"
)

// Op is one change of a document, complete in itself: applied to equal
// documents it gives equal documents, so that it can be replicated as one.
type Op struct {
	Verb Verb
	// Scope is the name of a section (see Sections); "" is the whole document.
	Scope string
	// XPath selects the object instead of Scope and the object's own tag and id.
	XPath string
	// XML is the object for create, modify, replace and delete, or the patch.
	XML *Element
	// AllowCreate lets modify create what it does not find.
	AllowCreate bool
	// All lets delete remove every object that XPath selects.
	All bool
	// KeepStatus protects the status section where a whole document is
	// replaced or erased: a running cluster knows its status better than a file.
	KeepStatus bool
	// Unchecked leaves out the check of the result, for a change which another
	// member has checked already.
	Unchecked bool
	// LastWritten, Origin, Client and User are noted in the document when the
	// configuration changes, where they are not empty: time as text, node,
	// program and account.
	LastWritten, Origin, Client, User string
	// Restricted tells that access control applies: User, a member of Groups, may
	// do what the permissions of the document allow (see ACL).
	Restricted bool
	Groups     []string
	// Why is the reason that was given; it is remembered, not part of the document.
	Why string
	// Expect, if it is not "", is the admin_epoch and epoch ("0.17") of the only
	// configuration that the change was made for; else the error wraps ErrMoved.
	Expect string
}

// Attributes of the encoded form, in their order.
const (
	opTag         = "op"
	opVerb        = "verb"
	opScope       = "scope"
	opXPath       = "xpath"
	opAllowCreate = "allow-create"
	opAll         = "all"
	opKeepStatus  = "keep-status"
	opUnchecked   = "unchecked"
	opLastWritten = "last-written"
	opOrigin      = "origin"
	opClient      = "client"
	opUser        = "user"
	opWhy         = "why"
	opExpect      = "expect"
	opRestricted  = "restricted"
	opGroups      = "groups"
)

// EncodeOp returns the op as compact XML; equal ops give equal bytes.
func EncodeOp(op Op) []byte {
	e := New(opTag, opVerb, string(op.Verb))
	for _, a := range []Attr{{opScope, op.Scope}, {opXPath, op.XPath}, {opAllowCreate, flag(op.AllowCreate)}, {opAll, flag(op.All)}, {opKeepStatus, flag(op.KeepStatus)},
		{opUnchecked, flag(op.Unchecked)}, {opLastWritten, op.LastWritten}, {opOrigin, op.Origin}, {opClient, op.Client}, {opUser, op.User}, {opWhy, op.Why}, {opExpect, op.Expect},
		{opRestricted, flag(op.Restricted)}, {opGroups, strings.Join(op.Groups, ",")}} {
		if a.Value != "" {
			e.Attrs = append(e.Attrs, a)
		}
	}
	if op.XML != nil {
		e.Children = []*Element{op.XML}
	}
	return PrintCompact(e)
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}

// DecodeOp reads what EncodeOp wrote. Its errors wrap ErrBadData.
func DecodeOp(data []byte) (Op, error) {
	e, err := Parse(data, "change")
	if err != nil {
		return Op{}, fmt.Errorf("%w: %w", ErrBadData, err)
	}
	if e.Name != opTag {
		return Op{}, fmt.Errorf("%w: <%s> is no change", ErrBadData, e.Name)
	}
	op := Op{Verb: Verb(e.Get(opVerb)), Scope: e.Get(opScope), XPath: e.Get(opXPath),
		AllowCreate: e.Get(opAllowCreate) != "", All: e.Get(opAll) != "", KeepStatus: e.Get(opKeepStatus) != "", Unchecked: e.Get(opUnchecked) != "",
		LastWritten: e.Get(opLastWritten), Origin: e.Get(opOrigin), Client: e.Get(opClient), User: e.Get(opUser),
		Why: e.Get(opWhy), Expect: e.Get(opExpect), Restricted: e.Get(opRestricted) != ""}
	if g := e.Get(opGroups); g != "" {
		op.Groups = strings.Split(g, ",")
	}
	for _, c := range e.Children {
		if !c.IsElement() || op.XML != nil {
			return Op{}, fmt.Errorf("%w: a change holds one element only", ErrBadData)
		}
		op.XML = c
	}
	return op, nil
}

// ReasonOf returns the reason (Op.Why) of an encoded change without reading the
// rest of it, which may be large.
func ReasonOf(encoded []byte) string {
	head, _, _ := bytes.Cut(encoded, []byte(">"))
	if !bytes.Contains(head, []byte(" "+opWhy+"=")) {
		return ""
	}
	head = append(bytes.TrimSuffix(bytes.Clone(head), []byte("/")), "/>"...)
	e, err := Parse(head, "change")
	if err != nil {
		return ""
	}
	return e.Get(opWhy)
}

// ApplyOp returns the document after a change; the version is raised by the
// rules below, and the result is checked unless op.Unchecked. A change without
// effect returns root itself. Errors wrap one of the sentinels of this package
// and mean that nothing changed.
//
// A change of the configuration raises epoch and sets num_updates to 0; any
// other change raises num_updates. A replaced document must not have a lower
// version, and continues from its own. A patch with versions in it leads to
// the version that it names.
//
// A result with an error that the document had before already is accepted, so
// that a configuration with several faults can be repaired one by one.
func ApplyOp(root *Element, op Op) (*Element, error) {
	if root == nil {
		return nil, ErrNoDocument
	}
	if op.XML != nil && op.Verb != VerbPatch && IsHeartbeat2(op.XML) {
		up, _, err := Upgrade(op.XML)
		if err != nil {
			return nil, err
		}
		op.XML = up
	}
	if at := VersionOf(root).Configuration(); op.Expect != "" && op.Expect != at {
		return nil, fmt.Errorf("%w: the change was made for version %s, and the configuration has version %s", ErrMoved, op.Expect, at)
	}
	out, err := op.apply(root)
	if err != nil {
		return nil, err
	}
	if op.Restricted && !op.Unchecked {
		acl := ACLOf(root, Account{op.User, op.Groups})
		if err := acl.mayApply(root, out, op.Verb); err != nil {
			return nil, err
		}
	}
	if Equal(root, out) {
		return root, nil
	}
	if tooDeep(root, out, 1) {
		return nil, fmt.Errorf("%w: the elements would be nested more than %d deep", ErrBadData, MaxDepth)
	}
	before, after := VersionOf(root), VersionOf(out)
	if after.Compare(before) < 0 {
		return nil, fmt.Errorf("%w: it has version %v and would replace %v", ErrOld, after, before)
	}
	named := op.Verb == VerbPatch && after != before // the patch says which version the result has
	if changed := !sameConfiguration(root, out); changed || op.Verb == VerbBump {
		if changed && !op.Unchecked {
			if err := checkChange(root, out); err != nil {
				return nil, err
			}
		}
		if !named {
			after.Epoch++
			after.NumUpdates = 0
		}
		if op.Verb == VerbErase {
			after = Version{before.AdminEpoch + 1, before.Epoch + 1, 0}
		}
		out = WithVersion(out, after)
		for _, a := range []Attr{{"cib-last-written", op.LastWritten}, {"update-origin", op.Origin}, {"update-client", op.Client}, {"update-user", op.User}} {
			if a.Value != "" {
				out = out.WithAttr(a.Name, a.Value)
			}
		}
		return out, nil
	}
	if named {
		return out, nil
	}
	return out.WithAttr("num_updates", strconv.Itoa(after.NumUpdates+1)), nil
}

// tooDeep tells whether a changed document is nested deeper than Parse reads;
// it looks at what is new only, as far as that is easily told.
func tooDeep(before, after *Element, depth int) bool {
	if before == after {
		return false
	}
	if depth > MaxDepth {
		return true
	}
	for i, c := range after.Children {
		var old *Element
		if before != nil && i < len(before.Children) {
			old = before.Children[i]
		}
		if c.IsElement() && tooDeep(old, c, depth+1) {
			return true
		}
	}
	return false
}

// volatile lists attributes of the root which are no part of the configuration.
var volatile = []string{"admin_epoch", "epoch", "num_updates", "have-quorum", "dc-uuid", "crm_feature_set", "cib-last-written",
	"update-origin", "update-client", "update-user", "execution-date", "no-quorum-panic"}

// sameConfiguration tells whether two documents differ in status and such only.
func sameConfiguration(a, b *Element) bool {
	if !Equal(a.First("configuration"), b.First("configuration")) {
		return false
	}
	strip := func(e *Element) *Element {
		c := &Element{Name: e.Name}
		for _, at := range e.Attrs {
			if !slices.Contains(volatile, at.Name) {
				c.Attrs = append(c.Attrs, at)
			}
		}
		for _, k := range e.Children {
			if k.Name != "configuration" && k.Name != "status" {
				c.Children = append(c.Children, k)
			}
		}
		return c
	}
	return Equal(strip(a), strip(b))
}

// checkChange refuses a document that has errors which the old one had not.
func checkChange(before, after *Element) error {
	var fresh []Problem
	for _, p := range Check(after) {
		if p.Severity == Error {
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	old := map[string]int{}
	for _, p := range Check(before) {
		old[p.key()]++
	}
	for _, p := range fresh {
		if old[p.key()]--; old[p.key()] < 0 {
			return fmt.Errorf("%w: %s", ErrSchema, p)
		}
	}
	return nil
}
