// Package lab builds a network of real machines, as far as the Linux kernel can
// lend them, on one computer: nodes are sets of namespaces, segments are
// bridges, cables are veth pairs.
//
// The nouns:
//
//   - A [Lab] is one network with its segments. Everything of it lies in
//     namespaces of its own and in one temporary directory; Close removes both,
//     and the kernel does when the process that made the lab dies.
//   - A [Node] is one machine: its own network, mount, UTS, IPC and PID
//     namespaces, a private root with the host's programs read-only, and a disk
//     that survives a crash. Exec and Start run programs in it; Crash is the
//     power cord, Boot the power button, Cut and Mend are its cables.
//   - A [Process] is a program started in a node.
//   - A [Sampler] watches which nodes hold an address, and for how long two do.
//   - A [Probe] is a client that asks an address for an echo all the time.
//
// Caveats. The first process of a node is the calling program executed anew
// with the argument "lab-init"; a program that makes labs calls [InitMain] when
// it sees that argument. Without root the whole program must run in a user
// namespace, which [Enter] arranges. All nodes share one kernel: its page cache
// outlives a crash, so a lab does not test what a disk forgets.
package lab
