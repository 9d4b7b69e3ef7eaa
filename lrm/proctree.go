package lrm

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// procStat is what /proc/PID/stat says of a process.
type procStat struct {
	pid, ppid, pgrp int
	name, state     string
	// startTime in ticks since boot tells a process from a later one of its number.
	startTime uint64
}

// readStat returns what is known of a process.
func readStat(pid int) (procStat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, err
	}
	return parseStat(string(b))
}

// parseStat reads a line of /proc/PID/stat (proc(5)); the name in parentheses
// may hold blanks and parentheses itself.
func parseStat(s string) (procStat, error) {
	open, end := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if open < 1 || end < open {
		return procStat{}, fmt.Errorf("stat of a process is not understood: %.80q", s)
	}
	f := strings.Fields(s[end+1:])
	if len(f) < 20 {
		return procStat{}, fmt.Errorf("stat of a process is too short: %.80q", s)
	}
	p := procStat{name: s[open+1 : end], state: f[0]}
	var err [4]error
	p.pid, err[0] = strconv.Atoi(strings.TrimSpace(s[:open]))
	p.ppid, err[1] = strconv.Atoi(f[1])
	p.pgrp, err[2] = strconv.Atoi(f[2])
	p.startTime, err[3] = strconv.ParseUint(f[19], 10, 64)
	for _, e := range err {
		if e != nil {
			return procStat{}, fmt.Errorf("stat of a process is not understood: %w", e)
		}
	}
	return p, nil
}

// family returns the processes of a group and all that descend from them, even
// when they left the group, the leader first.
func family(pgid int) []procStat {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	children := map[int][]procStat{}
	in := map[int]procStat{}
	var work []int
	for _, d := range dirs {
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			continue
		}
		p, err := readStat(pid)
		if err != nil {
			continue // it ended meanwhile
		}
		children[p.ppid] = append(children[p.ppid], p)
		if p.pgrp == pgid {
			in[p.pid] = p
			work = append(work, p.pid)
		}
	}
	for len(work) > 0 {
		pid := work[0]
		work = work[1:]
		for _, c := range children[pid] {
			if _, ok := in[c.pid]; !ok {
				in[c.pid] = c
				work = append(work, c.pid)
			}
		}
	}
	out := make([]procStat, 0, len(in))
	for _, p := range in {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool {
		if (out[i].pid == pgid) != (out[j].pid == pgid) {
			return out[i].pid == pgid
		}
		return out[i].pid < out[j].pid
	})
	return out
}

// doing tells what a process is doing: its state, the system call it is in, the
// kernel function it waits in and, where it cannot be interrupted, who called that.
func doing(p *procStat) string {
	proc := "/proc/" + strconv.Itoa(p.pid) + "/"
	what := p.state
	if b, err := os.ReadFile(proc + "syscall"); err == nil {
		if call, _, _ := strings.Cut(strings.TrimSpace(string(b)), " "); call == "running" {
			what += ", running"
		} else if nr, err := strconv.Atoi(call); err == nil && nr >= 0 {
			what += " in " + syscallName(nr) + "()"
		}
	}
	if b, err := os.ReadFile(proc + "wchan"); err == nil && len(b) > 1 {
		what += " at " + string(b)
	}
	if b, err := os.ReadFile(proc + "stack"); err == nil && p.state == "D" {
		var frames []string
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line) // [<0>] name+0x1/0x2
			if len(f) > 1 && len(frames) < 5 {
				name, _, _ := strings.Cut(f[1], "+")
				frames = append(frames, name)
			}
		}
		if len(frames) > 0 {
			what += " from " + strings.Join(frames, " < ")
		}
	}
	return what
}

// describe names processes and what they wait for, in one line of bounded length.
func describe(ps []procStat) string {
	var parts []string
	for i, p := range ps {
		if i == 8 {
			parts = append(parts, fmt.Sprintf("and %d more", len(ps)-i))
			break
		}
		name := p.name
		if b, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cmdline"); err == nil && len(b) > 0 {
			name = strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
			if len(name) > 60 {
				name = name[:60] + "…"
			}
		}
		parts = append(parts, fmt.Sprintf("%s [%d child of %d, %s]", clean(name), p.pid, p.ppid, doing(&p)))
	}
	return strings.Join(parts, "; ")
}
