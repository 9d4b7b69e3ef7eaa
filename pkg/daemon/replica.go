package daemon

import (
	"fmt"
	"sync/atomic"

	"github.com/quorate/quorate/cib"
)

// replica is the configuration half of the CIB as the state machine that the
// cluster replicates. The runner of package ccm calls its methods from one
// goroutine; everybody else reads Root.
type replica struct {
	root    atomic.Pointer[cib.Element]
	changed chan struct{} // holds at most one token: the root is new
}

// schema is what a new cluster's configuration is written in.
const schema = "pacemaker-3.9"

func newReplica() *replica {
	r := &replica{changed: make(chan struct{}, 1)}
	r.root.Store(bare(cib.Empty(schema)))
	return r
}

// Root returns the newest configuration.
func (r *replica) Root() *cib.Element { return r.root.Load() }

func (r *replica) set(root *cib.Element) {
	r.root.Store(root)
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Snapshot implements ccm.Replica.
func (r *replica) Snapshot() []byte { return cib.PrintCompact(r.Root()) }

// Restore implements ccm.Replica.
func (r *replica) Restore(snapshot []byte) error {
	root, err := cib.Parse(snapshot, "replicated configuration")
	if err != nil {
		return err
	}
	r.set(root)
	return nil
}

// Apply implements ccm.Replica: a change is an encoded cib.Op.
//
// A fault in the code of the edits is an error of this change, not the end of
// every node that applies it.
func (r *replica) Apply(_ uint64, encoded []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the change cannot be applied: %v", cib.ErrBadData, p)
		}
	}()
	op, err := cib.DecodeOp(encoded)
	if err != nil {
		return err
	}
	root, err := cib.ApplyOp(r.Root(), op)
	if err != nil {
		return err
	}
	if root.Name != "cib" || root.First("configuration") == nil {
		return fmt.Errorf("%w: the change would leave no configuration; to empty the cluster use cibadmin --erase", cib.ErrBadData)
	}
	r.set(bare(root))
	return nil
}

// Digest implements ccm.Replica.
func (r *replica) Digest() string { return cib.Digest(r.Root()) }

// bare leaves out the section that is never replicated.
func bare(root *cib.Element) *cib.Element {
	if st := root.First("status"); st != nil {
		return root.WithReplaced(st, nil)
	}
	return root
}
