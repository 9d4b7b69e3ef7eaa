package campaign

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/client"
)

// Limits of the part edits. Pacemaker 2.1.5 with Corosync 3 in the same lab made
// 40 to 47 changes a second with one client and 46 to 54 with four; one command
// took 21 to 23 ms.
const (
	editRate    = 1000.0 // changes a second with four clients
	editLatency = 3.0    // median with four clients, ms
	commandTime = 10.0   // median of a whole command, ms
)

// edits measures how fast changes of the configuration become durable on a
// quorum: through the client interface, and by whole commands.
func (c *campaign) edits(ctx context.Context, p *Part) (err error) {
	s := setting{nodes: 3, keepalive: "200ms", deadtime: "1", initdead: "2", media: "ucast", resource: true, patience: 30 * time.Second}
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %v of changes of one option by each number of clients, %d whole commands; all three disks are this computer's", s, c.Edits, c.Commands)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	if err := k.edit(ctx, k.names[0], option("campaign-0", "0")); err != nil {
		return err
	}
	for _, clients := range []int{1, 4} {
		took, err := k.write(ctx, clients, c.Edits)
		if err != nil {
			return err
		}
		d := distributionOf(took)
		slices.Sort(took)
		rate := float64(len(took)) / c.Edits.Seconds()
		who := fmt.Sprintf("%d client%s", clients, strings.Repeat("s", min(clients-1, 1)))
		if clients == 1 {
			p.add("changes with "+who, rate, "1/s")
			p.add("time of a change with "+who+", median", d.median, "ms")
		} else {
			p.below("time between two changes with "+who, 1000/rate, "ms", 1000/editRate)
			p.add("changes with "+who, rate, "1/s")
			p.below("time of a change with "+who+", median", d.median, "ms", editLatency)
		}
		p.add("time of a change with "+who+", p99", took[len(took)*99/100], "ms")
		p.add("changes with "+who+", times Pacemaker's", rate/peerRate[clients], "")
	}
	for _, clients := range []int{1, 4} {
		begun := time.Now()
		took, err := k.commands(ctx, clients, c.Commands)
		if err != nil {
			return err
		}
		rate := float64(len(took)) / time.Since(begun).Seconds()
		d := distributionOf(took)
		slices.Sort(took)
		what := fmt.Sprintf("whole commands (cibadmin) by %d client%s", clients, strings.Repeat("s", min(clients-1, 1)))
		if clients == 1 {
			p.below(what+", median", d.median, "ms", commandTime)
		} else {
			p.add(what+", median", d.median, "ms")
		}
		p.add(what+", p99", took[len(took)*99/100], "ms")
		p.add(what, rate, "1/s")
		p.add(fmt.Sprintf("changes by commands of %d client%s, times Pacemaker's", clients, strings.Repeat("s", min(clients-1, 1))), rate/peerRate[clients], "")
	}
	return nil
}

// peerRate is the most that Pacemaker 2.1.5 with Corosync 3 made of changes a
// second in the same lab, by the number of clients.
var peerRate = map[int]float64{1: 47, 4: 54}

// option is the change of one cluster option.
func option(name, value string) cib.Op {
	return cib.Op{Verb: cib.VerbModify, Scope: "crm_config", AllowCreate: true,
		XML: cib.New("cluster_property_set", "id", "cib-bootstrap-options").WithChild(cib.New("nvpair", "id", "opt-"+name, "name", name, "value", value))}
}

// write lets clients make changes one after the other, each on a connection of
// its own, spread over the nodes, and returns what each change took in ms.
func (k *cluster) write(ctx context.Context, clients int, d time.Duration) (took []float64, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for i := range clients {
		conn, derr := k.ask(k.names[i%len(k.names)])
		if derr != nil {
			return nil, derr
		}
		wg.Go(func() {
			defer conn.Close()
			var own []float64
			var failed error
			for n := 0; time.Now().Before(end) && failed == nil; n++ {
				op := cib.EncodeOp(option(fmt.Sprintf("campaign-%d", i), fmt.Sprint(n)))
				at := time.Now()
				_, failed = conn.Do(ctx, &client.Request{Verb: client.VerbEdit, Edit: op, RequestID: uuid.NewString()})
				own = append(own, float64(time.Since(at))/float64(time.Millisecond))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			if failed != nil {
				err = failed
			}
		})
	}
	wg.Wait()
	return took, err
}

// commands makes changes by the command cibadmin, a process each; the clients
// begin one after the other, each on a node of its own.
func (k *cluster) commands(ctx context.Context, clients, n int) (took []float64, err error) {
	dir, err := os.MkdirTemp(k.c.TempDir, "quorate-campaign-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	tool := filepath.Join(dir, "cibadmin")
	if err := os.Symlink(k.c.Binary, tool); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range clients {
		root, rerr := k.nodes[k.names[i%len(k.names)]].Root()
		if rerr != nil {
			return nil, rerr
		}
		wg.Go(func() {
			for n := range n {
				op := option(fmt.Sprintf("campaign-%d", i), fmt.Sprint(-n))
				cmd := exec.CommandContext(ctx, tool, "-M", "-o", "crm_config", "-c", "-X", op.XML.String())
				cmd.Env = append(os.Environ(), "HA_RUNDIR="+filepath.Join(root, "run/heartbeat"))
				at := time.Now()
				out, cerr := cmd.CombinedOutput()
				mu.Lock()
				took = append(took, float64(time.Since(at))/float64(time.Millisecond))
				if cerr != nil {
					err = fmt.Errorf("cibadmin: %w: %s", cerr, out)
				}
				failed := err != nil
				mu.Unlock()
				if failed {
					return
				}
			}
		})
	}
	wg.Wait()
	return took, err
}
