package ccm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm/agree"
)

// fullEnv tells the test that it runs in a mount namespace of its own.
const fullEnv = "QUORATE_CCM_FULL"

// TestFullFileSystem: on a file system that is really full the store goes on in
// the room that it has kept; what does not fit is refused and changes nothing,
// and is written when there is room again.
func TestFullFileSystem(t *testing.T) {
	dir := os.Getenv(fullEnv)
	if dir == "" {
		if os.Geteuid() != 0 {
			t.Skip("SKIPPED: only root can mount a small file system")
		}
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestFullFileSystem$", "-test.v")
		cmd.Env = append(os.Environ(), fullEnv+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("PASS: TestFullFileSystem")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("SKIPPED: no tmpfs can be mounted here: %v", err)
	}
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(0)
	write := func(size int) error {
		w := &agree.Write{Promise: &agree.PromiseWrite{Ballot: agree.Ballot{Number: seq + 1, Proposer: "a"}, Members: []agree.Member{{Name: "a"}}}}
		if s.gathered() || seq == 0 {
			w.Snapshot, w.Stamp = &agree.Snapshot{Seq: seq, App: make([]byte, 20_000)}, &agree.Ballot{Number: 1, Proposer: "a"}
		}
		w.Changes = []agree.Change{{Seq: seq + 1, RequestID: "id", Data: make([]byte, size)}}
		err := s.write(s.prepare(w))
		if err == nil {
			seq++
		}
		return err
	}
	if err := write(100); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	state := s.space.look(DiskState{})
	if !state.Full || state.Free != 0 || !strings.Contains(state.Sentence(), dir+" is full (0 kB free of 8192 kB)") {
		t.Errorf("the state is %+v: %s", state, state.Sentence())
	}
	for range 2000 {
		if err := write(350); err != nil {
			t.Fatalf("change %d, a small one: %v", seq+1, err)
		}
	}
	before := seq
	if err := write(3 << 20); !errors.Is(err, ErrDiskFull) || errors.Is(err, ErrStore) {
		t.Fatalf("a change of 3 MB on a full file system: %v", err)
	}
	for range 100 {
		if err := write(350); err != nil {
			t.Fatalf("change %d, after one that did not fit: %v", seq+1, err)
		}
	}
	check := func() {
		t.Helper()
		if err := s.db.View(func(tx *bolt.Tx) error {
			for err := range tx.Check() {
				t.Errorf("cluster.db: %v", err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	check()
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	// A daemon can start on the full file system, too.
	if s, err = openStore(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.nextLife(time.Now()); err != nil {
		t.Fatal(err)
	}
	st, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	if got := st.Snapshot.Seq + uint64(len(st.Changes)); got != seq || got != before+100 {
		t.Errorf("the store has %d changes, %d were written", got, seq)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if now := s.space.look(state); now.Full {
		t.Errorf("there is room again, and the state is %+v", now)
	}
	if err := write(2 << 20); err != nil {
		t.Errorf("a change of 2 MB when there is room again: %v", err)
	}
	check()
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}

// fill writes a file until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 4096)); errors.Is(err, unix.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoRoomAtAll: a node that cannot even store a change confirms nothing, is
// gone for the others after a time, says why, and comes back by itself.
func TestNoRoomAtAll(t *testing.T) {
	for _, role := range []string{"DC", "member"} {
		t.Run(role, func(t *testing.T) {
			l := newLab(t, "a", "b", "c")
			synctest.Test(t, func(t *testing.T) {
				l.start(l.names...)
				v := l.formed()
				victim, rest := v.DC, []string(nil)
				for _, name := range l.names {
					if name != v.DC && role == "member" {
						victim = name
					}
				}
				for _, name := range l.names {
					if name != victim {
						rest = append(rest, name)
					}
				}
				l.nodes[victim].store.full.Store(true)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				// The others have it on their disks: committed, whosever disk is full.
				if _, err := l.nodes[v.DC].Propose(ctx, "first", []byte("first")); err != nil {
					t.Fatal(err)
				}
				v, _ = l.await(rest[0], "view without it", quorate(rest...))
				gone, _ := l.await(victim, "no quorum", func(v View) bool { return !v.Quorum })
				if !strings.Contains(gone.Reason, "is full") || !l.nodes[victim].Disk().Blocked {
					t.Errorf("the node says %q, its disk is %+v", gone.Reason, l.nodes[victim].Disk())
				}
				if _, err := l.nodes[victim].Propose(ctx, "there", []byte("there")); err == nil {
					t.Error("the node whose disk is full takes a change")
				}
				if _, err := l.nodes[v.DC].Propose(ctx, "second", []byte("second")); err != nil {
					t.Fatal(err)
				}
				l.nodes[victim].store.full.Store(false)
				for _, name := range l.names {
					l.await(name, "view of all", quorate(l.names...))
				}
				if now := l.nodes[victim].Disk(); now.Blocked || now.Full {
					t.Errorf("there is room again, and the disk is %+v", now)
				}
				v, _ = l.nodes[victim].View()
				if _, err := l.nodes[v.DC].Propose(ctx, "third", []byte("third")); err != nil {
					t.Fatal(err)
				}
				l.stopAll()
			})
		})
	}
}
