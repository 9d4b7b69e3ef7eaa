package campaign

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

// lossRule drops a share of what arrives on the heartbeat cable.
const lossRule = `nft add table inet loss &&
nft 'add chain inet loss in { type filter hook input priority 0; }' &&
nft add rule inet loss in iifname eth1 numgen random mod 100 '<' %d counter drop`

// steady watches that nothing happens while all processors are busy and beats
// get lost.
func (c *campaign) steady(ctx context.Context, p *Part) (err error) {
	s := fast()
	s.keepalive, s.deadtime, s.initdead = "200ms", "1", "2"
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d busy loops on %d processors, 2 %% loss on every heartbeat cable, %v", s, runtime.NumCPU(), runtime.NumCPU(), c.Steady)
	w, err := k.rest(ctx)
	if err != nil {
		return err
	}
	for _, name := range k.names {
		if err := k.command(ctx, name, "sh", "-c", fmt.Sprintf(lossRule, 2)); err != nil {
			return err
		}
	}
	loops, err := k.burn(runtime.NumCPU())
	if err != nil {
		return err
	}
	defer loops()
	err = w.watch(ctx, c.Steady)
	w.figures(p)
	if err != nil {
		return err
	}
	return k.dropped(ctx, p)
}

// steadyFast watches that nothing happens with short timers and no load.
func (c *campaign) steadyFast(ctx context.Context, p *Part) (err error) {
	k, err := c.newCluster(ctx, fast())
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; no load, %v", k.setting, c.Calm)
	w, err := k.rest(ctx)
	if err != nil {
		return err
	}
	err = w.watch(ctx, c.Calm)
	w.figures(p)
	return err
}

// burn keeps processors busy at normal priority until the returned function is
// called.
func (k *cluster) burn(n int) (stop func(), err error) {
	var all []*lab.Process
	stop = func() {
		for _, p := range all {
			// One that has ended takes no harm.
			_ = p.Signal(syscall.SIGKILL)
		}
	}
	for range n {
		p, err := k.outside.Start("sh", "-c", "while :; do :; done")
		if err != nil {
			stop()
			return nil, err
		}
		all = append(all, p)
	}
	return stop, nil
}

// dropped notes how many packets the loss took: without any it proves nothing.
func (k *cluster) dropped(ctx context.Context, p *Part) error {
	for _, name := range k.names {
		res, err := k.nodes[name].Exec(ctx, "nft", "list", "table", "inet", "loss")
		if err != nil {
			return err
		}
		var packets, bytes int64
		_, counter, _ := strings.Cut(string(res.Stdout), "counter ")
		if _, err := fmt.Sscanf(counter, "packets %d bytes %d", &packets, &bytes); err != nil || packets == 0 {
			return fmt.Errorf("%s has lost no packet: %s%s", name, res.Stdout, res.Stderr)
		}
		p.note("%s lost %d packets", name, packets)
	}
	return nil
}

// watcher compares what is with what was when the cluster came to rest.
type watcher struct {
	k     *cluster
	begun time.Time
	owner string
	views map[string]string
	marks map[string]int64

	falseViews, noLease, polls, unanswered int
	leastLease                             time.Duration
	// late is the worst of each stage on any node while watching, and where it
	// was; observer how late this program was itself.
	late     map[string]lateness
	order    []string
	observer time.Duration
}

// lateness is how late a node was, and when that was seen.
type lateness struct {
	by   time.Duration
	node string
	at   time.Time
}

// rest waits until the cluster is whole and at rest and begins to watch.
func (k *cluster) rest(ctx context.Context) (*watcher, error) {
	if _, err := k.whole(ctx, k.names...); err != nil {
		return nil, err
	}
	owner, err := k.owner(ctx, "the address on one node", func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	w := &watcher{k: k, owner: owner, views: map[string]string{}, leastLease: time.Hour, late: map[string]lateness{}}
	for _, name := range k.names {
		st, err := k.status(ctx, name)
		if err != nil {
			return nil, err
		}
		w.views[name] = fmt.Sprint(st.View.Instance)
	}
	w.marks, w.begun = k.logMarks(), time.Now()
	return w, nil
}

// watch looks at every daemon each second.
func (w *watcher) watch(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		wait := min(time.Second, time.Until(end))
		begun := time.Now()
		if err := pause(ctx, wait); err != nil {
			return err
		}
		w.observer = max(w.observer, time.Since(begun)-wait)
		if err := w.k.fallen(); err != nil {
			return err
		}
		for _, name := range w.k.names {
			w.polls++
			st, err := w.k.status(ctx, name)
			if err != nil {
				w.unanswered++
				continue
			}
			if view := fmt.Sprint(st.View.Instance); view != w.views[name] || !st.View.Quorum {
				w.falseViews++
				w.views[name] = view
			}
			if !st.Lease.Valid {
				w.noLease++
				continue
			}
			w.leastLease = min(w.leastLease, time.Until(st.Lease.Stop))
			if time.Since(w.begun) < 3*time.Second {
				continue // what is recent may be from before
			}
			for _, s := range st.Beats.Stages {
				old, known := w.late[s.Stage]
				if !known {
					w.order = append(w.order, s.Stage)
				}
				if !known || s.Recent > old.by {
					w.late[s.Stage] = lateness{s.Recent, name, time.Now()}
				}
			}
		}
	}
	return nil
}

// figures states what the daemons, their logs, the samples and the client saw.
func (w *watcher) figures(p *Part) {
	k := w.k
	count := func(texts ...string) (n int) {
		for _, name := range k.names {
			for _, line := range k.logSince(name, w.marks) {
				for _, text := range texts {
					if strings.Contains(line, text) {
						n++
					}
				}
			}
		}
		return n
	}
	left := 0
	for _, h := range k.sampler.History() {
		if h.At.After(w.begun) && (len(h.Owners) != 1 || h.Owners[0] != w.owner) {
			left++
		}
	}
	p.zero("views other than the first, asked each second", float64(w.falseViews), "")
	p.zero("views other than the first, in the logs", float64(count("OC_EV_MS_")), "")
	p.zero("nodes called dead, in the logs", float64(count(" counts as dead: ")), "")
	p.zero("leases that were not valid, asked each second", float64(w.noLease), "")
	p.zero("leases run out, in the logs", float64(count("right to run resources has run out", " refused: ")), "")
	p.zero("resources stopped, in the logs", float64(count("Performing op="+resource+"_stop_0")), "")
	p.zero("moments without the address on its node, by samples", float64(left), "")
	begin, end, _ := k.probe.Outage(w.begun, time.Now())
	p.add("longest silence for the client", ms(end.Sub(begin)), "ms")
	p.add("least time left of a lease, asked each second", ms(w.leastLease), "ms")
	p.add("questions the daemons did not answer", float64(w.unanswered), "")
	for _, stage := range w.order {
		p.add("latest, by the daemons' own measure: "+stage, ms(w.late[stage].by), "ms")
		if l := w.late[stage]; l.by > 10*time.Millisecond {
			p.note("%s: %v late on %s at %s", stage, l.by.Round(time.Millisecond), l.node, l.at.Format("15:04:05"))
		}
	}
	p.add("latest this observer was itself", ms(w.observer), "ms")
	p.note("%d questions to the daemons in %v", w.polls, time.Since(w.begun).Round(time.Second))
	w.story(p)
}

// telling are the sentences of daemon and guard on what must not have happened,
// and on who was late.
var telling = []string{" counts as dead: ", "The lease is over", "No confirmation came in time", "itself was late", "right to run resources has run out",
	"OC_EV_MS_", "_stop_0", " refused: ", "is silent from now on", "beats again", "has not looked for", "was not run for", "taken away", "Late heartbeat", "panic", "fatal error"}

// maxStory is how many lines of the logs a report quotes.
const maxStory = 60

// story quotes the logs of all nodes in the order of time, where something
// happened.
func (w *watcher) story(p *Part) {
	var lines []string
	for _, name := range w.k.names {
		for _, line := range w.k.logSince(name, w.marks) {
			if slices.ContainsFunc(telling, func(text string) bool { return strings.Contains(line, text) }) {
				at, _ := lineTime(line)
				lines = append(lines, at.Format("15:04:05.000 ")+name+": "+line)
			}
		}
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		return
	}
	p.note("what the daemons and guards told of it, the first %d of %d lines:", min(maxStory, len(lines)), len(lines))
	for _, l := range lines[:min(maxStory, len(lines))] {
		p.note("  %s", l)
	}
}
