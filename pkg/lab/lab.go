package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Options say what a lab is made of.
type Options struct {
	// Segments are the names of the networks, each one bridge; at most ten
	// bytes each. At least one.
	Segments []string
	// Files maps paths inside every node to files outside, such as the program
	// under test to /lab/bin/quorate; /lab/bin is first in the nodes' PATH.
	Files map[string]string
	// Init is the program that becomes the first process of each node when it
	// is run with the argument "lab-init"; it must call [InitMain] then. Empty
	// means the running program.
	Init string
	// TempDir is where the lab's directory is made; empty means os.TempDir.
	TempDir string
}

// Lab is one network of nodes. Its methods may be called from any goroutine.
type Lab struct {
	opts  Options
	dir   string
	lock  *os.File
	hub   *hub
	spawn chan func()

	mu     sync.Mutex
	nodes  []*Node
	kept   string
	closed bool
}

// The directories of living labs hold a locked file, so that those which a
// killed program left behind are known and removed by the next lab.
const (
	runPattern  = "quorate-lab-run-"
	keptPattern = "quorate-lab-kept-"
	// freshPattern begins the name until the lock is held.
	freshPattern = "quorate-lab-new-"
)

// New makes an empty lab. It needs root or a user namespace, see [Enter];
// without the right it returns an error that wraps [ErrForbidden].
func New(opts Options) (*Lab, error) {
	if !capable() {
		return nil, forbidden(errors.New("CAP_SYS_ADMIN, CAP_NET_ADMIN or CAP_NET_RAW is missing"))
	}
	if len(opts.Segments) == 0 {
		return nil, errors.New("a lab needs at least one segment")
	}
	if opts.Init == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		opts.Init = self
	}
	if opts.TempDir == "" {
		opts.TempDir = os.TempDir()
	}
	sweep(opts.TempDir)
	dir, lock, err := makeDir(opts.TempDir)
	if err != nil {
		return nil, fmt.Errorf("the lab's directory: %w", err)
	}
	l := &Lab{opts: opts, dir: dir, lock: lock, spawn: make(chan func())}
	if l.hub, err = newHub(opts.Segments); err != nil {
		l.lock.Close()
		os.RemoveAll(dir)
		return nil, err
	}
	go l.spawner()
	return l, nil
}

// Dir is the lab's directory: one folder per node with its disk and the output
// of its processes. Close removes it unless Keep was called.
func (l *Lab) Dir() string { return l.dir }

// Nodes returns the nodes in the order in which they were added.
func (l *Lab) Nodes() []*Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Node(nil), l.nodes...)
}

// Keep makes Close leave the lab's directory behind, and returns the name that
// it will have then.
func (l *Lab) Keep() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = filepath.Join(filepath.Dir(l.dir), keptPattern+strings.TrimPrefix(filepath.Base(l.dir), runPattern))
	return l.kept
}

// Close powers every node off and removes the network and the directory. It may
// be called more than once.
func (l *Lab) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	nodes := append([]*Node(nil), l.nodes...)
	kept := l.kept
	l.mu.Unlock()

	var errs []error
	for _, n := range nodes {
		if err := n.Crash(); err != nil && !errors.Is(err, ErrDown) {
			errs = append(errs, err)
		}
	}
	close(l.spawn)
	l.hub.close()
	if kept != "" {
		errs = append(errs, os.Rename(l.dir, kept))
	} else {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	l.lock.Close()
	return errors.Join(errs...)
}

// hostsFile is /etc/hosts of every node: all addresses of the lab, under the
// node's name on its first link, under the names given to a link on that link.
func (l *Lab) hostsFile() []byte {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n")
	for _, n := range l.nodes {
		for i, link := range n.spec.Links {
			names := append([]string(nil), link.Names...)
			if i == 0 {
				names = append([]string{n.spec.Name}, names...)
			}
			if len(names) > 0 {
				fmt.Fprintf(&b, "%s %s\n", link.Addr.Addr(), strings.Join(names, " "))
			}
		}
	}
	return []byte(b.String())
}

// writeHosts renews the hosts file of every node in place, so that running
// nodes see it through their mounts.
func (l *Lab) writeHosts() error {
	text := l.hostsFile()
	for _, n := range l.nodes {
		if err := os.WriteFile(n.hostsPath(), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// spawner runs on one thread for the lab's life: the signal which ends a node
// with its parent follows the thread that started it.
func (l *Lab) spawner() {
	runtime.LockOSThread()
	for f := range l.spawn {
		f()
	}
}

// onSpawner runs f on the spawner's thread.
func (l *Lab) onSpawner(f func() error) error {
	done := make(chan error, 1)
	l.spawn <- func() { done <- f() }
	return <-done
}

// Sample returns the names of the nodes that hold the address at this moment,
// in the order in which they were added. Nodes are read one after another; two
// are returned only if both held it at one instant: a second reading rules out
// that the address moved in between. Unreadable nodes count as down.
func (l *Lab) Sample(addr netip.Addr) []string {
	nodes := l.Nodes()
	owners := sampleOnce(nodes, addr)
	if len(owners) < 2 {
		return names(owners)
	}
	again := sampleOnce(nodes, addr)
	var both []*Node
	for _, n := range owners {
		for _, m := range again {
			if n == m {
				both = append(both, n)
			}
		}
	}
	if len(both) >= 2 {
		return names(both)
	}
	return names(again)
}

func sampleOnce(nodes []*Node, addr netip.Addr) []*Node {
	var owners []*Node
	for _, n := range nodes {
		if n.holds(addr) {
			owners = append(owners, n)
		}
	}
	return owners
}

func names(nodes []*Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.spec.Name
	}
	return out
}

// makeDir makes a lab's directory and locks it. It gets its name when it is
// locked: no other lab may take it for one that was left behind.
func makeDir(tempDir string) (dir string, lock *os.File, err error) {
	fresh, err := os.MkdirTemp(tempDir, freshPattern)
	if err != nil {
		return "", nil, err
	}
	if lock, err = lockDir(fresh); err != nil {
		os.RemoveAll(fresh)
		return "", nil, err
	}
	dir = filepath.Join(tempDir, runPattern+strings.TrimPrefix(filepath.Base(fresh), freshPattern))
	if err := os.Rename(fresh, dir); err != nil {
		lock.Close()
		os.RemoveAll(fresh)
		return "", nil, err
	}
	return dir, lock, nil
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// sweep removes the directories of labs whose program was killed.
func sweep(tempDir string) {
	dirs, _ := filepath.Glob(filepath.Join(tempDir, runPattern+"*"))
	for _, dir := range dirs {
		f, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		f.Close()
	}
}
