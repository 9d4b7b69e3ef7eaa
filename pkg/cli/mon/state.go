package mon

import (
	"time"

	"github.com/quorate/quorate/cib"
)

// role is what an instance does.
type role uint8

const (
	stopped role = iota
	started
	unpromoted
	promoted
)

func (r role) String() string {
	return [...]string{"Stopped", "Started", "Unpromoted", "Promoted"}[r]
}

// nodeKind tells cluster nodes from the nodes that resources make.
type nodeKind uint8

const (
	member nodeKind = iota
	remote
	guest
)

func (k nodeKind) String() string { return [...]string{"", "Remote", "Guest"}[k] }

type node struct {
	name, id                                    string
	kind                                        nodeKind
	online, pending, unclean, seen              bool
	standby, standbyOnFail, maintenance, health bool
	// attrs are transient and permanent attributes.
	attrs map[string]string
	// running are the instances active here, in the order of the history.
	running []*instance
	state   *cib.Element
}

// kind is the tag of a resource.
type kind uint8

const (
	primitive kind = iota
	group
	clone
	bundle
)

// resource is what the configuration says, or an orphan of the history.
type resource struct {
	id     string
	kind   kind
	elem   *cib.Element
	parent *resource
	// class, provider and typ name the agent of a primitive.
	class, provider, typ string
	children             []*resource
	meta                 map[string]string
	// ops are the operations of a primitive.
	ops    []*cib.Element
	orphan bool
	// notInstalled are nodes where a probe did not find the program.
	notInstalled map[string]bool

	unique, promotable bool
	// max is the number of copies of a clone.
	max int
	// plain tells that a member below is no OCF agent.
	plain, forcedAnonymous bool
	managed, disabled      bool
	// instances are those of a primitive: one, or one for each of its clone.
	instances []*instance
}

// instance is one running copy of a primitive.
type instance struct {
	rsc *resource
	// num is the number in a clone, -1 outside of one.
	num  int
	role role
	// where it is active, in the order in which it was found.
	nodes                    []*node
	failed, blocked, ignored bool
	orphan                   bool
	// pending is the word of an operation in progress, "" without.
	pending string
	// monitoring tells that a recurring monitor is in progress.
	monitoring bool
	// unmanaged is set when a failure or the configuration takes management away.
	unmanaged bool
}

// failure is one entry of the list of failed actions.
type failure struct {
	key  string
	node *node
	op   *cib.Element
}

// cluster is the whole picture.
type cluster struct {
	root      *cib.Element
	now       time.Time
	options   map[string]string
	nodes     []*node
	resources []*resource
	byID      map[string]*resource
	failures  []failure
	// current is the resource whose defaults are being read.
	current                                    *resource
	instanceCount, disabledCount, blockedCount int
}

func (c *cluster) node(nameOrID string) *node {
	for _, n := range c.nodes {
		if n.id == nameOrID || n.name == nameOrID {
			return n
		}
	}
	return nil
}

// option returns a cluster option as a boolean.
func (c *cluster) flag(name string, def bool) bool { return boolOf(c.options[name], def) }

func boolOf(s string, def bool) bool {
	if b, err := cib.ParseBool(s); err == nil {
		return b
	}
	return def
}
