package hacf

import (
	"fmt"
	"sort"
	"strings"
)

// maxVotes bounds "weight".
const maxVotes = 10_000

func (p *parser) arbiter(v string) {
	name := strings.ToLower(v)
	switch {
	case !validNodeName(name):
		p.invalid(v, "Invalid arbiter name [%s]", v)
	case p.cfg.HasArbiter(name):
		p.warnf("remove one of the two", "arbiter %s is listed twice", name)
	default:
		p.cfg.Arbiters = append(p.cfg.Arbiters, name)
	}
}

func (p *parser) weight(rest string) {
	w := fields(rest, separators)
	if len(w) != 2 {
		p.invalid(rest, "weight [%s] is not a node and its number of votes", rest)
		return
	}
	n, ok := p.integer(w[1], 0, maxVotes)
	if !ok {
		p.invalid(w[1], "Invalid weight [%s] of %s: it is not a number from 0 to %d", w[1], w[0], maxVotes)
		return
	}
	if p.cfg.Weights == nil {
		p.cfg.Weights = map[string]int{}
	}
	name := strings.ToLower(w[0])
	if old, twice := p.cfg.Weights[name]; twice && old != n {
		p.errorf("keep one of the two lines", "%s has two weights, %d and %d", name, old, n)
		return
	}
	p.cfg.Weights[name] = n
}

// checkVoters checks who votes, which needs the whole file.
func (p *parser) checkVoters() {
	c := p.cfg
	for _, a := range c.Arbiters {
		if c.HasNode(a) {
			p.add(Error, p.first["arbiter"], "an arbiter is a third machine", "arbiter %s is a node of the cluster", a)
		}
	}
	if n := len(c.Nodes); len(c.Arbiters) > 0 && n%2 == 1 && len(c.Arbiters)%2 == 1 {
		p.add(Warning, p.first["arbiter"], "an arbiter helps an even number of nodes", "an arbiter beside %d nodes makes the number of voters even: half of them are no quorum", n)
	}
	var names []string
	for name := range c.Weights {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !c.HasNode(name) && !c.HasArbiter(name) {
			p.add(Error, p.first["weight"], "the nodes are "+strings.Join(append(append([]string(nil), c.Nodes...), c.Arbiters...), ", "), "weight of %s, which is no node and no arbiter", name)
		}
	}
	votes := len(c.Nodes) == 0
	for _, n := range c.Nodes {
		w, set := c.Weights[n]
		votes = votes || !set || w > 0
	}
	if !votes {
		p.add(Error, p.first["weight"], "give at least one node votes", "no node has a vote")
	}
}

// weightText is the part of the digest on weights.
func (c *Config) weightText() string {
	var lines []string
	for n, w := range c.Weights {
		lines = append(lines, fmt.Sprint(n, " ", w))
	}
	return sorted(lines)
}
