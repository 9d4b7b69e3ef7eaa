package pengine

// action is one planned or possible operation.
type action struct {
	id       int
	task     string
	kt       string // task of the key; a cancel keeps that of what it cancels
	interval int64
	key      string // overrides the key made of resource, task and interval
	rsc      *resource
	node     *node
	flags    uint32
	priority Score
	reason   string
	cause    string
	needs    uint8
	onFail   onFail
	failRole role
	cancel   string // task that a cancel operation cancels
	op       *opInfo
	targetRC int // -1 when none is expected
	extra    []Param
	before   []edge // actions that come before this one
	after    []edge
	// required counts the unsatisfied-able members of a one-or-more set.
	runnableBefore, requiredBefore int
	status                         uint8
	graph                          *GraphAction
	inputs                         []*action
	notifyKey                      *notifyData
	notifyEnv                      []Param
	prio                           bool
	custom                         bool // key does not follow from resource, task and interval
	stamp                          uint32
	slot                           int32    // place among the merged orderings while the graph is built
	migrate                        [2]*node // source and target
}

// Flags of an action.
const (
	aPseudo uint32 = 1 << iota
	aRunnable
	aOptional
	aPrintAlways
	aImpliedByStonith // cleared when it is implied by fencing
	aMigratable
	aDumped
	aProcessed
	aTracking
	aDedup
	aMigrateAllowed
	aRequiresAny
	aReschedule
	aDangling
	aFailureIsFatal
	aMinRunnable
	aDoneByStonith
)

// Requirements of an action.
const (
	needsNothing uint8 = iota
	needsQuorum
	needsFencing
)

func (a *action) is(f uint32) bool { return a.flags&f == f }
func (a *action) set(f uint32)     { a.flags |= f }
func (a *action) clear(f uint32)   { a.flags &^= f }

// uuid returns the operation key.
func (a *action) uuid() string {
	if a.key == "" {
		if a.rsc == nil {
			return a.task
		}
		if a.op == nil || a.rsc.variant != primitiveVariant {
			a.key = opKeyString(a.rsc.id, a.kt, a.interval)
			return a.key
		}
		if a.op.key == "" {
			a.op.key = opKeyString(a.rsc.id, a.kt, a.interval)
		}
		a.key = a.op.key
	}
	return a.key
}
