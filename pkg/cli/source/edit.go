package source

import (
	"context"

	"github.com/google/uuid"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// Edit makes a change of the document that [Load] returns when it is given no
// other source: of the file that [Local] names, otherwise of the running cluster,
// where it is on the disks of a quorum of nodes when Edit returns. Errors carry
// an exit code: a *cli.Exit or a sentinel of package cib.
func Edit(ctx context.Context, env *cli.Env, op cib.Op) error {
	if path := Local(); path != "" {
		doc, err := local(env, path)
		if err != nil {
			return err
		}
		root := doc.Root
		if root, err = cib.ApplyOp(root, op); err != nil {
			return err
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
	_, err = c.Do(ctx, &client.Request{Verb: client.VerbEdit, Edit: cib.EncodeOp(op), RequestID: uuid.NewString()})
	return err
}
