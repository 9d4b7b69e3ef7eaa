package report

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxLines bounds the lines of one file in the analysis; the file has them all.
const maxLines = 1000

// everyLine matches what is not empty.
var everyLine = []*regexp.Regexp{regexp.MustCompile(`\S`)}

// describe writes description.txt, what the report holds of whom, and
// analysis.txt, what looks wrong in it.
func (c *call) describe(dir, self string, here bool, others []string, failed map[string]error) error {
	var what, wrong strings.Builder
	fmt.Fprintf(&what, "Period: %v\nMade on: %s\n\nNodes:\n", c.period, self)
	var parts []string
	if here {
		parts = append(parts, self)
		fmt.Fprintf(&what, "  %s: here\n", self)
	}
	for _, n := range others {
		switch err := failed[n]; {
		case c.single:
			fmt.Fprintf(&what, "  %s: NOT ASKED (-S)\n", n)
		case err != nil:
			fmt.Fprintf(&what, "  %s: MISSING: %v\n", n, err)
			fmt.Fprintf(&wrong, "Node %s is missing in this report: %v\n", n, err)
		default:
			parts = append(parts, n)
			fmt.Fprintf(&what, "  %s: as %s with %s\n", n, c.user, strings.Fields(c.rsh)[0])
		}
	}
	what.WriteString("\nPlease describe here what happened and what you expected:\n\n")
	for _, n := range parts {
		if _, err := os.Stat(filepath.Join(dir, n, "STOPPED")); err == nil {
			fmt.Fprintf(&wrong, "The cluster was not running on node %s when the report was made\n", n)
		}
		files := []string{filepath.Join(dir, n, notesFile), filepath.Join(dir, n, "crm_verify.txt"), filepath.Join(dir, n, logFile), filepath.Join(dir, n, "journal.log")}
		more, _ := filepath.Glob(escape(filepath.Join(dir, n)) + "/logs/*")
		for i, path := range append(files, more...) {
			if err := c.analyse(&wrong, dir, path, i < 2); err != nil {
				return err
			}
		}
	}
	if wrong.Len() == 0 {
		wrong.WriteString("Nothing in the logs of the period looks wrong.\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "description.txt"), []byte(what.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "analysis.txt"), []byte(wrong.String()), 0o600)
}

// analyse adds what looks wrong in a file: all of it, or the lines that match.
func (c *call) analyse(out *strings.Builder, dir, path string, whole bool) error {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	wanted := c.wrong
	if whole {
		wanted = everyLine
	}
	lines, err := suspicious(f, wanted)
	if err != nil || len(lines) == 0 {
		return err
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s:\n", name)
	if n := len(lines) - maxLines; n > 0 {
		fmt.Fprintf(out, "  (%d lines before these are left out here)\n", n)
		lines = lines[n:]
	}
	for _, l := range lines {
		fmt.Fprintf(out, "  %s\n", l)
	}
	return nil
}
