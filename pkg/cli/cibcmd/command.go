package cibcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/history"
)

// timeout bounds one command.
const timeout = 30 * time.Second

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "cib COMMAND",
		Short: "what the configuration was, who changed it, and what a change would do",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Exitf(cli.ExitUsage, "cib: no command: one of log, show, diff, rollback, plan, apply, schemas; see quorate cib --help")
		},
	}
	c.AddCommand(newLog(env), newShow(env), newDiff(env), newRollback(env), newPlan(env), newApply(env), newSchemas(env))
	return c
}

// with calls the daemon.
func with(cmd *cobra.Command, env *cli.Env, f func(ctx context.Context, c *client.Client) error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(ctx, c)
}

func newLog(env *cli.Env) *cobra.Command {
	var last int
	var asJSON bool
	c := &cobra.Command{
		Use:   "log",
		Short: "list the versions of the configuration, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd, env, func(ctx context.Context, c *client.Client) error {
				r, err := c.Do(ctx, &client.Request{Verb: client.VerbHistory})
				if err != nil {
					return err
				}
				list := r.History
				if last > 0 && len(list) > last {
					list = list[len(list)-last:]
				}
				if asJSON {
					enc := json.NewEncoder(env.Stdout)
					enc.SetIndent("", "  ")
					if list == nil {
						list = []history.Entry{}
					}
					return enc.Encode(list)
				}
				for i := len(list) - 1; i >= 0; i-- {
					fmt.Fprintln(env.Stdout, line(list[i]))
				}
				return nil
			})
		},
	}
	c.Flags().IntVarP(&last, "number", "n", 0, "the last so many only")
	c.Flags().BoolVarP(&asJSON, "json", "j", false, "as JSON, oldest first")
	return c
}

// line tells of one version: number, time, who, where, why.
func line(e history.Entry) string {
	when := "at an unknown time"
	if !e.Time.IsZero() {
		when = e.Time.UTC().Format("2006-01-02 15:04:05Z")
	}
	known := func(s string) string {
		if s == "" {
			return "unknown"
		}
		return s
	}
	s := fmt.Sprintf("%-9s %s  %s with %s on %s", e.Version.Configuration(), when, known(e.User), known(e.Client), known(e.Origin))
	if e.Why != "" {
		s += ": " + e.Why
	}
	if e.Missed {
		s += " (versions before it were made without this node)"
	}
	return s
}

// document returns a version of the configuration; "" is the present one.
func document(ctx context.Context, c *client.Client, version string) (*cib.Element, error) {
	if version == "" {
		root, err := c.Document(ctx)
		if err != nil {
			return nil, err
		}
		return lasting(root), nil
	}
	v, err := find(ctx, c, version)
	if err != nil {
		return nil, err
	}
	r, err := c.Do(ctx, &client.Request{Verb: client.VerbVersion, Version: v.String()})
	if err != nil {
		return nil, err
	}
	root, err := cib.Parse([]byte(r.XML), "version "+v.String())
	if err != nil {
		return nil, cli.Exitf(cli.ExitDataErr, "cib: %w", err)
	}
	return root, nil
}

// find returns the newest version that a user's "0.17" or "0.17.0" names.
func find(ctx context.Context, c *client.Client, version string) (cib.Version, error) {
	v, err := cib.ParseVersion(version)
	if err != nil {
		return v, cli.Exitf(cli.ExitUsage, "cib: %w", err)
	}
	r, err := c.Do(ctx, &client.Request{Verb: client.VerbHistory})
	if err != nil {
		return v, err
	}
	for i := len(r.History) - 1; i >= 0; i-- {
		if e := r.History[i]; e.Version == v || e.Version.Configuration() == version {
			return e.Version, nil
		}
	}
	return v, cli.Exitf(cli.ExitNoSuchObject, "cib: %w: %s; quorate cib log lists those that are", history.ErrUnknown, version)
}

// lasting leaves out what says something about the moment only.
func lasting(root *cib.Element) *cib.Element {
	if st := root.First("status"); st != nil {
		root = root.WithReplaced(st, nil)
	}
	return root.WithoutAttr("have-quorum").WithoutAttr("dc-uuid")
}

// unversioned leaves out who made a version and its number, too.
func unversioned(root *cib.Element) *cib.Element {
	for _, name := range []string{"admin_epoch", "epoch", "num_updates", "cib-last-written", "update-origin", "update-client", "update-user"} {
		root = root.WithoutAttr(name)
	}
	return lasting(root)
}

// tell prints what differs, by id.
func tell(env *cli.Env, indent string, a, b *cib.Element) {
	for _, d := range cib.Diff(unversioned(a), unversioned(b)) {
		fmt.Fprintf(env.Stdout, "%s%s\n", indent, d)
	}
}

func newShow(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "show VERSION",
		Short: "print the configuration as it was",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, env, func(ctx context.Context, c *client.Client) error {
				root, err := document(ctx, c, args[0])
				if err != nil {
					return err
				}
				_, err = root.WriteTo(env.Stdout)
				return err
			})
		},
	}
}

func newDiff(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "diff VERSION [VERSION]",
		Short: "tell what differs between two versions, the second being the present one by default",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, env, func(ctx context.Context, c *client.Client) error {
				a, err := document(ctx, c, args[0])
				if err != nil {
					return err
				}
				b, err := document(ctx, c, append(args, "")[1])
				if err != nil {
					return err
				}
				tell(env, "", a, b)
				return nil
			})
		},
	}
}

func newRollback(env *cli.Env) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "rollback VERSION",
		Short: "make the configuration what it was, as a new version",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, env, func(ctx context.Context, c *client.Client) error {
				old, err := document(ctx, c, args[0])
				if err != nil {
					return err
				}
				now, err := document(ctx, c, "")
				if err != nil {
					return err
				}
				if why == "" {
					why = "rollback to " + args[0]
				}
				op, err := change(now, old, why)
				if err != nil {
					return err
				}
				if op == nil {
					fmt.Fprintf(env.Stdout, "The configuration is that of %s already.\n", args[0])
					return nil
				}
				if err := edit(ctx, c, *op); err != nil {
					return err
				}
				tell(env, "", now, old)
				return nil
			})
		},
	}
	c.Flags().StringVar(&why, "why", "", "the reason, which the log shows")
	return c
}

// change returns the change that makes now like then, or nil if it is.
func change(now, then *cib.Element, why string) (*cib.Op, error) {
	p, err := cib.MakePatch(now, then, false)
	if err != nil {
		return nil, cli.Exitf(cli.ExitDataErr, "cib: %w", err)
	}
	if p == nil {
		return nil, nil
	}
	return &cib.Op{Verb: cib.VerbPatch, XML: p, Why: why, Expect: cib.VersionOf(now).Configuration()}, nil
}

// edit makes a change in the running cluster.
func edit(ctx context.Context, c *client.Client, op cib.Op) error {
	_, err := c.Do(ctx, &client.Request{Verb: client.VerbEdit, Edit: cib.EncodeOp(op), RequestID: uuid.NewString()})
	if err == nil {
		return nil
	}
	code := cib.ExitCode(err)
	var x *cli.Exit
	if errors.As(err, &x) {
		code = x.Code
	}
	if code == cli.ExitDisconnect || code == cli.ExitTimeout {
		return err // whether it was made is not known
	}
	return &cli.Exit{Code: code, Err: fmt.Errorf("nothing was changed: %s", strings.TrimSpace(err.Error()))}
}
