// Package codes is the command crm_error: what a number means that a command
// returned or a log names.
package codes

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// table holds one code a line: its number, its name in programs, its words.
// Negative ones are return codes only, those above 200 legacy codes only; the
// rest are those of the operating system.
//
//go:embed codes.txt
var table string

// firstLegacy is the least number that only legacy codes have.
const firstLegacy = 200

// code is one entry.
type code struct {
	n           int
	name, words string
}

// kinds of numbers.
const (
	legacy = iota
	exit
	rc
)

// known returns the codes of a kind in order.
func known(kind int) (out []code) {
	if kind == exit {
		for _, c := range result.Codes() {
			out = append(out, code{c.Code, c.Name, result.Message(c.Code)})
		}
		return out
	}
	for line := range strings.Lines(table) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		n, err := strconv.Atoi(f[0])
		if err != nil || len(f) < 3 || n < 0 && kind != rc || n > firstLegacy && kind != legacy {
			continue
		}
		out = append(out, code{n, f[1], f[2]})
	}
	return out
}

// find returns the entry of a number, and words for one that is not known.
func find(kind, n int) code {
	for _, c := range known(kind) {
		if c.n == n || kind == legacy && c.n == -n {
			return c
		}
	}
	switch kind {
	case exit:
		return code{n, "CRM_EX_UNKNOWN", "Unknown exit status"}
	case rc:
		return code{n, "Unknown", fmt.Sprintf("Unknown error %d", n)}
	}
	return code{n, "Unknown", fmt.Sprintf("Unknown error %d", n)}
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	var named, list, exits, rcs bool
	c, _ := tool.Command(env, "crm_error", "crm_error [-X|-r] [-n] CODE...", "what an error number means",
		`crm_error prints the words for the numbers that commands return (-X), that
programs name as return codes (-r), or legacy numbers; without a number, all.`,
		func(_ context.Context, t *tool.Tool, args []string) error {
			kind := legacy
			switch {
			case exits:
				kind = exit
			case rcs:
				kind = rc
			}
			if list || len(args) == 0 {
				for _, c := range known(kind) {
					show(t, c, named, true)
				}
				return nil
			}
			for _, a := range args {
				n, err := strconv.Atoi(a)
				if err != nil || n > math.MaxInt32 || n < math.MinInt32 {
					return tool.Usage("%q is no number", a)
				}
				show(t, find(kind, n), named, false)
			}
			return nil
		})
	f := c.Flags()
	f.BoolVarP(&named, "name", "n", false, "print the name in programs, too")
	f.BoolVarP(&list, "list", "l", false, "print all that are known")
	f.BoolVarP(&exits, "exit", "X", false, "the numbers are exit codes")
	f.BoolVarP(&rcs, "rc", "r", false, "the numbers are return codes")
	return c
}

func show(t *tool.Tool, c code, named, list bool) {
	e := cib.New("result-code", "code", strconv.Itoa(c.n))
	if named {
		e = e.WithAttr("name", c.name)
	}
	t.Add(e.WithAttr("description", c.words))
	switch {
	case list && named:
		t.Printf("% 5d: %-26s  %s\n", c.n, c.name, c.words)
	case list:
		t.Printf("% 5d: %s\n", c.n, c.words)
	case named:
		t.Printf("%s - %s\n", c.name, c.words)
	default:
		t.Printf("%s\n", c.words)
	}
}
