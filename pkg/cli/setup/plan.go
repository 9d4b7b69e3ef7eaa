package setup

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Node is a member with its address on the heartbeat link.
type Node struct {
	Name    string `json:"n"`
	Address string `json:"a"`
}

// Plan is a first cluster.
type Plan struct {
	Nodes     []Node `json:"nodes"`
	Interface string `json:"if"`
	Secret    string `json:"key"`
}

// ErrToken indicates a word that init did not print.
var ErrToken = errors.New("this is not the word that quorate init printed")

// tokenPrefix begins the word for join.
const tokenPrefix = "quorate1-"

// NewPlan makes a plan with a key of 32 random bytes. nodes are NAME=ADDRESS.
func NewPlan(nodes []string, iface string) (*Plan, error) {
	p := &Plan{Interface: iface}
	seen := map[string]bool{}
	for _, arg := range nodes {
		name, addr, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("[%s] is not NAME=ADDRESS: the name as uname -n prints it, and the address on the link of heartbeats", arg)
		}
		p.Nodes = append(p.Nodes, Node{strings.ToLower(name), addr})
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	p.Secret = base64.RawURLEncoding.EncodeToString(secret)
	for _, n := range p.Nodes {
		if seen[n.Name] || seen[n.Address] {
			return nil, fmt.Errorf("[%s=%s]: the name or the address is there twice", n.Name, n.Address)
		}
		seen[n.Name], seen[n.Address] = true, true
	}
	return p, p.check()
}

func (p *Plan) check() error {
	if len(p.Nodes) < 2 {
		return fmt.Errorf("a cluster has two nodes or more, not %d", len(p.Nodes))
	}
	for _, n := range p.Nodes {
		if n.Name == "" || strings.ContainsAny(n.Name, " \t\n\r#,=") {
			return fmt.Errorf("[%s] is not the name of a node", n.Name)
		}
		if _, err := netip.ParseAddr(n.Address); err != nil {
			return fmt.Errorf("node %s: [%s] is not an address", n.Name, n.Address)
		}
	}
	if p.Interface == "" || strings.ContainsAny(p.Interface, "/ \t\n\r#") {
		return fmt.Errorf("[%s] is not the name of a network interface", p.Interface)
	}
	if p.Secret == "" || strings.ContainsAny(p.Secret, " \t\n\r#") {
		return errors.New("the key is not one word")
	}
	return nil
}

// Token is the word from which join makes the same plan. It holds the key.
func (p *Plan) Token() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings only
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// ParseToken reads what [Plan.Token] returned.
func ParseToken(token string) (*Plan, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(token), tokenPrefix)
	if !ok {
		return nil, ErrToken
	}
	b, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return nil, ErrToken
	}
	p := new(Plan)
	if json.Unmarshal(b, p) != nil {
		return nil, ErrToken
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return p, nil
}

// HACF is the text of ha.cf.
func (p *Plan) HACF() string {
	var b strings.Builder
	b.WriteString(Marker + "\n# It is the same on all nodes.\n\n")
	for _, n := range p.Nodes {
		fmt.Fprintf(&b, "node\t%s\n", n.Name)
	}
	b.WriteString("\nkeepalive\t1\nwarntime\t4\ndeadtime\t10\ninitdead\t60\n\n")
	for _, n := range p.Nodes {
		directive := "ucast"
		if a, err := netip.ParseAddr(n.Address); err == nil && a.Is6() {
			directive = "ucast6"
		}
		fmt.Fprintf(&b, "%s\t%s %s\n", directive, p.Interface, n.Address)
	}
	b.WriteString("\nlogfacility\tdaemon\ncrm\tyes\n")
	return b.String()
}

// Authkeys is the text of authkeys.
func (p *Plan) Authkeys() string { return Marker + "\nauth 1\n1 sha256 " + p.Secret + "\n" }

// shownAuthkeys is authkeys without the key.
func (p *Plan) shownAuthkeys() string { return strings.Replace(p.Authkeys(), p.Secret, "(the key)", 1) }

// Marker is the first line of what these commands write.
const Marker = "# Made by quorate init. quorate init --undo removes it while it is unchanged."

// Has reports whether a node is in the plan.
func (p *Plan) Has(name string) bool {
	for _, n := range p.Nodes {
		if strings.EqualFold(n.Name, name) {
			return true
		}
	}
	return false
}
