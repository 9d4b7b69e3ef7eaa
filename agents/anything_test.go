package agents

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAnything(t *testing.T) {
	dir := t.TempDir()
	p := map[string]string{"binfile": "/bin/sh", "cmdline_options": `-c 'echo "in $PWD"; echo oops >&2; while :; do sleep 0.2; done'`,
		"workdir": dir, "logfile": filepath.Join(dir, "out"), "errlogfile": filepath.Join(dir, "err"), "pidfile": filepath.Join(dir, "pid")}
	life(t, "anything", p, wholeLife...)
	for f, want := range map[string]string{"out": "in " + dir + "\nin " + dir + "\n", "err": "oops\noops\n"} {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil || !strings.HasPrefix(want, string(b)) || len(b) == 0 {
			t.Errorf("%s holds %q (%v)", f, b, err)
		}
	}
	p["monitor_hook"] = "test -e " + dir + "/well"
	life(t, "anything", p, step{"start", 0}, step{"monitor", 1})
	must(t, os.WriteFile(dir+"/well", nil, 0o600))
	life(t, "anything", p, step{"monitor", 0}, step{"stop", 0})

	if rc, said := call(t, "anything", "start", map[string]string{"binfile": "/nowhere/prog"}); rc != 5 {
		t.Errorf("a missing program: %d %s", rc, said)
	}
	if rc, said := call(t, "anything", "start", map[string]string{"binfile": "/bin/sh", "cmdline_options": "-c 'exit 3'"}); rc != 1 || !strings.Contains(said, "exit status 3") {
		t.Errorf("a program that ends at once: %d %s", rc, said)
	}
}

// One that does not want to end is killed after stop_timeout.
func TestAnythingStubborn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	p := map[string]string{"binfile": "/bin/sh", "cmdline_options": `-c 'trap "" TERM; while :; do sleep 0.05; done'`, "pidfile": file, "stop_timeout": "0"}
	life(t, "anything", p, step{"start", 0})
	pid, err := pidOf(file)
	must(t, err)
	rc, said := call(t, "anything", "stop", p)
	if rc != 0 || !strings.Contains(said, "is killed") {
		t.Errorf("stop returned %d: %s", rc, said)
	}
	if unix.Kill(pid, 0) == nil && !isZombie(pid) {
		t.Error("it runs still")
	}
}

// A number in a pid file that meanwhile belongs to another process is no proof,
// nor is nonsense.
func TestPidOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	own := strconv.Itoa(os.Getpid())
	for text, want := range map[string]int{own + "\n": os.Getpid(), "": 0, "x": 0, "1": 0, "-5": 0, "99999999": 0, own + "\nand more": os.Getpid()} {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if pid, err := pidOf(file); pid != want || err != nil {
			t.Errorf("%q: process %d, %v", text, pid, err)
		}
	}
	must(t, os.WriteFile(file, []byte(own), 0o600))
	old := time.Now().Add(-24 * time.Hour)
	must(t, os.Chtimes(file, old, old))
	if pid, err := pidOf(file); pid != 0 || err != nil {
		t.Errorf("a file older than the process: %d, %v", pid, err)
	}
}
