package pengine

import "fmt"

// bundle writes a bundle as the tools list it: a line for each container, which
// shows what is inside.
func (l *lister) bundle(r *resource, indent string) bool {
	set, unique, managed := "", "", ""
	if r.cloneMax > 1 {
		set = " set"
	}
	if r.is(rUnique) {
		unique = " (unique)"
	}
	if !r.is(rManaged) {
		managed = " (unmanaged)"
	}
	fmt.Fprintf(l.w, "%s* Container bundle%s: %s [%s]%s%s:\n", indent, set, r.id, r.bundle.image, unique, managed)
	for _, rep := range r.bundle.replicas {
		x, name := rep.shown()
		fmt.Fprintf(l.w, "%s  * %s\n", indent, l.primitiveLine(x, name, rep.container.current(), !l.o.NoNodes))
	}
	return true
}

// shown is the resource that stands for a replica, and under which name.
func (rep *replica) shown() (*resource, string) {
	x := rep.child
	if x == nil {
		x = rep.container
	}
	name := rep.container.id
	if rep.conn != nil {
		name = rep.conn.id
	}
	if rep.ip != "" {
		name += " (" + rep.ip + ")"
	}
	return x, name
}
