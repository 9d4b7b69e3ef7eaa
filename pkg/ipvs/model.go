package ipvs

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Errors of tables.
var (
	// ErrInvalid indicates a service or destination that no kernel would take.
	ErrInvalid = errors.New("not a valid service")
	// ErrNoIPVS indicates a kernel without IPVS.
	ErrNoIPVS = errors.New("this kernel has no IPVS (ip_vs), neither built in nor as a module")
)

// Protocol of a service.
type Protocol string

// Protocols.
const (
	TCP Protocol = "TCP"
	UDP Protocol = "UDP"
)

// Forward is how packets get to a destination.
type Forward string

// Ways of forwarding, with the words of ipvsadm's table.
const (
	Masq   Forward = "Masq"
	Route  Forward = "Route"
	Tunnel Forward = "Tunnel"
)

// Schedulers are the names that kernels know.
var Schedulers = []string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"}

// DefaultScheduler is the one of a service that names none.
const DefaultScheduler = "wlc"

// maxWeight is the greatest weight a destination may have in ip_vs.
const maxWeight = 65535

// Service is an address and port, or a firewall mark, whose connections are
// distributed.
type Service struct {
	Protocol Protocol
	// Addr is the virtual address and port; invalid for a service by mark.
	Addr netip.AddrPort
	// Mark is the firewall mark of a service by mark, and V6 its family.
	Mark uint32
	V6   bool
	// Scheduler is one of [Schedulers]; "" is [DefaultScheduler].
	Scheduler string
	// Persistent is for how long a client keeps its destination; 0: not.
	Persistent   time.Duration
	Destinations []Destination
}

// Destination is one real server of a service.
type Destination struct {
	// Addr is its address and port; port 0 keeps that of the service, as services
	// by mark and those of every port have it.
	Addr    netip.AddrPort
	Forward Forward
	// Weight is its share; 0 takes no new connections.
	Weight int
}

// Table is everything a director distributes.
type Table []Service

// Key names a service as ipvsadm prints it.
func (s *Service) Key() string {
	if s.Mark != 0 {
		return fmt.Sprintf("FWM  %d", s.Mark)
	}
	return fmt.Sprintf("%-4s %s", s.Protocol, s.Addr)
}

// is6 tells the family of a service.
func (s *Service) is6() bool { return s.V6 || s.Addr.Addr().Is6() }

// Validate checks a table; the error says which service is wrong.
func (t Table) Validate() error {
	seen := map[string]bool{}
	for i := range t {
		s := &t[i]
		bad := func(format string, args ...any) error {
			return fmt.Errorf("service %s: %s: %w", strings.Join(strings.Fields(s.Key()), " "), fmt.Sprintf(format, args...), ErrInvalid)
		}
		switch {
		case s.Mark == 0 && !s.Addr.IsValid():
			return bad("it has neither an address nor a mark")
		case s.Mark != 0 && s.Addr.IsValid():
			return bad("it has an address and a mark")
		case s.Mark == 0 && s.Protocol != TCP && s.Protocol != UDP:
			return bad("its protocol is %q, not TCP or UDP", s.Protocol)
		case s.Mark == 0 && s.Addr.Port() == 0 && s.Persistent == 0:
			return bad("a service of every port has to be persistent")
		case s.Scheduler != "" && !slices.Contains(Schedulers, s.Scheduler):
			return bad("there is no scheduler %q", s.Scheduler)
		case s.Persistent < 0 || s.Persistent%time.Second != 0:
			return bad("it is persistent for %s, not for whole seconds", s.Persistent)
		case seen[s.Key()]:
			return bad("it is there twice")
		}
		seen[s.Key()] = true
		have := map[netip.AddrPort]bool{}
		for _, d := range s.Destinations {
			switch {
			case !d.Addr.IsValid() || d.Addr.Addr().Is6() != s.is6():
				return bad("destination %s is not of its family", d.Addr)
			case d.Weight < 0 || d.Weight > maxWeight:
				return bad("the weight of destination %s is %d, not 0 to %d", d.Addr, d.Weight, maxWeight)
			case d.Forward != Masq && d.Forward != Route && d.Forward != Tunnel:
				return bad("destination %s is forwarded by %q", d.Addr, d.Forward)
			case d.Forward != Masq && d.Addr.Port() != 0 && s.Mark == 0 && d.Addr.Port() != s.Addr.Port():
				return bad("destination %s has another port than the service, which only Masq can reach", d.Addr)
			case have[d.Addr]:
				return bad("destination %s is there twice", d.Addr)
			}
			have[d.Addr] = true
		}
	}
	return nil
}
