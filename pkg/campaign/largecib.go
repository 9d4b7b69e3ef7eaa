package campaign

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/quorate/quorate/cib"
)

// Limits of the part large-cib: what one change of one attribute may send and
// write, in kB, and how long it may take, in seconds.
const (
	largeSent    = 64.0
	largeWritten = 256.0
	largeTime    = 0.5
)

// templates returns resource templates of about the given size together: they
// are checked and stored like resources, and nothing is to be run.
func templates(size int) *cib.Element {
	out := cib.New("resources")
	var list []*cib.Element
	for n, have := 0, 0; have < size; n++ {
		id := fmt.Sprintf("template-%d", n)
		e := cib.New("template", "id", id, "class", "ocf", "provider", "heartbeat", "type", "Dummy").WithChildren(
			cib.New("instance_attributes", "id", id+"-params").WithChild(cib.New("nvpair", "id", id+"-state", "name", "state", "value", "/run/"+id)),
			cib.New("operations").WithChild(cib.New("op", "id", id+"-monitor", "name", "monitor", "interval", "10s", "timeout", "20s")))
		list, have = append(list, e), have+len(e.String())
	}
	return out.WithChildren(list...)
}

// cost is what the nodes have sent and written so far.
type cost struct {
	at            time.Time
	sent          float64 // by all nodes
	written, copy float64 // by the node that wrote most; of it for cib.xml
}

// largeCIB measures a change of one attribute of one element of a large
// configuration.
func (c *campaign) largeCIB(ctx context.Context, p *Part) (err error) {
	s := setting{nodes: 3, keepalive: "200ms", deadtime: "1", initdead: "2", media: "ucast", resource: true, patience: 60 * time.Second}
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d changes of one attribute in %d kB of configuration, one every %v", s, c.LargeEdits, c.LargeSize>>10, c.LargePace)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	instance := func() (string, error) {
		st, err := k.status(ctx, k.names[0])
		if err != nil {
			return "", err
		}
		return fmt.Sprint(st.View.Instance), nil
	}
	view, err := instance()
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := k.edit(ctx, k.names[0], cib.Op{Verb: cib.VerbCreate, Scope: "resources", XML: templates(c.LargeSize)}); err != nil {
		return err
	}
	p.add("the change that makes the configuration large", time.Since(begun).Seconds(), "s")
	copies := k.watchCopies()
	defer copies.stop()
	if err := pause(ctx, 3*time.Second); err != nil { // for what it leaves to be written
		return err
	}
	idle, err := k.during(copies, func() error { return pause(ctx, 5*time.Second) })
	if err != nil {
		return err
	}
	var took []float64
	busy, err := k.during(copies, func() error {
		for n := range c.LargeEdits {
			op := cib.Op{Verb: cib.VerbModify, Scope: "resources", XML: cib.New("template", "id", fmt.Sprintf("template-%d", n%50)).WithChild(
				cib.New("instance_attributes", "id", fmt.Sprintf("template-%d-params", n%50)).WithChild(
					cib.New("nvpair", "id", fmt.Sprintf("template-%d-state", n%50), "name", "state", "value", fmt.Sprint("/run/", n))))}
			at := time.Now()
			if err := k.edit(ctx, k.names[n%len(k.names)], op); err != nil {
				return err
			}
			took = append(took, time.Since(at).Seconds())
			if err := pause(ctx, c.LargePace-time.Since(at)); err != nil {
				return err
			}
		}
		return pause(ctx, time.Second)
	})
	if err != nil {
		return err
	}
	now, err := instance()
	if err != nil {
		return err
	}
	seconds, n := busy.at.Sub(time.Time{}).Seconds(), float64(len(took))
	rest := idle.at.Sub(time.Time{}).Seconds()
	slices.Sort(took)
	p.below("a change, median", took[len(took)/2], "s", largeTime)
	p.add("a change, p99", took[len(took)*99/100], "s")
	p.below("sent by all nodes together, each change", (busy.sent-idle.sent*seconds/rest)/n/1024, "kB", largeSent)
	p.below("written by a node, each change, without cib.xml", (busy.written-busy.copy)/n/1024, "kB", largeWritten)
	p.add("written by a node to cib.xml, a second", busy.copy/seconds/1024, "kB")
	changed := 0.0
	if now != view {
		changed = 1
	}
	p.zero("changes of the view meanwhile", changed, "")
	return nil
}

// during measures what f costs; at holds how long it took, from the zero time.
func (k *cluster) during(copies *copyWatch, f func() error) (cost, error) {
	look := func() (map[string]cost, error) {
		out := map[string]cost{}
		for _, name := range k.names {
			traffic, err := k.nodes[name].Traffic()
			if err != nil {
				return nil, err
			}
			u, err := k.nodes[name].Usage()
			if err != nil {
				return nil, err
			}
			out[name] = cost{sent: float64(traffic["eth1"].SentBytes), written: float64(u.Written), copy: copies.bytes(name)}
		}
		return out, nil
	}
	before, err := look()
	if err != nil {
		return cost{}, err
	}
	begun := time.Now()
	if err := f(); err != nil {
		return cost{}, err
	}
	after, err := look()
	if err != nil {
		return cost{}, err
	}
	out := cost{at: time.Time{}.Add(time.Since(begun))}
	for name, a := range after {
		b := before[name]
		out.sent += a.sent - b.sent
		if w := a.written - b.written - (a.copy - b.copy); w > out.written-out.copy || out.written == 0 {
			out.written, out.copy = a.written-b.written, a.copy-b.copy
		}
	}
	return out, nil
}

// copyWatch counts how often each node writes its cib.xml, which is a new file
// each time.
type copyWatch struct {
	quit, done chan struct{}
	ask        chan func(map[string]float64)
}

func (k *cluster) watchCopies() *copyWatch {
	w := &copyWatch{quit: make(chan struct{}), done: make(chan struct{}), ask: make(chan func(map[string]float64))}
	go func() {
		defer close(w.done)
		sum, last := map[string]float64{}, map[string]os.FileInfo{}
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, name := range k.names {
				fi, err := os.Stat(filepath.Join(k.nodes[name].Disk("var/lib/heartbeat"), "crm", "cib.xml"))
				if err != nil {
					continue
				}
				if old := last[name]; old != nil && !(os.SameFile(old, fi) && old.ModTime().Equal(fi.ModTime())) {
					sum[name] += float64(fi.Size())
				}
				last[name] = fi
			}
			select {
			case <-w.quit:
				return
			case f := <-w.ask:
				f(sum)
			case <-tick.C:
			}
		}
	}()
	return w
}

// bytes returns how much a node has written to its cib.xml.
func (w *copyWatch) bytes(name string) float64 {
	ch := make(chan float64, 1)
	w.ask <- func(sum map[string]float64) { ch <- sum[name] }
	return <-ch
}

func (w *copyWatch) stop() {
	close(w.quit)
	<-w.done
}
