package node

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// NewLinks returns "quorate links".
func NewLinks(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "links",
		Short: "the links of this node with their losses, delays and late heartbeats",
		Long: `links shows each link of this node to each other node as this node sees it: its
state, the round trip time, the frames received, lost on the way and sent to that
node alone, the heartbeats that came later than warntime, and how long ago the last
frame came in; then how well this node itself beats, how late each step between
a frame in the kernel and a confirmation sent was here, and what it has dropped.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Dial(env.RunDir)
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return printLinks(env.Stdout, s)
		},
	}
}

func printLinks(out io.Writer, s *client.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tLINK\tSTATE\tRTT\tRECEIVED\tLOST\tLATE\tSENT\tERRORS\tSILENT")
	for _, p := range s.Peers {
		for _, l := range p.Links {
			state, rtt, silent := "dead", "-", "never heard"
			if l.Up {
				state = "up"
			}
			if p.Type == "ping" {
				fmt.Fprintf(w, "%s\t%s\t%s\t\t\t\t\t\t\t\n", p.Name, l.Name, state)
				continue
			}
			if l.RTT > 0 {
				rtt = l.RTT.Round(10 * time.Microsecond).String()
			}
			if l.Silence >= 0 {
				silent = l.Silence.Round(time.Millisecond).String()
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", p.Name, l.Name, state, rtt,
				l.Received, l.Lost, l.Late, l.Sent, l.SendErrors, silent)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	b := s.Beats
	fmt.Fprintf(out, "\nOwn heartbeats: every %v, %d sent, %d late, the worst by %v; %s\n",
		b.Period, b.Sent, b.Late, b.Worst.Round(10*time.Microsecond), b.Class)
	var late []string
	for _, x := range b.Stages {
		late = append(late, fmt.Sprintf("%s %v (ever %v)", x.Stage, x.Recent.Round(10*time.Microsecond), x.Worst.Round(10*time.Microsecond)))
	}
	if len(late) > 0 {
		fmt.Fprintf(out, "This node was late in the last two seconds by up to: %s\n", strings.Join(late, ", "))
	}
	if b.Withheld > 0 {
		fmt.Fprintf(out, "%d were withheld because the daemon's own membership layer, or its disk, did not answer\n", b.Withheld)
	}
	var dropped []string
	for _, cause := range slices.Sorted(maps.Keys(s.Dropped)) {
		if n := s.Dropped[cause]; n > 0 {
			dropped = append(dropped, fmt.Sprintf("%d %s", n, cause))
		}
	}
	if len(dropped) == 0 {
		dropped = []string{"none"}
	}
	_, err := fmt.Fprintf(out, "Dropped frames: %s\n", strings.Join(dropped, ", "))
	return err
}
