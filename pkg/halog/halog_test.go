package halog

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/seedrow"
)

var sample = time.Date(2008, 4, 7, 10, 28, 32, 0, time.UTC)

func record(level slog.Level, text string) Record {
	return Record{Time: sample, Entity: "heartbeat", PID: 3381, Level: level, Text: text}
}

// said collects what sinks tell of themselves.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) say(level, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, level+": "+text)
}

func (s *said) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not reached within 10 s", what)
		}
	}
}

func content(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// TestFiles: the log file gets all but debug, the debug file all, in the shape of
// Heartbeat's files.
func TestFiles(t *testing.T) {
	seedrow.Shows(t, "002-045", "002-046")
	dir, no := t.TempDir(), false
	l := hacf.Log{File: filepath.Join(dir, "ha-log"), DebugFile: filepath.Join(dir, "ha-debug"), UseLogd: &no}
	s := Open(l, Options{Say: new(said).say})
	s.Put(record(slog.LevelWarn, "node slave6: is dead"))
	s.Put(record(slog.LevelDebug, "detail"))
	s.Put(record(LevelCritical, "two\nlines"))
	s.Close(10 * time.Second)
	warn, debug, crit := "heartbeat[3381]: 2008/04/07_10:28:32 WARN: node slave6: is dead\n", "heartbeat[3381]: 2008/04/07_10:28:32 debug: detail\n", "heartbeat[3381]: 2008/04/07_10:28:32 CRIT: two lines\n"
	if got := content(l.File); got != warn+crit {
		t.Errorf("logfile:\n%s", got)
	}
	if got := content(l.DebugFile); got != warn+debug+crit {
		t.Errorf("debugfile:\n%s", got)
	}
}

// TestSyslogFormat: syslogmsgfmt writes files in the shape of syslog.
func TestSyslogFormat(t *testing.T) {
	seedrow.Shows(t, "000-034", "001-029")
	file, no := filepath.Join(t.TempDir(), "ha-log"), false
	s := Open(hacf.Log{File: file, SyslogFormat: true, UseLogd: &no}, Options{Say: new(said).say})
	s.Put(record(slog.LevelInfo, "Link slave6:eth1 dead."))
	s.Close(10 * time.Second)
	if want := "Apr  7 10:28:32 " + hostname() + " heartbeat: [3381]: info: Link slave6:eth1 dead.\n"; content(file) != want {
		t.Errorf("got  %qwant %q", content(file), want)
	}
}

// TestSyslog: syslog gets facility, severity, entity and process, and again after
// it was restarted.
func TestSyslog(t *testing.T) {
	seedrow.Shows(t, "001-029", "002-047", "004-008")
	socket, no := filepath.Join(t.TempDir(), "log"), false
	listen := func() *net.UnixConn {
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	read := func(c *net.UnixConn) string {
		b := make([]byte, 4096)
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	var told said
	first := listen()
	s := Open(hacf.Log{Facility: "local0", UseLogd: &no}, Options{Syslog: socket, Say: told.say})
	s.Put(record(slog.LevelWarn, "node slave6: is dead"))
	if got, want := read(first), "<132>Apr  7 10:28:32 heartbeat: [3381]: WARN: node slave6: is dead"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	first.Close()
	os.Remove(socket)
	s.Put(record(slog.LevelInfo, "lost"))
	s.Put(record(slog.LevelInfo, "lost too"))
	until(t, "the failure is said", func() bool { return len(told.all()) == 1 })
	second := listen()
	s.Put(record(slog.LevelInfo, "again"))
	if got := read(second); !strings.HasSuffix(got, "info: again") {
		t.Errorf("after a restart: %q", got)
	}
	s.Close(10 * time.Second)
}

// TestFailureSaidOnce: a missing directory and a full disk are said once, with the
// remedy, and survived.
func TestFailureSaidOnce(t *testing.T) {
	seedrow.Shows(t, "004-007")
	dir := t.TempDir()
	file := filepath.Join(dir, "missing", "ha-log")
	for path, remedy := range map[string]string{file: "its directory must exist", "/dev/full": "the disk is full"} {
		var told said
		s := NewFile(path, (*Record).File, told.say)
		for range 3 {
			s.Put(record(slog.LevelInfo, "x"))
			until(t, "an attempt at "+path, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.waiting) == 0 && !s.writing && s.broken })
		}
		if got := told.all(); len(got) != 1 || !strings.Contains(got[0], remedy) || !strings.Contains(got[0], path) {
			t.Errorf("%s: said %q", path, got)
		}
		if path == file {
			if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			s.Put(record(slog.LevelInfo, "after"))
			until(t, "the file is written", func() bool { return strings.HasSuffix(content(file), "info: after\n") })
			until(t, "that is said", func() bool {
				got := told.all()
				return len(got) == 2 && strings.Contains(got[1], "3 lines are not in it")
			})
		}
		s.Close(10 * time.Second)
	}
}

// TestLogd: lines go to ha_logd, and where ha.cf says else while it does not run.
func TestLogd(t *testing.T) {
	seedrow.Shows(t, "002-048", "003-010")
	dir, yes := t.TempDir(), true
	socket, file := filepath.Join(dir, LogdSocketName), filepath.Join(dir, "ha-log")
	if !(hacf.Log{}).Logd() || Open(hacf.Log{ReconnectInterval: 1}, Options{Logd: socket}).logd == nil {
		t.Error("without any place for the log it does not go to ha_logd")
	}
	var told said
	s := Open(hacf.Log{File: file, UseLogd: &yes, ReconnectInterval: time.Millisecond}, Options{Logd: socket, Say: told.say})
	s.Put(record(slog.LevelInfo, "without"))
	until(t, "the file has the line", func() bool { return strings.HasSuffix(content(file), "info: without\n") })
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make(chan Record, 100)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if r, err := DecodeLogd(b[:n]); err == nil {
				got <- r
			}
		}
	}()
	until(t, "ha_logd gets a line", func() bool { s.Put(record(slog.LevelWarn, "with")); return len(got) > 0 })
	if r := <-got; r.Text != "with" || r.PID != 3381 || r.Level != slog.LevelWarn || !r.Time.Equal(sample) {
		t.Errorf("%+v", r)
	}
	s.Close(10 * time.Second)
	if all := told.all(); len(all) != 2 || !regexp.MustCompile("does not answer").MatchString(all[0]) {
		t.Errorf("said: %q", all)
	}
}
