// Package hacf reads ha.cf, the configuration file of the base layer.
//
// [Parse] turns text into a [Config] and a list of [Diagnostic] values: all
// errors are found in one pass, each with its file, its line, the text an
// administrator of Heartbeat would search for, and a remedy. It looks at
// nothing but the text. [Load] reads the file and also compares it with the
// machine: its own node name, interfaces, accounts, programs, haresources.
//
// Every directive of Heartbeat 2.1 and 3.0 is known; [Directives] lists them.
// One that has no effect here says so in one warning, never silently.
//
// Caveats. Order matters, as it always did: udpport and baud take effect for
// the media after them. Node names are lower-cased. The programs of the old
// tree (…/heartbeat/pingd, …/heartbeat/ipfail, …/heartbeat/ccm, …) are answered
// by built-ins of the same name, wherever the path points.
package hacf
