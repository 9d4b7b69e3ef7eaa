package logd

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/seedrow"
)

// TestLogd: the daemon takes lines and says that it runs; without it ha_logger
// says so.
func TestLogd(t *testing.T) {
	seedrow.Shows(t, "002-010")
	dir := t.TempDir()
	conf, logFile, debugFile := filepath.Join(dir, "logd.cf"), filepath.Join(dir, "ha-log"), filepath.Join(dir, "ha-debug")
	text := "# remark\nlogfile " + logFile + "\ndebugfile " + debugFile + "\nlogfacility none\nentity logd\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	call := func(logger bool, args ...string) (int, string) {
		var out bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: &out, RunDir: filepath.Join(dir, "heartbeat")}
		cmd := NewDaemon(env)
		if logger {
			cmd = NewLogger(env)
		}
		return cli.Run(env, cmd, append([]string{"--state-dir", dir}, args...)), out.String()
	}
	if code, out := call(false, "-s"); code != 3 || out != "logging daemon is stopped.\n" {
		t.Errorf("-s without it: %d %q", code, out)
	}
	if code, out := call(true, "hello"); code != 1 || out != "logd is not running" {
		t.Errorf("ha_logger without it: %d %q", code, out)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if code, out := call(false, "-c", conf); code != 0 {
			t.Errorf("ha_logd: %d %q", code, out)
		}
	})
	until(t, func() bool {
		_, out := call(false, "-s")
		return strings.HasPrefix(out, "logging daemon is running [pid = ")
	})
	for _, args := range [][]string{{"-t", "mytag", "hello", "world"}, {"-D", "ha-debug", "-t", "mytag", "detail"}} {
		if code, out := call(true, args...); code != 0 || out != "" {
			t.Errorf("ha_logger %q: %d %q", args, code, out)
		}
	}
	line := regexp.MustCompile(`(?m)^mytag\[\d+\]: \d{4}/\d\d/\d\d_\d\d:\d\d:\d\d info: hello world$`)
	until(t, func() bool {
		return line.MatchString(read(logFile)) && strings.Contains(read(debugFile), " debug: detail\n")
	})
	if strings.Contains(read(logFile), "detail") {
		t.Errorf("a line of debug is in the log file:\n%s", read(logFile))
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if code, out := call(false, "-s"); code != 3 {
		t.Errorf("-s after the end: %d %q", code, out)
	}
}

// TestConfigRefused: a bad file gives one sentence with its line.
func TestConfigRefused(t *testing.T) {
	for text, want := range map[string]string{"frob 1\n": ":1: Illegal directive [frob]", "\nlogfacility nowhere\n": ":2: Log facility(nowhere) not valid", "logfile x\n": "is not an absolute path", "entity\n": "is not a directive and its value"} {
		file := filepath.Join(t.TempDir(), "logd.cf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readConfig(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("logfile /var/log/ha-log\nlogfacility local0 # x\n")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "logd.cf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := readConfig(file); err == nil && !strings.HasPrefix(c.log.File, "/") {
			t.Errorf("log file %q", c.log.File)
		}
	})
}

func read(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("not reached within 10 s")
		}
	}
}
