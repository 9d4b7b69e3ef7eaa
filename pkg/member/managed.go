package member

import (
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/controller"
)

// Managed reports whether the resource may be stopped by this node on its own
// when its right to run ends: an administrator who has taken a resource out of
// the cluster's hands keeps it.
//
// It looks at the options of the cluster, of the resource and of what contains
// it; rules are not evaluated, an attribute set with one counts as active.
func Managed(root *cib.Element, resource string) bool {
	if yes(controller.Option(root, "maintenance-mode")) {
		return false
	}
	resource = Base(resource)
	out, found := true, false
	for _, set := range root.Path("configuration", "rsc_defaults").All("meta_attributes") {
		out = fromSet(set, out)
	}
	if no(controller.Option(root, "is-managed-default")) {
		out = false
	}
	descend(root.Path("configuration", "resources"), resource, out, func(v bool) { out, found = v, true })
	return out || !found
}

// Base is a resource without the number of its instance.
func Base(resource string) string {
	if i := strings.LastIndexByte(resource, ':'); i > 0 {
		return resource[:i]
	}
	return resource
}

// descend finds a primitive and hands over what its parents and itself say.
func descend(e *cib.Element, id string, inherited bool, result func(bool)) {
	if e == nil {
		return
	}
	for _, set := range e.All("meta_attributes") {
		inherited = fromSet(set, inherited)
	}
	for _, c := range e.Children {
		switch c.Name {
		case "primitive":
			if c.ID() == id {
				for _, set := range c.All("meta_attributes") {
					inherited = fromSet(set, inherited)
				}
				result(inherited)
				return
			}
		case "group", "clone", "master":
			descend(c, id, inherited, result)
		}
	}
}

func fromSet(set *cib.Element, v bool) bool {
	for _, nv := range set.All("nvpair") {
		switch nv.Get("name") {
		case "is-managed":
			v = !no(nv.Get("value"))
		case "maintenance":
			if yes(nv.Get("value")) {
				return false
			}
		}
	}
	return v
}

func yes(s string) bool { b, err := cib.ParseBool(s); return err == nil && b }

func no(s string) bool { b, err := cib.ParseBool(s); return err == nil && !b }

// Unmanaged returns the primitives that stay when the right to run ends.
func Unmanaged(root *cib.Element) (out []string) {
	root.Path("configuration", "resources").Walk(func(e *cib.Element) bool {
		if e.Name == "primitive" && !Managed(root, e.ID()) {
			out = append(out, e.ID())
		}
		return true
	})
	return out
}

// KeepsResources reports whether a no-quorum-policy leaves resources running on
// a node without the right to run them.
func KeepsResources(policy string) bool { return policy == "ignore" || policy == "freeze" }

// Names of policies without quorum that ask for more than stops.
const (
	PolicySuicide = "suicide"
	PolicyDemote  = "demote"
)

// Policy returns the no-quorum-policy of a configuration, or "".
func Policy(root *cib.Element) string { return controller.Option(root, "no-quorum-policy") }

// Fencing reports whether nodes may be fenced: stonith-enabled is not off.
func Fencing(root *cib.Element) bool { return !no(controller.Option(root, "stonith-enabled")) }
