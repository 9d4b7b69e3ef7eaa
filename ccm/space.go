package ccm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm/agree"
)

// ErrDiskFull indicates that the file system below the state directory has no
// room: nothing was written.
var ErrDiskFull = errors.New("the disk is full")

// Room, in bytes: what cluster.db has beyond what it uses, besides room for a
// snapshot; the free space below which a file system counts as full; and from
// which one that was full does not any more.
const (
	spareRoom  = 1 << 20
	leastRoom  = 1 << 20
	enoughRoom = 2 << 20
)

// Periods of the watch on free space, and of the tries to write what did not go.
const (
	spaceEvery = time.Second
	fullRetry  = 250 * time.Millisecond
)

// DiskState is how much room the file system below the state directory has.
type DiskState struct {
	Dir string
	// Full: this node takes no changes from its clients and is not the DC while
	// another member can be. What others decide it still stores, in the room that
	// cluster.db has for that.
	Full bool
	// Blocked: not even that goes. Nothing is promised or acknowledged.
	Blocked bool
	// Free and Size are in bytes, Free as this process may use it.
	Free, Size int64
}

// Sentence says what is wrong and what helps, "" where nothing is.
func (d DiskState) Sentence() string {
	if !d.Full && !d.Blocked {
		return ""
	}
	what := "changes are not taken here until there are " + amount(enoughRoom) + " again"
	if d.Blocked {
		what = "nothing can be stored, so this node takes no part in the cluster until there is room"
	}
	return fmt.Sprintf("the file system of %s is full (%s free of %s): %s; free some space there", d.Dir, amount(d.Free), amount(d.Size), what)
}

func amount(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d kB", n>>10)
}

// space keeps room in cluster.db, so that what this node has to promise and to
// acknowledge goes on being stored when the file system around it is full: pages
// that become free are used again, and a snapshot drops all changes before it.
type space struct {
	path string
	// used is the length of the file in use, snapshot the size of the newest one.
	used, snapshot atomic.Int64
	kept           atomic.Int64 // how much of the file is allocated for certain
	short          atomic.Bool  // there was no room for what is to be kept
	never          atomic.Bool  // the file system cannot keep room
}

// reserve sees to it that the room is there. It may be called from any goroutine.
func (s *space) reserve() {
	want := (s.used.Load() + s.snapshot.Load() + 2*spareRoom - 1) / spareRoom * spareRoom
	if s.never.Load() || want <= s.kept.Load() {
		return
	}
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	switch err := unix.Fallocate(int(f.Fd()), 0, 0, want); {
	case err == nil:
		s.kept.Store(want)
		s.short.Store(false)
	case err == unix.ENOSPC, err == unix.EDQUOT:
		s.short.Store(true)
	case err != unix.EINTR:
		s.never.Store(true)
		s.short.Store(false)
	}
}

// look measures the free space; was is the state before.
func (s *space) look(was DiskState) DiskState {
	now := DiskState{Dir: filepath.Dir(s.path), Blocked: was.Blocked}
	var st unix.Statfs_t
	if err := unix.Statfs(now.Dir, &st); err != nil {
		return was // unknown: as before
	}
	free := st.Bavail
	if os.Geteuid() == 0 {
		free = st.Bfree
	}
	now.Free, now.Size = int64(free)*st.Bsize, int64(st.Blocks)*st.Bsize
	if s.short.Load() {
		s.reserve()
	}
	least := int64(leastRoom)
	if was.Full {
		least = enoughRoom
	}
	now.Full = now.Free < least || s.short.Load() || now.Blocked
	return now
}

// noRoom reports whether an error says that a file system or a quota is full,
// and that nothing was written. An error of a sync is another thing: after it
// nobody knows what is on the disk.
func noRoom(err error) bool {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Op != "sync" && (path.Err == unix.ENOSPC || path.Err == unix.EDQUOT)
	}
	// bbolt does not wrap what it says of the growth of its file; its syncs fail
	// with the bare number.
	return strings.HasPrefix(err.Error(), "file resize error") && strings.HasSuffix(err.Error(), unix.ENOSPC.Error())
}

// watchSpace looks at the free space until ctx ends, or the node has.
func (n *Node) watchSpace(ctx context.Context) {
	tick := time.NewTicker(spaceEvery)
	defer tick.Stop()
	for {
		n.mu.Lock()
		was := n.disk
		n.mu.Unlock()
		if now := n.store.space.look(was); now != was {
			n.inbox.put(func() {
				n.setDisk(func(d *DiskState) {
					now.Blocked = d.Blocked
					now.Full = now.Full || d.Blocked
					*d = now
				})
			})
		}
		select {
		case <-tick.C:
		case <-n.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Disk returns how much room there is.
func (n *Node) Disk() DiskState {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.disk
}

// setDisk takes a new state of the disk; a DC that cannot write gives way.
func (n *Node) setDisk(change func(*DiskState)) {
	n.mu.Lock()
	was := n.disk
	change(&n.disk)
	now := n.disk
	n.mu.Unlock()
	if now.Full != was.Full {
		n.m.SetFit(n.clock(), !now.Full)
	}
	switch {
	case (now.Full || now.Blocked) && (now.Full != was.Full || now.Blocked != was.Blocked):
		n.log.Error(now.Sentence())
	case was.Full && !now.Full:
		n.log.Info(fmt.Sprintf("The file system of %s has room again (%s free): changes are taken again", now.Dir, amount(now.Free)))
	}
}

// refused takes note that the write that is held found no room, and tries again
// later. Others may lose sight of this node meanwhile, as of one whose disk does
// not answer; nothing was said that relies on the write.
func (n *Node) refused(err error) {
	if n.blocked == 0 {
		n.blocked = n.clock()
		n.log.Error(err.Error())
		was := n.Disk()
		now := n.store.space.look(was)
		n.setDisk(func(d *DiskState) { *d = now; d.Blocked, d.Full = true, true })
	}
	if n.clock()-n.blocked >= int64(n.cfg.Timing.Deadtime) {
		n.m.Shed()
		n.mu.Lock()
		if n.view.Quorum {
			n.view.Quorum, n.view.DC = false, ""
			n.view.Event, n.view.Reason = agree.EventInvalid, "no quorum: "+n.disk.Sentence()
			close(n.viewCh)
			n.viewCh = make(chan struct{})
		}
		n.mu.Unlock()
	}
	time.AfterFunc(fullRetry, func() {
		n.inbox.put(func() {
			if n.held != nil && !n.writing {
				n.write()
			}
		})
	})
}

// unblocked is told that a write has found room after all.
func (n *Node) unblocked() {
	n.blocked = 0
	now := n.store.space.look(n.Disk())
	n.setDisk(func(d *DiskState) {
		*d = now
		d.Blocked = false
		d.Full = d.Free < enoughRoom || n.store.space.short.Load()
	})
	v := ViewOf(n.m.View())
	n.mu.Lock()
	n.view = v
	close(n.viewCh)
	n.viewCh = make(chan struct{})
	n.mu.Unlock()
}
