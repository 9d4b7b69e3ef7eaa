package cibadmin

import (
	"context"
	"errors"
	"fmt"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/cib/grammar"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/version"
)

// printEmpty prints a document without content, of the schema given as argument.
func (f *flags) printEmpty(env *cli.Env, args []string) error {
	schema := ""
	if len(args) > 0 {
		if schema = args[0]; grammar.Load(schema) == nil {
			return cli.Exitf(cli.ExitUsage, "cibadmin: %q is no schema: quorate cib schemas lists them", schema)
		}
	}
	_, err := env.Stdout.Write(cib.Print(cib.Empty(schema)))
	return err
}

func printVersion(env *cli.Env) error {
	_, err := fmt.Fprintf(env.Stdout, "Quorate %s\nCRM feature set %s, as Pacemaker 2.1.5\n", version.Version, cib.FeatureSet)
	return err
}

// digest prints that of the XML given.
func (f *flags) digest(env *cli.Env) error {
	if f.text == "" && f.file == "" && !f.stdin {
		return cli.Exitf(cli.ExitUsage, "Please supply XML to process with -X, -x or -p")
	}
	root, err := f.xml(env)
	if err != nil {
		return err
	}
	if f.md5 {
		fmt.Fprint(env.Stderr, "Digest: ")
		_, err = fmt.Fprintln(env.Stdout, cib.Digest(root))
		return err
	}
	feature := root.Get("crm_feature_set")
	if feature == "" {
		feature = cib.FeatureSet
	}
	fmt.Fprintf(env.Stderr, "Versioned (%s) digest: ", feature)
	_, err = fmt.Fprintln(env.Stdout, cib.VersionedDigest(root))
	return err
}

// xml reads what is given with -X, -x or -p.
func (f *flags) xml(env *cli.Env) (*cib.Element, error) {
	root, err := source.XML(env, f.text, f.file, f.file == "" && f.stdin)
	switch {
	case err == nil:
		return root, nil
	case f.text != "":
		return nil, failed(&cli.Exit{Code: cli.ExitConfig, Err: err})
	}
	name := f.file
	if name == "" {
		name = "STDIN"
	}
	return nil, cli.Exitf(cli.ExitConfig, "Couldn't parse input from %s.\n%w", name, err)
}

// exists prints what a refused creation was about, as the tool does.
func (f *flags) exists(env *cli.Env, op cib.Op, err error) {
	if !errors.Is(err, cib.ErrExists) && cli.ExitCode(err) != cli.ExitExists || op.Verb != cib.VerbCreate || op.XML == nil {
		return
	}
	update := cib.New("failed_update")
	if id := op.XML.ID(); id != "" {
		update = update.WithAttr("id", id)
	}
	update = update.WithAttr("object_type", op.XML.Name).WithAttr("operation", "cib_create").WithAttr("reason", words[cli.ExitExists])
	_, _ = env.Stdout.Write(cib.Print(cib.New("failed").WithChild(update.WithChild(op.XML))))
}

// announce says on standard error what an upgrade will not simply take over.
func announce(ctx context.Context, env *cli.Env) error {
	doc, err := source.Load(ctx, env, source.Source{})
	if err != nil {
		return err
	}
	_, report, err := cib.UpgradeSchema(doc.Root)
	if err != nil {
		return failed(err)
	}
	// From the old dialect nearly all is renamed, and an administrator may want to
	// see how.
	for _, r := range doc.Report {
		if r.Kind != cib.Kept {
			fmt.Fprintln(env.Stderr, r)
		}
	}
	for _, r := range report {
		if r.Kind == cib.Dropped || r.Kind == cib.Note || r.Kind == cib.Changed {
			fmt.Fprintln(env.Stderr, r)
		}
	}
	return nil
}
