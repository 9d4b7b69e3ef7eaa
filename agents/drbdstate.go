package agents

import (
	"fmt"
	"strings"
)

// drbdState is what DRBD says of one resource on this node.
type drbdState struct {
	role string // Primary, Secondary, Unknown
	// disks are the local disk states, one a volume.
	disks []string
	peers map[string]*drbdPeer
}

// drbdPeer is another node of the resource.
type drbdPeer struct {
	connection, role string
	disks            []string
}

// parseDRBD reads the output of "drbdsetup events2 --now" for a resource. ok is
// false when DRBD does not know the resource. What is not understood is left out:
// every version adds words.
func parseDRBD(text, resource string) (s drbdState, ok bool, err error) {
	s.peers = map[string]*drbdPeer{}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) < 2 || w[0] != "exists" || w[1] == "-" {
			continue
		}
		v := map[string]string{}
		for _, kv := range w[2:] {
			if k, x, found := strings.Cut(kv, ":"); found {
				v[k] = x
			}
		}
		if v["name"] != resource {
			continue
		}
		peer := func() *drbdPeer {
			id := v["conn-name"] + "/" + v["peer-node-id"]
			if id == "/" {
				id = v["peer"] // of DRBD 8
			}
			if s.peers[id] == nil {
				s.peers[id] = &drbdPeer{}
			}
			return s.peers[id]
		}
		switch w[1] {
		case "resource":
			s.role, ok = v["role"], true
		case "device":
			s.disks = append(s.disks, v["disk"])
		case "connection":
			p := peer()
			p.connection, p.role = v["connection"], v["role"]
		case "peer-device":
			p := peer()
			p.disks = append(p.disks, v["peer-disk"])
		}
	}
	if ok && s.role == "" {
		return s, ok, fmt.Errorf("drbdsetup does not tell the role of %s", resource)
	}
	return s, ok, nil
}

// all tells whether each of at least one disk has a state.
func all(disks []string, state string) bool {
	for _, d := range disks {
		if d != state {
			return false
		}
	}
	return len(disks) > 0
}

// score chooses among the four promotion scores of adjust_master_score: 0 stands
// for none, 1 for consistent data of unknown age, 2 for good data on a peer
// only, 3 for good local data while a peer is unknown, 4 for good local data that
// is known to be the newest.
func (s *drbdState) score() int {
	known, remote := len(s.peers) > 0, false
	for _, p := range s.peers {
		connected := p.connection == "Connected"
		remote = remote || connected && all(p.disks, "UpToDate")
		if !connected || len(p.disks) == 0 {
			known = false
		}
		for _, d := range p.disks {
			if d == "DUnknown" {
				known = false
			}
		}
	}
	switch {
	case all(s.disks, "UpToDate") && (s.role == "Primary" || known):
		return 4
	case all(s.disks, "UpToDate"):
		return 3
	case remote:
		return 2
	case all(s.disks, "Consistent"):
		return 1
	}
	return 0
}

// primaryPeer tells whether another node is promoted.
func (s *drbdState) primaryPeer() bool {
	for _, p := range s.peers {
		if p.role == "Primary" {
			return true
		}
	}
	return false
}
