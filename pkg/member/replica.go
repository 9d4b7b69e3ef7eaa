package member

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/quorate/quorate/cib"
)

// Replica is the configuration half of the CIB as the state machine that the
// cluster replicates: it implements [agree.App]. One goroutine calls its methods;
// everybody else reads Root.
type Replica struct {
	root atomic.Pointer[cib.Element]
	news func()

	prepared prepared
	loading  bool   // the stored state is being read
	why      string // of the newest change read

	// Changed, if set, is told of every configuration and the reason given for
	// it, in their order; it must return at once. Set it before the first use.
	Changed func(root *cib.Element, why string)
}

// schema is what a new cluster's configuration is written in.
const schema = "pacemaker-3.9"

// NewReplica returns the configuration of a cluster that has none. news is called
// after each change, from within it, and must return at once.
func NewReplica(news func()) *Replica {
	r := &Replica{news: news}
	r.root.Store(Bare(cib.Empty(schema)))
	return r
}

// Root returns the newest configuration.
func (r *Replica) Root() *cib.Element { return r.root.Load() }

func (r *Replica) set(root *cib.Element, why string) {
	r.root.Store(root)
	if r.loading {
		r.why = why
		return
	}
	if r.Changed != nil {
		r.Changed(root, why)
	}
	r.news()
}

// Loading implements [agree.Loader]: what is read from the disk is told when all
// of it is there, and as one.
func (r *Replica) Loading(yes bool) {
	if r.loading = yes; !yes {
		r.set(r.Root(), r.why)
	}
}

// Snapshot implements [agree.App].
func (r *Replica) Snapshot() []byte { return cib.PrintCompact(r.Root()) }

// Restore implements [agree.App].
func (r *Replica) Restore(snapshot []byte) error {
	root, err := r.parsed(snapshot)
	if err != nil {
		return err
	}
	r.set(root, "")
	return nil
}

// Apply implements [agree.App]: a change is an encoded cib.Op.
//
// A fault in the code of the edits is an error of this change, not the end of
// every node that applies it.
func (r *Replica) Apply(_ uint64, encoded []byte) error {
	root, err := r.applied(encoded)
	if err != nil {
		return err
	}
	r.set(root, cib.ReasonOf(encoded))
	return nil
}

// apply returns the configuration after a change; one that was checked before is
// not checked again.
func apply(root *cib.Element, encoded []byte, checked bool) (out *cib.Element, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the change cannot be applied: %v", cib.ErrBadData, p)
		}
	}()
	op, err := cib.DecodeOp(encoded)
	if err != nil {
		return nil, err
	}
	op.Unchecked = op.Unchecked || checked
	if out, err = cib.ApplyOp(root, op); err != nil {
		return nil, err
	}
	if out.Name != "cib" || out.First("configuration") == nil {
		return nil, fmt.Errorf("%w: the change would leave no configuration; to empty the cluster use cibadmin --erase", cib.ErrBadData)
	}
	return Bare(out), nil
}

// Digest implements [agree.App].
func (r *Replica) Digest() string {
	root := r.Root()
	if d := r.prepared.digest.Load(); d != nil && d.root == root {
		return d.digest
	}
	d := &rootDigest{root, cib.Digest(root)}
	r.prepared.digest.Store(d)
	return d.digest
}

// Rank implements [agree.Ranker]: the version of the configuration.
func (r *Replica) Rank() []byte {
	v := cib.VersionOf(r.Root())
	var b []byte
	for _, n := range []int{v.AdminEpoch, v.Epoch, v.NumUpdates} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// Bare leaves out the section that is never replicated.
func Bare(root *cib.Element) *cib.Element {
	if st := root.First("status"); st != nil {
		return root.WithReplaced(st, nil)
	}
	return root
}
