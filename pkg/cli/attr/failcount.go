package attr

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/resource"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// NewCrmMaster returns the command crm_master, the old way of an agent to say
// its promotion score: crm_attribute --promotion.
func NewCrmMaster(env *cli.Env) *cobra.Command {
	f := &flags{isPromotion: true, promotion: fromInstance}
	c := &cobra.Command{
		Use:   "crm_master {-G | -v VALUE | -D} [-N NODE] [-l reboot|forever]",
		Short: "query and change the promotion score of a resource (for agents)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.update = cmd.Flags().Changed("update")
			return f.run(cmd.Context(), env)
		},
	}
	p := c.Flags()
	p.BoolVarP(&f.query, "query", "G", false, "print the score")
	p.BoolVarP(&f.del, "delete", "D", false, "delete the score")
	p.StringVarP(&f.value, "update", "v", "", "set the score")
	p.StringVarP(&f.node, "node", "N", "", "name of the node")
	p.StringVarP(&f.node, "uname", "U", "", "the old name of --node")
	p.StringVarP(&f.life, "lifetime", "l", "", "reboot (default) or forever")
	p.StringVarP(&f.set, "set-name", "s", "", "id of the set")
	p.StringVarP(&f.promotion, "resource", "r", fromInstance, "the resource, by default that of OCF_RESOURCE_INSTANCE")
	p.BoolVarP(&f.quiet, "quiet", "q", false, "print the value only")
	p.BoolVarP(&f.quiet, "old-quiet", "Q", false, "the old name of --quiet")
	p.CountVarP(&f.verbose, "verbose", "V", "say more")
	c.MarkFlagsOneRequired("query", "delete", "update")
	c.MarkFlagsMutuallyExclusive("query", "delete", "update")
	return c
}

// failcount is one call of crm_failcount.
type failcount struct {
	resource, node, operation, interval string
	query, del, quiet                   bool
	output                              string
	body                                []*cib.Element
}

// NewCrmFailcount returns the command crm_failcount.
func NewCrmFailcount(env *cli.Env) *cobra.Command {
	f := new(failcount)
	c := &cobra.Command{
		Use:   "crm_failcount {-G | -D} -r RESOURCE [-N NODE] [-n OPERATION [-I INTERVAL]]",
		Short: "query or forget the failures of a resource",
		Long: `crm_failcount prints how often a resource has failed on a node (-G). -D forgets its
failures, on all nodes unless -N names one, so that its state is looked up anew; it is
crm_resource --cleanup.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tool.Forms(env, "crm_failcount", f.output, func(env *cli.Env) ([]*cib.Element, error) {
				err := f.run(cmd.Context(), env)
				return f.body, err
			})
		},
	}
	p := c.Flags()
	p.StringVar(&f.output, "output-as", tool.Text, tool.FormsUsage)
	p.StringVarP(&f.resource, "resource", "r", "", "name of the resource")
	p.StringVarP(&f.node, "node", "N", "", "name of the node, by default this one")
	p.StringVarP(&f.node, "uname", "U", "", "the old name of --node")
	p.StringVarP(&f.operation, "operation", "n", "", "count the failures of this operation only")
	p.StringVarP(&f.interval, "interval", "I", "", "with -n: of this interval only")
	p.BoolVarP(&f.query, "query", "G", false, "print the number of failures")
	p.BoolVarP(&f.del, "delete", "D", false, "forget the failures")
	p.BoolVarP(&f.quiet, "quiet", "q", false, "print the number only")
	p.BoolVarP(&f.quiet, "old-quiet", "Q", false, "the old name of --quiet")
	c.MarkFlagsMutuallyExclusive("query", "delete")
	return c
}

func (f *failcount) run(ctx context.Context, env *cli.Env) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if f.resource == "" {
		return cli.Exitf(cli.ExitUsage, "Please specify a resource with -r")
	}
	if f.del {
		return f.forget(ctx, env)
	}
	doc, err := source.Load(ctx, env, source.Source{})
	if err != nil {
		return err
	}
	name, err := nodeName(ctx, env, f.node)
	if err != nil {
		return err
	}
	id, uname := nodeID(doc.Root, name)
	if id == "" {
		return cli.Exitf(cli.ExitNoSuchObject, "crm_failcount: Could not map name=%s to a UUID", name)
	}
	want := "fail-count-" + f.resource
	prefix := want + "#"
	if f.operation != "" {
		prefix += f.operation + "_"
		if f.interval != "" {
			d, err := dampening(f.interval)
			if err != nil {
				return err
			}
			prefix += fmt.Sprint(d.Milliseconds())
		}
	}
	sum := 0
	for _, v := range statusPlace(id, uname).find(doc.Root, pick{}) {
		if n := v.nvpair.Get("name"); n == want && f.operation == "" || strings.HasPrefix(n, prefix) && (f.interval == "" || n == prefix) {
			score, err := cib.ParseScore(v.nvpair.Get("value"))
			if err != nil {
				return cli.Exitf(cli.ExitDataErr, "crm_failcount: %s is %q, which is no number", n, v.nvpair.Get("value"))
			}
			sum = min(sum+score, cib.Infinity)
		}
	}
	f.body = []*cib.Element{cib.New("attribute", "scope", "status", "name", want, "node", uname, "value", cib.FormatScore(sum))}
	if f.quiet {
		fmt.Fprintln(env.Stdout, cib.FormatScore(sum))
	} else {
		fmt.Fprintf(env.Stdout, "scope=status  name=%s value=%s\n", want, cib.FormatScore(sum))
	}
	return nil
}

// forget is crm_resource --cleanup, as it always was.
func (f *failcount) forget(ctx context.Context, env *cli.Env) error {
	args := []string{"--cleanup", "--resource", f.resource}
	for option, value := range map[string]string{"--node": f.node, "--operation": f.operation, "--interval": f.interval} {
		if value != "" {
			args = append(args, option, value)
		}
	}
	c := resource.New(env)
	c.SetArgs(args)
	c.SetIn(env.Stdin)
	c.SetOut(env.Stdout)
	c.SetErr(env.Stderr)
	c.SilenceErrors, c.SilenceUsage = true, true
	return c.ExecuteContext(ctx)
}
