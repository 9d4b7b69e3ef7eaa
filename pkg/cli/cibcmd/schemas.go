package cibcmd

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib/grammar"
	"github.com/quorate/quorate/pkg/cli"
)

// newSchemas is "cib schemas": the schemas that are known, or their grammars in
// RELAX NG for crmsh, pcs and xmllint.
func newSchemas(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "schemas [DIRECTORY]",
		Short: "list the schemas of the configuration, or write them to a directory as RELAX NG",
		Long: `schemas lists the values of validate-with that are known, oldest first. With a
directory it writes the grammar of each there as pacemaker-VERSION.rng, where
crmsh, pcs and xmllint look for it (PREFIX/share/pacemaker). They are made from the
tables that every check of the configuration here uses.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, v := range grammar.Versions {
				s := grammar.Load(grammar.Prefix + v)
				if len(args) == 0 {
					fmt.Fprintln(env.Stdout, grammar.Prefix+v)
					continue
				}
				if err := os.MkdirAll(args[0], 0o755); err != nil {
					return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
				}
				if err := os.WriteFile(filepath.Join(args[0], s.FileName()), s.RelaxNG(), 0o644); err != nil {
					return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
				}
			}
			return nil
		},
	}
}
