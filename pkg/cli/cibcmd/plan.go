package cibcmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/client"
)

// planTag is the root of a stored plan, and planFor its attribute that tells
// for which configuration it was made; it holds the patch.
const (
	planTag = "quorate-plan"
	planFor = "for"
)

func newPlan(env *cli.Env) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "plan FILE",
		Short: "tell what would change if FILE were the configuration, and what the cluster would then do",
		Long: `plan compares a configuration (a whole CIB or its <configuration>; - is standard
input) with the present one and computes what the cluster would do. Nothing is
changed. With --out the plan is stored, and apply makes exactly that change.`,
		Example: `  cibadmin -Q > new.xml; vi new.xml
  quorate cib plan new.xml --out plan.xml
  quorate cib apply plan.xml --why "ticket 17"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := source.XML(env, "", args[0], false)
			if err != nil {
				return err
			}
			return with(cmd, env, func(ctx context.Context, c *client.Client) error {
				live, err := c.Document(ctx)
				if err != nil {
					return err
				}
				return plan(env, live, want, out)
			})
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "store the plan in this file")
	return c
}

// target returns the present document with the configuration that is wanted.
func target(now, want *cib.Element) (*cib.Element, error) {
	conf := want
	switch {
	case want.Name == "cib" && want.First("configuration") != nil:
		conf = want.First("configuration")
		if v, ok := want.Lookup("validate-with"); ok {
			now = now.WithAttr("validate-with", v)
		}
	case want.Name != "configuration":
		return nil, cli.Exitf(cli.ExitDataErr, "cib: <%s> is no configuration: <cib> or <configuration> is expected", want.Name)
	}
	if old := now.First("configuration"); old != nil {
		return now.WithReplaced(old, conf), nil
	}
	return now.WithChild(conf), nil
}

func plan(env *cli.Env, live, want *cib.Element, out string) error {
	now := lasting(live)
	then, err := target(now, want)
	if err != nil {
		return err
	}
	op, err := change(now, then, "")
	if err != nil {
		return err
	}
	at := cib.VersionOf(live).Configuration()
	if op == nil {
		fmt.Fprintf(env.Stdout, "Nothing would change: this is configuration %s.\n", at)
		return nil
	}
	after, err := cib.ApplyOp(live, *op)
	if err != nil {
		return &cli.Exit{Code: cib.ExitCode(err), Err: fmt.Errorf("the plan is refused: %w", err)}
	}
	fmt.Fprintf(env.Stdout, "Changes of configuration %s:\n", at)
	tell(env, "  ", now, then)
	res, err := pengine.Schedule(after, time.Now(), pengine.Options{})
	if err != nil {
		return cli.Exitf(cli.ExitConfig, "cib: %w", err)
	}
	fmt.Fprintln(env.Stdout, "\nThe cluster would then:")
	if len(res.Summary()) == 0 {
		fmt.Fprintln(env.Stdout, "  * leave every resource as it is")
	}
	res.SummaryText(env.Stdout)
	for _, m := range append(res.Errors, res.Warnings...) {
		fmt.Fprintf(env.Stderr, "note: %s\n", m)
	}
	if out == "" {
		return nil
	}
	if err := cib.SaveFile(out, cib.New(planTag, planFor, at).WithChild(op.XML)); err != nil {
		return cli.Exitf(cli.ExitCantCreate, "cib: the plan is not stored: %w", err)
	}
	return nil
}

func newApply(env *cli.Env) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "apply PLAN",
		Short: "make exactly the change of a stored plan; refused if the configuration has changed since",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := source.XML(env, "", args[0], false)
			if err != nil {
				return err
			}
			patch := p.First("diff")
			if p.Name != planTag || patch == nil || p.Get(planFor) == "" {
				return cli.Exitf(cli.ExitDataErr, "cib: %s is no plan: quorate cib plan FILE --out PLAN makes one", args[0])
			}
			return with(cmd, env, func(ctx context.Context, c *client.Client) error {
				return edit(ctx, c, cib.Op{Verb: cib.VerbPatch, XML: patch, Why: why, Expect: p.Get(planFor)})
			})
		},
	}
	c.Flags().StringVar(&why, "why", "", "the reason, which the log shows")
	return c
}
