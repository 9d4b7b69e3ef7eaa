package agree

// PeerInfo is another node as the failure detector sees it.
type PeerInfo struct {
	Name        string
	Incarnation uint64
	// Alive: beats came within deadtime. Ever: at any time in this life of ours.
	Alive, Ever bool
	// Config is the digest of its ha.cf.
	Config uint64
	// Removed nodes were taken out of the cluster and do not count.
	Removed bool
	// Unfit: it says that it cannot do a DC's work (see [Machine.SetFit]).
	Unfit bool
	// Heard is when its last beat came, Confirmed the send time of the newest of
	// our beats that it has echoed; 0: never.
	Heard, Confirmed int64
}

// Peers lists the other configured nodes, sorted.
func (m *Machine) Peers() []PeerInfo {
	out := make([]PeerInfo, len(m.order))
	for i, p := range m.order {
		out[i] = PeerInfo{Name: p.name, Incarnation: p.inc, Alive: p.alive, Ever: p.ever, Config: p.config, Removed: m.wasRemoved(p.name), Unfit: p.unfit}
		if p.ever {
			out[i].Heard = p.heard
		}
		if p.hasEcho {
			out[i].Confirmed = p.echo
		}
	}
	return out
}
