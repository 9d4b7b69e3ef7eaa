// Package v1 is what "crm no" means: haresources, executed by the same engine
// as a CIB.
//
//   - A [Plan] is haresources as a configuration: a group for each line, the
//     node that it prefers, and how much it stays where it is (auto_failback).
//   - A [Machine] is what a node does beside the engine: it tells the others
//     which lines it holds, gives them up and takes them over on request
//     (hb_standby, hb_takeover, ipfail), writes the lines of log that people
//     know from Heartbeat 1, and calls the handlers of rc.d.
//
// The machine has no clock, socket, disk or process: views, states of nodes,
// operations, results and messages go in, [Effect]s come out. What may run where
// is not decided here but by the policy engine and the leases, as with "crm
// yes"; the machine moves lines by attributes of its node, which rules of the
// plan look at. They vanish with the daemon, so a node that has restarted is
// again the owner that haresources names.
//
// The scores: a node that runs the daemon has [scoreBase], the preferred one
// [scorePreferred] more, the one that holds a line [scoreStay] more unless
// auto_failback is on, and one that went standby for it scoreStandby less, which
// is still enough to take it when nobody else can.
package v1
