// Package diff is the command crm_diff: what differs between two documents, as
// a patch, and a patch applied to a document. It needs no running cluster.
package diff

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
)

type flags struct {
	original, originalText, fresh, freshText, patch string
	stdin, versions, noVersion                      bool
	verbose                                         int
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	f := new(flags)
	c := &cobra.Command{
		Use:   "crm_diff -o FILE {-n FILE | -p PATCH}",
		Short: "compare two configurations, or apply a patch to one",
		Long: `crm_diff prints the patch that turns one document into another, or what a patch
makes of a document. The patch has format 2, which cibadmin --patch takes; patches
of format 1 (Heartbeat 2) can be applied too. Exit code of a comparison: 0 if
nothing differs, 1 if something does.`,
		Example: `  cibadmin -Q > old.xml
  cibadmin -Q > new.xml
  crm_diff --original old.xml --new new.xml > patch.xml
  crm_diff --original old.xml --patch patch.xml > again.xml
  cibadmin --patch -x patch.xml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(env) },
	}
	p := c.Flags()
	p.StringVarP(&f.original, "original", "o", "", "file of the original document; - is standard input")
	p.StringVarP(&f.originalText, "original-string", "O", "", "the original document itself")
	p.StringVarP(&f.fresh, "new", "n", "", "file of the new document; - is standard input")
	p.StringVarP(&f.freshText, "new-string", "N", "", "the new document itself")
	p.StringVarP(&f.patch, "patch", "p", "", "file of a patch for the original")
	p.BoolVarP(&f.versions, "cib", "c", false, "note the digest of the result in the patch")
	p.BoolVarP(&f.stdin, "stdin", "s", false, "read the documents whose file is not given from standard input")
	p.BoolVarP(&f.noVersion, "no-version", "u", false, "leave versions out, so that the patch suits other versions too")
	p.CountVarP(&f.verbose, "verbose", "V", "say more")
	return c
}

func (f *flags) run(env *cli.Env) error {
	if f.noVersion && f.versions {
		return cli.Exitf(cli.ExitUsage, "crm_diff: -u/--no-version contradicts -c/--cib")
	}
	if f.patch != "" && (f.fresh != "" || f.freshText != "") {
		return cli.Exitf(cli.ExitUsage, "crm_diff: give either a new document or a patch")
	}
	if f.noVersion && f.patch != "" {
		fmt.Fprintln(env.Stderr, "crm_diff: -u/--no-version has no meaning with -p/--patch")
	}
	before, err := f.document(env, "original", f.original, f.originalText, nil)
	if err != nil {
		return err
	}
	if f.patch != "" {
		p, err := f.document(env, "patch", f.patch, "", nil)
		if err != nil {
			return err
		}
		after, err := cib.ApplyPatch(before, p)
		if err != nil {
			return &cli.Exit{Code: cib.ExitCode(err), Err: fmt.Errorf("Could not apply patch: %w", err)}
		}
		return write(env, after)
	}
	after, err := f.document(env, "new", f.fresh, f.freshText, before)
	if err != nil {
		return err
	}
	p, err := cib.MakePatch(before, after, !f.noVersion)
	if err != nil {
		return &cli.Exit{Code: cib.ExitCode(err), Err: fmt.Errorf("crm_diff: %w", err)}
	}
	if p == nil {
		return nil
	}
	if f.versions {
		p = p.WithAttr("digest", cib.VersionedDigest(after))
	}
	if err := write(env, p); err != nil {
		return err
	}
	return &cli.Exit{Code: cli.ExitError, Err: errors.New("")}
}

// document reads one of the documents from where the options say it is; like is
// one that it probably differs little from.
func (f *flags) document(env *cli.Env, which, file, text string, like *cib.Element) (*cib.Element, error) {
	var err error
	name := file
	switch {
	case text != "":
		name = which + " document"
	case file == "-", file == "" && f.stdin:
		name = "standard input"
		text, err = cib.ReadText(env.Stdin, name)
	case file != "":
		text, err = source.ReadFile(file)
	default:
		return nil, cli.Exitf(cli.ExitUsage, "crm_diff: no %s document: see crm_diff --help", which)
	}
	if err != nil {
		return nil, cli.Exitf(source.NoInput(err), "crm_diff: the %s document: %w", which, err)
	}
	source.Frugal(len(text))
	root, err := cib.ParseLike(text, name, like)
	if err != nil {
		return nil, cli.Exitf(cli.ExitDataErr, "crm_diff: %w", err)
	}
	return root, nil
}

func write(env *cli.Env, e *cib.Element) error {
	if _, err := e.WriteTo(env.Stdout); err != nil {
		return cli.Exitf(cli.ExitIOErr, "crm_diff: %w", err)
	}
	return nil
}
