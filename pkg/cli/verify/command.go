package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/cli/source"
)

// exitProtocol is Pacemaker's code for a document that is no CIB.
const exitProtocol = 76

// flags are the options of one call.
type flags struct {
	source.Source
	live    bool
	save    string
	dtd     string
	verbose int
	output  string
	to      string
	fancy   bool
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	f := new(flags)
	c := &cobra.Command{
		Use:   "crm_verify [-V] -L | -x FILE | -X TEXT | -p",
		Short: "check a configuration for errors",
		Long: `crm_verify checks a complete configuration: that it is well-formed, that the
schema allows it, and that the policy engine can make something of all of it.
Errors must be corrected before the cluster works properly; whether to do
something about warnings is up to you.

The exit code is 0 for a good configuration, 78 for one with errors or warnings,
1 if it cannot be read at all.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), env) },
	}
	p := c.Flags()
	p.BoolVarP(&f.live, "live-check", "L", false, "check the configuration of the running cluster")
	p.StringVarP(&f.File, "xml-file", "x", "", "check the configuration in a file (.bz2 too)")
	p.StringVarP(&f.Text, "xml-text", "X", "", "check the configuration given here")
	p.BoolVarP(&f.Pipe, "xml-pipe", "p", false, "check the configuration on standard input")
	p.StringVarP(&f.save, "save-xml", "S", "", "write the checked configuration to a file")
	p.StringVarP(&f.dtd, "dtd-file", "D", "", "of old: the schema is built in, the file is not read")
	p.CountVarP(&f.verbose, "verbose", "V", "say what is wrong, warnings too")
	p.StringVar(&f.output, "output-as", "text", "text, xml or json")
	p.StringVar(&f.to, "output-to", "-", "write the output to a file")
	p.BoolVar(&f.fancy, "text-fancy", false, "accepted; the text is the same")
	return c
}

func (f *flags) run(ctx context.Context, env *cli.Env) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if f.output != "text" && f.output != "xml" && f.output != "json" {
		return cli.Exitf(cli.ExitUsage, "crm_verify: --output-as=%s is not known: text, xml or json", f.output)
	}
	c := &check{env: env, verbose: f.verbose}
	err := f.check(ctx, c)
	if f.output != "text" {
		return f.xml(c, err)
	}
	return err
}

func (f *flags) check(ctx context.Context, c *check) error {
	if !f.live && f.File == "" && f.Text == "" && !f.Pipe {
		return cli.Exitf(cli.ExitError, "crm_verify: No configuration source specified.  Use --help for usage information.")
	}
	if f.dtd != "" {
		fmt.Fprintf(c.env.Stderr, "crm_verify: --dtd-file %s is not read: the schema is built in\n", f.dtd)
	}
	if f.live {
		f.Source = source.Source{}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	doc, err := source.Load(ctx, c.env, f.Source)
	if err != nil {
		return f.unread(c, err)
	}
	if f.save != "" {
		if err := os.WriteFile(f.save, cib.Print(doc.Root), 0o640); err != nil {
			return cli.Exitf(cli.ExitCantCreate, "crm_verify: Could not save the configuration: %w", err)
		}
	}
	c.document(doc)
	return c.verdict()
}

// unread says why there is nothing to check.
func (f *flags) unread(c *check, err error) error {
	switch {
	case f.live:
		return &cli.Exit{Code: cli.ExitCode(err), Err: fmt.Errorf("crm_verify: CIB query failed: %w", err)}
	case errors.Is(err, source.ErrNoCIB):
		fmt.Fprintln(c.env.Stderr, err)
		return cli.Exitf(exitProtocol, "crm_verify: This tool can only check complete configurations (i.e. those starting with <cib>).")
	}
	fmt.Fprintln(c.env.Stderr, err)
	what := "input file: " + f.File
	switch {
	case f.Text != "":
		what = "input string: " + f.Text
	case f.File == "" || f.File == "-":
		what = "input from STDIN."
	}
	return cli.Exitf(cli.ExitError, "crm_verify: Couldn't parse %s", what)
}

// xml writes the result as Pacemaker's tools do.
func (f *flags) xml(c *check, err error) error {
	code, message := cli.ExitCode(err), "OK"
	if code != 0 {
		message = "Error occurred"
		if code == cli.ExitConfig {
			message = "Invalid configuration"
		}
	}
	status := cib.New("status", "code", strconv.Itoa(code), "message", message)
	if len(c.lines) > 0 {
		list := cib.New("errors")
		for _, l := range c.lines {
			list = list.WithChild(cib.New("error").WithChild(&cib.Element{Name: cib.TextName, Text: l}))
		}
		status = status.WithChild(list)
	}
	root := cib.New("pacemaker-result", "api-version", "2.25", "request", "crm_verify").WithChild(status)
	out, opened := c.env.Stdout, error(nil)
	if f.to != "-" && f.to != "" {
		var file *os.File
		if file, opened = os.Create(f.to); opened != nil {
			return cli.Exitf(cli.ExitCantCreate, "crm_verify: %w", opened)
		}
		defer file.Close()
		out = file
	}
	write := func() error { return result.JSON(out, root) }
	if f.output == "xml" {
		write = func() error { _, err := root.WriteTo(out); return err }
	}
	if err := write(); err != nil {
		return err
	}
	return &cli.Exit{Code: code}
}

// schedule asks the policy engine.
func schedule(doc *source.Document) (*pengine.Result, error) {
	now := time.Now()
	if sec, err := strconv.ParseInt(doc.Root.Get("execution-date"), 10, 64); err == nil && !doc.Live {
		now = time.Unix(sec, 0)
	}
	return pengine.Schedule(doc.Root, now, pengine.Options{})
}
