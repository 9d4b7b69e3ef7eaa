package agents

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrUsage indicates a command line that is not understood.
var ErrUsage = errors.New("usage: pingd [-V] [-D] [-p PIDFILE] [-a ATTRIBUTE] [-s SET] [-S SECTION] [-d DAMPEN] [-m MULTIPLIER] [-h HOST]…")

// Pingd is what a command line of pingd asks for: a node attribute that says how
// many ping nodes this node reaches. As a line of ha.cf it reads
// "respawn hacluster /usr/lib/heartbeat/pingd -m 100 -d 5s".
type Pingd struct {
	// Multiplier is what each reachable ping node adds (-m, default 1).
	Multiplier int
	// Dampen is how long a value has to stay before it is written (-d, default
	// 0: at once). A number without unit means seconds.
	Dampen time.Duration
	// Attribute is the name (-a, default pingd); Set and Section are where it
	// is kept (-s and -S, default "" and status).
	Attribute, Set, Section string
	// Hosts are the ping nodes that count (-h); none means all.
	Hosts []string
	// Daemonize and PidFile (-D and -p) matter to a process of its own only.
	Daemonize bool
	PidFile   string
	Verbose   int
}

// ParsePingd reads the arguments of pingd, without the program's name.
func ParsePingd(args []string) (Pingd, error) {
	p := Pingd{Multiplier: 1, Attribute: "pingd", Section: "status"}
	long := map[string]byte{
		"value-multiplier": 'm', "attr-dampen": 'd', "attr-name": 'a', "attr-set": 's', "attr-section": 'S',
		"ping-host": 'h', "daemonize": 'D', "pid-file": 'p', "verbose": 'V', "help": '?',
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var opt byte
		value, given := "", false
		switch {
		case arg == "--":
			if len(args) > 0 {
				return p, fmt.Errorf("argument %q: %w", args[0], ErrUsage)
			}
			return p, nil
		case strings.HasPrefix(arg, "--"):
			name, v, ok := strings.Cut(arg[2:], "=")
			o, known := long[name]
			if !known {
				return p, fmt.Errorf("option --%s is not known: %w", name, ErrUsage)
			}
			opt, value, given = o, v, ok
		case len(arg) > 1 && arg[0] == '-':
			opt = arg[1]
			if rest := arg[2:]; rest != "" {
				if opt == 'V' || opt == 'D' {
					args = slices.Insert(slices.Clone(args), 0, "-"+rest)
				} else {
					value, given = rest, true
				}
			}
		default:
			return p, fmt.Errorf("argument %q: %w", arg, ErrUsage)
		}
		switch opt {
		case 'V':
			p.Verbose++
			continue
		case 'D':
			p.Daemonize = true
			continue
		case 'm', 'd', 'a', 's', 'S', 'h', 'p':
		default:
			return p, fmt.Errorf("option %q: %w", arg, ErrUsage)
		}
		if !given {
			if len(args) == 0 {
				return p, fmt.Errorf("option %s needs a value: %w", arg, ErrUsage)
			}
			value, args = args[0], args[1:]
		}
		if err := p.set(opt, value); err != nil {
			return p, err
		}
	}
	return p, nil
}

// set takes one option with its value.
func (p *Pingd) set(opt byte, value string) error {
	if value == "" && opt != 's' {
		return fmt.Errorf("option -%c has an empty value: %w", opt, ErrUsage)
	}
	switch opt {
	case 'm':
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 1000000 {
			return fmt.Errorf("option -m %q: the multiplier is a whole number from 1 to 1000000", value)
		}
		p.Multiplier = n
	case 'd':
		d, err := parseCRMTime(value)
		if err != nil {
			return fmt.Errorf("option -d: %w", err)
		}
		p.Dampen = d
	case 'a':
		p.Attribute = value
	case 's':
		p.Set = value
	case 'S':
		p.Section = value
	case 'h':
		p.Hosts = append(p.Hosts, value)
	case 'p':
		p.PidFile = value
	}
	return nil
}

// Value returns the attribute's value for the present states of the ping nodes:
// the multiplier for each that is reachable and counts.
func (p *Pingd) Value(reachable map[string]bool) string {
	n := 0
	for name, up := range reachable {
		if up && (len(p.Hosts) == 0 || slices.Contains(p.Hosts, name)) {
			n++
		}
	}
	return strconv.Itoa(n * p.Multiplier)
}

// Unknown returns the hosts asked for that are no ping nodes; they never count.
func (p *Pingd) Unknown(pingNodes []string) []string {
	var out []string
	for _, h := range p.Hosts {
		if !slices.Contains(pingNodes, h) {
			out = append(out, h)
		}
	}
	return out
}

// crmUnits are the units of the cluster's times; none is the second.
var crmUnits = map[string]time.Duration{
	"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "msec": time.Millisecond,
	"us": time.Microsecond, "usec": time.Microsecond, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour,
}

// parseCRMTime reads a time such as 5s, 500ms or 5.
func parseCRMTime(s string) (time.Duration, error) {
	t := strings.TrimSpace(s)
	i := 0
	for i < len(t) && t[i] >= '0' && t[i] <= '9' {
		i++
	}
	unit, ok := crmUnits[strings.TrimSpace(t[i:])]
	n, err := strconv.ParseInt(t[:i], 10, 64)
	if !ok || err != nil || n > int64(1<<62/unit) {
		return 0, fmt.Errorf("%q is not a time such as 5s, 500ms or 1min", s)
	}
	return time.Duration(n) * unit, nil
}
