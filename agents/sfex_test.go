package agents

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/seedrow"
)

// lockFile makes a file that stands for a shared disk.
func lockFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	must(t, os.WriteFile(file, make([]byte, 5*lockBlock), 0o600))
	if rc := SfexInit([]string{"-n", "3", file}, io.Discard, t.Output()); rc != 0 {
		t.Fatalf("sfex_init returned %d", rc)
	}
	return file
}

// Two nodes see one disk with a lock.
func TestSfex(t *testing.T) {
	seedrow.Shows(t, "002-037")
	file := lockFile(t)
	p := map[string]string{"device": file, "index": "2", "collision_timeout": "0", "monitor_interval": "1", "lock_timeout": "2"}
	as := func(node string) {
		nodeName = func() (string, error) { return node, nil }
		rundirs[t.Name()] = filepath.Join(filepath.Dir(file), node)
	}
	defer func() { nodeName = os.Hostname }()
	as("alpha")
	life(t, "sfex", p, wholeLife...)
	life(t, "sfex", p, step{"start", 0})
	var out bytes.Buffer
	if rc := SfexStat([]string{"-i", "2", file}, &out, t.Output()); rc != 0 || !strings.Contains(out.String(), "status:    lock\n") || !strings.Contains(out.String(), "node name: alpha\n") {
		t.Errorf("sfex_stat returned %d: %s", rc, out.String())
	}
	as("beta")
	rc, said := call(t, "sfex", "start", p)
	if rc != 1 || !strings.Contains(said, "alpha has lock 2") || !strings.Contains(said, "and renews it") {
		t.Errorf("the other node's start returned %d: %s", rc, said)
	}
	life(t, "sfex", p, step{"monitor", 7})
	// A node that dies renews no more: the lock becomes free by itself.
	as("alpha")
	r := &request{Env: &Env{Instance: "test", RunDir: rundir(t), Params: p}}
	_, pid, err := r.mine()
	must(t, err)
	must(t, unix.Kill(pid, unix.SIGKILL))
	wait(t, "the process that renews is gone", func() bool { return !holderRuns(r, pid) })
	if rc, said := call(t, "sfex", "monitor", p); rc != 1 || !strings.Contains(said, "has ended") {
		t.Errorf("monitor without its process returned %d: %s", rc, said)
	}
	as("beta")
	began := time.Now()
	life(t, "sfex", p, step{"start", 0}, step{"monitor", 0})
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("a lock was taken over after %s", took)
	}
	as("alpha")
	if rc, said := call(t, "sfex", "monitor", p); rc != 1 || !strings.Contains(said, `was lost to "beta"`) {
		t.Errorf("monitor of a lost lock returned %d: %s", rc, said)
	}
	life(t, "sfex", p, step{"stop", 0}, step{"monitor", 7})
	as("beta")
	life(t, "sfex", p, step{"monitor", 0}, step{"stop", 0})
	as("alpha")
	began = time.Now()
	life(t, "sfex", p, step{"start", 0}, step{"stop", 0})
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a free lock was taken after %s", took)
	}
	if n := SfexStat([]string{"-i", "2", file}, io.Discard, io.Discard); n != 2 {
		t.Errorf("sfex_stat of a free lock returned %d", n)
	}
}

func TestDiskLockRefuses(t *testing.T) {
	file := lockFile(t)
	d, err := openLockDisk(file)
	must(t, err)
	defer d.close()
	for _, i := range []int{0, 4} {
		if _, err := d.get(i); err == nil {
			t.Errorf("there is a lock %d of 3", i)
		}
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte{1}, lockBlock+100)
	must(t, err)
	must(t, f.Close())
	if _, err := d.get(1); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("half a block is taken: %v", err)
	}
	raw := filepath.Join(t.TempDir(), "raw")
	must(t, os.WriteFile(raw, make([]byte, 2*lockBlock), 0o600))
	if rc, said := call(t, "sfex", "start", map[string]string{"device": raw}); rc != 1 || !strings.Contains(said, "quorate sfex_init") {
		t.Errorf("an unprepared disk: %d %s", rc, said)
	}
	for _, args := range [][]string{{}, {"-n", "0", raw}, {"-n", "x", raw}, {"/nowhere/disk"}} {
		if rc := SfexInit(args, io.Discard, io.Discard); rc != 3 {
			t.Errorf("sfex_init %q returned %d", args, rc)
		}
	}
	if rc, _ := call(t, "sfex", "start", map[string]string{"device": raw, "lock_timeout": "5", "monitor_interval": "5"}); rc != 6 {
		t.Errorf("a lock that expires between renewals returned %d", rc)
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0}, true)
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		blk := make([]byte, lockBlock)
		copy(blk, b)
		if seal {
			d := filepath.Join(t.TempDir(), "x")
			must(t, os.WriteFile(d, make([]byte, lockBlock), 0o600))
			fd, err := unix.Open(d, unix.O_RDWR, 0)
			must(t, err)
			disk := &lockDisk{fd: fd}
			defer disk.close()
			must(t, disk.write(0, blk[:lockBlock-4]))
			blk, err = disk.read(0)
			must(t, err)
		}
		if s, err := parseLock(blk); err == nil && len(s.owner)+len(s.boot) > lockBlock {
			t.Errorf("%+v", s)
		}
	})
}
