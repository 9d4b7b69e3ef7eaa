// Package guard is the small second process of a node: it outlives the daemon
// and owns the end of the lease.
//
// The daemon writes the end of its right to run into a [State], a page shared
// with the guard, whenever a quorum confirms it anew. While the daemon lives it
// releases by itself what it holds; the guard looks only whether it has. When
// the daemon is dead, the guard starts the stops at the end of the lease. When
// the daemon lives but has not begun at half of the bound, or not let go at the
// bound (it hangs, or is stopped), the guard kills it and takes everything away:
// addresses, the process groups of agents, filesystems. A daemon that holds only
// addresses loses them first and is killed later: it may just be late. What cannot
// be taken away resets the machine by one of the ways of [Resets].
//
// The nouns: [Guard] is the daemon's hold on the process, [State] what the two
// share, [Watchdog] the open device, [Reset] a way to reset the machine, [Main]
// the process itself. It is real-time where permitted, above the daemon, which may
// be what hangs. Its loop stays on one thread and sleeps in the kernel; nothing of the runtime stands between the end of a
// pause and the look at the lease.
//
// What the guard cannot help: both processes killed or stopped at once. Then the
// watchdog fires, and the kernel takes the addresses when their lifetimes end.
package guard
