// Package shadow is the command crm_shadow: copies of the configuration that
// every command works on when CIB_shadow names one, and that become the
// configuration of the cluster as a whole.
package shadow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
	"github.com/quorate/quorate/pkg/version"
)

// timeout bounds the calls of the daemon.
const timeout = 30 * time.Second

// newest is the schema of a copy that is made empty.
const newest = "pacemaker-3.9"

// flags are the options of one call.
type flags struct {
	t   *tool.Tool
	env *cli.Env

	which, display, edit, diff, file                    bool
	create, empty, commit, remove, reset, change, valid string
	force, batch, all                                   bool
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	f := &flags{env: env}
	c, t := tool.Command(env, "crm_shadow", "crm_shadow {-w|-p|-E|-d|-F} | {-c|-e|-C|-D|-r|-s} NAME", "work on a copy of the configuration",
		`crm_shadow makes copies of the configuration. While CIB_shadow names one, all commands
query and change the copy; --commit makes it the configuration of the cluster.
Copies are the files shadow.NAME in the directory that CIB_shadow_dir names
(`+source.DefaultShadowDir+`).`,
		func(ctx context.Context, _ *tool.Tool, _ []string) error {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return f.run(ctx)
		})
	f.t = t
	p := c.Flags()
	p.BoolVarP(&f.which, "which", "w", false, "print the name of the copy that is in use")
	p.BoolVarP(&f.display, "display", "p", false, "print it")
	p.BoolVarP(&f.edit, "edit", "E", false, "edit it with $EDITOR")
	p.BoolVarP(&f.diff, "diff", "d", false, "print what it changes, as a patch")
	p.BoolVarP(&f.file, "file", "F", false, "print the name of its file")
	p.StringVarP(&f.create, "create", "c", "", "copy the configuration of the cluster as `NAME`")
	p.StringVarP(&f.empty, "create-empty", "e", "", "make an empty configuration called `NAME`")
	p.StringVarP(&f.commit, "commit", "C", "", "make the copy `NAME` the configuration of the cluster (needs --force)")
	p.StringVarP(&f.remove, "delete", "D", "", "delete the copy `NAME` (needs --force)")
	p.StringVarP(&f.reset, "reset", "r", "", "copy the configuration of the cluster over the copy `NAME`")
	p.StringVarP(&f.change, "switch", "s", "", "use the copy `NAME`")
	p.BoolVarP(&f.force, "force", "f", false, "do it although something is lost")
	p.BoolVarP(&f.batch, "batch", "b", false, "start no shell")
	p.BoolVarP(&f.all, "all", "a", false, "with --commit: the status, too (a running cluster keeps its own)")
	p.StringVarP(&f.valid, "validate-with", "v", newest, "with --create-empty: the `SCHEMA`")
	return c
}

func (f *flags) run(ctx context.Context) error {
	switch {
	case f.create != "":
		return f.make(ctx, f.create, false)
	case f.empty != "":
		return f.make(ctx, f.empty, true)
	case f.reset != "":
		return f.renew(ctx)
	case f.change != "":
		if err := exists(f.change); err != nil {
			return err
		}
		return f.use(f.change, "To switch to the named shadow instance, paste the following into your shell:")
	case f.commit != "", f.remove != "":
		if !f.force {
			f.t.Say("The supplied command is considered dangerous.  To prevent accidental destruction of the cluster, the --force flag is required in order to proceed.")
			return silent(cli.ExitUsage)
		}
		if f.commit != "" {
			if err := f.upload(ctx); err != nil {
				return err
			}
		} else if err := os.Remove(source.ShadowFile(f.remove)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cli.Exitf(cli.ExitIOErr, "Could not remove shadow instance '%s': %w", f.remove, err)
		}
		f.t.Printf("Please remember to unset the CIB_shadow variable by pasting the following into your shell:\n  unset CIB_shadow\n")
		return nil
	case f.which, f.display, f.edit, f.diff, f.file:
		return f.query(ctx)
	}
	return tool.Usage("a command is needed: one of -w -p -E -d -F -c -e -C -D -r -s; see crm_shadow --help")
}

// silent is an error whose text was said before.
func silent(code int) error { return &cli.Exit{Code: code, Err: errors.New("")} }

// exists tells of a copy that is missing.
func exists(name string) error {
	_, err := os.Stat(source.ShadowFile(name))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return cli.Exitf(cli.ExitNoSuchObject, "Could not access shadow instance '%s': No such file or directory", name)
	}
	return cli.Exitf(cli.ExitIOErr, "Could not access shadow instance '%s': %w", name, err)
}

// active is the configuration that copies are made of: not a copy.
func active(ctx context.Context, env *cli.Env) (*cib.Element, error) {
	s := source.Source{File: source.LocalFile()}
	if s.File == "" {
		defer unset("CIB_shadow")()
	}
	doc, err := source.Load(ctx, env, s)
	if err != nil {
		return nil, err
	}
	return doc.Root, nil
}

// unset takes a variable away and returns what puts it back.
func unset(name string) func() {
	old, had := os.LookupEnv(name)
	os.Unsetenv(name)
	return func() {
		if had {
			os.Setenv(name, old)
		}
	}
}

// make writes a new copy.
func (f *flags) make(ctx context.Context, name string, empty bool) error {
	file := source.ShadowFile(name)
	if filepath.Base(file) != "shadow."+name {
		return tool.Usage("%q is no name for a copy: it must not hold a slash", name)
	}
	if _, err := os.Stat(file); err == nil && !f.force {
		return cli.Exitf(cli.ExitCantCreate, "A shadow instance '%s' already exists.\n  To prevent accidental destruction of the cluster, the --force flag is required in order to proceed.", name)
	}
	root := blank(f.valid)
	if empty {
		f.t.Printf("Created new %s configuration\n", f.valid)
	} else {
		var err error
		if root, err = active(ctx, f.env); err != nil {
			return err
		}
	}
	if err := cib.SaveFile(file, root); err != nil {
		return cli.Exitf(cli.ExitCantCreate, "Could not create the shadow instance '%s': %w", name, err)
	}
	return f.use(name, "A new shadow instance was created.  To begin using it paste the following into your shell:")
}

func (f *flags) renew(ctx context.Context) error {
	if err := exists(f.reset); err != nil {
		return err
	}
	f.force = true
	return f.make(ctx, f.reset, false)
}

// blank is a configuration without content.
func blank(schema string) *cib.Element {
	conf := cib.New("configuration").WithChildren(cib.New("crm_config"), cib.New("nodes"), cib.New("resources"), cib.New("constraints"))
	return cib.New("cib", "crm_feature_set", version.FeatureSet, "validate-with", schema, "epoch", "1", "num_updates", "0", "admin_epoch", "0").
		WithChildren(conf, cib.New("status"))
}

// use starts a shell that uses a copy, or says how to use it.
func (f *flags) use(name, text string) error {
	f.t.Printf("Setting up shadow instance\n")
	shell := os.Getenv("SHELL")
	if f.batch || shell == "" {
		f.t.Printf("%s\n  CIB_shadow=%s ; export CIB_shadow\n", text, name)
		return nil
	}
	f.t.Printf("Type Ctrl-D to exit the crm_shadow shell\n")
	f.t.Flush()
	cmd := exec.Command(shell)
	cmd.Env = append(os.Environ(), "CIB_shadow="+name, "PS1=shadow["+name+"] # ")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return cli.Exitf(cli.ExitError, "the shell %s ended: %w", shell, err)
	}
	return nil
}

// upload makes a copy the configuration.
func (f *flags) upload(ctx context.Context) error {
	if err := exists(f.commit); err != nil {
		return err
	}
	root, _, err := cib.ReadFile(source.ShadowFile(f.commit))
	if err != nil {
		return cli.Exitf(cli.ExitDataErr, "Could not parse the shadow instance '%s': %w", f.commit, err)
	}
	defer unset("CIB_shadow")()
	op := cib.Op{Verb: cib.VerbReplace, XML: root, Why: "crm_shadow --commit " + f.commit}
	if conf := root.First("configuration"); !f.all && conf != nil {
		op.XML, op.Scope = conf, "configuration"
	}
	if err := source.Edit(ctx, f.env, op); err != nil {
		return cli.Exitf(exitOf(err), "Could not commit shadow instance '%s' to the CIB: %w", f.commit, err)
	}
	return nil
}

// exitOf is the exit code of an edit that failed.
func exitOf(err error) int {
	var x *cli.Exit
	if errors.As(err, &x) {
		return x.Code
	}
	return cib.ExitCode(err)
}

// query tells of the copy in use.
func (f *flags) query(ctx context.Context) error {
	name := os.Getenv("CIB_shadow")
	if name == "" {
		f.t.Printf("No active shadow configuration defined\n")
		return silent(cli.ExitNoSuchObject)
	}
	file := source.ShadowFile(name)
	switch {
	case f.which:
		f.t.Printf("%s\n", name)
		f.t.Add(cib.New("shadow", "instance", name))
		return nil
	case f.file:
		f.t.Printf("%s\n", file)
		f.t.Add(cib.New("shadow", "file", file))
		return nil
	}
	if err := exists(name); err != nil {
		return err
	}
	if f.edit {
		return f.edited(file)
	}
	root, _, err := cib.ReadFile(file)
	if err != nil {
		return cli.Exitf(cli.ExitDataErr, "Could not parse the shadow instance '%s': %w", name, err)
	}
	if f.display {
		fmt.Fprintf(f.t.Text(), "%s", cib.Print(root))
		f.t.Add(root)
		return nil
	}
	live, err := active(ctx, f.env)
	if err != nil {
		return err
	}
	patch, err := cib.MakePatch(live, root, true)
	if err != nil {
		return cli.Exitf(cib.ExitCode(err), "%w", err)
	}
	if patch == nil {
		return nil
	}
	for _, d := range cib.Diff(live, root) {
		f.t.Printf("%s\n", d)
	}
	f.t.Add(patch)
	return silent(cli.ExitError)
}

func (f *flags) edited(file string) error {
	editor := os.Getenv("EDITOR")
	if editor == "" {
		return tool.Usage("no editor is known: set EDITOR")
	}
	cmd := exec.Command("/bin/sh", "-c", editor+` "$1"`, "sh", file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return cli.Exitf(cli.ExitError, "%s ended: %w", editor, err)
	}
	return nil
}
