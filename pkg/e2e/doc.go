// Package e2e lives through what the documents promise, as an administrator
// would: the built program in nodes of package lab, its files under /etc/ha.d,
// its commands by their names. It holds only tests. The demo's own scenario is
// tested in package demo.
//
// A test makes a cluster, does one thing at a time and polls for the state that
// must follow, with a deadline and never with a pause. On failure the logs of
// the nodes, and what crm_mon and cibadmin said, are kept; the test names the
// directory.
//
// Time budget: the whole package takes less than 90 s of wall time on two
// processors, of which the program under test is built in the first seconds.
// Tests run in parallel, each in a lab of its own; -short leaves all of them
// out. A new test should rather continue a cluster that exists than start one:
// a start costs about three seconds.
//
// QUORATE_E2E_RACE=1 builds the program with the race detector; every test
// fails when a daemon has logged a race or a panic.
package e2e
