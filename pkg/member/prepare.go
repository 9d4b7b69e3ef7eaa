package member

import (
	"sync/atomic"

	"github.com/quorate/quorate/cib"
)

// Sizes from which a change is worth preparing: of the change in bytes, and of
// the configuration in elements. Below, it takes a few milliseconds at most.
const (
	heavyChange = 64 << 10
	heavyRoot   = 2000
)

// prepared are results worked out beforehand: consecutive changes of one root,
// and a snapshot.
type prepared struct {
	changes  atomic.Pointer[[]preparedChange]
	snapshot atomic.Pointer[preparedState]
	digest   atomic.Pointer[rootDigest]
}

type preparedChange struct {
	before, after *cib.Element
	change        []byte
	digest        string
	err           error
}

type preparedState struct {
	snapshot []byte
	root     *cib.Element
	digest   string
	err      error
}

// rootDigest is the digest of a root, which never changes.
type rootDigest struct {
	root   *cib.Element
	digest string
}

// same reports whether both are the same bytes in memory.
func same(a, b []byte) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

// Heavy implements [ccm.Preparer].
func (r *Replica) Heavy(bytes int) bool {
	if bytes >= heavyChange {
		return true
	}
	n := 0
	r.Root().Walk(func(*cib.Element) bool { n++; return n < heavyRoot })
	return n >= heavyRoot
}

// Prepare implements [ccm.Preparer].
func (r *Replica) Prepare(changes [][]byte, checked bool) {
	root := r.Root()
	var list []preparedChange
	for _, c := range changes {
		p := preparedChange{before: root, change: c}
		if p.after, p.err = apply(root, c, checked); p.err == nil {
			p.digest = cib.Digest(p.after)
			root = p.after
		}
		list = append(list, p)
		if p.err != nil {
			break
		}
	}
	r.prepared.changes.Store(&list)
}

// PrepareState implements [ccm.Preparer].
func (r *Replica) PrepareState(snapshot []byte) {
	p := preparedState{snapshot: snapshot}
	if p.root, p.err = cib.Parse(snapshot, "replicated configuration"); p.err == nil {
		p.digest = cib.Digest(p.root)
	}
	r.prepared.snapshot.Store(&p)
}

// applied returns what was prepared for this change, or works it out.
func (r *Replica) applied(change []byte) (*cib.Element, error) {
	root := r.Root()
	if list := r.prepared.changes.Load(); list != nil {
		for i := range *list {
			if p := &(*list)[i]; p.before == root && same(p.change, change) {
				if p.err == nil {
					r.prepared.digest.Store(&rootDigest{p.after, p.digest})
				}
				if i == len(*list)-1 {
					r.prepared.changes.Store(nil)
				}
				return p.after, p.err
			}
		}
	}
	return apply(root, change, r.loading)
}

// parsed is the same for a snapshot.
func (r *Replica) parsed(snapshot []byte) (*cib.Element, error) {
	if p := r.prepared.snapshot.Swap(nil); p != nil && same(p.snapshot, snapshot) {
		if p.err == nil {
			r.prepared.digest.Store(&rootDigest{p.root, p.digest})
		}
		return p.root, p.err
	}
	return cib.Parse(snapshot, "replicated configuration")
}
