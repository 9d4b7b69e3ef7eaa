package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/lrm"
)

// dummyCPU is the share of a core that a daemon may use, in percent, while its
// third of 2,000 resources is monitored every ten seconds.
const dummyCPU = 25.0

// dummyInterval is the interval of the monitors.
const dummyInterval = 10 * time.Second

// dummies starts thousands of resources on three nodes and counts their monitors.
func (c *campaign) dummies(ctx context.Context, p *Part) (err error) {
	s := setting{nodes: 3, keepalive: "200ms", deadtime: "1", initdead: "2", media: "ucast", cib: dummyDocument(c.Dummies), patience: 5 * time.Minute}
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d resources of the built-in Dummy with monitors every %v, counted for %v", s, c.Dummies, dummyInterval, c.Watch)
	begun := time.Now()
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	repeats := func() (map[string]lrm.Repeats, int, error) {
		out, sum := map[string]lrm.Repeats{}, 0
		for _, name := range k.names {
			st, err := k.status(ctx, name)
			if err != nil {
				return nil, 0, err
			}
			out[name] = st.Repeats
			sum += st.Repeats.Active
		}
		return out, sum, nil
	}
	ready, err := k.until(ctx, "every resource monitored", 500*time.Millisecond, func() (bool, string) {
		_, sum, err := repeats()
		return err == nil && sum == c.Dummies, fmt.Sprint(sum, " of them, ", err)
	})
	if err != nil {
		return err
	}
	if err := k.settled(ctx); err != nil {
		return err
	}
	start, err := k.used(k.names)
	if err != nil {
		return err
	}
	p.add("all started and monitored since the daemons were", ready.Sub(begun).Seconds(), "s")
	for _, name := range k.names {
		p.add("processor time of "+name+" until then", start[name].Seconds(), "s")
	}
	if err := pause(ctx, 2*dummyInterval); err != nil { // what the start brought passes
		return err
	}
	before, _, err := repeats()
	if err != nil {
		return err
	}
	from, err := k.used(k.names)
	if err != nil {
		return err
	}
	at := time.Now()
	if err := pause(ctx, c.Watch); err != nil {
		return err
	}
	after, _, err := repeats()
	if err != nil {
		return err
	}
	took := time.Since(at)
	to, err := k.used(k.names)
	if err != nil {
		return err
	}
	busiest, missed, late, lacking, rss := 0.0, 0.0, time.Duration(0), 0.0, 0.0
	for _, name := range k.names {
		share := 100 * float64(to[name]-from[name]) / float64(took)
		busiest = max(busiest, share)
		missed += float64(after[name].Missed - before[name].Missed)
		late = max(late, after[name].Late)
		runs := after[name].Runs - before[name].Runs
		// As many as whole intervals fit in, less what was about to begin.
		if want := uint64(int(took/dummyInterval)*after[name].Active) * 98 / 100; runs < want {
			lacking += float64(want - runs)
		}
		u, err := k.nodes[name].Usage()
		if err != nil {
			return err
		}
		rss = max(rss, float64(u.RSS)/(1<<20))
		p.note("%s: %d resources, %d monitors in %.1f s, %.2f s of processor time", name, after[name].Active, runs, took.Seconds(), (to[name] - from[name]).Seconds())
	}
	p.zero("monitors that began a whole interval late", missed, "")
	p.zero("monitors that are lacking", lacking, "")
	p.add("latest monitor since the start", ms(late), "ms")
	p.below("processor time, busiest node", busiest, "%", dummyCPU)
	p.add("resident memory, daemon and guard, largest node", rss, "MB")
	return nil
}

// dummyDocument has n dummies with monitors.
func dummyDocument(n int) string {
	var b strings.Builder
	b.WriteString(`<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.0"><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="opt-stonith" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes/><resources>` + "\n")
	for i := range n {
		fmt.Fprintf(&b, `<primitive id="d%[1]d" class="ocf" provider="quorate" type="Dummy"><operations><op id="d%[1]d-m" name="monitor" interval="%[2]s" timeout="20s"/></operations></primitive>`+"\n", i, dummyInterval)
	}
	b.WriteString("</resources><constraints/></configuration><status/></cib>\n")
	return b.String()
}
