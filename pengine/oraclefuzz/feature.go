package oraclefuzz

import (
	"slices"
	"strings"

	"github.com/quorate/quorate/cib"
)

// Feature is one rule of the scheduler's scope that a document can use.
type Feature struct {
	// Name is short, lower case, and unique.
	Name  string
	phase int
	apply func(*gen)
	// used tells from the finished document whether the feature occurs in it.
	used func(view) bool
}

// Features are all features, in the order in which they are applied within a
// phase of the generator.
var Features = slices.Concat(nodeFeatures, optionFeatures, resourceFeatures, metaFeatures, opFeatures, constraintFeatures, ruleFeatures, statusFeatures, cornerFeatures, wideFeatures)

// FeatureByName returns the feature, or nil.
func FeatureByName(name string) *Feature {
	for _, list := range [][]Feature{Features, More} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// Used returns the names of the features a document uses, in the order of
// Features and of More.
func Used(root *cib.Element) []string {
	v := view{root: root}
	v.index()
	var out []string
	for _, list := range [][]Feature{Features, More} {
		for i := range list {
			if list[i].used(v) {
				out = append(out, list[i].Name)
			}
		}
	}
	return out
}

// view is a finished document with its elements by name.
type view struct {
	root   *cib.Element
	conf   map[string][]*cib.Element // below configuration
	status map[string][]*cib.Element // below status
	kind   map[string]*cib.Element   // resources by id
}

func (v *view) index() {
	v.conf, v.status, v.kind = map[string][]*cib.Element{}, map[string][]*cib.Element{}, map[string]*cib.Element{}
	fill := func(m map[string][]*cib.Element) func(*cib.Element) bool {
		return func(e *cib.Element) bool { m[e.Name] = append(m[e.Name], e); return true }
	}
	v.root.First("configuration").Walk(fill(v.conf))
	v.root.First("status").Walk(fill(v.status))
	v.conf["clone"] = append(v.conf["clone"], v.conf["master"]...)
	for _, n := range []string{"primitive", "group", "clone", "master", "template"} {
		for _, e := range v.conf[n] {
			v.kind[e.ID()] = e
		}
	}
}

// matches reports whether e has the attributes, given as name, value pairs;
// the value "*" stands for any, "a|b" for a or b.
func matches(e *cib.Element, attrs []string) bool {
	for i := 0; i+1 < len(attrs); i += 2 {
		val, ok := e.Lookup(attrs[i])
		if !ok || attrs[i+1] != "*" && !slices.Contains(strings.Split(attrs[i+1], "|"), val) {
			return false
		}
	}
	return true
}

func anyOf(es []*cib.Element, f func(*cib.Element) bool) bool { return slices.ContainsFunc(es, f) }

// has: an element below configuration has the attributes.
func has(elem string, attrs ...string) func(view) bool {
	return func(v view) bool {
		return anyOf(v.conf[elem], func(e *cib.Element) bool { return matches(e, attrs) })
	}
}

// nv: an nvpair below configuration has the name and the value ("*": any).
func nv(name, value string) func(view) bool { return has("nvpair", "name", name, "value", value) }

// state: a node_state has the attributes.
func state(attrs ...string) func(view) bool {
	return func(v view) bool {
		return anyOf(v.status["node_state"], func(e *cib.Element) bool { return matches(e, attrs) })
	}
}

// recorded: a history entry has the attributes.
func recorded(attrs ...string) func(view) bool {
	return func(v view) bool {
		return anyOf(v.status["lrm_rsc_op"], func(e *cib.Element) bool { return matches(e, attrs) })
	}
}

// failedOp: a history entry of the task has failed; probes by interval 0.
func failedOp(task string, probe bool) func(view) bool {
	return func(v view) bool {
		return anyOf(v.status["lrm_rsc_op"], func(e *cib.Element) bool {
			if e.Get("operation") != task || strings.HasPrefix(e.Get("call-id"), "-") || (task == "monitor") && probe != (e.Get("interval") == "0") {
				return false
			}
			switch e.Get("rc-code") {
			case "0", "7", "8":
				return e.Get("op-status") != "0" || !probe && e.Get("rc-code") != target(e)
			}
			return true
		})
	}
}

// target is the return code which a history entry expected.
func target(e *cib.Element) string {
	if f := strings.Split(e.Get("transition-key"), ":"); len(f) > 2 {
		return f[2]
	}
	return ""
}

// transient: a node has a transient attribute whose name has the prefix.
func transient(prefix string) func(view) bool {
	return func(v view) bool {
		return anyOf(v.status["nvpair"], func(e *cib.Element) bool { return strings.HasPrefix(e.Get("name"), prefix) })
	}
}

// in: an element of the given name below a parent of another name.
func in(parent, elem string, attrs ...string) func(view) bool {
	return func(v view) bool {
		return anyOf(v.conf[parent], func(p *cib.Element) bool {
			return !p.Walk(func(e *cib.Element) bool { return e == p || e.Name != elem || !matches(e, attrs) })
		})
	}
}

func all(fs ...func(view) bool) func(view) bool {
	return func(v view) bool {
		for _, f := range fs {
			if !f(v) {
				return false
			}
		}
		return true
	}
}
