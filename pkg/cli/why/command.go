package why

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
)

// flags are the options of one call.
type flags struct {
	source.Source
	json, live bool
	date       string
	not        bool
}

// New returns the command why.
func New(env *cli.Env) *cobra.Command {
	c := newCommand(env, &flags{})
	c.Use, c.Args = "why RSC [NODE]", cobra.RangeArgs(1, 2)
	c.Short = "why a resource is placed where it is"
	c.Example = "  quorate why webfs\n  quorate why webfs n1 --xml-file pe-input-7.bz2"
	return c
}

// NewNot returns the command why-not.
func NewNot(env *cli.Env) *cobra.Command {
	c := newCommand(env, &flags{not: true})
	c.Use, c.Args = "why-not RSC NODE", cobra.ExactArgs(2)
	c.Short = "why a resource is not placed on a node"
	c.Example = "  quorate why-not webfs n1"
	return c
}

func newCommand(env *cli.Env, f *flags) *cobra.Command {
	c := &cobra.Command{
		Long: `The policy engine computes a score for every resource on every node and takes the
best. This command shows the decision, what made it, and how the score adds up:
each addend with the constraint, option or attribute behind it. It asks the
running cluster, or reads a file; with CIB_file in the environment, that one.`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), env, args) },
	}
	p := c.Flags()
	p.StringVarP(&f.File, "xml-file", "x", "", "take the CIB from a file (.bz2 too), - is standard input")
	p.BoolVarP(&f.Pipe, "xml-pipe", "p", false, "take the CIB from standard input")
	p.StringVarP(&f.Text, "xml-text", "X", "", "take the CIB from the command line")
	p.BoolVarP(&f.live, "live-check", "L", false, "ask the running cluster (the default)")
	p.StringVarP(&f.date, "set-datetime", "t", "", "pretend that it is another time (ISO 8601)")
	p.BoolVar(&f.json, "json", false, "print data instead of text; a score of 1000000 is INFINITY")
	c.MarkFlagsMutuallyExclusive("xml-file", "xml-pipe", "xml-text", "live-check")
	return c
}

func (f *flags) run(ctx context.Context, env *cli.Env, args []string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	doc, err := source.Load(ctx, env, f.Source)
	if err != nil {
		return err
	}
	now, err := f.now(doc)
	if err != nil {
		return err
	}
	res, err := pengine.Schedule(doc.Root, now, pengine.Options{Explain: true})
	if err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	w := res.Why(args[0])
	if w == nil {
		return unknown("resource", args[0], res.Resources())
	}
	node := ""
	if len(args) > 1 {
		if node = match(args[1], res.NodeNames()); node == "" {
			return unknown("node", args[1], res.NodeNames())
		}
		only(w, node)
	}
	out := &bytes.Buffer{}
	if f.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(w); err != nil {
			return err
		}
	} else {
		(&text{out: out, node: node, not: f.not}).print(w)
	}
	_, err = env.Stdout.Write(out.Bytes())
	return err
}

// now is the time that decides about rules and expired failures.
func (f *flags) now(doc *source.Document) (time.Time, error) {
	if f.date != "" {
		t, ok := pengine.ParseTime(f.date, time.Local)
		if !ok {
			return t, cli.Exitf(cli.ExitUsage, "the date %q cannot be read; write it as in ISO 8601", f.date)
		}
		return t, nil
	}
	if !doc.Live {
		if t, ok := recorded(doc.Root); ok {
			return t, nil
		}
	}
	return time.Now(), nil
}

// recorded is the time for which a stored policy input was computed.
func recorded(root *cib.Element) (time.Time, bool) {
	sec, err := strconv.ParseInt(root.Get("execution-date"), 10, 64)
	return time.Unix(sec, 0), err == nil
}

func match(name string, all []string) string {
	for _, n := range all {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return ""
}

func unknown(what, name string, all []string) error {
	list := strings.Join(all[:min(len(all), 20)], ", ")
	if len(all) > 20 {
		list += ", …"
	}
	if list == "" {
		list = "none"
	}
	return cli.Exitf(cli.ExitNoSuchObject, "there is no %s %q in the CIB; known: %s", what, name, list)
}

// only drops what is about other nodes.
func only(w *pengine.Why, node string) {
	for _, n := range w.Scores {
		if n.Node == node {
			w.Scores = []pengine.NodeWhy{n}
			break
		}
	}
	if len(w.Scores) != 1 || w.Scores[0].Node != node {
		w.Scores = []pengine.NodeWhy{}
	}
	for _, m := range w.Members {
		only(m, node)
	}
}
