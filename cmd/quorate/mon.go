package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
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
		decider(st),
		"Lease: " + lease,
		"Exclusion: " + st.Lease.Exclusion,
		"Watchdog: " + cmp.Or(st.Parameters["watchdog"], "none in ha.cf"),
		st.Budget,
	}}}
	out[0].Lines = append(out[0].Lines, linkCount(st))
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

// decider tells who is DC, and which voters are outside of the view.
func decider(st *client.Status) string {
	line := "DC: none, nothing is decided here without quorum"
	if st.View.DC != "" {
		line = fmt.Sprintf("DC: %s (%s is in state %s)", st.View.DC, st.Node, st.State)
	}
	if len(st.View.Lost) > 0 {
		line += "; outside of the view: " + strings.Join(st.View.Lost, ", ")
	}
	return line
}

// linkCount tells how many of the links to the others this node hears.
func linkCount(st *client.Status) string {
	up, all := 0, 0
	for _, p := range st.Peers {
		if p.Name == st.Node {
			continue
		}
		for _, l := range p.Links {
			all++
			if l.Up {
				up++
			}
		}
	}
	return fmt.Sprintf("Links: %d of %d to other nodes are up", up, all)
}
