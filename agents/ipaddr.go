package agents

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/realtime"
)

// ipaddr manages a floating address through netlink. As IPaddr it is IPv4 and
// its addresses carry the label nic:N, by which ifconfig shows them; as IPaddr2
// it is either family and labels only where iflabel says so.
type ipaddr struct {
	name string
	meta metaData
}

func newIPaddr(name string) *ipaddr {
	a := &ipaddr{name: name}
	family := "IPv4"
	if name == "IPaddr2" {
		family = "IPv4 or IPv6"
	}
	a.meta = metaData{
		name: name, shortdesc: "Manages a floating " + family + " address",
		longdesc: "Adds an " + family + " address to a network interface, tells the neighbours, and removes exactly this address again.",
		params: []metaParam{
			{name: "ip", typ: "string", required: true, unique: true, shortdesc: "The address"},
			{name: "nic", typ: "string", shortdesc: "Network interface", longdesc: "The base interface. If left empty, that of the most specific route to the address."},
			{name: "cidr_netmask", typ: "string", shortdesc: "Netmask", longdesc: "Prefix length or dotted netmask. If left empty, that of the route. The older name netmask is accepted."},
			{name: "broadcast", typ: "string", shortdesc: "Broadcast address", longdesc: "If left empty, the highest address of the net."},
			{name: "iflabel", typ: "string", shortdesc: "Interface label", longdesc: "What follows the interface's name and a colon in the label of an IPv4 address."},
			{name: "lvs_support", typ: "boolean", def: "false", shortdesc: "Enable support for LVS DR", longdesc: "When stopped, the address moves to the loopback device instead of going away."},
			{name: "local_start_script", typ: "string", shortdesc: "Script called when the address is added"},
			{name: "local_stop_script", typ: "string", shortdesc: "Script called when the address is released"},
		},
		actions: []metaAction{
			{name: "start", timeout: "20s"}, {name: "stop", timeout: "20s"},
			{name: "monitor", timeout: "20s", interval: "5s", depth: "0"},
			{name: "validate-all", timeout: "20s"}, {name: "meta-data", timeout: "5s"},
		},
	}
	arp, interval, count := []string{"ARP_INTERVAL_MS", "ARP_REPEAT", "ARP_BACKGROUND"}, "500", "10"
	if name == "IPaddr2" {
		arp, interval, count = []string{"arp_interval", "arp_count", "arp_bg"}, "200", "5"
	}
	a.meta.params = append(a.meta.params,
		metaParam{name: arp[0], typ: "integer", def: interval, shortdesc: "Milliseconds between announcements"},
		metaParam{name: arp[1], typ: "integer", def: count, shortdesc: "Count of announcements", longdesc: "How many gratuitous ARPs (IPv6: neighbour advertisements) are sent when the address comes up. The first is sent at once."},
		metaParam{name: arp[2], typ: "boolean", def: "yes", shortdesc: "Announce in the background"},
	)
	if name == "IPaddr" {
		a.meta.params = append(a.meta.params, metaParam{name: "ARP_NETMASK", typ: "string", def: "ffffffffffff", shortdesc: "Netmask for ARP", longdesc: "Accepted for compatibility and without effect."})
		return a
	}
	a.meta.params = append(a.meta.params,
		metaParam{name: "arp_count_refresh", typ: "integer", def: "0", shortdesc: "Count of announcements of each monitor"},
		metaParam{name: "run_arping", typ: "boolean", def: "false", shortdesc: "Look for another owner before the start", longdesc: "Whether a start asks the network by ARP for a second who has the address, and fails when somebody answers. IPv4 only."},
		metaParam{name: "noprefixroute", typ: "boolean", def: "false", shortdesc: "Add no route to the network"},
		metaParam{name: "nodad", typ: "boolean", def: "true", shortdesc: "Use an IPv6 address at once", longdesc: "Accepted for compatibility: IPv6 addresses are always used without duplicate address detection."},
		metaParam{name: "preferred_lft", typ: "string", def: "forever", shortdesc: "Preferred lifetime of an IPv6 address", longdesc: "Seconds, or forever. With 0 the node does not choose the address as source by itself."},
		metaParam{name: "flush_routes", typ: "boolean", def: "false", shortdesc: "Flush the routing cache", longdesc: "Accepted for compatibility and without effect: kernels have no routing cache any more."},
		metaParam{name: "arp_sender", typ: "string", shortdesc: "ARP sender", longdesc: "Accepted for compatibility and without effect: the agent announces by itself."},
		metaParam{name: "send_arp_opts", typ: "string", shortdesc: "Options of the ARP sender", longdesc: "Accepted for compatibility and without effect."},
	)
	return a
}

// refused are parameters of other implementations that would change what the
// address means, so that ignoring them would not do.
var refused = map[string]string{
	"mac":                  "addresses shared by several nodes (CLUSTERIP) have left the kernel",
	"clusterip_hash":       "addresses shared by several nodes (CLUSTERIP) have left the kernel",
	"unique_clone_address": "give each instance a resource of its own",
	"network_namespace":    "the address is configured in the cluster's own network namespace",
	"lvs_ipv6_addrlabel":   "set address labels by ip-addrlabel(8)",
}

// refuse tells of a parameter that is refused.
func refuse(params map[string]string) error {
	for n, why := range refused {
		if v := params[n]; !isFalse(v) {
			return badSpec("%s=%q is not supported: %s", n, v, why)
		}
	}
	return nil
}

// MetaData implements [Agent].
func (a *ipaddr) MetaData() string { return a.meta.xml() }

// Run implements [Agent].
func (a *ipaddr) Run(ctx context.Context, action string, env Env) int {
	if action == "meta-data" {
		fmt.Fprint(env.Stdout, a.MetaData())
		return ocfSuccess
	}
	s, err := parseIPSpec(env.Params)
	if err == nil && action != "stop" {
		err = refuse(env.Params)
	}
	if err == nil && a.name == "IPaddr" && !s.ip.Is4() {
		err = badSpec("%s is no IPv4 address: use IPaddr2", s.ip)
	}
	if err != nil {
		rc := ocfErrConfigured
		if se := (*specError)(nil); errors.As(err, &se) {
			rc = se.rc
		}
		return env.fail(rc, "%v", err)
	}
	if a.name == "IPaddr" {
		// Its defaults are others.
		if env.Params["ARP_INTERVAL_MS"] == "" && env.Params["arp_interval"] == "" {
			s.arpInterval = 500 * time.Millisecond
		}
		if env.Params["ARP_REPEAT"] == "" && env.Params["arp_count"] == "" {
			s.arpCount = 10
		}
	}
	k, err := openHost()
	if err != nil {
		return env.fail(ocfErrGeneric, "%v", err)
	}
	keep := false
	defer func() {
		if !keep {
			k.close()
		}
	}()
	switch action {
	case "start":
		var rc int
		rc, keep = a.start(ctx, k, s, &env)
		return rc
	case "stop":
		return a.stop(ctx, k, s, &env)
	case "monitor", "status":
		rc := a.monitor(k, s, &env)
		if rc == ocfSuccess && s.refresh > 0 && underWay(s.ip) == nil {
			keep = announceAgain(k, s.ip, s.refresh, s.arpInterval)
		}
		return rc
	case announceAction:
		return a.announceMore(ctx, k, s)
	case "validate-all":
		if _, _, err := k.place(s); err != nil {
			return env.fail(placeCode(err), "%s: %v", s.ip, err)
		}
		return ocfSuccess
	}
	return env.fail(ocfErrUnimpl, "%s has no action %q", a.name, action)
}

// placeCode is the code for an address that has no place on this node.
func placeCode(err error) int {
	se := (*specError)(nil)
	switch {
	case errors.As(err, &se):
		return se.rc
	case errors.Is(err, errNoRoute):
		return ocfErrGeneric
	case errors.As(err, &netlink.LinkNotFoundError{}):
		return ocfErrInstalled
	}
	return netlinkCode(err)
}

// netlinkCode maps what the kernel answered.
func netlinkCode(err error) int {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return ocfErrPerm
	}
	return ocfErrGeneric
}

// state tells where the address is: on the interface the resource wants (or, if
// none is configured, on any that is not the loopback), only elsewhere, or nowhere.
func (a *ipaddr) state(k *host, s ipSpec) (here, elsewhere []kernelAddr, err error) {
	found, err := k.find(s.ip)
	if err != nil {
		return nil, nil, fmt.Errorf("reading addresses: %w", err)
	}
	for _, x := range found {
		l, err := k.h.LinkByIndex(x.index)
		if err != nil {
			continue // the interface went away, and its addresses with it
		}
		loop := l.Attrs().Flags&net.FlagLoopback != 0
		switch {
		case s.nic == l.Attrs().Name, s.nic == "" && !loop:
			here = append(here, x)
		case loop && (s.lvs || s.nic == ""):
			// Parked there by lvs_support; it is not served to the network.
		default:
			elsewhere = append(elsewhere, x)
		}
	}
	return here, elsewhere, nil
}

func (a *ipaddr) monitor(k *host, s ipSpec, env *Env) int {
	here, elsewhere, err := a.state(k, s)
	switch {
	case err != nil:
		return env.fail(netlinkCode(err), "%v", err)
	case len(here) > 0:
		if l, err := k.h.LinkByIndex(here[0].index); err == nil && l.Attrs().Flags&net.FlagUp == 0 {
			return env.fail(ocfErrGeneric, "%s is configured on %s, but that interface is down", s.ip, l.Attrs().Name)
		}
		return ocfSuccess
	case len(elsewhere) > 0:
		return env.fail(ocfErrGeneric, "%s is configured on the wrong interface (%s instead of %s)", s.ip, k.linkName(elsewhere[0].index), s.nic)
	}
	return ocfNotRunning
}

func (k *host) linkName(index int) string {
	if l, err := k.h.LinkByIndex(index); err == nil {
		return l.Attrs().Name
	}
	return fmt.Sprintf("interface %d", index)
}

// start adds the address and announces it; keep tells that the announcements
// under way own the host's socket now.
func (a *ipaddr) start(ctx context.Context, k *host, s ipSpec, env *Env) (rc int, keep bool) {
	if s.probe && s.ip.Is4() {
		if err := a.otherOwner(ctx, k, s); err != nil {
			return env.fail(placeCode(err), "%v", err), false
		}
	}
	l, label, up, err := a.configure(k, s, env)
	if err != nil {
		return env.fail(placeCode(err), "%s: %v", s.ip, err), false
	}
	if up {
		return ocfSuccess, false
	}
	nic := l.Attrs().Name
	if label == "" {
		label = nic
	}
	if s.ip.Is4() {
		env.info("Sending Gratuitous Arp for %s on %s [%s]", s.ip, label, nic)
	} else {
		env.info("Sending unsolicited neighbour advertisement for %s on %s", s.ip, nic)
	}
	keep = a.announce(ctx, k, l, s, env)
	if s.startScript != "" {
		if out, err := realtime.CombinedOutput(exec.CommandContext(ctx, s.startScript)); err != nil {
			return env.fail(ocfErrGeneric, "local_start_script %s: %v: %.200s", s.startScript, err, out), keep
		}
	}
	return ocfSuccess, keep
}

// configure makes the kernel have the address; up tells that it had it before.
func (a *ipaddr) configure(k *host, s ipSpec, env *Env) (l netlink.Link, label string, up bool, err error) {
	defer lockAddresses(env.runDir())()
	here, elsewhere, err := a.state(k, s)
	if err != nil {
		return nil, "", false, err
	}
	if len(here) > 0 {
		if l, err := k.h.LinkByIndex(here[0].index); err == nil && l.Attrs().Flags&net.FlagUp == 0 {
			if err := k.h.LinkSetUp(l); err != nil {
				return nil, "", false, fmt.Errorf("bringing up %s: %w", l.Attrs().Name, err)
			}
		}
		return nil, "", true, nil
	}
	if len(elsewhere) > 0 {
		return nil, "", false, fmt.Errorf("it is configured on %s already, not on %s: stop it there first", k.linkName(elsewhere[0].index), s.nic)
	}
	l, bits, err := k.place(s)
	if err != nil {
		return nil, "", false, err
	}
	nic := l.Attrs().Name
	switch {
	case !s.ip.Is4():
	case s.iflabel != "":
		if label = nic + ":" + s.iflabel; len(label) > maxLabel {
			return nil, "", false, badSpec("label %s is longer than %d characters", label, maxLabel)
		}
	case a.name == "IPaddr":
		if label, err = k.freeLabel(l); err != nil {
			return nil, "", false, err
		}
	}
	if s.lvs {
		if err := a.unpark(k, s.ip); err != nil {
			return nil, "", false, err
		}
	}
	prefix := netip.PrefixFrom(s.ip, bits)
	bcast := s.broadcast
	if s.ip.Is4() && !bcast.IsValid() && bits < 31 {
		bcast = lastAddress(prefix)
	}
	shown := label
	if shown == "" {
		shown = nic
	}
	if s.ip.Is4() && a.name == "IPaddr" {
		b := ""
		if bcast.IsValid() {
			b = " broadcast " + bcast.String()
		}
		env.info("ifconfig %s %s netmask %s%s", shown, s.ip, dottedMask(bits), b)
	} else {
		env.info("Adding address %s to %s", prefix, shown)
	}
	seconds, may := env.lifetime()
	if !may {
		return nil, "", false, errNoRight
	}
	if err := k.add(l, s, bits, bcast, label, seconds); err != nil {
		return nil, "", false, err
	}
	// This process may have been stopped between the question and the address.
	if _, may := env.lifetime(); !may {
		return nil, "", false, errors.Join(errNoRight, a.unconfigure(k, s))
	}
	return l, label, false, nil
}

// errNoRight indicates that the right to hold an address ended during its start.
var errNoRight = errors.New("this node has no right to hold the address any more")

// unconfigure takes back what configure did.
func (a *ipaddr) unconfigure(k *host, s ipSpec) error {
	here, _, err := a.state(k, s)
	for i := range here {
		err = errors.Join(err, k.remove(&here[i]))
	}
	return err
}

// unpark removes the address from the loopback device.
func (a *ipaddr) unpark(k *host, ip netip.Addr) error {
	found, err := k.find(ip)
	if err != nil {
		return err
	}
	for _, x := range found {
		if l, err := k.h.LinkByIndex(x.index); err == nil && l.Attrs().Flags&net.FlagLoopback != 0 {
			if err := k.remove(&x); err != nil {
				return err
			}
		}
	}
	return nil
}

// announce sends the first announcement at once and the rest in the background.
// A failure to announce is told and is no failure of the start: the address is up.
func (a *ipaddr) announce(ctx context.Context, k *host, l netlink.Link, s ipSpec, env *Env) (keep bool) {
	if s.arpCount == 0 {
		return false
	}
	an, err := newAnnouncer(l, s.ip)
	if an == nil {
		if err != nil {
			env.info("%v", err)
		}
		return false
	}
	send := an.first
	if s.arpCount == 1 {
		send = an.send
	}
	if err := send(); err != nil {
		env.info("%v", err)
	}
	if s.arpCount == 1 {
		an.close()
		return false
	}
	keepAnnouncing(s.ip, an, 1, s.arpCount, s.arpInterval, func() bool { return k.serves(s.ip) }, k.close)
	if !s.background {
		announcing(ctx, s.ip)
	}
	return true
}

func (a *ipaddr) stop(ctx context.Context, k *host, s ipSpec, env *Env) int {
	released, err := a.remove(k, s, env)
	if err != nil {
		return env.fail(netlinkCode(err), "%s: %v", s.ip, err)
	}
	if released {
		env.info("IP Address %s released", s.ip)
		if s.stopScript != "" {
			if out, err := realtime.CombinedOutput(exec.CommandContext(ctx, s.stopScript)); err != nil {
				env.info("local_stop_script %s: %v: %.200s", s.stopScript, err, out)
			}
		}
	}
	return ocfSuccess
}

// remove takes the address from the interface, and looks that it is gone.
func (a *ipaddr) remove(k *host, s ipSpec, env *Env) (released bool, err error) {
	stopAnnouncing(s.ip)
	defer lockAddresses(env.runDir())()
	for range 3 {
		here, elsewhere, err := a.state(k, s)
		if err != nil {
			return released, err
		}
		// An address on a wrong interface is a failure the stop has to cure.
		here = append(here, elsewhere...)
		if len(here) == 0 {
			return released, nil
		}
		for i := range here {
			if here[i].label != "" {
				env.info("ifconfig %s %s down", here[i].label, s.ip)
			}
			if err := k.remove(&here[i]); err != nil {
				return released, err
			}
			released = true
		}
		if s.lvs {
			if err := a.park(k, s.ip); err != nil {
				return released, err
			}
		}
	}
	return released, errors.New("the address comes back after each removal: something else configures it")
}

// park adds the address to the loopback device as a host address.
func (a *ipaddr) park(k *host, ip netip.Addr) error {
	lo, err := k.h.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("lvs_support: loopback device: %w", err)
	}
	return k.add(lo, ipSpec{ip: ip, preferred: -1}, ip.BitLen(), netip.Addr{}, "", 0)
}

// Release implements [Releaser]: the address is removed wherever it is, whatever
// stops it otherwise would run.
func (a *ipaddr) Release(env Env) error {
	s, err := parseIPSpec(essential(env.Params))
	if err != nil {
		return err
	}
	if s.lvs = false; s.nic != "lo" {
		s.nic = ""
	}
	k, err := openHost()
	if err != nil {
		return err
	}
	defer k.close()
	_, err = a.remove(k, s, &env)
	return err
}

// announceMore is the part of a start that outlives it, for a start whose
// process ends at once: all announcements but the first.
func (a *ipaddr) announceMore(ctx context.Context, k *host, s ipSpec) (rc int) {
	here, _, err := a.state(k, s)
	if err != nil || len(here) == 0 {
		return ocfNotRunning
	}
	l, err := k.h.LinkByIndex(here[0].index)
	if err != nil {
		return ocfErrGeneric
	}
	an, err := newAnnouncer(l, s.ip)
	if err != nil || an == nil {
		return ocfErrGeneric
	}
	keepAnnouncing(s.ip, an, 1, s.arpCount, s.arpInterval, func() bool { return k.serves(s.ip) }, func() {})
	announcing(ctx, s.ip)
	return ocfSuccess
}
