package link

import (
	"fmt"
	"testing"
	"time"
)

// Gossip carries metadata, sees deaths, tells a cut cable from a death, and comes
// together again after any time.
func TestGossip(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3, 1)
	var nodes []*node
	for i := 1; i <= 3; i++ {
		c := l.config(i)
		c.NoGossip = false
		c.Meta = map[string]string{"version": fmt.Sprint("1.", i)}
		nodes = append(nodes, l.start(c))
	}
	agree := func(within time.Duration) {
		t.Helper()
		for _, a := range nodes {
			for i := 1; i <= 3; i++ {
				eventually(t, within, fmt.Sprintf("%s on node%d", a.cfg.Self, i), func() bool {
					return a.Witness(name(i)) == OpinionAlive && a.Meta(name(i))["version"] == fmt.Sprint("1.", i)
				})
			}
		}
	}
	agree(10 * time.Second)
	if w := nodes[0].Witness("node9"); w != OpinionUnknown {
		t.Fatal(w)
	}
	if err := nodes[2].SetMeta(map[string]string{"version": "1.3", "more": "yes"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "new metadata", func() bool { return nodes[0].Meta("node3")["more"] == "yes" })

	// Cut only the way between node1 and node2: node3 vouches for both.
	l.block(1, "10.99.0.2")
	eventually(t, 5*time.Second, "link dead", func() bool { return nodes[0].state("node2") == "dead" })
	stays(t, 3*time.Second, "gossip of node1 takes node2, which node3 hears, for alive", func() bool {
		return nodes[0].Witness("node2") == OpinionAlive
	})
	l.unblock(1)

	// Cut node3 off for longer than memberlist remembers.
	l.cut(3, 0)
	suspected := false
	eventually(t, 30*time.Second, "node3 dead", func() bool {
		suspected = suspected || nodes[0].Witness("node3") == OpinionSuspect
		return nodes[0].Witness("node3") == OpinionDead && nodes[2].Witness("node1") == OpinionDead && nodes[2].Witness("node2") == OpinionDead
	})
	if !suspected {
		t.Error("node3 died without being suspected first")
	}
	l.mend(3, 0)
	agree(20 * time.Second)
}
