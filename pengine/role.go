package pengine

import "strings"

// role is the state of a resource on a node, ordered by how active it is.
type role uint8

const (
	roleUnknown role = iota
	roleStopped
	roleStarted
	roleUnpromoted
	rolePromoted
)

var roleNames = [...]string{"Unknown", "Stopped", "Started", "Unpromoted", "Promoted"}

func (r role) String() string { return roleNames[r] }

// parseRole reads a role as written in a CIB; the old names are accepted.
func parseRole(s string) role {
	switch strings.ToLower(s) {
	case "stopped":
		return roleStopped
	case "started":
		return roleStarted
	case "slave", "unpromoted":
		return roleUnpromoted
	case "master", "promoted":
		return rolePromoted
	}
	return roleUnknown
}
