package pengine

import "github.com/quorate/quorate/cib"

// node is one cluster node.
type node struct {
	idx       int
	id, uname string
	kind      string
	attrs     map[string]string
	xml       *cib.Element
	state     *cib.Element
	lrm       *cib.Element
	history   map[string]*cib.Element
	failNames int8 // whether it has fail counts: 0 not looked, 1 no, 2 yes
	score     Score

	online, standby, standbyOnFail, pending, unclean, unseen bool
	shutdown, expectedUp, isDC, maintenance                  bool
	fenceWarned                                              bool // a message says why it is fenced
	noDiscovery                                              bool
	// unborn tells that the node exists only once its connection is read.
	unborn bool
	// inBundle tells that it is a container of a bundle: only what the bundle
	// runs is ever there.
	inBundle bool
	// connection is the resource by which a remote or guest node is reached;
	// reset tells that its container must be recovered, wasFenced and
	// stateMaintenance what its node_state says.
	connection                         *resource
	reset, wasFenced, stateMaintenance bool
	historyRead                        bool

	running      []*resource
	assigned     []*resource
	numResources int
	priority     int
	fence        *action
	acts         []*action
	featureSet   string
	capacity     amounts // what is left of it
}

// attr returns a node attribute; #uname and the like are in the table.
func (n *node) attr(name string) string { return n.attrs[name] }

// canRun reports whether resources may run on the node at all.
func (n *node) canRun() bool {
	return n != nil && n.online && !n.shutdown && !n.unclean && !n.standby && !n.maintenance
}

// canKeep is canRun that tolerates maintenance mode.
func (n *node) canKeep() bool {
	return n != nil && n.online && !n.shutdown && !n.unclean && !n.standby
}

// cand is the candidacy of a node for a resource.
type cand struct {
	w        Score
	count    int32
	present  bool
	discover discovery
}
