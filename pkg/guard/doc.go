// Package guard is the small second process of a node: it outlives the daemon
// and owns the end of the lease.
//
// The daemon writes the end of its right to run into a [State], a page shared
// with the guard, whenever a quorum confirms it anew. While the daemon lives it
// releases by itself what it holds; the guard looks only whether it has. When
// the daemon is dead, the guard starts the stops at the end of the lease. When
// the daemon lives but has not let go at the bound (it hangs, or is stopped), the
// guard kills it and takes everything away: addresses, and the process groups
// of agents.
//
// What the guard cannot help: both processes killed or stopped at once, and a
// resource that neither its agent nor force can release. There is no watchdog
// behind it yet.
package guard
