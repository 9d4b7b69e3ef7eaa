package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// Scenario is a cluster and what happens to it.
type Scenario struct {
	// Nodes are their names; Weights their votes, where not the usual.
	Nodes   []string
	Weights map[string]int
	// Arbiters vote and run nothing; Spares are nodes that can be added.
	Arbiters, Spares []string
	// RandomViews makes nodes propose sets of members at random, which reaches
	// more interleavings than failures do; the cluster need not come to rest then.
	RandomViews bool
	// DirectedViews makes nodes propose only what steps tell them to, once they had
	// a view, and promise whatever is proposed; the cluster need not come to rest.
	DirectedViews bool
	// Steady makes all latencies and operations take always the same time.
	Steady bool
	// Seed, if not 0, is used in place of that of the [Options].
	Seed uint64
	// Loose lets the messages of the agreement be lost, doubled, late and out of
	// order, as if there were no sessions below it: more interleavings than
	// failures reach, as with RandomViews.
	Loose bool
	// Keepalive, Deadtime and Initdead are those of ha.cf; 0 for Initdead takes
	// the usual.
	Keepalive, Deadtime, Initdead time.Duration
	// Quorum names the quorum plug-ins; none: what the number of nodes asks for.
	Quorum []string
	// CIB is the configuration that the administrator put onto the nodes.
	CIB *cib.Element
	// CIBFile is where it came from, or "".
	CIBFile string
	// Resources, if not 0, is how many of them [Scenario.SetResources] made, and
	// StartDelay how long the cluster delays their start.
	Resources  int
	StartDelay time.Duration
	// Models are how long operations of resources take, where not the usual.
	Models map[string]Model
	// Sticky tells that the configuration has no wishes about nodes: a healthy
	// resource stays where it is.
	Sticky bool
	// Steps, in the order of their times.
	Steps []Step
	// Length is when the faults are over. With Settle, everything is repaired
	// then, and the cluster has to become whole and stay so.
	Length time.Duration
	Settle bool
}

// Model is how an agent behaves: the longest time of a start and a stop.
type Model struct{ Start, Stop time.Duration }

// Usual periods of a scenario that names none.
const (
	defaultKeepalive = 2 * time.Second
	defaultDeadtime  = 10 * time.Second
	// settleTail is how long nothing may move once the cluster is whole.
	settleTail = 3 * time.Minute
)

func (sc *Scenario) quorumPlugins() []string {
	if len(sc.Quorum) > 0 {
		return sc.Quorum
	}
	if len(sc.Nodes) == 2 {
		return []string{"majority", "twonodes"}
	}
	return []string{"majority"}
}

// length is when the run ends.
func (sc *Scenario) length() time.Duration {
	if !sc.Settle {
		return sc.Length
	}
	return sc.Length + sc.bound() + settleTail
}

// bound is how long the cluster may take to become whole after the last fault:
// every node may have to be found dead and to join again, a takeover may have
// to be waited for, twice, and the DC waits a minute and the timeout for
// operations whose result was lost.
func (sc *Scenario) bound() time.Duration { return 12*sc.Deadtime + 5*time.Minute }

// NodeNames returns n1 to nN.
func NodeNames(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("n%d", i+1))
	}
	return out
}

// defaultCIB is what runs where the user has no configuration of his own: an
// address, a database, and a group of three.
const defaultCIB = `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration>
<crm_config><cluster_property_set id="options">
<nvpair id="options-stonith" name="stonith-enabled" value="false"/>
<nvpair id="options-policy" name="no-quorum-policy" value="stop"/>
</cluster_property_set></crm_config>
<nodes/>
<resources>
<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr">
<instance_attributes id="ip-params"><nvpair id="ip-ip" name="ip" value="192.168.71.205"/><nvpair id="ip-mask" name="cidr_netmask" value="24"/></instance_attributes><operations>
<op id="ip-start" name="start" interval="0" timeout="20s"/><op id="ip-stop" name="stop" interval="0" timeout="20s"/>
<op id="ip-monitor" name="monitor" interval="30s" timeout="20s"/></operations></primitive>
<primitive id="db" class="ocf" provider="heartbeat" type="Dummy"><operations>
<op id="db-start" name="start" interval="0" timeout="20s"/><op id="db-stop" name="stop" interval="0" timeout="20s"/>
<op id="db-monitor" name="monitor" interval="60s" timeout="20s"/></operations></primitive>
<group id="web">
<primitive id="web-ip" class="ocf" provider="heartbeat" type="IPaddr">
<instance_attributes id="web-ip-params"><nvpair id="web-ip-ip" name="ip" value="192.168.71.206"/><nvpair id="web-ip-mask" name="cidr_netmask" value="24"/></instance_attributes></primitive>
<primitive id="web-fs" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="web-httpd" class="ocf" provider="heartbeat" type="Dummy"><operations>
<op id="httpd-monitor" name="monitor" interval="60s" timeout="20s"/></operations></primitive>
</group>
</resources>
<constraints/>
<rsc_defaults><meta_attributes id="defaults">
<nvpair id="defaults-stickiness" name="resource-stickiness" value="1000"/>
<nvpair id="defaults-timeout" name="failure-timeout" value="5min"/>
</meta_attributes></rsc_defaults>
</configuration></cib>`

// NewScenario is a cluster of n nodes with the usual configuration, to which
// nothing happens for the given time.
func NewScenario(n int, length time.Duration) *Scenario {
	root, err := cib.Parse([]byte(defaultCIB), "the simulator's configuration")
	if err != nil {
		panic(err)
	}
	return &Scenario{Nodes: NodeNames(n), Keepalive: defaultKeepalive, Deadtime: defaultDeadtime, CIB: root, Sticky: true, Length: length}
}

// String is the scenario as a file.
func (sc *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "nodes %s\n", strings.Join(sc.Nodes, " "))
	fmt.Fprintf(&b, "keepalive %s\ndeadtime %s\n", seconds(sc.Keepalive), seconds(sc.Deadtime))
	if sc.Initdead > 0 {
		fmt.Fprintf(&b, "initdead %s\n", seconds(sc.Initdead))
	}
	for _, n := range sc.Arbiters {
		fmt.Fprintf(&b, "arbiter %s\n", n)
	}
	for _, n := range sc.Spares {
		fmt.Fprintf(&b, "spare %s\n", n)
	}
	for _, n := range sortedNames(sc.Weights) {
		fmt.Fprintf(&b, "votes %s %d\n", n, sc.Weights[n])
	}
	if sc.RandomViews {
		fmt.Fprintln(&b, "views random")
	}
	if sc.DirectedViews {
		fmt.Fprintln(&b, "views directed")
	}
	if len(sc.Quorum) > 0 {
		fmt.Fprintf(&b, "quorum %s\n", strings.Join(sc.Quorum, " "))
	}
	if sc.Loose {
		fmt.Fprintln(&b, "sessions loose")
	}
	if sc.Steady {
		fmt.Fprintln(&b, "steady")
	}
	if sc.Seed != 0 {
		fmt.Fprintf(&b, "seed %d\n", sc.Seed)
	}
	if sc.Resources > 0 {
		fmt.Fprintf(&b, "resources %d", sc.Resources)
		if sc.StartDelay > 0 {
			fmt.Fprintf(&b, " start-delay %s", seconds(sc.StartDelay))
		}
		fmt.Fprintln(&b)
	}
	if sc.CIBFile != "" {
		fmt.Fprintf(&b, "cib %s\n", sc.CIBFile)
	}
	for _, name := range sortedNames(sc.Models) {
		m := sc.Models[name]
		fmt.Fprintf(&b, "resource %s start %s stop %s\n", name, seconds(m.Start), seconds(m.Stop))
	}
	for _, e := range sc.Steps {
		fmt.Fprintln(&b, e)
	}
	if sc.Settle {
		fmt.Fprintf(&b, "settle at %s\n", seconds(sc.Length))
	} else {
		fmt.Fprintf(&b, "end at %s\n", seconds(sc.Length))
	}
	return b.String()
}

func sortedNames[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// all are the names of all machines.
func (sc *Scenario) all() []string { return slices.Concat(sc.Nodes, sc.Arbiters, sc.Spares) }

// present is how many nodes take part at the end.
func (s *sim) present() int {
	n := 0
	for _, x := range s.nodes {
		if !x.absent && !x.stopped && !x.out && !x.arbiter {
			n++
		}
	}
	return n
}
