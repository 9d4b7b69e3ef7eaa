package report

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxLog is how many bytes of one log are taken, from the start of the period.
const maxLog = 64 << 20

// generations are the files of a log, oldest first, as far as they may hold
// something of the period: those that were put aside have a suffix.
func generations(path string, p period) []string {
	list, _ := filepath.Glob(escape(path) + ".*")
	dated, _ := filepath.Glob(escape(path) + "-*")
	type file struct {
		name string
		mod  time.Time
	}
	var files []file
	for _, n := range append(append(list, dated...), path) {
		st, err := os.Stat(n)
		if err == nil && st.Mode().IsRegular() && !st.ModTime().Before(p.from) {
			files = append(files, file{n, st.ModTime()})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return a.mod.Compare(b.mod) })
	var out []string
	for _, f := range files {
		out = append(out, f.name)
	}
	return out
}

// escape keeps a path from being a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// slice writes the lines of a log that are of the period, masked. Lines without a
// time belong to the one before them.
func slice(w io.Writer, path string, p period, m *masker) (lines int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var r io.Reader = f
	switch filepath.Ext(path) {
	case ".gz":
		if r, err = gzip.NewReader(f); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
	case ".bz2":
		r = bzip2.NewReader(f)
	case ".xz", ".zst":
		return 0, fmt.Errorf("%s: logs packed with %s are not read here; unpack it and name it with -l", path, filepath.Ext(path)[1:])
	}
	in := bufio.NewReaderSize(r, 1<<16)
	inside := false
	for written := 0; ; {
		line, rerr := in.ReadString('\n')
		if line != "" {
			if t, ok := lineTime(line, p.to); ok {
				inside = p.has(t)
			}
			if inside {
				if written += len(line); written > maxLog {
					return lines, fmt.Errorf("%s has more than %d MB of the period: the rest is left out", path, maxLog>>20)
				}
				if _, err := io.WriteString(w, m.Text(line)); err != nil {
					return lines, err
				}
				lines++
			}
		}
		if rerr == io.EOF {
			return lines, nil
		}
		if rerr != nil {
			return lines, fmt.Errorf("%s: %w", path, rerr)
		}
	}
}

// suspicious returns the lines of a file that match one of the patterns.
func suspicious(r io.Reader, patterns []*regexp.Regexp) (out []string, err error) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(line) }) {
			out = append(out, strings.TrimRight(line, "\n"))
		}
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}
