// Package halog brings lines of the log where ha.cf wants them: logfile,
// debugfile, syslog, or the logging daemon ha_logd.
//
//   - A [Record] is one line: when, which part, which process, level and text.
//   - A [Sink] takes lines: [NewFile], [NewSyslog], [NewLogd].
//   - A [Set] is what ha.cf chooses; see [Open] for the rules.
//
// No writer waits for a disk or a socket: each sink has a goroutine and a bounded
// queue. A sink that does not work says so once, to the other sinks and the
// standard error of its program, and once when it works again; what could not be
// written is counted.
package halog
