package pengine

import (
	"maps"
	"slices"
	"strings"
)

// The health of a node is what its attributes whose names begin with #health say
// (Pacemaker Explained, "Tracking Node Health").
const healthPrefix = "#health"

// healthID names the locations that come from it.
const healthID = "node-health-strategy"

// healthScores are what the colours and the base count in a strategy.
type healthScores struct {
	green, yellow, red, base Score
}

// unpackHealth reads the strategy and what its colours count.
func (s *scheduler) unpackHealth() {
	c := &s.cfg
	c.health = healthScores{red: -Infinity}
	switch v := s.option("node-health-strategy", "none"); v {
	case "none", "migrate-on-red":
		c.healthStrategy = v
	case "only-green":
		c.healthStrategy = v
		c.health.yellow = -Infinity
	case "progressive", "custom":
		c.healthStrategy = v
		c.health = healthScores{
			green: parseScore(s.option("node-health-green", "0")), yellow: parseScore(s.option("node-health-yellow", "0")),
			red: parseScore(s.option("node-health-red", "-INFINITY")),
		}
		if v == "progressive" {
			c.health.base = parseScore(s.option("node-health-base", "0"))
		}
	default:
		s.errorf("node-health-strategy has the unknown value %q: none is used", v)
		c.healthStrategy = "none"
	}
}

// healthScore reads the value of one attribute of health.
func (s *scheduler) healthScore(v string) Score {
	switch strings.ToLower(v) {
	case "red":
		return s.cfg.health.red
	case "yellow":
		return s.cfg.health.yellow
	case "green":
		return s.cfg.health.green
	}
	return parseScore(v)
}

// applyHealth draws resources to healthy nodes and away from others.
func (s *scheduler) applyHealth() {
	switch s.cfg.healthStrategy {
	case "none":
		return
	}
	for _, n := range s.nodes {
		sum := s.cfg.health.base
		for _, k := range slices.Sorted(maps.Keys(n.attrs)) {
			if strings.HasPrefix(k, healthPrefix) {
				sum = addScores(sum, s.healthScore(n.attrs[k]))
			}
		}
		if sum == 0 {
			continue
		}
		for _, r := range s.resources {
			if sum < 0 && isTrue(r.meta["allow-unhealthy-nodes"]) {
				continue
			}
			s.addLocation(&location{id: healthID, rsc: r, nodes: []nodeWeight{{n, sum}}})
		}
	}
}

// healthText is what the list of nodes says about the health of a node: the
// worst of its colours, "" for green.
func (s *scheduler) healthText(n *node) string {
	if s.cfg.healthStrategy == "none" {
		return ""
	}
	worst := ""
	for k, v := range n.attrs {
		if !strings.HasPrefix(k, healthPrefix) {
			continue
		}
		switch colour := s.healthColour(v); {
		case colour == "red":
			return colour
		case colour == "yellow":
			worst = colour
		}
	}
	return worst
}

// healthColour judges one value: a number is red where it is as bad as red is.
func (s *scheduler) healthColour(v string) string {
	score, h := s.healthScore(v), s.cfg.health
	switch {
	case score <= h.red && !strings.EqualFold(v, "yellow"):
		return "red"
	case strings.EqualFold(v, "yellow"), h.green < 0 && score <= h.yellow:
		return "yellow"
	}
	return ""
}
