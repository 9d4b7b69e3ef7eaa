package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// moveAllLimit is how long after the decision the last of 300 addresses may be on
// its new node, in milliseconds; where there are fewer it is the same.
const moveAllLimit = 1000.0

// addresses moves hundreds of addresses from one node to another, by standby and
// by the death of the node, and measures from the answer of the policy engine to
// the last address.
func (c *campaign) addresses(ctx context.Context, p *Part) (err error) {
	s := setting{nodes: 3, keepalive: "200ms", deadtime: "1", initdead: "2", media: "ucast", cib: addressDocument(c.Addresses), patience: time.Minute}
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d addresses, half of type IPaddr and half IPaddr2, each with a monitor every 10 s, default limits of actions", s, c.Addresses)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	first, second, third := k.names[0], k.names[1], k.names[2]
	if _, err := k.holds(ctx, first, c.Addresses); err != nil {
		return err
	}
	if err := k.settled(ctx); err != nil {
		return err
	}
	// By standby: the second node takes over as the score of the third is lower.
	before, err := k.used(k.names)
	if err != nil {
		return err
	}
	marks := k.logMarks()
	if err := k.command(ctx, first, "crm_standby", "-v", "on", "-N", first); err != nil {
		return err
	}
	seen, err := k.holds(ctx, second, c.Addresses)
	if err != nil {
		return err
	}
	if err := k.settled(ctx); err != nil {
		return err
	}
	if err := k.moved(p, "standby", marks, first, second, seen, c.Addresses); err != nil {
		return err
	}
	after, err := k.used(k.names)
	if err != nil {
		return err
	}
	for _, name := range k.names {
		p.add("standby: processor time on "+name, (after[name] - before[name]).Seconds(), "s")
	}
	// By death: the third takes over; the node in standby stays so.
	marks = k.logMarks()
	died := time.Now()
	delete(k.daemons, second)
	crashed := make(chan error, 1)
	go func() { crashed <- k.nodes[second].Crash() }() // the kernel takes its time with so many addresses
	seen, err = k.holds(ctx, third, c.Addresses)
	if err := errors.Join(err, <-crashed); err != nil {
		return err
	}
	if err := k.moved(p, "death", marks, "", third, seen, c.Addresses); err != nil {
		return err
	}
	p.add("death: last address up since the death", ms(seen.Sub(died)), "ms")
	return nil
}

// addressDocument has n addresses that prefer the nodes in their order.
func addressDocument(n int) string {
	var b strings.Builder
	b.WriteString(`<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.0"><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="opt-stonith" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes/><resources>` + "\n")
	for i := range n {
		provider, typ := "heartbeat", "IPaddr"
		if i%2 == 1 {
			provider, typ = "quorate", "IPaddr2"
		}
		fmt.Fprintf(&b, `<primitive id="ip-%[1]d" class="ocf" provider="%[2]s" type="%[3]s"><instance_attributes id="ip-%[1]d-p"><nvpair id="ip-%[1]d-ip" name="ip" value="%[4]s"/>`+
			`<nvpair id="ip-%[1]d-m" name="cidr_netmask" value="16"/><nvpair id="ip-%[1]d-n" name="nic" value="eth0"/></instance_attributes>`+
			`<operations><op id="ip-%[1]d-o" name="monitor" interval="10s" timeout="20s"/></operations></primitive>`+"\n", i, provider, typ, movingIP(i))
	}
	b.WriteString("</resources><constraints>")
	for i := range n {
		for j, score := range []int{300, 200, 100} {
			fmt.Fprintf(&b, `<rsc_location id="l-%[1]d-%[2]d" rsc="ip-%[1]d" node="%[3]s" score="%[4]d"/>`+"\n", i, j, nodeName(j), score)
		}
	}
	b.WriteString("</constraints></configuration><status/></cib>\n")
	return b.String()
}

// movingIP is the address of resource i.
func movingIP(i int) string { return fmt.Sprintf("10.71.%d.%d", 2+i/200, 1+i%200) }

// holds waits until a node has all moving addresses in its kernel, asked for
// there every few milliseconds.
func (k *cluster) holds(ctx context.Context, name string, n int) (time.Time, error) {
	last := movingIP(n - 1)
	return k.until(ctx, fmt.Sprintf("%d addresses on %s", n, name), 20*time.Millisecond, func() (bool, string) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		res, err := k.nodes[name].Exec(ctx, "ip", "-o", "-4", "addr", "show", "dev", "eth0")
		if err != nil {
			return false, err.Error()
		}
		got := 0
		for line := range strings.Lines(string(res.Stdout)) {
			if f := strings.Fields(line); len(f) > 3 && strings.HasPrefix(f[3], "10.71.") && !strings.HasPrefix(f[3], "10.71.0.") {
				got++
			}
		}
		return got == n && strings.Contains(string(res.Stdout), last+"/"), fmt.Sprintf("%d of %d", got, n)
	})
}

// settled waits until the controllers are at rest.
func (k *cluster) settled(ctx context.Context) error {
	rest := 0
	_, err := k.until(ctx, "controllers at rest", 100*time.Millisecond, func() (bool, string) {
		for _, name := range k.names {
			if k.daemons[name] == nil {
				continue
			}
			st, err := k.status(ctx, name)
			if err != nil {
				rest = 0
				return false, err.Error()
			}
			if st.State != "S_IDLE" && st.State != "S_NOT_DC" {
				rest = 0
				return false, name + " is in " + st.State
			}
		}
		rest++
		return rest >= 5, "at rest for a moment"
	})
	return err
}

// used is the processor time that the processes of each node have used.
func (k *cluster) used(names []string) (map[string]time.Duration, error) {
	out := map[string]time.Duration{}
	for _, name := range names {
		u, err := k.nodes[name].Usage()
		if err != nil {
			return nil, err
		}
		out[name] = u.CPU
	}
	return out, nil
}

// moved reads the moments of a move from the logs: the question, the answer of
// the policy engine that stops or starts addresses, and the first and last start.
func (k *cluster) moved(p *Part, how string, marks map[string]int64, from, to string, seen time.Time, n int) error {
	var asked, decided, lastStop, firstStart, lastStart time.Time
	var started []string
	for _, name := range k.names {
		if k.daemons[name] == nil {
			continue
		}
		for _, line := range k.logSince(name, marks) {
			t, ok := lineTime(line)
			if !ok {
				continue
			}
			switch {
			case strings.Contains(line, "do_pe_invoke: "):
				if decided.IsZero() {
					asked = t
				}
			case strings.Contains(line, "unpack_graph: Unpacked transition ") && !strings.Contains(line, ": 0 actions"):
				if decided.IsZero() && !asked.IsZero() {
					decided = t
				}
			case name == from && strings.Contains(line, "process_lrm_event: LRM operation ip-") && strings.Contains(line, "_stop_0 (call="):
				lastStop = t
			case name == to && strings.Contains(line, "process_lrm_event: LRM operation ip-") && strings.Contains(line, "_start_0 (call="):
				if firstStart.IsZero() {
					firstStart = t
				}
				lastStart = t
				f := strings.Fields(line[strings.Index(line, "LRM operation "):])
				if !slices.Contains(started, f[2]) {
					started = append(started, f[2])
				}
				if !strings.Contains(line, "rc=0, status=0") {
					return fmt.Errorf("%s: %s", how, line)
				}
			}
		}
	}
	if decided.IsZero() || len(started) != n {
		return fmt.Errorf("%s: the logs tell of %d starts of %d on %s, decided at %v", how, len(started), n, to, decided)
	}
	p.add(how+": policy engine", ms(decided.Sub(asked)), "ms")
	if !lastStop.IsZero() {
		p.add(how+": last stop since the decision", ms(lastStop.Sub(decided)), "ms")
	}
	p.add(how+": first address up since the decision", ms(firstStart.Sub(decided)), "ms")
	p.below(fmt.Sprintf("%s: last of %d addresses up since the decision", how, n), ms(lastStart.Sub(decided)), "ms", moveAllLimit)
	p.add(how+": all seen in the kernel since the decision, at the latest", ms(seen.Round(0).Sub(decided)), "ms")
	return nil
}
