package hacf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
)

// sections of the digest: what must be the same on all nodes. Links are left
// out except for the port: interfaces and peers may differ by machine, and a
// link that does not fit shows by being dead.
var sections = []struct {
	name string
	text func(c *Config) string
}{
	{"node", func(c *Config) string { return sorted(c.Nodes) }},
	{"arbiter", func(c *Config) string { return sorted(c.Arbiters) }},
	{"weight", (*Config).weightText},
	{"cluster", func(c *Config) string { return c.Cluster }},
	{"keepalive", func(c *Config) string { return c.Keepalive.String() }},
	{"deadtime", func(c *Config) string { return c.Deadtime.String() }},
	{"initdead", func(c *Config) string { return c.Initdead.String() }},
	{"deadping", func(c *Config) string { return c.Deadping.String() }},
	// That there is one lengthens the takeover; which one is the machine's.
	{"watchdog", func(c *Config) string { return fmt.Sprint(c.Watchdog != "") }},
	{"crm", func(c *Config) string { return fmt.Sprint(c.CRM.Enabled()) }},
	{"auto_failback", func(c *Config) string {
		if c.CRM.Enabled() {
			return ""
		}
		if c.ManualTakeover {
			return c.AutoFailback.String() + " takeover manual"
		}
		return c.AutoFailback.String()
	}},
	{"autojoin", func(c *Config) string { return c.Autojoin }},
	{"ping", func(c *Config) string {
		var hosts []string
		for _, n := range c.PingNodes {
			hosts = append(hosts, n.Host)
		}
		for _, g := range c.PingGroups {
			hosts = append(hosts, g.Name+"="+sorted(g.Hosts))
		}
		return sorted(hosts)
	}},
	{"respawn", func(c *Config) string {
		var lines []string
		for _, k := range c.Children {
			if k.Builtin != "" {
				lines = append(lines, k.Builtin+" "+strings.Join(k.Args, " "))
			}
		}
		return sorted(lines)
	}},
	{"udpport", func(c *Config) string {
		ports := make(map[string]bool)
		for _, m := range c.Media {
			if m.Kind != Serial {
				ports[fmt.Sprint(m.Kind, m.Group, m.Port)] = true
			}
		}
		var list []string
		for p := range ports {
			list = append(list, p)
		}
		return sorted(list)
	}},
}

func sorted(in []string) string {
	s := append([]string(nil), in...)
	sort.Strings(s)
	return strings.Join(s, "\n")
}

// digestPart is the number of hex digits of one section.
const digestPart = 6

// Digest returns what of the meaning must be the same on all nodes, in a short
// printable word: "1:" and six hex digits for each section. Remarks, the order
// of lines and what may differ by machine (interfaces, peers, log files) do not
// count. Compare digests with [DigestDiff].
func (c *Config) Digest() string {
	var b strings.Builder
	b.WriteString("1:")
	for _, s := range sections {
		sum := sha256.Sum256([]byte(s.name + "\n" + s.text(c)))
		b.WriteString(hex.EncodeToString(sum[:])[:digestPart])
	}
	return b.String()
}

// DigestDiff names the directives in which two digests differ, in a fixed
// order; nil when they are equal. Digests of another form differ in "ha.cf".
func DigestDiff(a, b string) []string {
	if a == b {
		return nil
	}
	want := 2 + digestPart*len(sections)
	if len(a) != want || len(b) != want || a[:2] != "1:" || b[:2] != "1:" {
		return []string{"ha.cf"}
	}
	var out []string
	for i, s := range sections {
		from := 2 + i*digestPart
		if a[from:from+digestPart] != b[from:from+digestPart] {
			out = append(out, s.name)
		}
	}
	return out
}
