// The command main compares Quorate's policy engine with an oracle on random
// CIBs. It exits with 1 when they differ and with 2 when it cannot work.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine/oraclefuzz"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/simulate"
)

func main() {
	n := flag.Int("n", 200, "number of random CIBs")
	seed := flag.Uint64("seed", 1, "first seed")
	features := flag.String("features", "", "comma-separated features that every CIB has to use")
	more := flag.Bool("more", false, "use tickets, placement strategies, node health, unfencing, shutdown locks and containers too")
	jobs := flag.Int("jobs", 1, "CIBs at a time")
	keep := flag.String("keep", "", "directory for the CIBs that differ, as made and minimised")
	oracle := flag.String("oracle", "crm_simulate", "command of the oracle")
	ours := flag.String("engine", "", "command of the engine under test; without it that of this tree, within this process")
	cache := flag.String("cache", "", "directory in which the oracle's outcomes are remembered")
	limit := flag.Int("minimise", 400, "tests for each minimised difference; 0 switches minimising off")
	per := flag.Int("per-signature", 1, "differences minimised for one signature")
	most := flag.Int("max-minimised", 40, "differences minimised in all; 0 stands for no limit")
	ignore := flag.String("ignore", "", "comma-separated kinds of differences that do not count: error, actions, params, order, summary, scores, messages, stuck")
	list := flag.Bool("list-features", false, "print the names of the features and exit")
	coverage := flag.Bool("coverage", true, "print the coverage of each feature")
	print := flag.Bool("print", false, "print the CIB of the seed and exit")
	flag.Parse()
	if *list {
		for _, f := range oraclefuzz.Features {
			fmt.Println(f.Name)
		}
		for _, f := range oraclefuzz.More {
			fmt.Println(f.Name)
		}
		return
	}
	force := split(*features)
	if *print {
		generate := oraclefuzz.Generate
		if *more {
			generate = oraclefuzz.GenerateMore
		}
		root, err := generate(*seed, force...)
		if err != nil {
			die(err)
		}
		os.Stdout.Write(cib.Print(root))
		return
	}
	time.Local = time.UTC // as the oracle is run
	a := command(*oracle)
	test := func(dir string) oraclefuzz.Engine { return &oraclefuzz.Command{Call: inProcess, Dir: dir} }
	if *ours != "" {
		b := command(*ours)
		test = func(dir string) oraclefuzz.Engine { return &oraclefuzz.Command{Args: b, Dir: dir} }
	}
	if flag.NArg() > 0 {
		os.Exit(files(a, test, flag.Args(), split(*ignore)))
	}
	if *cache != "" {
		if err := os.MkdirAll(*cache, 0o755); err != nil {
			die(err)
		}
	}
	start := time.Now()
	c := oraclefuzz.Campaign{
		First: *seed, N: *n, More: *more, Force: force, Jobs: *jobs, MinimiseLimit: *limit, PerSignature: *per, MaxMinimised: *most, Keep: *keep, Ignore: split(*ignore),
		Oracle: func(dir string) oraclefuzz.Engine {
			c := &oraclefuzz.Command{Args: a, Dir: dir}
			if *cache == "" {
				return c
			}
			return &oraclefuzz.Cached{Command: c, Dir: *cache}
		},
		Ours: test,
		Progress: func(done int) {
			if done%100 == 0 {
				fmt.Fprintf(os.Stderr, "%d of %d after %s\n", done, *n, time.Since(start).Round(time.Second))
			}
		},
	}
	res, err := c.Run()
	if err != nil {
		die(err)
	}
	if *coverage {
		res.PrintCoverage(os.Stdout)
	}
	for _, g := range res.Groups() {
		for _, f := range g {
			if f.Small != nil {
				fmt.Printf("\n== %s\n   seed %d; replay: -seed %d -n 1%s\n%s\n%s", f.Signature(), f.Seed, f.Seed, forced(*features), cib.Print(f.Small), oraclefuzz.Report(f.SmallDifferences, 20))
			}
		}
	}
	fmt.Println()
	res.PrintSummary(os.Stdout)
	if len(res.Findings) > 0 {
		os.Exit(1)
	}
}

// inProcess is our crm_simulate as a function.
func inProcess(args []string, stdout, stderr io.Writer) int {
	return simulate.Run(&cli.Env{Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr}, args)
}

// files compares the engines on documents from files.
func files(a []string, test func(string) oraclefuzz.Engine, names, ignore []string) int {
	dir, err := os.MkdirTemp("", "oraclefuzz")
	if err != nil {
		die(err)
	}
	defer os.RemoveAll(dir)
	code := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			die(err)
		}
		root, err := cib.Parse(data, name)
		if err != nil {
			die(err)
		}
		what := oraclefuzz.WantGraph | oraclefuzz.WantSummary
		want := (&oraclefuzz.Command{Args: a, Dir: dir}).Run(root, what)
		if want.Err != nil {
			fmt.Printf("%s: the oracle refuses it: %v\n", name, want.Err)
			continue
		}
		for _, d := range oraclefuzz.Compare(want, test(dir).Run(root, what)) {
			if strings.Contains(","+strings.Join(ignore, ",")+",", ","+d.Kind+",") {
				continue
			}
			fmt.Printf("%s: %s", name, oraclefuzz.Report([]oraclefuzz.Difference{d}, 40))
			code = 1
		}
	}
	return code
}

// command splits a command and makes the path of its program absolute.
func command(s string) []string {
	args := strings.Fields(s)
	if len(args) == 0 {
		die(fmt.Errorf("an empty command"))
	}
	p, err := exec.LookPath(args[0])
	if err == nil {
		p, err = filepath.Abs(p)
	}
	if err != nil {
		die(fmt.Errorf("%w: the oracle is in Debian's package pacemaker-cli-utils, our engine is made by make build", err))
	}
	args[0] = p
	return args
}

func forced(f string) string {
	if f == "" {
		return ""
	}
	return " -features " + f
}

func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func die(err error) {
	fmt.Fprintln(os.Stderr, "oraclefuzz:", err)
	os.Exit(2)
}
