package hacf

import (
	"strconv"
	"strings"
	"time"
)

type dur = time.Duration

// ignore is for directives whose value needs no check.
func ignore(*parser, string) {}

func anyTime(field func(*Config) *dur) func(*parser, string) {
	return func(p *parser, v string) { p.time(v, field, false) }
}

func positiveTime(field func(*Config) *dur) func(*parser, string) {
	return func(p *parser, v string) { p.time(v, field, true) }
}

func (p *parser) time(v string, field func(*Config) *dur, positive bool) {
	d, extended, err := parseTime(v)
	if err != nil || positive && d <= 0 {
		what := "is not a time"
		switch {
		case err == nil:
			what = "must be more than zero"
		case strings.HasSuffix(err.Error(), "more than a year"):
			what = "is more than a year"
		}
		p.invalid(v, "Invalid %s [%s]: it %s", p.dir.Name, v, what)
		return
	}
	if extended && !p.extendedTimeWarned {
		p.extendedTimeWarned = true
		p.warnf("a bare number is seconds", "[%s]: Heartbeat itself knows only ms and us in ha.cf", v)
	}
	*field(p.cfg) = d
}

func (p *parser) bool(v string) (value, ok bool) {
	if value, ok = parseBool(v); !ok {
		p.invalid(v, "Invalid %s [%s]: it is neither on nor off", p.dir.Name, v)
	}
	return value, ok
}

func boolean(field func(*Config) *bool) func(*parser, string) {
	return func(p *parser, v string) {
		if b, ok := p.bool(v); ok && field != nil {
			*field(p.cfg) = b
		}
	}
}

// integer reads a whole number in [lo, hi].
func (p *parser) integer(v string, lo, hi int) (int, bool) {
	n, err := strconv.Atoi(v)
	return n, err == nil && n >= lo && n <= hi
}

func intIn(lo, hi int, field func(*Config) *int) func(*parser, string) {
	return func(p *parser, v string) {
		n, ok := p.integer(v, lo, hi)
		if !ok {
			p.invalid(v, "Invalid %s [%s]: it is not a number from %d to %d", p.dir.Name, v, lo, hi)
			return
		}
		if field != nil {
			*field(p.cfg) = n
		}
	}
}

func oneOf(field func(*Config) *string, words ...string) func(*parser, string) {
	return func(p *parser, v string) {
		for _, w := range words {
			if v == w {
				if field != nil {
					*field(p.cfg) = v
				}
				return
			}
		}
		p.invalid(v, "Invalid %s [%s]: it is not one of %s", p.dir.Name, v, strings.Join(words, ", "))
	}
}

func absolutePath(field func(*Config) *string) func(*parser, string) {
	return func(p *parser, v string) {
		if !strings.HasPrefix(v, "/") {
			p.invalid(v, "Invalid %s [%s]: it is not an absolute path", p.dir.Name, v)
			return
		}
		*field(p.cfg) = v
	}
}

func (p *parser) node(v string) {
	name := strings.ToLower(v)
	switch {
	case !validNodeName(name):
		p.invalid(v, "Invalid node name [%s]", v)
	case p.cfg.HasNode(name):
		p.warnf("remove one of the two", "node %s is listed twice", name)
	case len(p.cfg.Nodes) == MaxNodes:
		p.invalid(v, "node %s is one too many: there are %d at most", name, MaxNodes)
	default:
		p.cfg.Nodes = append(p.cfg.Nodes, name)
	}
}

func (p *parser) autoFailback(v string) {
	if strings.EqualFold(v, "legacy") {
		p.cfg.AutoFailback = FailbackLegacy
	} else if b, ok := parseBool(v); !ok {
		p.invalid(v, "Invalid auto_failback [%s]: it is none of on, off, legacy", v)
	} else if b {
		p.cfg.AutoFailback = FailbackOn
	} else {
		p.cfg.AutoFailback = FailbackOff
	}
}

func (p *parser) niceFailback(v string) {
	b, ok := p.bool(v)
	if !ok {
		return
	}
	p.cfg.AutoFailback = FailbackLegacy
	if b {
		p.cfg.AutoFailback = FailbackOff
	}
	p.warnf("write auto_failback "+p.cfg.AutoFailback.String(), "Directive nice_failback is obsolete")
}

func (p *parser) crm(v string) {
	switch low := strings.ToLower(v); low {
	case "respawn":
		p.cfg.CRM = CRMRespawn
	case "manual", "minimal":
		p.cfg.CRM = CRMManual
		p.warnf("", "crm %s is not implemented yet: it is read as yes", low)
	case "valgrind":
		p.cfg.CRM = CRMOn
		p.warnf("", "crm valgrind is read as yes")
	default:
		b, ok := parseBool(v)
		if !ok {
			p.invalid(v, "Invalid crm [%s]: it is none of yes, no, respawn, manual", v)
			return
		}
		p.cfg.CRM = CRMOff
		if b {
			p.cfg.CRM = CRMOn
		}
	}
}

func (p *parser) autojoin(v string) {
	switch low := strings.ToLower(v); low {
	case "none", "other", "any":
		p.cfg.Autojoin = low
	default:
		p.invalid(v, "Invalid autojoin directive [%s]", v)
	}
}

func (p *parser) rtprio(v string) {
	// The range of SCHED_FIFO on Linux.
	n, ok := p.integer(v, 1, 99)
	if !ok {
		p.invalid(v, "Illegal realtime priority [%s]: it is not a number from 1 to 99", v)
		return
	}
	p.cfg.RTPrio = n
}

func (p *parser) logfacility(v string) {
	low := strings.ToLower(v)
	if !facilities[low] {
		p.invalid(v, "Log facility(%s) not valid", v)
		return
	}
	p.cfg.Log.Facility = low
}

func (p *parser) watchdog(v string) {
	switch {
	case !strings.HasPrefix(v, "/"):
		p.invalid(v, "Invalid watchdog [%s]: it is not an absolute path", v)
	case p.cfg.Watchdog != "":
		p.errorf("keep one of the two lines", "Watchdog [%s] is a second one: [%s] was given before", v, p.cfg.Watchdog)
	default:
		p.cfg.Watchdog = v
	}
}

func (p *parser) env(v string) {
	name, value, ok := strings.Cut(v, "=")
	if !ok || name == "" || strings.Trim(strings.ToUpper(name), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		p.invalid(v, "Invalid env [%s]: it is not NAME=VALUE", v)
		return
	}
	p.cfg.Env = append(p.cfg.Env, EnvVar{name, value})
}
