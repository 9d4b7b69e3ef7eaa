// Package simulate is the command crm_simulate, and ptest under its old name.
package simulate

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pengine/simulate"
	"github.com/quorate/quorate/pkg/cli"
)

// Run is the command with its arguments; it returns the exit code.
func Run(env *cli.Env, args []string) int {
	o, err := parseArgs(args)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_simulate: %v\n", err)
		return cli.ExitUsage
	}
	if o.help {
		fmt.Fprint(env.Stdout, usage)
		return cli.ExitOK
	}
	if err := o.run(env); err != nil {
		fmt.Fprintf(env.Stderr, "crm_simulate: %v\n", err)
		return cli.ExitCode(err)
	}
	return cli.ExitOK
}

func (o *options) input(env *cli.Env) ([]byte, string, error) {
	switch {
	case o.xmlPipe || o.xmlFile == "-":
		b, err := io.ReadAll(env.Stdin)
		return b, "standard input", err
	case o.xmlFile != "":
		b, err := os.ReadFile(o.xmlFile)
		if err != nil {
			return nil, "", &cli.Exit{Code: cli.ExitNoInput, Err: err}
		}
		return b, o.xmlFile, nil
	}
	return nil, "", cli.Exitf(cli.ExitUsage, "give the CIB with --xml-file or --xml-pipe")
}

func (o *options) run(env *cli.Env) error {
	data, name, err := o.input(env)
	if err != nil {
		return err
	}
	root, err := cib.Parse(data, name)
	if err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if root, err = o.inject(root); err != nil {
		return err
	}
	out := &bytes.Buffer{}
	defer func() { env.Stdout.Write(out.Bytes()) }()
	return o.process(root, out)
}

// Process schedules a CIB and, with -S, simulates it; the text goes to out. It
// is the command without its input.
func (o *options) process(root *cib.Element, out *bytes.Buffer) error {
	now := time.Now()
	orig := root.Get("execution-date")
	dateLine := ""
	if root.Get("validate-with") == "none" {
		out.WriteString("Schema validation of configuration is disabled (enabling is encouraged and prevents common misconfigurations)\n")
	}
	switch {
	case o.date != "":
		t, ok := pengine.ParseTime(o.date, time.Local)
		if !ok {
			return cli.Exitf(cli.ExitUsage, "the date %q cannot be read; write it as in ISO 8601", o.date)
		}
		now = t
		if !o.quiet {
			dateLine = "Setting effective cluster time: " + o.date + "\n"
		}
	case orig != "":
		if sec, err := strconv.ParseInt(orig, 10, 64); err == nil {
			now = time.Unix(sec, 0)
			if !o.quiet {
				dateLine = "Using the original execution date of: " + formatDate(now) + "\n"
			}
		}
	}
	out.WriteString(dateLine)
	res, err := pengine.Schedule(root, now, pengine.Options{})
	if err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if !o.quiet {
		before, err := pengine.Schedule(root, now, pengine.Options{StatusOnly: true, ShowPending: true})
		if err != nil {
			return err
		}
		total, disabled, blocked := before.Counts()
		if res.Maintenance() {
			out.WriteString("\n              *** Resource management is DISABLED ***\n  The cluster will not attempt to start, stop or recover services\n\n")
		}
		if disabled > 0 || blocked > 0 {
			fmt.Fprintf(out, "%d of %d resource instances DISABLED and %d BLOCKED from further action due to failure\n\n", disabled, total, blocked)
		}
		fmt.Fprintf(out, "Current cluster status:\n")
		before.StatusText(out)
		fmt.Fprintln(out)
	}
	if o.scores {
		if !o.quiet {
			fmt.Fprintf(out, "Assignment Scores:\n")
		}
		for _, l := range res.Scores {
			if !o.quiet {
				out.WriteString("  * ")
			}
			fmt.Fprintln(out, l)
		}
		if !o.quiet {
			fmt.Fprintln(out)
		}
	}
	if !o.quiet {
		fmt.Fprintf(out, "Transition Summary:\n")
		res.SummaryText(out)
		fmt.Fprintln(out)
	}
	if o.graph != "" {
		if err := writeFile(o.graph, res.Graph.WriteXML); err != nil {
			return err
		}
	}
	if o.dot != "" {
		if err := writeFile(o.dot, res.WriteDOT); err != nil {
			return err
		}
	}
	if !o.simulate {
		return nil
	}
	if !o.quiet {
		fmt.Fprintf(out, "Executing Cluster Transition:\n")
	}
	after, events, _ := simulate.Run(root, res.Graph, simulate.Options{Now: now, Fail: o.failures})
	for _, e := range events {
		if !o.quiet {
			fmt.Fprintln(out, e)
		}
	}
	if o.saveOutput != "" {
		if err := os.WriteFile(o.saveOutput, cib.Print(after), 0o600); err != nil {
			return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
		}
	}
	if o.quiet {
		return nil
	}
	out.WriteString(dateLine)
	fmt.Fprintf(out, "\nRevised Cluster Status:\n")
	res, err = pengine.Schedule(after, now, pengine.Options{StatusOnly: true})
	if err != nil {
		return err
	}
	res.StatusText(out)
	return nil
}

func formatDate(t time.Time) string {
	_, off := t.Zone()
	if off == 0 {
		return t.Format("2006-01-02 15:04:05Z")
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

func writeFile(name string, f func(io.Writer) error) error {
	w, err := os.Create(name)
	if err != nil {
		return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
	}
	if err := f(w); err != nil {
		w.Close()
		return &cli.Exit{Code: cli.ExitIOErr, Err: err}
	}
	if err := w.Close(); err != nil {
		return &cli.Exit{Code: cli.ExitIOErr, Err: err}
	}
	return nil
}
