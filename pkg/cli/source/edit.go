package source

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// Edit makes a change of the document that [Load] returns when it is given no
// other source: of the file that [Local] names, otherwise of the running cluster,
// where it is on the disks of a quorum of nodes when Edit returns. Errors carry
// an exit code: a *cli.Exit or a sentinel of package cib.
func Edit(ctx context.Context, env *cli.Env, op cib.Op) error { return edit(ctx, env, op, false) }

// ForceEdit is Edit which, on a node without quorum, writes on that node alone;
// it says so on standard error.
func ForceEdit(ctx context.Context, env *cli.Env, op cib.Op) error { return edit(ctx, env, op, true) }

func edit(ctx context.Context, env *cli.Env, op cib.Op, force bool) error {
	if path := Local(); path != "" {
		doc, err := local(env, path)
		if err != nil {
			return err
		}
		root := doc.Root
		if root, err = cib.ApplyOp(root, op); err != nil {
			return err
		}
		if len(doc.Report) > 0 && path != "-" {
			kept, err := cib.KeepOriginal(path)
			if err != nil {
				return cli.Exitf(cli.ExitIOErr, "%s is in the dialect of Heartbeat 2 and is not changed, since the original cannot be kept: %w", path, err)
			}
			fmt.Fprintf(env.Stderr, "%s was in the dialect of Heartbeat 2 and is now in that of %s; the original is kept as %s\n", path, root.Get("validate-with"), kept)
		}
		if err := cib.SaveFile(path, root); err != nil {
			return cli.Exitf(cli.ExitIOErr, "%w", err)
		}
		return nil
	}
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	resp, err := c.Do(ctx, &client.Request{Verb: client.VerbEdit, Edit: cib.EncodeOp(op), RequestID: uuid.NewString(), Force: force})
	if err == nil && resp.Text != "" {
		fmt.Fprintln(env.Stderr, resp.Text)
	}
	return err
}
