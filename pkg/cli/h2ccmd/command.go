package h2ccmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/diag"
	"github.com/quorate/quorate/pkg/h2c"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/haresources"
)

type options struct {
	stdout, noOCF, noMonitor bool
	config, crmDir           string
	resourceDirs, initDirs   []string
	dialect, stickiness      string
}

// unitDirs is where systemd units are looked for.
var unitDirs = []string{"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// New returns the command haresources2cib.
func New(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "haresources2cib [flags] [RESOURCEFILE [OUTPUT]]",
		Short: "convert haresources to a CIB",
		Long: `haresources2cib converts RESOURCEFILE (default /etc/ha.d/haresources) to a CIB.
Of ha.cf it takes the nodes and the stonith_host lines.

The document goes to standard output if that is redirected or with --stdout,
to OUTPUT if it is given, otherwise to cib.xml in --crm-dir. A file is written
only if neither it nor its .sig exists.`,
		Example: `  haresources2cib /etc/ha.d/haresources > /var/lib/heartbeat/crm/test.xml
  haresources2cib --dialect heartbeat --stdout`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return run(env, o, args, cmd.Flags().Changed("config")) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.stdout, "stdout", false, "print the document")
	f.BoolVar(&o.noOCF, "no-ocf", false, "use scripts only, never OCF agents")
	f.BoolVar(&o.noMonitor, "no-monitor", false, "leave operations out")
	f.StringVarP(&o.config, "config", "c", "/etc/ha.d/ha.cf", "ha.cf to read")
	f.StringVar(&o.crmDir, "crm-dir", "/var/lib/heartbeat/crm", "directory of cib.xml")
	f.StringSliceVar(&o.resourceDirs, "resource-dir", []string{"/etc/ha.d/resource.d"}, "directories of scripts of class heartbeat")
	f.StringSliceVar(&o.initDirs, "init-dir", []string{"/etc/init.d"}, "directories of init scripts")
	f.StringVar(&o.dialect, "dialect", "current", "form of the document: current or heartbeat")
	f.StringVar(&o.stickiness, "stickiness", "0", "default stickiness; INFINITY keeps resources where they are")
	return cmd
}

func run(env *cli.Env, o options, args []string, configGiven bool) error {
	in, out := "/etc/ha.d/haresources", ""
	if len(args) > 0 {
		in = args[0]
	}
	if len(args) > 1 {
		out = args[1]
	}
	c := h2c.Options{
		NoOCF: o.noOCF, NoMonitor: o.noMonitor,
		HeartbeatScript: executableIn(o.resourceDirs), LSBScript: executableIn(o.initDirs), SystemdUnit: unitIn(unitDirs),
		StonithParams: stonithParams, File: in, HACF: o.config,
	}
	switch o.dialect {
	case "current":
	case "heartbeat":
		c.Dialect = h2c.Heartbeat
	default:
		return cli.Exitf(cli.ExitUsage, "haresources2cib: there is no dialect %q; it is current or heartbeat", o.dialect)
	}
	if _, err := cib.ParseScore(o.stickiness); err != nil {
		return cli.Exitf(cli.ExitUsage, "haresources2cib: --stickiness %q is not a score", o.stickiness)
	}
	c.Stickiness = o.stickiness

	ds, err := readConfig(&c, o.config, configGiven)
	if err != nil {
		return err
	}
	f, err := os.Open(in)
	if err != nil {
		return &cli.Exit{Code: cli.ExitNoInput, Err: hacf.OpenError("resources", in, haresources.Sample, err)}
	}
	defer f.Close()
	entries, more, err := haresources.ParseLoose(f, in)
	if err != nil {
		return &cli.Exit{Code: cli.ExitNoInput, Err: err}
	}
	ds = append(ds, more...)
	root, more := h2c.Convert(entries, c)
	for _, d := range append(ds, more...) {
		fmt.Fprintln(env.Stderr, d)
	}
	doc := append([]byte("<?xml version=\"1.0\"?>\n"), cib.Print(root)...)
	if o.stdout || out == "" && !isTerminal(env) {
		if _, err := env.Stdout.Write(doc); err != nil {
			return cli.Exitf(cli.ExitIOErr, "haresources2cib: cannot print: %w", err)
		}
		return nil
	}
	if out == "" {
		out = filepath.Join(o.crmDir, "cib.xml")
	}
	return store(env, out, doc)
}

// readConfig takes what the converter needs from ha.cf. Without the file
// clones count one node, unless the user named it.
func readConfig(c *h2c.Options, path string, given bool) ([]diag.Diagnostic, error) {
	f, err := os.Open(path)
	if err != nil {
		err = hacf.OpenError("config", path, hacf.Sample, err)
		if given || !errors.Is(err, fs.ErrNotExist) {
			return nil, &cli.Exit{Code: cli.ExitNoInput, Err: err}
		}
		return []diag.Diagnostic{diag.New(path, 0, diag.Warning, "-c FILE names another", "There is no such file: fencing devices are not converted, clones count one node")}, nil
	}
	defer f.Close()
	conf, all, err := hacf.Parse(f, path)
	if conf == nil {
		return nil, &cli.Exit{Code: cli.ExitNoInput, Err: err}
	}
	c.Nodes, c.Stonith, c.Failback = len(conf.Nodes), conf.Stonith, conf.AutoFailback
	var ds []diag.Diagnostic
	for _, d := range all {
		// Only what a line says matters here, not whether a node could start.
		if d.Severity == diag.Error && d.Line > 0 {
			d.Severity = diag.Warning
			ds = append(ds, d)
		}
	}
	return ds, nil
}

func isTerminal(env *cli.Env) bool {
	f, ok := env.Stdout.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// executableIn reports whether one of the directories has an executable
// regular file of a name.
func executableIn(dirs []string) func(string) bool {
	return func(name string) bool {
		if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
			return false
		}
		for _, d := range dirs {
			if fi, err := os.Stat(filepath.Join(d, name)); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
				return true
			}
		}
		return false
	}
}

func unitIn(dirs []string) func(string) bool {
	return func(name string) bool {
		if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
			return false
		}
		for _, d := range dirs {
			if _, err := os.Stat(filepath.Join(d, name+".service")); err == nil {
				return true
			}
		}
		return false
	}
}

// stonithParams asks the program stonith of cluster-glue about a type that is
// not in our table, where it is installed.
func stonithParams(typ string) []string {
	if p := h2c.StonithParams(typ); p != nil || strings.HasPrefix(typ, "-") {
		return p
	}
	path, err := exec.LookPath("stonith")
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-t", typ, "-n").Output()
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.Fields(line)
}
