package agents

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// filesystem takes a mounted filesystem from this node by force, whether a script
// has mounted it or the built-in agent.
type filesystem struct{}

// unmountWait is how long killed users of a filesystem may take to be gone.
const unmountWait = 500 * time.Millisecond

// Release implements [Releaser]: it kills who uses the filesystem and unmounts
// it. A lazy unmount would not do: its users could go on writing.
func (filesystem) Release(env Env) error {
	name := env.Params["directory"]
	if name == "" {
		name = env.Params["2"] // of class heartbeat: device, directory, fstype
	}
	dir := filepath.Clean(name)
	if !filepath.IsAbs(dir) || dir == "/" {
		return fmt.Errorf("directory=%q is not the mount point of a resource", name)
	}
	deadline := time.Now().Add(unmountWait)
	for flags := 0; ; {
		mounted, err := isMounted(dir)
		if err != nil {
			return err
		}
		if !mounted {
			return nil
		}
		err = unix.Unmount(dir, flags)
		if err == nil {
			continue // there may be another one below
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("unmounting %s: %w", dir, err)
		}
		for _, u := range usersOf(dir) {
			env.info("%s uses %s and is killed", u.name, dir)
			_ = unix.Kill(u.pid, unix.SIGKILL)
		}
		flags = unix.MNT_FORCE // a server that does not answer holds nobody up
		time.Sleep(5 * time.Millisecond)
	}
}

// mount is one line of the table of mounts.
type mount struct{ dir, fstype, source string }

// eachMount hands over the mounts of this process (proc_pid_mountinfo(5)), the
// oldest first, until each says no; it asks no server.
func eachMount(each func(mount) bool) error {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		left, right, _ := strings.Cut(sc.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if len(l) < 5 || len(r) < 2 {
			continue
		}
		if !each(mount{dir: unescapeMount(l[4]), fstype: r[0], source: unescapeMount(r[1])}) {
			return nil
		}
	}
	return sc.Err()
}

// mountedOn returns what is mounted on exactly this directory, the uppermost.
func mountedOn(dir string) (m mount, ok bool, err error) {
	err = eachMount(func(x mount) bool {
		if x.dir == dir {
			m, ok = x, true
		}
		return true
	})
	return m, ok, err
}

// isMounted reports whether something is mounted on exactly this directory.
func isMounted(dir string) (bool, error) {
	_, ok, err := mountedOn(dir)
	return ok, err
}

// unescapeMount undoes the octal escapes of blanks and backslashes.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// user is a process that uses a filesystem.
type user struct {
	pid  int
	name string
}

// usersOf returns the processes of this mount namespace, but for this one and
// the first, that work in the directory, run a program of it, or have a file of
// it open or mapped.
func usersOf(dir string) (out []user) {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return nil
	}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		pid, err := strconv.Atoi(filepath.Base(p))
		if err != nil || pid <= 1 || pid == os.Getpid() {
			continue
		}
		if ns, err := os.Readlink(p + "/ns/mnt"); err != nil || ns != own || !uses(p, dir) {
			continue
		}
		name, _ := os.ReadFile(p + "/comm") // it may have ended
		out = append(out, user{pid, fmt.Sprintf("%s [%d]", strings.TrimSpace(string(name)), pid)})
	}
	return out
}

// uses reports whether the process with this folder of /proc uses the directory.
func uses(proc, dir string) bool {
	below := func(path string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
	links := []string{proc + "/cwd", proc + "/root", proc + "/exe"}
	fds, _ := filepath.Glob(proc + "/fd/*")
	for _, l := range append(links, fds...) {
		if target, err := os.Readlink(l); err == nil && below(strings.TrimSuffix(target, " (deleted)")) {
			return true
		}
	}
	maps, _ := os.ReadFile(proc + "/maps")
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && below(strings.TrimSuffix(strings.TrimSpace(line[i:]), " (deleted)")) {
			return true
		}
	}
	return false
}
