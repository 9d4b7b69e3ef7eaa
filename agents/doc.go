// Package agents holds the built-in resource agents. Each is a function of an
// action and an environment, as an OCF agent is, and can be called as one:
// "quorate ocf heartbeat IPaddr monitor" ([Main]).
//
// [Lookup] finds an agent by class, provider and type: ocf:quorate:NAME, and the
// names under which configurations know them (ocf:heartbeat:IPaddr, the class
// heartbeat with positional arguments, ocf:pacemaker:Dummy). Whether a script of
// that name goes first is for the caller to decide.
//
// IPaddr and IPaddr2 change addresses through netlink, observed before and after:
// a stop removes exactly its address, keeping those which the kernel would take
// along. The first announcement (gratuitous ARP, IPv6 neighbour advertisement) goes
// out in the start; the rest follow in the background, end with the stop before the
// address goes, and are not sent when the address went by other means. IPv6
// addresses are used without duplicate address detection: that only one node has
// an address is for the membership layer to guarantee.
//
// [Pingd] turns the states of ping nodes into the value of a node attribute.
package agents
