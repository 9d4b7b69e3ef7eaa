package lrm

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// cgroup is a control group (v2) for one run of a script, by which everything it
// started can be killed, whatever it did to hide. Where the kernel offers none
// all methods do nothing.
type cgroup struct {
	dir string
	fd  *os.File
}

// cgroupRoot is where the groups of this process are made, "" for nowhere.
var cgroupRoot = sync.OnceValue(func() string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	mount, root := cgroup2Mount(string(mounts))
	own, ok := ownCgroup(string(self))
	if mount == "" || !ok {
		return ""
	}
	own = strings.TrimPrefix(own, strings.TrimSuffix(root, "/"))
	dir := filepath.Join(mount, own, "quorate-lrm-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return ""
	}
	if _, err := os.Stat(filepath.Join(dir, "cgroup.kill")); err != nil {
		_ = os.Remove(dir)
		return ""
	}
	return dir
})

// cgroup2Mount finds the mount point of the v2 hierarchy and what of it is
// mounted there, in the text of /proc/self/mountinfo.
func cgroup2Mount(text string) (mount, root string) {
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		head, tail, ok := strings.Cut(sc.Text(), " - ")
		h, t := strings.Fields(head), strings.Fields(tail)
		if ok && len(h) > 4 && len(t) > 0 && t[0] == "cgroup2" {
			return h[4], h[3]
		}
	}
	return "", ""
}

// ownCgroup finds the v2 group in the text of /proc/self/cgroup.
func ownCgroup(text string) (string, bool) {
	for line := range strings.Lines(text) {
		if g, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return g, true
		}
	}
	return "", false
}

var cgroupCount atomic.Uint64

// newCgroup makes a group, or one that does nothing.
func newCgroup() *cgroup {
	root := cgroupRoot()
	if root == "" {
		return &cgroup{}
	}
	dir := filepath.Join(root, strconv.FormatUint(cgroupCount.Add(1), 10))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &cgroup{}
	}
	fd, err := os.Open(dir)
	if err != nil {
		_ = os.Remove(dir)
		return &cgroup{}
	}
	return &cgroup{dir: dir, fd: fd}
}

// attach makes the child start inside the group.
func (c *cgroup) attach(a *syscall.SysProcAttr) {
	if c.fd != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(c.fd.Fd())
	}
}

func (c *cgroup) started() {
	if c.fd != nil {
		_ = c.fd.Close()
		c.fd = nil
	}
}

func (c *cgroup) kill() {
	if c.dir != "" {
		_ = os.WriteFile(filepath.Join(c.dir, "cgroup.kill"), []byte("1"), 0)
	}
}

// leftGroups are groups which still hold processes that a script left running.
var leftGroups struct {
	sync.Mutex
	dirs map[string]bool
}

// remove gives the group back, once nothing lives in it.
func (c *cgroup) remove() {
	if c.dir == "" {
		return
	}
	leftGroups.Lock()
	defer leftGroups.Unlock()
	if leftGroups.dirs == nil {
		leftGroups.dirs = map[string]bool{}
	}
	leftGroups.dirs[c.dir] = true
	tries := 0
	for d := range leftGroups.dirs {
		if tries++; tries > 8 && d != c.dir {
			continue
		}
		if err := os.Remove(d); err == nil || errors.Is(err, fs.ErrNotExist) {
			delete(leftGroups.dirs, d)
		}
	}
}

// removeCgroups gives back the groups in which nothing lives any more.
func removeCgroups() {
	root := cgroupRoot()
	if root == "" {
		return
	}
	leftGroups.Lock()
	defer leftGroups.Unlock()
	for d := range leftGroups.dirs {
		if os.Remove(d) == nil {
			delete(leftGroups.dirs, d)
		}
	}
	_ = os.Remove(root) // stays while a script's daemon lives in it
}
