package agree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Ballot is the number of a view. Ballots are totally ordered: by Number, then
// by Proposer, so that no two proposers ever share one (rule 1).
type Ballot struct {
	Number   uint64
	Proposer string
}

// Less orders ballots.
func (b Ballot) Less(c Ballot) bool { return b.Compare(c) < 0 }

// Compare orders ballots, as [cmp.Compare] does.
func (b Ballot) Compare(c Ballot) int {
	return cmp.Or(cmp.Compare(b.Number, c.Number), cmp.Compare(b.Proposer, c.Proposer))
}

// IsZero reports whether this is no ballot.
func (b Ballot) IsZero() bool { return b.Number == 0 }

// String returns NUMBER/PROPOSER, or "none".
func (b Ballot) String() string {
	if b.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%d/%s", b.Number, b.Proposer)
}

// Member is one life of a node.
type Member struct {
	Name string
	// Incarnation differs between two lives of the daemon on a node and is
	// higher in the later one.
	Incarnation uint64
}

// sameMembers reports whether both lists, sorted by name, hold the same lives.
func sameMembers(a, b []Member) bool { return slices.Equal(a, b) }

// findMember returns the member of that name.
func findMember(ms []Member, name string) (Member, bool) {
	for _, x := range ms {
		if x.Name == name {
			return x, true
		}
	}
	return Member{}, false
}

// hasMember reports whether a life of that node is in the list.
func hasMember(ms []Member, name string) bool {
	_, ok := findMember(ms, name)
	return ok
}

// memberNames lists names for sentences.
func memberNames(ms []Member) string {
	names := make([]string, len(ms))
	for i, x := range ms {
		names[i] = x.Name
	}
	return strings.Join(names, " ")
}
