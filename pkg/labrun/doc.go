// Package labrun plays the scenario files of the simulator on real daemons, in
// network namespaces of this computer and in real time.
//
// What a lab cannot do is refused by name before anything is built: delay,
// duplication, reordering, clocks, and faults of disks, machines and agents that
// need a model. Loss and cuts between two nodes are rules of nftables in the
// nodes; each verb does what docs/simulator.md says.
package labrun
