package haresources

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Group is one line: a node and its resources.
type Group struct {
	// Node is lower-cased.
	Node      string
	Resources []Resource
	// Line is where the line starts, 1-based.
	Line int
}

// Key is the first resource as written: the name of the group. It is unique
// in a file.
func (g Group) Key() string { return g.Resources[0].Text }

// Resource is one word of a line.
type Resource struct {
	// Text is the word as written.
	Text string
	// Script is the name of the script, "IPaddr" for a bare address; Args follow
	// it, as "::" separates them.
	Script string
	Args   []string
}

// Command returns the words with which the script is called, without the
// action: Filesystem /dev/drbd1 /data ext4.
func (r Resource) Command() []string { return append([]string{r.Script}, r.Args...) }

// newResource splits a word. A word that starts with four numbers and dots is
// an address.
func newResource(word string) Resource {
	parts := strings.Split(word, "::")
	if len(parts) == 1 && looksLikeIP(word) {
		return Resource{Text: word, Script: "IPaddr", Args: []string{word}}
	}
	return Resource{Text: word, Script: parts[0], Args: parts[1:]}
}

// looksLikeIP is the test of Heartbeat's shell: digits.digits.digits.digits.
func looksLikeIP(word string) bool {
	addr, _, _ := strings.Cut(word, "/")
	parts := strings.Split(addr, ".")
	if len(parts) != 4 {
		return false
	}
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return true
}

// IPSpec is the argument of IPaddr: ADDRESS[/BITS[/IFACE[:LABEL]]][/BROADCAST].
type IPSpec struct {
	Address netip.Addr
	// Bits is the length of the network mask, -1 when it is not given.
	Bits int
	// Iface may carry a label behind a colon, as eth0:1.
	Iface     string
	Broadcast string
}

// ParseIPSpec reads an address specification. A mask may also be written with
// dots (255.255.255.0).
func ParseIPSpec(s string) (IPSpec, error) {
	parts := strings.Split(s, "/")
	spec := IPSpec{Bits: -1}
	var err error
	if spec.Address, err = netip.ParseAddr(parts[0]); err != nil || !spec.Address.Is4() {
		return spec, fmt.Errorf("[%s] is not an IPv4 address", parts[0])
	}
	for i, p := range parts[1:] {
		switch {
		case p == "":
			return spec, fmt.Errorf("[%s] has an empty part", s)
		case i == 0 && strings.Count(p, ".") == 3 && maskBits(p) >= 0:
			spec.Bits = maskBits(p)
		case strings.Count(p, ".") == 3:
			if a, err := netip.ParseAddr(p); err != nil || !a.Is4() || spec.Broadcast != "" {
				return spec, fmt.Errorf("[%s] is not a broadcast address", p)
			}
			spec.Broadcast = p
		case strings.Trim(p, "0123456789") == "":
			n, err := strconv.Atoi(p)
			if err != nil || n > 32 || i != 0 {
				return spec, fmt.Errorf("[%s] is not the length of a mask", p)
			}
			spec.Bits = n
		case spec.Iface != "" || spec.Broadcast != "":
			return spec, fmt.Errorf("[%s] is one part too many", p)
		default:
			spec.Iface = p
		}
	}
	return spec, nil
}

// maskBits returns the length of a mask with dots, or -1.
func maskBits(s string) int {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return -1
	}
	b := a.As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n := 0
	for ; n < 32 && v&(1<<(31-n)) != 0; n++ {
	}
	if n < 32 && v<<n != 0 {
		return -1
	}
	return n
}
