package lab

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what the processes of a node use together; the lab's own first
// process is left out.
type Usage struct {
	// RSS is the sum of the resident set sizes, in bytes. Pages that processes
	// share are counted for each.
	RSS int64
	// CPU is the processor time used so far, user and system, that of ended
	// children included.
	CPU time.Duration
	// Written is how many bytes the processes that run now have written to files,
	// pipes and local sockets (/proc/PID/io, wchar; write_bytes counts a whole folio
	// of the page cache, which may be megabytes, for every page in it).
	Written int64
	// Commands are the names of the processes.
	Commands []string
}

// clockTick is the unit of times in /proc, USER_HZ, which is 100 on every
// architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// Usage adds up /proc of the node's processes.
func (n *Node) Usage() (Usage, error) {
	var u Usage
	m := n.machine()
	if m == nil {
		return u, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	first := strconv.Itoa(m.cmd.Process.Pid)
	ns, err := os.Readlink("/proc/" + first + "/ns/pid")
	if err != nil {
		return u, fmt.Errorf("node %s: %w", n.spec.Name, err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return u, err
	}
	for _, e := range entries {
		pid := e.Name()
		if pid[0] < '0' || pid[0] > '9' {
			continue
		}
		if got, err := os.Readlink("/proc/" + pid + "/ns/pid"); err != nil || got != ns {
			continue
		}
		name, own, children, err := procTimes(pid)
		if err != nil {
			continue // it ended meanwhile
		}
		u.CPU += children
		if pid == first {
			continue
		}
		u.CPU += own
		u.RSS += procRSS(pid)
		u.Written += procWritten(pid)
		u.Commands = append(u.Commands, name)
	}
	return u, nil
}

// procTimes reads the name and the processor times of a process and of its
// ended children, see proc(5), stat.
func procTimes(pid string) (name string, own, children time.Duration, err error) {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "", 0, 0, err
	}
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return "", 0, 0, fmt.Errorf("/proc/%s/stat has no name in brackets", pid)
	}
	// After the name come the fields from number 3 on; utime is number 14.
	f := strings.Fields(string(b[end+1:]))
	if len(f) < 15 {
		return "", 0, 0, fmt.Errorf("/proc/%s/stat has %d fields", pid, len(f))
	}
	ticks := func(i int) time.Duration {
		v, _ := strconv.ParseInt(f[i-3], 10, 64)
		return time.Duration(v) * clockTick
	}
	return string(b[open+1 : end]), ticks(14) + ticks(15), ticks(16) + ticks(17), nil
}

func procWritten(pid string) int64 {
	b, err := os.ReadFile("/proc/" + pid + "/io")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "wchar:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return n
		}
	}
	return 0
}

func procRSS(pid string) int64 {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
