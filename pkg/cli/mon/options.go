package mon

import "time"

// Options choose what is shown, as the switches of crm_mon do.
type Options struct {
	// Inactive (-r) shows resources that do not run.
	Inactive bool
	// GroupByNode (-n) lists resources below their nodes.
	GroupByNode bool
	// Attributes (-A) shows node attributes, Failcounts (-f) fail counts,
	// Operations (-o) the history, Timing (-t) with times.
	Attributes, Failcounts, Operations, Timing bool
	// Tickets (-c) shows tickets, Bans (-L) constraints that keep resources off
	// nodes, those whose id begins with BanPrefix.
	Tickets, Bans bool
	BanPrefix     string
	// Brief (-b) counts resources instead of listing them.
	Brief bool
	// HideHeaders (-D) leaves the summary out.
	HideHeaders bool
	// Detail (-R) shows node ids and each instance of a clone.
	Detail bool
	// Quiet (-Q) leaves the times out.
	Quiet bool
	// Settings shows cluster options in the summary.
	Settings bool
	// Hide leaves out sections that are shown by default, by the names that
	// --exclude has for them: nodes, resources, failures, stack, dc, times, counts.
	Hide map[string]bool
	// Node and Resource (--node, --resource) show only what concerns them, or what
	// a tag of that name names; "" is everything.
	Node, Resource string
	// Now is the time of the picture; its location is that of all times shown.
	Now time.Time
	// Extra sections follow at the end.
	Extra []Section
}

// Section is a heading and its lines. A section without lines is not shown.
type Section struct {
	Title string
	Lines []string
}
