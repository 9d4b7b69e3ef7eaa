package sim

import (
	"fmt"
	"slices"

	"github.com/quorate/quorate/ccm/agree"
)

// Where so many stores are lost that those which are left hold no quorum, nothing
// can be promised and no view opens: the administrator has to act. This is the one
// excuse of I8, and a function of what is true of the machines.

// needsAdmin tells why no set of machines could agree on a view, or "" if one
// could. A set could if its newest state names electorates (the voters, and the
// former ones of a change that is not settled) in each of which the members' stores
// that are recorded there make a quorum (rule 18).
func (s *sim) needsAdmin() string {
	type store struct {
		n *node
		x agree.Inspection
	}
	var list []store
	for _, n := range s.nodes {
		switch {
		case n.out:
		case n.d == nil:
			return "" // that one could still bring what is missing
		default:
			x := n.d.m.Inspect()
			if x.Diverged {
				return ""
			}
			list = append(list, store{n, x})
		}
	}
	older := func(a, b agree.Inspection) bool {
		c := a.Stamped.Compare(b.Stamped)
		return c < 0 || c == 0 && a.Seq < b.Seq
	}
	why := ""
	var newest agree.Inspection
	for _, best := range list {
		if best.x.Stamped.IsZero() {
			continue
		}
		bad := ""
		for _, v := range []agree.Voters{best.x.Voters, best.x.Prior} {
			in := func(name string) bool {
				return slices.ContainsFunc(list, func(o store) bool {
					return o.n.name == name && !older(best.x, o.x) && v[name].Disk == o.n.disk.id
				})
			}
			if v != nil && !s.quorum.Has(v, in) {
				bad = fmt.Sprintf("by the recorded stores that are left there is %s", s.quorum.Sentence(v, in))
			}
		}
		if bad == "" {
			return ""
		}
		if why == "" || older(newest, best.x) {
			why, newest = bad, best.x
		}
	}
	return why
}

// putBack is what the administrator does then: the disks that were lost and are
// recorded come back, each as it was.
func (s *sim) putBack() {
	recorded := map[string]bool{}
	for _, n := range s.nodes {
		if n.d == nil {
			continue
		}
		x := n.d.m.Inspect()
		for _, v := range []agree.Voters{x.Voters, x.Prior} {
			for _, voter := range v {
				recorded[voter.Disk] = true
			}
		}
	}
	for _, n := range s.nodes {
		for _, old := range n.lost {
			if !n.out && recorded[old.id] && old.id != n.disk.id {
				n.crash()
				n.disk = old
				s.tell(n, "its lost disk is put back: promised %v, state %v", old.st.Promised, old.st.Stamped)
				n.boot()
				break
			}
		}
	}
}

// idle reports what is still active where the guard had to release it.
func (s *sim) idle() string {
	for _, n := range s.nodes {
		if left := n.guardLeft(); len(left) > 0 && n.guard.enforce {
			return fmt.Sprintf("%s still holds %s", n.name, instanceNames(left))
		}
	}
	return ""
}
