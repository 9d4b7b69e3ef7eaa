package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Opinion is what gossip thinks of a node.
type Opinion string

// The opinions. A suspect has answered neither this node nor others on its
// behalf.
const (
	OpinionAlive   Opinion = "alive"
	OpinionSuspect Opinion = "suspect"
	OpinionDead    Opinion = "dead"
	OpinionUnknown Opinion = "unknown"
)

// gossip is memberlist above the links. It is switched off by NoGossip, and is
// then nil.
type gossip struct {
	t    *Transport
	wire *gossipWire
	list *memberlist.Memberlist
	kick chan struct{} // a peer has come

	mu      sync.Mutex
	meta    []byte // ours
	opinion map[string]Opinion
	metas   map[string]map[string]string
}

// How often memberlist does things. It only has to be a second opinion, not a
// fast one, and must cost nearly nothing when nothing happens.
const (
	gossipInterval = time.Second
	pushPull       = 2 * time.Minute
	rejoinInterval = 5 * time.Second
)

// ErrMeta indicates that Meta does not fit what gossip carries.
var ErrMeta = errors.New("node metadata")

func encodeMeta(m map[string]string) ([]byte, error) {
	b, err := json.Marshal(m) // keys come out sorted
	if err == nil && len(b) > memberlist.MetaMaxSize {
		err = fmt.Errorf("%w: %d bytes as JSON, at most %d are possible", ErrMeta, len(b), memberlist.MetaMaxSize)
	}
	return b, err
}

// newGossip makes the gossip layer.
func newGossip(t *Transport) (*gossip, error) {
	meta, err := encodeMeta(t.cfg.Meta)
	if err != nil {
		return nil, err
	}
	return &gossip{t: t, wire: newGossipWire(t), kick: make(chan struct{}, 1), meta: meta,
		opinion: map[string]Opinion{}, metas: map[string]map[string]string{}}, nil
}

// start starts memberlist; run must be running.
func (g *gossip) start() (err error) {
	t := g.t
	c := memberlist.DefaultLANConfig()
	c.Name = t.cfg.Self
	c.Transport = g.wire
	c.RequireNodeNames = true
	c.ProbeInterval = min(max(t.cfg.Deadtime/2, time.Second), 15*time.Second)
	c.ProbeTimeout = min(c.ProbeInterval/2, 2500*time.Millisecond)
	c.GossipInterval = gossipInterval
	c.PushPullInterval = pushPull
	c.TCPTimeout = 5 * time.Second
	c.SuspicionMaxTimeoutMult = 2
	c.EnableCompression = false
	c.UDPBufferSize = maxDatagram
	for _, m := range t.media {
		c.UDPBufferSize = min(c.UDPBufferSize, max(m.traits().chunk, 300))
	}
	c.HandoffQueueDepth = 256
	c.Delegate = gossipDelegate{g}
	c.Events = gossipEvents{g}
	c.Alive = gossipAlive{g}
	c.Ping = gossipPing{g}
	c.Logger = log.New(gossipLog{g}, "", 0)
	c.LogOutput = nil
	g.list, err = memberlist.Create(c)
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	return nil
}

// run joins the peers that are alive and that memberlist does not know, for
// ever: it forgets the dead and never asks for them again.
func (g *gossip) run(ctx context.Context) {
	// Shut down without a farewell: leaving is for the layers above to say.
	stop := context.AfterFunc(ctx, func() { g.wire.Shutdown() })
	defer stop()
	defer g.list.Shutdown()
	tick := time.NewTicker(rejoinInterval)
	defer tick.Stop()
	for {
		known := map[string]bool{}
		for _, n := range g.list.Members() {
			known[n.Name] = true
		}
		var ask []string
		for _, p := range g.t.Peers() {
			if p.Type == "normal" && (p.Status == "up" || p.Status == "active") && !known[p.Name] {
				ask = append(ask, p.Name+"/"+g.wire.address(p.Name).String())
			}
		}
		if len(ask) > 0 {
			if _, err := g.list.Join(ask); err != nil {
				g.t.log.Debug(fmt.Sprintf("gossip: %v", err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-g.kick:
		}
	}
}

// peerUp asks for a peer that has come.
func (g *gossip) peerUp() {
	select {
	case g.kick <- struct{}{}:
	default:
	}
}

func (g *gossip) setOpinion(node string, o Opinion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o == OpinionSuspect && g.opinion[node] != OpinionAlive {
		return
	}
	g.opinion[node] = o
}

func (g *gossip) setMeta(n *memberlist.Node) {
	var m map[string]string
	if json.Unmarshal(n.Meta, &m) != nil {
		m = nil
	}
	g.mu.Lock()
	g.metas[n.Name] = m
	g.mu.Unlock()
}

// Witness returns what the gossip layer thinks of a node: by probes of its own
// and, when they fail, of others. It tells "my cable to B is cut" (dead links,
// alive here) from "B is dead". It is slow, and must never decide alone.
func (t *Transport) Witness(node string) Opinion {
	if t.gossip == nil {
		return OpinionUnknown
	}
	t.gossip.mu.Lock()
	defer t.gossip.mu.Unlock()
	if o, ok := t.gossip.opinion[node]; ok {
		return o
	}
	return OpinionUnknown
}

// Meta returns what a node last told of itself, nil if that is unknown.
func (t *Transport) Meta(node string) map[string]string {
	if t.gossip == nil {
		return nil
	}
	t.gossip.mu.Lock()
	defer t.gossip.mu.Unlock()
	return maps.Clone(t.gossip.metas[node])
}

// SetMeta replaces what this node tells of itself.
func (t *Transport) SetMeta(m map[string]string) error {
	b, err := encodeMeta(m)
	if err != nil || t.gossip == nil {
		return err
	}
	g := t.gossip
	g.mu.Lock()
	g.meta = b
	g.mu.Unlock()
	go g.list.UpdateNode(time.Second) // waits for its news to leave; nobody else has to
	return nil
}

// gossipDelegate gives memberlist our metadata. It carries nothing else.
type gossipDelegate struct{ g *gossip }

func (d gossipDelegate) NodeMeta(limit int) []byte {
	d.g.mu.Lock()
	defer d.g.mu.Unlock()
	return bytes.Clone(d.g.meta)
}
func (gossipDelegate) NotifyMsg([]byte)                           {}
func (gossipDelegate) GetBroadcasts(overhead, limit int) [][]byte { return nil }
func (gossipDelegate) LocalState(join bool) []byte                { return nil }
func (gossipDelegate) MergeRemoteState(buf []byte, join bool)     {}

// gossipEvents hears of members that come, go and change.
type gossipEvents struct{ g *gossip }

func (e gossipEvents) NotifyJoin(n *memberlist.Node) {
	e.g.setMeta(n)
	e.g.setOpinion(n.Name, OpinionAlive)
}
func (e gossipEvents) NotifyLeave(n *memberlist.Node)  { e.g.setOpinion(n.Name, OpinionDead) }
func (e gossipEvents) NotifyUpdate(n *memberlist.Node) { e.g.setMeta(n) }

// gossipAlive hears of every sign of life, and refuses nodes that are not ours.
type gossipAlive struct{ g *gossip }

func (a gossipAlive) NotifyAlive(n *memberlist.Node) error {
	if !a.g.wire.knows(n.Name) {
		return fmt.Errorf("node %s is not in ha.cf", n.Name)
	}
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	if a.g.opinion[n.Name] == OpinionSuspect {
		a.g.opinion[n.Name] = OpinionAlive // it has refuted
	}
	return nil
}

// gossipPing hears of answers to probes.
type gossipPing struct{ g *gossip }

func (gossipPing) AckPayload() []byte { return nil }
func (p gossipPing) NotifyPingComplete(n *memberlist.Node, _ time.Duration, _ []byte) {
	p.g.setOpinion(n.Name, OpinionAlive)
}

// gossipLog passes what memberlist says on, at level debug. Its suspicions are
// told nowhere else.
type gossipLog struct{ g *gossip }

var suspectLine = regexp.MustCompile(`memberlist: Suspect (\S+) has failed`)

func (l gossipLog) Write(b []byte) (int, error) {
	if m := suspectLine.FindSubmatch(b); m != nil {
		l.g.setOpinion(string(m[1]), OpinionSuspect)
	}
	l.g.t.log.Debug(strings.TrimSpace(string(b)))
	return len(b), nil
}
