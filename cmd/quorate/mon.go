package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/mon"
	"github.com/quorate/quorate/pkg/client"
)

// newMon joins crm_mon to the daemon: at its end it answers what an operator
// asks next.
func newMon(env *cli.Env) *cobra.Command {
	return mon.New(env, mon.Backend{
		Dial: func() (mon.Source, error) { return client.Dial(env.RunDir) },
		Extra: func(ctx context.Context) []mon.Section {
			c, err := client.Dial(env.RunDir)
			if err != nil {
				return nil
			}
			defer c.Close()
			st, err := c.Status(ctx)
			if err != nil {
				return nil
			}
			return sections(st)
		},
	})
}

func sections(st *client.Status) []mon.Section {
	lease := "not valid: this node may not run resources"
	if st.Lease.Valid {
		lease = fmt.Sprintf("valid, ends %v after the last confirmation", time.Until(st.Lease.Stop).Round(10*time.Millisecond))
	}
	out := []mon.Section{{Title: "Membership", Lines: []string{
		fmt.Sprintf("%s sees view %d: %s", st.Node, st.View.Instance.Number, st.View.Reason),
		"Lease: " + lease,
		"Exclusion: " + st.Lease.Exclusion,
		st.Budget,
	}}}
	var links []string
	for _, p := range st.Peers {
		for _, l := range p.Links {
			if !l.Up {
				links = append(links, fmt.Sprintf("%s to %s is dead", l.Name, p.Name))
			}
		}
	}
	if len(links) > 0 {
		out = append(out, mon.Section{Title: "Links", Lines: links})
	}
	if len(st.Problems) > 0 {
		out = append(out, mon.Section{Title: "Problems", Lines: st.Problems})
	}
	return out
}
