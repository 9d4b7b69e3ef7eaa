package hacf

import (
	"net/netip"
	"strconv"
	"strings"
)

// validIface accepts what the kernel takes as the name of an interface.
func validIface(s string) bool {
	if s == "" || len(s) > 15 || s == "." || s == ".." || !isASCII(s) {
		return false
	}
	return !strings.ContainsAny(s, "/"+blanks) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r == 0x7f })
}

// validHost accepts an address or a name to resolve.
func validHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if strings.Trim(s, "0123456789.") == "" {
		return false // four numbers, but not an address
	}
	return validNodeName(s)
}

func (p *parser) medium(m Medium) {
	m.Line = p.line
	for _, o := range p.cfg.Media {
		o.Line = m.Line
		if o == m {
			p.warnf("remove one of the two", "%s %s is listed twice", m.Kind, m.Name())
			return
		}
	}
	if len(p.cfg.Media) == MaxMedia {
		p.errorf("remove some", "This medium is one too many: there are %d at most", MaxMedia)
		return
	}
	p.cfg.Media = append(p.cfg.Media, m)
}

func (p *parser) serial(v string) {
	if !strings.HasPrefix(v, "/") {
		p.invalid(v, "Illegal serial port [%s]: it is not an absolute path", v)
		return
	}
	p.medium(Medium{Kind: Serial, Device: v, Baud: p.baudRate})
}

func (p *parser) bcast(v string) {
	if !validIface(v) {
		p.invalid(v, "Invalid interface [%s]", v)
		return
	}
	p.medium(Medium{Kind: Bcast, Iface: v, Port: p.port})
}

func (p *parser) udp(v string) {
	if !p.noticed["udp"] {
		p.noticed["udp"] = true
		p.warnf("write bcast", "Directive udp is replaced by bcast")
	}
	p.bcast(v)
}

func (p *parser) ucast(rest string) {
	w := fields(rest, blanks)
	switch {
	case len(w) != 2:
		p.invalid(rest, "%s [%s] is not an interface and a peer", p.dir.Name, rest)
	case !validIface(w[0]):
		p.invalid(rest, "Invalid interface [%s]", w[0])
	case !validHost(w[1]):
		p.invalid(rest, "Invalid peer [%s]: it is neither an address nor a host name", w[1])
	default:
		p.medium(Medium{Kind: Ucast, Iface: w[0], Address: w[1], Port: p.port})
	}
}

func (p *parser) mcast(rest string) {
	w := fields(rest, blanks)
	if len(w) != 5 {
		p.invalid(rest, "%s [%s] is not interface, group, port, ttl and loop", p.dir.Name, rest)
		return
	}
	v6 := p.dir.Name == "mcast6"
	group, err := netip.ParseAddr(w[1])
	port, okPort := p.integer(w[2], 1, 65535)
	ttl, okTTL := p.integer(w[3], 0, 255)
	loop, okLoop := p.integer(w[4], 0, 1)
	switch {
	case !validIface(w[0]):
		p.invalid(rest, "Invalid interface [%s]", w[0])
	case v6 && (err != nil || !group.Is6() || !group.IsMulticast()):
		p.invalid(rest, "Invalid mcast6 group [%s]: it is not in ff00::/8", w[1])
	case !v6 && (err != nil || !group.Is4() || !group.IsMulticast()):
		p.invalid(rest, "Invalid mcast group [%s]: it is not in 224.0.0.0 to 239.255.255.255", w[1])
	case !okPort:
		p.invalid(rest, "invalid port [%s] specified.", w[2])
	case !okTTL:
		p.invalid(rest, "Invalid ttl [%s]: it is not a number from 0 to 255", w[3])
	case !okLoop:
		p.invalid(rest, "Invalid loop [%s]: it is neither 0 nor 1", w[4])
	default:
		p.medium(Medium{Kind: Mcast, Iface: w[0], Group: group.String(), Port: port, TTL: ttl, Loop: loop == 1})
	}
}

func (p *parser) udpport(v string) {
	port, ok := p.integer(v, 1, 65535)
	if !ok {
		p.invalid(v, "invalid port [%s] specified.", v)
		return
	}
	for _, m := range p.cfg.Media {
		if (m.Kind == Bcast || m.Kind == Ucast) && m.Port != port {
			p.warnf("write udpport before the media", "udpport must precede media: the %s of line %d keeps port %d", m.Kind, m.Line, m.Port)
			break
		}
	}
	p.port = port
}

func (p *parser) baud(v string) {
	rate, err := strconv.Atoi(v)
	switch {
	case err != nil || !baudRates[rate]:
		p.invalid(v, "invalid baudrate [%s] specified.", v)
		return
	case p.first["baud"] != p.line:
		p.errorf("keep one of the two lines", "baud is set twice (first on line %d)", p.first["baud"])
		return
	}
	for _, m := range p.cfg.Media {
		if m.Kind == Serial && m.Baud != rate {
			p.warnf("write baud before the serial lines", "baud must precede media: the serial link of line %d keeps %d", m.Line, m.Baud)
			break
		}
	}
	p.baudRate = rate
}

func (p *parser) ping(v string) {
	if !validHost(v) {
		p.invalid(v, "Invalid ping node [%s]: it is neither an address nor a host name", v)
		return
	}
	p.cfg.PingNodes = append(p.cfg.PingNodes, PingNode{v, p.line})
}

func (p *parser) pingGroup(rest string) {
	w := fields(rest, separators)
	if len(w) < 2 {
		p.invalid(rest, "ping_group [%s] is not a name and its hosts", rest)
		return
	}
	for _, h := range w[1:] {
		if !validHost(h) {
			p.invalid(h, "Invalid ping node [%s] in ping_group %s: it is neither an address nor a host name", h, w[0])
			return
		}
	}
	p.cfg.PingGroups = append(p.cfg.PingGroups, PingGroup{w[0], w[1:], p.line})
}
