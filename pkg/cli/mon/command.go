package mon

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// Source is a connection to something that has a CIB.
type Source interface {
	// Document returns the present document in today's dialect.
	Document(ctx context.Context) (*cib.Element, error)
	// Watch calls f with the document now and after each change, until f returns
	// false or ctx ends.
	Watch(ctx context.Context, f func(*cib.Element) bool) error
	Close() error
}

// Backend is what the command needs of the daemon.
type Backend struct {
	// Dial connects. Its error says what to do.
	Dial func() (Source, error)
	// Extra returns what the daemon knows beyond the CIB, for the end of the
	// picture. It may be nil.
	Extra func(ctx context.Context) []Section
}

// flags are the switches of one call.
type flags struct {
	Options
	t *tool.Tool

	oneShot, simple, legacy, cgi, daemon, watchFencing, pending bool
	noScreen                                                    bool
	interval, asHTML, pidFile, agent, recipient                 string
	title, stylesheet, fencing                                  string
	sections                                                    []section
}

// section is one --include or --exclude.
type section struct {
	name string
	show bool
}

// New returns the command crm_mon. With CIB_file in the environment it shows
// that file instead of the live cluster.
func New(env *cli.Env, b Backend) *cobra.Command {
	o := &flags{}
	o.Hide = map[string]bool{}
	cmd, t := tool.Command(env, "crm_mon", "crm_mon [-1] [-rnfotcALRDbsX]", "show the state of the cluster",
		`crm_mon shows nodes, resources and failed actions, and follows every change
until q is pressed. Without a terminal it prints once, as with -1.

Keys: n r A f o t c L b D R switch the option of that letter, j k scroll, q quits.
Sections for --include and --exclude: `+sectionNames+`.
Exit code of -s: 0 all is well, 1 there is no DC or a node is offline.`,
		func(ctx context.Context, _ *tool.Tool, args []string) error {
			if len(args) > 0 {
				return tool.Extra(args)
			}
			return o.run(ctx, env, b)
		})
	o.t = t
	t.Formats = []string{tool.Text, tool.XML, tool.JSON, formatHTML, formatConsole}
	f := cmd.Flags()
	f.Lookup("output-as").DefValue = formatConsole
	t.Format = formatConsole
	f.BoolVarP(&o.oneShot, "one-shot", "1", false, "show the state once and exit")
	f.BoolVarP(&o.simple, "simple-status", "s", false, "one line for monitoring systems")
	f.BoolVarP(&o.Inactive, "inactive", "r", false, "show resources that do not run")
	f.BoolVarP(&o.GroupByNode, "group-by-node", "n", false, "list resources below their nodes")
	f.BoolVarP(&o.Attributes, "show-node-attributes", "A", false, "show node attributes")
	f.BoolVarP(&o.Failcounts, "failcounts", "f", false, "show fail counts")
	f.BoolVarP(&o.Operations, "operations", "o", false, "show the history of operations")
	f.BoolVarP(&o.Timing, "timing-details", "t", false, "show the history with times")
	f.BoolVarP(&o.Tickets, "tickets", "c", false, "show tickets")
	f.StringVarP(&o.BanPrefix, "neg-locations", "L", "", "show constraints that keep resources off nodes, those whose id begins with `PREFIX`")
	f.Lookup("neg-locations").NoOptDefVal = anyPrefix
	f.StringVarP(&o.fencing, "fence-history", "m", "", "show the history of fencing: `LEVEL` 0 to 3")
	f.Lookup("fence-history").NoOptDefVal = "2"
	// After a short option whose value may be missing, a digit is an option.
	for _, level := range []string{"0", "2", "3"} {
		name := "fence-history-" + level
		f.BoolFuncP(name, level, "", func(string) error { o.fencing = level; return nil })
		f.Lookup(name).Hidden = true
	}
	f.BoolVarP(&o.Brief, "brief", "b", false, "count resources instead of listing them")
	f.BoolVarP(&o.HideHeaders, "hide-headers", "D", false, "leave the summary out")
	f.BoolVarP(&o.Detail, "show-detail", "R", false, "show node ids and the instances of clones")
	f.BoolVarP(&o.pending, "pending", "j", false, "accepted: what is under way is always shown")
	f.StringVar(&o.Node, "node", "", "only what concerns this node, or the nodes of this tag")
	f.StringVar(&o.Resource, "resource", "", "only what concerns this resource, or the resources of this tag")
	for _, x := range []struct {
		name, short string
		show        bool
	}{{"include", "I", true}, {"exclude", "U", false}} {
		f.FuncP(x.name, x.short, x.name+" these `SECTIONS`, separated by commas", func(v string) error {
			for name := range strings.SplitSeq(v, ",") {
				o.sections = append(o.sections, section{name, x.show})
			}
			return nil
		})
	}
	f.StringVarP(&o.interval, "interval", "i", "5s", "time between attempts to reach a lost daemon, and of -d between two pictures")
	f.BoolVarP(&o.daemon, "daemonize", "d", false, "run in the background; needs --output-to or --external-agent")
	f.StringVarP(&o.pidFile, "pid-file", "p", "", "-d: write the number of the process to this `FILE`")
	f.StringVarP(&o.agent, "external-agent", "E", "", "run this `PROGRAM` after every operation on a resource")
	f.StringVarP(&o.recipient, "external-recipient", "e", "", "-E: hand this `TEXT` to the program")
	f.BoolVarP(&o.watchFencing, "watch-fencing", "W", false, "-E: tell the program of fencing, too")
	f.StringVarP(&o.asHTML, "as-html", "h", "", "write a page to this `FILE`")
	f.BoolVarP(&o.cgi, "web-cgi", "w", false, "a page with the header of a CGI program")
	f.BoolVar(&o.cgi, "html-cgi", false, "a page with the header of a CGI program")
	f.StringVar(&o.title, "html-title", "", "title of the page")
	f.StringVar(&o.stylesheet, "html-stylesheet", "", "link of the page to a stylesheet")
	f.BoolVarP(&o.legacy, "as-xml", "X", false, "XML of old: the root is <crm_mon>, without a status")
	f.BoolVarP(&o.noScreen, "disable-ncurses", "N", false, "text instead of the full screen")
	f.BoolVarP(&o.Quiet, "quiet", "Q", false, "say less")
	f.BoolP("help", "?", false, "help for crm_mon")
	return cmd
}

// Forms that only crm_mon has.
const (
	formatHTML    = "html"
	formatConsole = "console"
)

// anyPrefix stands for -L without a prefix.
const anyPrefix = "\x00"

// sectionNames are those of --include and --exclude.
const sectionNames = "all, attributes, bans[:PREFIX], counts, dc, default, failcounts, failures, fencing, fencing-failed, fencing-pending, fencing-succeeded, maint-mode, nodes, none, operations, options, resources, stack, summary, tickets, times"

// choose applies --include and --exclude in their order.
func (o *flags) choose() error {
	o.Bans = o.BanPrefix != ""
	if o.BanPrefix == anyPrefix {
		o.BanPrefix = ""
	}
	parts := map[string][]string{"summary": {"stack", "dc", "times", "counts", "options", "maint-mode"},
		"fencing": {"fencing-failed", "fencing-pending", "fencing-succeeded"},
		"default": {"stack", "dc", "times", "counts", "nodes", "resources", "failures", "maint-mode"},
		"all":     {"stack", "dc", "times", "counts", "nodes", "resources", "failures", "maint-mode", "attributes", "failcounts", "operations", "tickets", "bans"}}
	hidden := []string{"stack", "dc", "times", "counts", "nodes", "resources", "failures", "options", "attributes", "operations", "tickets", "bans"}
	var one func(name string, show bool) error
	one = func(name string, show bool) error {
		base, prefix, _ := strings.Cut(name, ":")
		switch base {
		case "list":
			word := "include"
			if !show {
				word = "exclude"
			}
			return tool.Usage("--%s options: %s", word, sectionNames)
		case "none":
			return one("all", !show)
		case "all", "summary", "fencing", "default":
			if base == "all" && !show {
				for _, h := range hidden {
					o.Hide[h] = true
				}
			}
			for _, p := range parts[base] {
				if err := one(p, show); err != nil {
					return err
				}
			}
			return nil
		case "attributes":
			o.Attributes = show
		case "failcounts":
			o.Failcounts = show
		case "operations":
			o.Operations = show
		case "tickets":
			o.Tickets = show
		case "bans":
			o.Bans, o.BanPrefix = show, prefix
		case "options":
			o.Settings = show
		case "stack", "dc", "times", "counts", "nodes", "resources", "failures":
		case "maint-mode", "fencing-failed", "fencing-pending", "fencing-succeeded":
			return nil
		default:
			return tool.Usage("%q is no section: %s", name, sectionNames)
		}
		o.Hide[base] = !show
		return nil
	}
	for _, s := range o.sections {
		if err := one(s.name, s.show); err != nil {
			return err
		}
	}
	if o.Hide["stack"] && o.Hide["dc"] && o.Hide["times"] && o.Hide["counts"] && !o.Settings {
		o.HideHeaders = true
	}
	return nil
}

func (o *flags) run(ctx context.Context, env *cli.Env, b Backend) error {
	interval, err := cib.ParseInterval(o.interval)
	if err != nil || interval <= 0 {
		return cli.Exitf(cli.ExitUsage, "--interval %q is not a time", o.interval)
	}
	if err := o.choose(); err != nil {
		return err
	}
	switch {
	case o.asHTML != "":
		o.t.Format, o.t.To = formatHTML, o.asHTML
	case o.cgi:
		o.t.Format = formatHTML
	case o.noScreen && o.t.Format == formatConsole:
		o.t.Format = tool.Text
	}
	if path := source.Local(); path != "" {
		b = Backend{Dial: func() (Source, error) { return local{env, path}, nil }}
	}
	if o.daemon {
		return o.background(ctx, env, b, interval)
	}
	in, okIn := env.Stdin.(*os.File)
	out, okOut := env.Stdout.(*os.File)
	terminal := okIn && okOut && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
	if o.oneShot || o.simple || o.legacy || o.t.Format != formatConsole || !terminal {
		return o.once(ctx, env, b)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return live(ctx, in, out, b, o.Options, interval)
}

// once shows the picture one time.
func (o *flags) once(ctx context.Context, env *cli.Env, b Backend) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	s, err := b.Dial()
	if err != nil {
		return o.away(err)
	}
	defer s.Close()
	root, err := s.Document(ctx)
	if err != nil {
		return o.away(err)
	}
	o.Now = time.Now()
	if o.simple {
		line, ok := Simple(root, o.Now)
		o.t.Printf("%s\n", line)
		if !ok {
			return &cli.Exit{Code: 1, Err: errors.New("")}
		}
		return nil
	}
	if b.Extra != nil {
		o.Extra = b.Extra(ctx)
	}
	o.show(root)
	return nil
}

// away says that there is nothing to show.
func (o *flags) away(err error) error {
	if o.simple {
		o.t.Printf("CLUSTER CRITICAL: Connection to cluster failed: %v\n", err)
	}
	return err
}

// show adds the picture to the output in the form that is wanted.
func (o *flags) show(root *cib.Element) {
	switch {
	case o.legacy:
		e := cib.New("crm_mon", "version", compatible).WithChildren(XML(root, o.Options)...)
		o.t.Format = tool.Text
		o.t.Printf("%s", cib.Print(e))
	case o.t.Format == formatHTML:
		if o.cgi {
			o.t.Printf("Content-Type: text/html\n\n")
		}
		o.t.Printf("%s", HTML(root, o.Options, o.title, o.stylesheet))
	case o.t.Structured():
		o.t.Add(XML(root, o.Options)...)
	default:
		o.t.Printf("%s", Render(root, o.Options))
	}
}

// compatible is the version of Pacemaker whose XML of old this is.
const compatible = "2.1.5"

// local is a Source that reads the document of a file or of standard input once.
type local struct {
	env  *cli.Env
	path string
}

// Document implements Source.
func (l local) Document(ctx context.Context) (*cib.Element, error) {
	doc, err := source.Load(ctx, l.env, source.Source{})
	if err != nil {
		return nil, err
	}
	return doc.Root, nil
}

// Watch implements Source: a file is shown once and stays.
func (l local) Watch(ctx context.Context, show func(*cib.Element) bool) error {
	root, err := l.Document(ctx)
	if err != nil || !show(root) {
		return err
	}
	<-ctx.Done()
	return errors.New("end")
}

// Close implements Source.
func (local) Close() error { return nil }
