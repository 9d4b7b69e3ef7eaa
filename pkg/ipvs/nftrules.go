package ipvs

import (
	"fmt"
	"net/netip"
	"strings"
)

// tableName is the table of nftables that holds all services, one for each family.
const tableName = "quorate_lvs"

// maxSlots bounds the numbers among which a destination is chosen; weights are
// scaled to it.
const maxSlots = 1 << 16

// NFTRules is the table as nft reads it: everything this package has in the
// kernel is replaced in one step. Families without services have no table.
func (t Table) NFTRules() (string, error) {
	if err := t.Validate(); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, fam := range []string{"ip", "ip6"} {
		// Added first, so that deleting what is not there is no error.
		fmt.Fprintf(&b, "add table %s %s\ndelete table %s %s\n", fam, tableName, fam, tableName)
		var nat, masq []string
		for i := range t {
			s := &t[i]
			if s.is6() != (fam == "ip6") {
				continue
			}
			if line := s.dnat(fam); line != "" {
				nat = append(nat, line)
			}
			masq = append(masq, s.masquerade(fam)...)
		}
		if len(nat) == 0 {
			continue
		}
		fmt.Fprintf(&b, "table %s %s {\n", fam, tableName)
		for _, c := range [][2]string{{"prerouting", "-100"}, {"output", "-100"}} {
			fmt.Fprintf(&b, "\tchain %s {\n\t\ttype nat hook %s priority %s; policy accept;\n\t\t%s\n\t}\n", c[0], c[0], c[1], strings.Join(nat, "\n\t\t"))
		}
		if len(masq) > 0 {
			fmt.Fprintf(&b, "\tchain postrouting {\n\t\ttype nat hook postrouting priority 100; policy accept;\n\t\t%s\n\t}\n", strings.Join(masq, "\n\t\t"))
		}
		b.WriteString("}\n")
	}
	return b.String(), nil
}

// match selects the packets of the service.
func (s *Service) match(fam string) string {
	if s.Mark != 0 {
		return fmt.Sprintf("meta mark %d", s.Mark)
	}
	proto := strings.ToLower(string(s.Protocol))
	if s.Addr.Port() == 0 {
		return fmt.Sprintf("%s daddr %s meta l4proto %s", fam, s.Addr.Addr(), proto)
	}
	return fmt.Sprintf("%s daddr %s %s dport %d", fam, s.Addr.Addr(), proto, s.Addr.Port())
}

// dnat is the rule that chooses a destination, "" when there is none to choose.
func (s *Service) dnat(fam string) string {
	ranges, slots := s.slots()
	if slots == 0 {
		return ""
	}
	by := fmt.Sprintf("numgen inc mod %d", slots)
	if s.hashed() {
		by = fmt.Sprintf("jhash %s saddr mod %d seed 0x%x", fam, slots, hashSeed)
	}
	ports := s.Addr.Port() != 0
	var m []string
	for _, r := range ranges {
		to := r.to.Addr().String()
		if ports {
			port := r.to.Port()
			if port == 0 {
				port = s.Addr.Port()
			}
			to += fmt.Sprintf(" . %d", port)
		}
		at := fmt.Sprint(r.from)
		if r.last > r.from {
			at = fmt.Sprintf("%d-%d", r.from, r.last)
		}
		m = append(m, at+" : "+to)
	}
	return fmt.Sprintf("%s dnat %s to %s map { %s }", s.match(fam), fam, by, strings.Join(m, ", "))
}

// hashSeed is fixed, so that a client keeps its destination when the table is
// applied again, here or on another director.
const hashSeed = 0x6c767321

// hashed tells services whose clients keep their destination.
func (s *Service) hashed() bool {
	switch s.Scheduler {
	case "sh", "mh", "dh", "lblc", "lblcr":
		return true
	}
	return s.Persistent > 0
}

// weighted tells schedulers that heed weights.
func (s *Service) weighted() bool {
	switch s.scheduler() {
	case "rr", "lc":
		return false
	}
	return true
}

// slot is a range of numbers that stand for one destination.
type slot struct {
	from, last int
	to         netip.AddrPort
}

// slots shares numbers out by weight, in the smallest proportion.
func (s *Service) slots() (out []slot, n int) {
	sum, div := 0, 0
	weight := func(d Destination) int {
		if d.Weight > 0 && !s.weighted() {
			return 1
		}
		return d.Weight
	}
	for _, d := range s.Destinations {
		w := weight(d)
		sum += w
		for a, b := div, w; ; a, b = b, a%b {
			if b == 0 {
				div = a
				break
			}
		}
	}
	if sum == 0 {
		return nil, 0
	}
	sum /= div
	for _, d := range s.Destinations {
		w := weight(d) / div
		if w == 0 {
			continue
		}
		if sum > maxSlots {
			w = max(1, w*maxSlots/sum)
		}
		out = append(out, slot{n, n + w - 1, d.Addr})
		n += w
	}
	return out, n
}

// masquerade makes the director the source of what goes to destinations that do
// not answer through it.
func (s *Service) masquerade(fam string) (out []string) {
	for _, d := range s.Destinations {
		if d.Forward == Masq || d.Weight == 0 {
			continue
		}
		line := fmt.Sprintf("ct status dnat %s daddr %s", fam, d.Addr.Addr())
		if s.Mark != 0 {
			line += fmt.Sprintf(" meta mark %d", s.Mark)
		} else {
			line += fmt.Sprintf(" ct original %s daddr %s", fam, s.Addr.Addr())
		}
		out = append(out, line+" masquerade")
	}
	return out
}

// Approximations says in sentences what nftables does otherwise than IPVS would
// with this table.
func (t Table) Approximations() (out []string) {
	for i := range t {
		s := &t[i]
		say := func(format string, args ...any) {
			out = append(out, strings.Join(strings.Fields(s.Key()), " ")+": "+fmt.Sprintf(format, args...))
		}
		switch s.scheduler() {
		case "rr", "wrr", "sh":
		case "dh", "lblc", "lblcr", "mh":
			say("scheduler %s becomes a hash of the client's address", s.scheduler())
		case "lc":
			say("scheduler lc does not count connections: destinations take turns")
		default:
			say("scheduler %s does not count connections: destinations take turns by weight", s.scheduler())
		}
		if s.Persistent > 0 {
			say("persistence has no end: a client keeps its destination while the destinations stay the same")
		}
		for _, d := range s.Destinations {
			if d.Forward != Masq {
				say("destination %s is reached by NAT, and sees the director as client", d.Addr.Addr())
			}
			if d.Addr.Port() != 0 && s.Addr.Port() == 0 {
				say("the port of destination %s is that of the client's connection, not %d", d.Addr, d.Addr.Port())
			}
		}
	}
	return out
}
