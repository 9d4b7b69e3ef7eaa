package ccm

import (
	"log/slog"

	"github.com/quorate/quorate/ccm/agree"
)

// Config is what [Start] needs.
type Config struct {
	// Node is this node's name, one of Nodes.
	Node string
	// Nodes are all normal nodes of ha.cf, at most 64. They seed the voters; from
	// then on the voters are a part of the replicated state.
	Nodes []string
	// Weights are votes per node for the first state; 100 where missing.
	Weights map[string]int
	// Arbiters are those of Nodes that vote and run nothing.
	Arbiters []string
	// Autojoin admits nodes that are not in Nodes, and lets this one be such a
	// node.
	Autojoin bool
	// Ping tells that the transport watches ping nodes: unless one answers, half
	// of the votes are no quorum.
	Ping bool
	// StateDir holds cluster.db; it is made if it does not exist.
	StateDir string
	// Replica is the state to be replicated.
	Replica Replica
	// Transport makes the links, once the incarnation of this life is known. The
	// runner closes what it returns.
	Transport func(Life) (Transport, error)
	// Timing comes from [agree.NewTiming]; print its Sentence and Warning.
	Timing agree.Timing
	// Quorum names the plug-ins in their order, "majority" and "twonodes"; none
	// means majority alone.
	Quorum []string
	// ClusterID keeps clusters apart that share a wire and keys.
	ClusterID string
	// ConfigDigest identifies ha.cf to the other nodes, for users.
	ConfigDigest uint64
	// Conditions names what is missing for exclusion besides what this package
	// knows, e.g. "no-quorum-policy is ignore". Empty: nothing.
	Conditions []string
	// OnLease, if set, is told the end of the lease (nanoseconds of Clock) each
	// time a quorum confirms it anew. It is called by the runner and must return
	// at once.
	OnLease func(stop int64)
	// Work, if set, runs work that takes long, on a goroutine of its own.
	Work func(work func())
	// Logger, or slog.Default.
	Logger *slog.Logger
	// Clock gives nanoseconds; nil means [Boottime]. The arrival times of the
	// transport must come from the same clock. For tests.
	Clock func() int64
}
