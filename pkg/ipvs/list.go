package ipvs

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Text is the table as "ipvsadm -L -n" prints it, with the counters of nobody.
func (t Table) Text() string {
	var b strings.Builder
	b.WriteString("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n")
	for i := range t {
		s := &t[i]
		b.WriteString(s.Key() + " " + s.scheduler())
		if s.Persistent > 0 {
			fmt.Fprintf(&b, " persistent %d", s.Persistent/time.Second)
		}
		b.WriteString("\n")
		for _, d := range s.Destinations {
			fmt.Fprintf(&b, "  -> %-28s %-7s %-6d %-10d %-10d\n", d.Addr, d.Forward, d.Weight, 0, 0)
		}
	}
	return b.String()
}

func (s *Service) scheduler() string {
	if s.Scheduler == "" {
		return DefaultScheduler
	}
	return s.Scheduler
}

// ParseRules reads the commands that "ipvsadm -S" writes and "ipvsadm -R" reads: a
// line for each service (-A) and destination (-a), addresses and ports as numbers.
func ParseRules(text string) (Table, error) {
	var t Table
	for n, line := range strings.Split(text, "\n") {
		w := strings.Fields(line)
		if len(w) == 0 || strings.HasPrefix(w[0], "#") {
			continue
		}
		r, err := parseRule(w)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		if w[0] == "-A" {
			t = append(t, r.service)
			continue
		}
		i := 0
		for i < len(t) && t[i].Key() != r.service.Key() {
			i++
		}
		if i == len(t) {
			return nil, fmt.Errorf("line %d: no service %s before its destination: %w", n+1, r.service.Key(), ErrInvalid)
		}
		t[i].Destinations = append(t[i].Destinations, r.destination)
	}
	return t, t.Validate()
}

// rule is one command.
type rule struct {
	service     Service
	destination Destination
}

func parseRule(w []string) (r rule, err error) {
	if w[0] != "-A" && w[0] != "-a" {
		return r, fmt.Errorf("%q is not -A or -a: %w", w[0], ErrInvalid)
	}
	r.destination = Destination{Forward: Route, Weight: 1}
	for i := 1; i < len(w); i++ {
		opt := w[i]
		switch opt {
		case "-g":
			r.destination.Forward = Route
			continue
		case "-i":
			r.destination.Forward = Tunnel
			continue
		case "-m":
			r.destination.Forward = Masq
			continue
		case "-6":
			r.service.V6 = true
			continue
		case "-p":
			r.service.Persistent = 360 * time.Second // ipvsadm's default
			if i+1 >= len(w) || strings.HasPrefix(w[i+1], "-") {
				continue
			}
		}
		if i++; i == len(w) {
			return r, fmt.Errorf("option %s needs a value: %w", opt, ErrInvalid)
		}
		v := w[i]
		switch opt {
		case "-t", "-u":
			if r.service.Protocol = TCP; opt == "-u" {
				r.service.Protocol = UDP
			}
			r.service.Addr, err = netip.ParseAddrPort(v)
		case "-f":
			var n uint64
			n, err = strconv.ParseUint(v, 10, 32)
			r.service.Mark = uint32(n)
		case "-s":
			r.service.Scheduler = v
		case "-p":
			var n int
			n, err = strconv.Atoi(v)
			r.service.Persistent = time.Duration(n) * time.Second
		case "-r":
			if r.destination.Addr, err = netip.ParseAddrPort(v); err != nil {
				var a netip.Addr
				if a, err = netip.ParseAddr(v); err == nil {
					r.destination.Addr = netip.AddrPortFrom(a, 0)
				}
			}
		case "-w":
			r.destination.Weight, err = strconv.Atoi(v)
		default:
			return r, fmt.Errorf("option %q is not known: %w", opt, ErrInvalid)
		}
		if err != nil {
			return r, fmt.Errorf("%s %s: %w: %w", opt, v, err, ErrInvalid)
		}
	}
	return r, nil
}

// Rules writes the table as [ParseRules] reads it.
func (t Table) Rules() string {
	var b strings.Builder
	for i := range t {
		s := &t[i]
		where := fmt.Sprintf("-f %d", s.Mark)
		if s.Mark == 0 {
			where = fmt.Sprintf("-%s %s", strings.ToLower(string(s.Protocol[:1])), s.Addr)
		} else if s.V6 {
			where += " -6"
		}
		fmt.Fprintf(&b, "-A %s -s %s", where, s.scheduler())
		if s.Persistent > 0 {
			fmt.Fprintf(&b, " -p %d", s.Persistent/time.Second)
		}
		b.WriteString("\n")
		for _, d := range s.Destinations {
			fmt.Fprintf(&b, "-a %s -r %s -%s -w %d\n", where, d.Addr, map[Forward]string{Masq: "m", Route: "g", Tunnel: "i"}[d.Forward], d.Weight)
		}
	}
	return b.String()
}
