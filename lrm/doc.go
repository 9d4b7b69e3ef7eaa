// Package lrm is the local resource manager: it executes the operations of
// resource agents on this node, one at a time per resource, repeats recurring
// ones, and keeps the history of their results.
//
// An [Op] goes into the queue of its resource ([LRM.Execute]); its [Result] comes
// out of [LRM.Results]. Resources run beside each other, up to Config.MaxParallel.
// A recurring operation repeats from beginning to beginning, waits its turn behind
// what is queued, and reports its first result and each that differs from the one
// before. An operation that changes the state (start, stop, promote, …) ends the
// recurring ones of its resource; those without a first result are reported as
// [Cancelled], so that every operation is answered.
//
// Agents are scripts of the classes ocf, lsb and heartbeat, executed as processes,
// units of systemd (class systemd, over D-Bus; class service takes an init script
// where there is one), and the built-in ones of package agents, executed in this process. A script gets
// its own process group and, where control groups (v2) are mounted, a group of its
// own, a clean environment, and at its timeout a SIGKILL for all that belongs to
// it. What it leaves running when it ends by itself lives on. Without control
// groups a process that left both the group and its parents is not found.
//
// Besides the history there is the set of resources believed active: what a start
// was begun for and no stop or probe has disproved. [LRM.StopAll] empties it when
// the right to run resources ends. It depends on no history and, by a journal in
// Config.RunDir, on no life of the daemon: one daemon at a time may use a RunDir.
//
// One goroutine (LRM.run) owns queue, history and set; each execution has one of
// its own for as long as it takes. The queue itself, schedule, has no clock.
package lrm
