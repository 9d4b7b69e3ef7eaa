package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// Swarm makes the run of one seed for the hunt for mistakes: short and dense.
// What a uniform mix of all faults averages away is different in each run: the
// cluster, its timers, what runs on it, which kinds of faults there are, how often
// each of them comes, and how many of them wait for a moment of the protocol.
func Swarm(seed uint64) (*Scenario, error) {
	r := newRNG(seed, 13)
	g := &generator{r: r}
	sc := NewScenario(int([]int64{3, 3, 3, 3, 2, 4, 5, 5}[r.below(8)]), 0)
	g.sc = sc
	if len(sc.Nodes) == 2 {
		sc.Arbiters = []string{"arbiter"}
	}
	switch r.below(8) {
	case 0:
		sc.Weights = map[string]int{}
		for _, n := range sc.Nodes {
			sc.Weights[n] = int(50 * r.between(1, 5))
		}
	case 1:
		sc.Spares = []string{"spare1"}
	}
	sc.RandomViews = r.chance(2)
	// Short timers make everything that takes long by itself long in comparison.
	sc.Deadtime = []time.Duration{300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second}[r.below(4)]
	sc.Keepalive = sc.Deadtime / 4
	if count := int(r.below(3)); count > 0 {
		delay := time.Duration(0)
		if r.chance(2) {
			delay = time.Duration(r.between(int64(sc.Deadtime)/4, 4*int64(sc.Deadtime))).Round(time.Millisecond)
		}
		sc.SetResources(count, delay)
	}
	sc.Length = sc.Deadtime * time.Duration(r.between(60, 240))
	sc.Settle = r.chance(8)
	every := time.Duration(r.between(int64(sc.Deadtime)/4, 3*int64(sc.Deadtime)))
	var use []kind
	total := int64(0)
	for len(use) == 0 {
		for _, k := range kinds {
			if r.chance(2) {
				k.weight *= []int64{1, 1, 3, 9}[r.below(4)]
				use = append(use, k)
				total += k.weight
			}
		}
	}
	g.moments = []int64{0, 2, 4, 8}[r.below(4)]
	g.fill(use, total, every)
	return sc, nil
}

// SetResources makes the configuration a number of resources without any relation,
// each of which the cluster starts a delay after it was told to.
func (sc *Scenario) SetResources(count int, delay time.Duration) {
	var b strings.Builder
	b.WriteString(`<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration>
<crm_config><cluster_property_set id="options">
<nvpair id="options-stonith" name="stonith-enabled" value="false"/>
<nvpair id="options-policy" name="no-quorum-policy" value="stop"/>
</cluster_property_set></crm_config><nodes/><resources>`)
	for i := range count {
		id := fmt.Sprintf("r%d", i+1)
		fmt.Fprintf(&b, `<primitive id="%s" class="ocf" provider="heartbeat" type="Dummy"><operations>`, id)
		extra := ""
		if delay > 0 {
			extra = fmt.Sprintf(` start-delay="%dms"`, delay.Milliseconds())
		}
		fmt.Fprintf(&b, `<op id="%s-start" name="start" interval="0" timeout="20s"%s/><op id="%s-stop" name="stop" interval="0" timeout="20s"/>`, id, extra, id)
		b.WriteString(`</operations></primitive>`)
	}
	b.WriteString(`</resources><constraints/>
<rsc_defaults><meta_attributes id="defaults">
<nvpair id="defaults-stickiness" name="resource-stickiness" value="1000"/>
<nvpair id="defaults-timeout" name="failure-timeout" value="5min"/>
</meta_attributes></rsc_defaults></configuration></cib>`)
	root, err := cib.Parse([]byte(b.String()), "resources of the scenario")
	if err != nil {
		panic(err) // made above
	}
	sc.CIB, sc.CIBFile, sc.Sticky = root, "", true
	sc.Resources, sc.StartDelay = count, delay
}
