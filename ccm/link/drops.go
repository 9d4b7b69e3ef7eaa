package link

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// errOverrun counts good frames that came faster than they could be handled.
var errOverrun = fmt.Errorf("faster than this node can handle")

// errKernel counts what the kernel dropped while this node was not reading.
var errKernel = fmt.Errorf("the queue of the socket was full")

// dropCauses are all causes, in the order of Drops.
var dropCauses = []error{errGarbage, errVersion, errCluster, errKey, errMAC, errReplay, errStale, errUnknown, errOwnName, errKernel, errOverrun}

// dropNames are the short names of the causes, in the same order.
var dropNames = []string{"garbage", "version", "cluster", "key", "mac", "replay", "stale", "unknown-node", "own-name", "kernel", "overrun"}

const dropLogInterval = 10 * time.Second

// drops counts what was dropped and why, and says so now and then. It is shared
// by all goroutines.
type drops struct {
	log *slog.Logger
	mu  sync.Mutex
	all [11]struct {
		n, said uint64
		at      time.Time
	}
}

// add counts one frame. detail is called only if a sentence is due.
func (d *drops) add(cause error, link string, detail func() string) {
	d.addMany(cause, link, 1, detail)
}

// addMany is add for several frames at once.
func (d *drops) addMany(cause error, link string, many uint64, detail func() string) {
	i := 0
	for i < len(dropCauses)-1 && dropCauses[i] != cause {
		i++
	}
	d.mu.Lock()
	c := &d.all[i]
	c.n += many
	now := time.Now()
	due := c.at.IsZero() || now.Sub(c.at) >= dropLogInterval
	n := c.n - c.said
	if due {
		c.at, c.said = now, c.n
	}
	d.mu.Unlock()
	if !due {
		return
	}
	what := "a frame"
	if n > 1 {
		what = fmt.Sprintf("%d frames", n)
	}
	d.log.Warn(fmt.Sprintf("Dropped %s on link %s: %v: the last one %s", what, link, cause, detail()))
}

// counts returns the numbers by short name of the cause.
func (d *drops) counts() map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := make(map[string]uint64, len(dropNames))
	for i, n := range dropNames {
		m[n] = d.all[i].n
	}
	return m
}
