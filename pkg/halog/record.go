package halog

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
)

// LevelCritical and LevelNotice are levels beyond slog's.
const (
	LevelNotice   = slog.LevelInfo + 2
	LevelCritical = slog.LevelError + 4
)

// Record is one line of the log.
type Record struct {
	Time   time.Time
	Entity string
	PID    int
	Level  slog.Level
	Text   string
}

// LevelName is the word of a level as Heartbeat wrote it.
func LevelName(l slog.Level) string {
	switch {
	case l >= LevelCritical:
		return "CRIT"
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARN"
	case l >= LevelNotice:
		return "notice"
	case l >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}

// severity is that of syslog.
func severity(l slog.Level) int {
	switch {
	case l >= LevelCritical:
		return 2
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= LevelNotice:
		return 5
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

// File is the line in the shape of Heartbeat's files:
// ENTITY[PID]: YYYY/MM/DD_HH:MM:SS LEVEL: text.
func (r *Record) File() string {
	return fmt.Sprintf("%s[%d]: %s %s: %s\n", r.Entity, r.PID, r.Time.Format("2006/01/02_15:04:05"), LevelName(r.Level), oneLine(r.Text))
}

// Syslog is the line in the shape of a file of syslog (syslogmsgfmt):
// Mon DD HH:MM:SS HOST ENTITY: [PID]: LEVEL: text.
func (r *Record) Syslog(host string) string {
	return fmt.Sprintf("%s %s %s\n", r.Time.Format(time.Stamp), host, r.message())
}

// message is what syslog gets: ENTITY: [PID]: LEVEL: text.
func (r *Record) message() string {
	return fmt.Sprintf("%s: [%d]: %s: %s", r.Entity, r.PID, LevelName(r.Level), oneLine(r.Text))
}

// oneLine keeps a line one line.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\n\r\x00") {
		return s
	}
	return strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(s)
}

// Facilities are the names of logfacility and their numbers.
var Facilities = map[string]int{"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "security": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9, "authpriv": 10, "ftp": 11,
	"local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23}

// hostname is the name of this machine in lines of syslog.
func hostname() string {
	h, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	h, _, _ = strings.Cut(h, ".")
	return h
}
