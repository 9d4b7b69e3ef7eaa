package agree

import (
	"errors"
	"slices"
)

// setElections makes a cluster of five machines whose first electorate is
// smaller, with weights, an arbiter or autojoin, by the seed; while it runs
// voters come, go and change their weights.
func setElections(s *sim) {
	for len(s.nodes) < 5 {
		i := len(s.nodes)
		s.nodes = append(s.nodes, &simNode{s: s, id: i, name: simName(i, 5), ppm: s.r.Int63n(30000) - 15000, off: s.r.Int63n(1e15), disk: s.newDisk()})
		s.byName[s.nodes[i].name] = i
	}
	s.cut = nil
	for range s.nodes {
		s.cut = append(s.cut, make([]bool, 5))
	}
	s.elections = true
	s.autojoin = s.r.Intn(2) == 0
	first := []string{"a", "b", "c"}
	if s.r.Intn(3) == 0 {
		first = []string{"a", "b"}
	} else if s.r.Intn(3) == 0 {
		s.arbiters = []string{"c"}
	}
	// What the others list once they are added.
	s.lists = map[string][]string{}
	for _, x := range s.nodes {
		l := slices.Clone(first)
		if !s.autojoin && !slices.Contains(l, x.name) {
			l = append(l, x.name)
		}
		s.lists[x.name] = l
	}
	if s.r.Intn(3) == 0 {
		s.weights = map[string]int{"a": 100 + s.r.Intn(300), "b": 100 + s.r.Intn(300)}
	}
	s.listen = func(n *simNode, e Event) {
		switch e := e.(type) {
		case ProposalEvent:
			if e.Token < electionToken {
				return
			}
			if e.Err == nil {
				s.elected++
			} else if !errors.Is(e.Err, ErrVoters) && !errors.Is(e.Err, ErrNotDC) && !errors.Is(e.Err, ErrNoQuorum) && !errors.Is(e.Err, ErrUnknown) {
				s.fail("%s answers an election with %v", n.name, e.Err)
			}
			s.logf("%s elects: %v", n.name, e.Err)
		}
	}
}

// electionToken marks the elections among the proposals.
const electionToken = 1 << 40

// electRandom asks a DC for some change of the electorate.
func (s *sim) electRandom() {
	for _, x := range s.nodes {
		if !x.up || x.frozen > s.now || !x.m.leads() {
			continue
		}
		y := s.nodes[s.r.Intn(len(s.nodes))]
		c := VoterChange{Name: y.name, Weight: DefaultWeight, Arbiter: slices.Contains(s.arbiters, y.name)}
		switch s.r.Intn(4) {
		case 0:
			c.Weight = s.r.Intn(400)
		case 1, 2:
			c.Remove = true
		}
		x.token++
		s.logf("%s is asked for %+v", x.name, c)
		x.m.ChangeVoter(x.local(), electionToken+x.token, "", c)
		x.pump()
	}
}

// majorityView reports whether there is one view that holds all voters.
func (s *sim) majorityView() bool {
	var newest *simNode
	for _, x := range s.nodes {
		if x.up && x.m.view.Quorum && (newest == nil || newest.m.view.Ballot.Less(x.m.view.Ballot)) {
			newest = x
		}
	}
	if newest == nil {
		return false
	}
	for n := range newest.m.rep.meta.Voters {
		if !hasMember(newest.m.instM, n) {
			return false
		}
	}
	for _, x := range newest.m.instM {
		if m := s.node(x.Name).m; !m.view.Quorum || m.view.Ballot != newest.m.view.Ballot {
			return false
		}
	}
	return true
}
