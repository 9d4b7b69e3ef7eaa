package agree

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Votes of a node.
const (
	DefaultWeight = 100
	MaxWeight     = 10_000
)

// Voter is a node that counts in quorums.
type Voter struct {
	// Weight is its number of votes.
	Weight int
	// Disk identifies the store that its promises are on. Only a node with
	// this store counts (rule 3); "" means that none is known yet.
	Disk string
	// Arbiter voters run nothing and are never the DC.
	Arbiter bool
}

// Voters is V, a part of the replicated state (rule 2).
type Voters map[string]Voter

// Names returns the names, sorted.
func (v Voters) Names() []string { return slices.Sorted(maps.Keys(v)) }

// Votes sums the weights of the voters for which in is true, and of all.
func (v Voters) Votes(in func(name string) bool) (have, total int) {
	for name, x := range v {
		total += x.Weight
		if in(name) {
			have += x.Weight
		}
	}
	return have, total
}

// clone returns a copy.
func (v Voters) clone() Voters { return maps.Clone(v) }

// Quorum is the predicate over sets of voters: plug-ins that are asked in their
// order until one does not say "tie".
type Quorum struct{ plugins []string }

// ErrQuorumPlugin indicates a quorum plug-in that does not exist.
var ErrQuorumPlugin = errors.New("no such quorum plug-in")

// NewQuorum checks the names: "majority", "twonodes". None means majority alone.
func NewQuorum(plugins ...string) (Quorum, error) {
	for _, p := range plugins {
		if p != "majority" && p != "twonodes" {
			return Quorum{}, fmt.Errorf("quorum plug-in %q: %w (majority and twonodes are known)", p, ErrQuorumPlugin)
		}
	}
	if len(plugins) == 0 {
		plugins = []string{"majority"}
	}
	return Quorum{plugins: slices.Clone(plugins)}, nil
}

// Has reports whether the voters for which in is true make a quorum. It is
// monotone: more voters never lose it.
func (q Quorum) Has(v Voters, in func(name string) bool) bool {
	have, total := v.Votes(in)
	for _, p := range q.plugins {
		switch p {
		case "majority":
			if 2*have > total {
				return true
			}
			if 2*have < total || total == 0 {
				return false
			}
		case "twonodes":
			if len(v) == 2 && have > 0 {
				return true
			}
		}
	}
	return false
}

// Meets reports whether any two quorums have a voter in common (rule 2). Where
// they do not, exclusion is not guaranteed.
func (q Quorum) Meets(v Voters) bool {
	if !slices.Contains(q.plugins, "twonodes") || len(v) != 2 {
		return true
	}
	for name := range v {
		if !q.Has(v, func(x string) bool { return x == name }) {
			return true
		}
	}
	return false
}

// Sentence tells the votes and what they are worth.
func (q Quorum) Sentence(v Voters, in func(name string) bool) string {
	have, total := v.Votes(in)
	var missing []string
	for _, name := range v.Names() {
		if !in(name) {
			missing = append(missing, name)
		}
	}
	s := fmt.Sprintf("%d of %d votes", have, total)
	if len(missing) > 0 {
		s += " (without " + strings.Join(missing, ", ") + ")"
	}
	switch {
	case !q.Has(v, in):
		return fmt.Sprintf("no quorum: %s, %d needed", s, total/2+1)
	case 2*have > total:
		return "quorum: " + s
	}
	return "quorum: " + s + ", the tie broken by twonodes: exclusion not guaranteed"
}
