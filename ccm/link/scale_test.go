package link

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Many nodes on one wire see one another soon and stay. QUORATE_LINK_NODES sets
// how many.
func TestManyNodes(t *testing.T) {
	n := 10
	if s := os.Getenv("QUORATE_LINK_NODES"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	l := newLab(t, n, 1)
	at := time.Now()
	var nodes []*node
	for i := 1; i <= n; i++ {
		c := l.config(i)
		c.NoGossip = false
		c.Keepalive, c.Deadtime = time.Second, 5*time.Second
		nodes = append(nodes, l.start(c))
	}
	whole(t, nodes, "eth0")
	t.Logf("%d nodes see one another after %v", n, time.Since(at))
	stays(t, 6*time.Second, "nobody is lost", func() bool {
		for _, a := range nodes {
			for _, p := range a.Peers() {
				if p.Status == "dead" {
					return false
				}
			}
		}
		return true
	})
	eventually(t, 20*time.Second, "gossip", func() bool {
		for _, a := range nodes {
			for _, b := range nodes {
				if a.Witness(b.cfg.Self) != OpinionAlive {
					return false
				}
			}
		}
		return true
	})
	t.Logf("gossip agrees after %v", time.Since(at))
}
