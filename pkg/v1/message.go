package v1

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Kinds of messages; those that Heartbeat had have its names.
const (
	msgResource = "resource"      // what the sender holds
	msgAsk      = "ask_resources" // the sender wants to go standby
	msgReady    = "ready"         // the sender can take what the receiver wants to give
	msgTakeover = "hb_takeover"   // the receiver is to go standby
	msgShutdone = "shutdone"      // the sender has given everything up and leaves
)

// message is what machines tell one another.
type message struct {
	Kind string `json:"t"`
	// Held are the lines that the sender holds, Stable tells that none is moving.
	Held   []string `json:"held,omitempty"`
	Stable bool     `json:"isstable,omitempty"`
	// Digest is that of the sender's haresources.
	Digest string `json:"digest,omitempty"`
	// Accounts are the numbers of the account hacluster and the group haclient of the
	// sender, "" where it does not tell.
	Accounts string `json:"accounts,omitempty"`
	// Pings is how many ping nodes the sender reaches, -1 when it does not know.
	Pings int `json:"num_ping_nodes"`
	// Scope is the word of hb_standby, Lines what it means.
	Scope string   `json:"rsc_hold,omitempty"`
	Lines []string `json:"lines,omitempty"`
}

func (m *Machine) send(to string, msg message) { m.do(Send{to, msg}) }

// tell sends a message to all other members.
func (m *Machine) tell(msg message) {
	for _, x := range m.view.Members {
		if x.Name != m.cfg.Self {
			m.send(x.Name, msg)
		}
	}
}

// announce tells the others what this node holds, when that is news.
func (m *Machine) announce(always bool) {
	msg := message{Kind: msgResource, Held: m.held(), Stable: m.stable(), Digest: m.cfg.Plan.Digest, Accounts: m.cfg.Accounts, Pings: m.pings}
	b, _ := json.Marshal(msg)
	if always || string(b) != m.announced {
		m.announced = string(b)
		m.tell(msg)
	}
}

// Message takes what [Send.Payload] of another node's machine was.
func (m *Machine) Message(now time.Time, from string, payload []byte) error {
	m.now = now
	var msg message
	if err := json.Unmarshal(payload, &msg); err != nil {
		return fmt.Errorf("message of %s about haresources: %w", from, err)
	}
	p := m.peer(from)
	switch msg.Kind {
	case msgResource:
		m.resources(p, &msg)
	case msgAsk:
		m.info("%s wants to go standby [%s]", from, msg.Scope)
		m.do(Handle{msgAsk, []string{"src=" + from, "info=me", "rsc_hold=" + msg.Scope}})
		for _, id := range msg.Lines {
			m.unset(StandbyAttribute(id))
			if m.cfg.Plan.Manual {
				m.set(TakeAttribute(id))
			}
			m.taking[id] = opposite(msg.Scope)
		}
		m.send(from, message{Kind: msgReady, Scope: msg.Scope})
	case msgReady:
		m.ready(from)
	case msgTakeover:
		m.do(Handle{msgTakeover, []string{"src=" + from, "rsc_hold=" + msg.Scope}})
		m.Standby(now, msg.Scope)
	case msgShutdone:
		m.info("Received shutdown notice from '%s'.", from)
		m.do(Handle{msgShutdone, []string{"src=" + from}})
	default:
		m.warn("message of an unknown kind %q from %s dropped: another version of the program?", msg.Kind, from)
	}
	m.announce(false)
	return nil
}

// resources takes what another node holds.
func (m *Machine) resources(p *peer, msg *message) {
	first := p.digest == ""
	p.digest, p.pings = msg.Digest, msg.Pings
	if first || p.held == nil {
		p.held = map[string]bool{}
	}
	now := map[string]bool{}
	for _, id := range msg.Held {
		now[id] = true
		m.holder[id] = p.name
		m.heldElsewhere(id)
	}
	p.held = now
	if msg.Stable && !p.stable {
		m.transitionCompleted(p)
	}
	p.stable = msg.Stable
	if m.standby != nil {
		m.standbyProgress()
	}
	m.differs(p)
	m.comparesAccounts(p, msg.Accounts)
	m.balance()
}

// comparesAccounts warns, once a value, of accounts that are not those here: files that
// nodes share belong to somebody else there.
func (m *Machine) comparesAccounts(p *peer, theirs string) {
	if theirs == "" || m.cfg.Accounts == "" || theirs == m.cfg.Accounts || theirs == p.toldAccounts {
		return
	}
	p.toldAccounts = theirs
	m.warn("%s has %s, this node %s: make the group haclient and the account hacluster with the same numbers on all nodes", p.name, theirs, m.cfg.Accounts)
}

// differs says that the files are not the same, once a content.
func (m *Machine) differs(p *peer) {
	if p.digest == "" || p.digest == m.cfg.Plan.Digest || p.toldDigest == p.digest {
		return
	}
	p.toldDigest = p.digest
	m.warn("%s", m.difference(p))
}

func (m *Machine) difference(p *peer) string {
	return fmt.Sprintf("haresources of %s differs from the one here: it must be the same on all nodes; what was in force stays so until it is (copy the file, then: service heartbeat reload)", p.name)
}

// Problems are sentences on what an operator should know.
func (m *Machine) Problems() (out []string) {
	for _, name := range m.names() {
		if p := m.peers[name]; p.digest != "" && p.digest != m.cfg.Plan.Digest {
			out = append(out, m.difference(p))
		}
	}
	return append(out, m.orphanSentences()...)
}

// Agreed reports whether the configuration, which is not this plan's, may become it: no
// member goes by what is there.
func (m *Machine) Agreed(marker string) bool {
	for _, x := range m.view.Members {
		if x.Name == m.cfg.Self {
			continue
		}
		p := m.peers[x.Name]
		if p == nil || p.digest == "" {
			return false // not heard yet
		}
		if p.digest != m.cfg.Plan.Digest && len(marker) >= len(p.digest) && marker[:len(p.digest)] == p.digest {
			return false
		}
	}
	return true
}

// opposite is how the other side calls a scope.
func opposite(scope string) string {
	switch scope {
	case "local":
		return "foreign"
	case "foreign", "failback":
		return "local"
	}
	return scope
}

// Scopes are the words of hb_standby and hb_takeover.
var Scopes = []string{"all", "local", "foreign", "failback"}

func validScope(s string) bool { return slices.Contains(Scopes, s) }
