package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/version"
)

// Forms of the output.
const (
	Text = "text"
	XML  = "xml"
	JSON = "json"
)

// Tool is one call of a command. It is not safe for concurrent use.
type Tool struct {
	// Env is what the command sees of the world.
	Env *cli.Env
	// Name is the command's.
	Name string
	// Format is the form of the output, To the file it goes to ("-" is standard
	// output).
	Format, To string
	// Fancy, Quiet and Verbose are options that most commands have.
	Fancy, Quiet bool
	Verbose      int

	// Formats are the forms that the command has; none means text, XML and JSON.
	// What is no XML and no JSON is text.
	Formats []string

	version bool
	argv    []string
	text    bytes.Buffer
	body    []*cib.Element
	said    []string
}

// Command makes a cobra command that runs as a tool. The command has the options
// of the output, -V and -$; run adds to the tool what there is to tell. An error of
// run ends the command with its exit code; its text goes behind the name.
func Command(env *cli.Env, name, use, short, long string, run func(ctx context.Context, t *Tool, args []string) error) (*cobra.Command, *Tool) {
	t := &Tool{Env: env, Name: name, Format: Text, To: "-"}
	c := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			t.argv = commandLine(name)
			if t.version {
				fmt.Fprintf(env.Stdout, "Quorate %s (feature set %s)\n", version.Version, version.FeatureSet)
				return nil
			}
			if helps(cmd.Flags()) {
				return cmd.Help()
			}
			forms := t.Formats
			if forms == nil {
				forms = []string{Text, XML, JSON}
			}
			if !slices.Contains(forms, t.Format) {
				return cli.Exitf(cli.ExitError, "%s: Error creating output format %s: Unknown output format", name, t.Format)
			}
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			return t.end(run(ctx, t, args))
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&t.Format, "output-as", Text, "`FORM` of the output: text, xml or json")
	f.StringVar(&t.To, "output-to", "-", "write the output to this `FILE`")
	f.BoolVar(&t.Fancy, "text-fancy", false, "text with headings")
	f.CountVarP(&t.Verbose, "verbose", "V", "say more")
	f.BoolVarP(&t.version, "version", "$", false, "print the version")
	for _, h := range []string{"all", "output", "queries", "commands", "command", "locations", "advanced", "additional", "modes", "data", "deprecated", "definition", "fence", "display", "modifiers", "selections"} {
		f.Bool("help-"+h, false, "")
		_ = f.MarkHidden("help-" + h)
	}
	return c, t
}

// helps tells whether one of the options --help-SECTION was given: all print
// the one page there is.
func helps(f *pflag.FlagSet) (yes bool) {
	f.Visit(func(x *pflag.Flag) { yes = yes || strings.HasPrefix(x.Name, "help-") })
	return yes
}

// commandLine returns the arguments of the process, the command's name first.
func commandLine(name string) []string {
	for i, a := range os.Args {
		if filepath.Base(a) == name {
			return append([]string{a}, os.Args[i+1:]...)
		}
	}
	return []string{name}
}

// request is the command line as the XML form repeats it.
func (t *Tool) request() string {
	out := make([]string, len(t.argv))
	for i, a := range t.argv {
		if strings.ContainsAny(a, " '\"\\$*?&|;<>()\t\n") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}

// Structured tells whether text is not wanted.
func (t *Tool) Structured() bool { return t.Format == XML || t.Format == JSON }

// Printf adds text; the other forms do not have it.
func (t *Tool) Printf(format string, a ...any) { fmt.Fprintf(&t.text, format, a...) }

// Text is where the text goes.
func (t *Tool) Text() io.Writer { return &t.text }

// Add adds elements of the XML form.
func (t *Tool) Add(e ...*cib.Element) { t.body = append(t.body, e...) }

// Say tells something beside the result: on standard error, or among the errors
// of the XML form.
func (t *Tool) Say(format string, a ...any) { t.said = append(t.said, fmt.Sprintf(format, a...)) }

// Flush writes the text gathered so far, for commands that take their time.
func (t *Tool) Flush() {
	if !t.Structured() && t.To == "-" {
		_, _ = t.text.WriteTo(t.Env.Stdout)
	}
}

// end writes the result.
func (t *Tool) end(err error) error {
	code := cli.ExitCode(err)
	if err != nil && err.Error() != "" {
		t.said = append(t.said, t.Name+": "+err.Error())
	}
	var out io.Writer = t.Env.Stdout
	if t.To != "-" && t.To != "" {
		f, ferr := os.Create(t.To)
		if ferr != nil {
			return cli.Exitf(cli.ExitCantCreate, "%s: %w", t.Name, ferr)
		}
		defer f.Close()
		out = f
	}
	var werr error
	switch {
	case !t.Structured():
		for _, s := range t.said {
			fmt.Fprintln(t.Env.Stderr, s)
		}
		_, werr = t.text.WriteTo(out)
	default:
		doc := result.Document(t.request(), t.body, code, t.said)
		if t.Format == XML {
			_, werr = doc.WriteTo(out)
		} else {
			werr = result.JSON(out, doc)
		}
	}
	if werr != nil {
		return cli.Exitf(cli.ExitIOErr, "%s: %w", t.Name, werr)
	}
	if code != cli.ExitOK {
		return &cli.Exit{Code: code, Err: errors.New("")} // it is said already
	}
	return nil
}

// Failed is an error with its code, in the tools' form: what is wrong, and the
// words for the code.
func Failed(code int, format string, a ...any) error {
	return cli.Exitf(code, "%s\nError performing operation: %s", fmt.Sprintf(format, a...), result.Message(code))
}

// Plain is an error of which only the code is known.
func Plain(code int) error {
	return cli.Exitf(code, "Error performing operation: %s", result.Message(code))
}

// Usage is an error in the options.
func Usage(format string, a ...any) error { return cli.Exitf(cli.ExitUsage, format, a...) }

// Extra is the error for arguments that no option takes.
func Extra(args []string) error {
	var b strings.Builder
	b.WriteString("non-option ARGV-elements:")
	for i, a := range args {
		fmt.Fprintf(&b, "\n[%d of %d] %s", i+1, len(args), a)
	}
	b.WriteString("\n")
	return Usage("%s", b.String())
}
