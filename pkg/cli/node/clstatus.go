package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// Exit codes of cl_status (Heartbeat).
const (
	exitBadParameter = 11
	exitAlarm        = 12
	exitUnknownError = 13
)

// clAlarm is how long cl_status waits for the daemon, and clientPatience how
// long clientstatus does unless told otherwise.
const (
	clAlarm        = 5 * time.Second
	clientPatience = 500 * time.Millisecond
)

// arguments are the least and the most that each sub-command takes.
var arguments = map[string][2]int{"hbstatus": {0, 0}, "listnodes": {0, 0}, "nodestatus": {1, 1}, "nodetype": {1, 1}, "nodeweight": {1, 1},
	"nodesite": {1, 1}, "listhblinks": {1, 1}, "hblinkstatus": {2, 2}, "clientstatus": {2, 3}, "rscstatus": {0, 0}, "hbparameter": {0, 0}}

// clStatus is one call of cl_status.
type clStatus struct {
	env      *cli.Env
	sentence bool // -m: a sentence instead of a word
	ping     bool
	normal   bool
	param    string
}

// NewClStatus returns the command cl_status.
func NewClStatus(env *cli.Env) *cobra.Command {
	s := &clStatus{env: env}
	c := &cobra.Command{
		Use:   "cl_status SUB-COMMAND [-m] [ARGUMENTS]",
		Short: "state of the links and nodes, as Heartbeat's cl_status tells it",
		Long: `cl_status tells what the membership layer of this node sees.

  hbstatus                    whether the daemon runs here
  listnodes [-p | -n]         all nodes; -p ping nodes, -n normal nodes only
  nodestatus NODE             init, up, active, dead or ping
  nodetype NODE               normal, ping or unknown
  nodeweight NODE             votes of the node, 0 if it has none
  nodesite NODE               the site; this program has none
  listhblinks NODE            links to the node
  hblinkstatus NODE LINK      up or dead
  clientstatus NODE CLIENT [MS]  online or offline; waits MS (500) for the node
  rscstatus                   none, local, all or transition: what of all that
                              is active in the cluster is active on this node;
                              of haresources ("crm no"), also foreign
  hbparameter -p NAME         value of a directive of ha.cf

Exit codes: 0 the state is good, 1 it is not (clientstatus: 0 online, 1 offline),
11 bad parameters, 12 the daemon does not answer, 13 unknown.`,
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	f := c.Flags()
	f.BoolVarP(&s.sentence, "message", "m", false, "answer with a sentence")
	f.StringVarP(&s.param, "parameter", "p", "", "name of a directive (hbparameter); ping nodes only (listnodes)")
	f.Lookup("parameter").NoOptDefVal = onlyPing
	f.BoolVarP(&s.normal, "normal", "n", false, "normal nodes only (listnodes)")
	return c
}

// onlyPing is what -p means without a value: for listnodes.
const onlyPing = "\x00ping"

func (s *clStatus) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	sub, args := args[0], args[1:]
	if s.param == onlyPing {
		s.ping, s.param = true, ""
	}
	if sub == "parameter" { // as the manual calls it
		sub = "hbparameter"
	}
	if sub == "hbparameter" && s.param == "" && len(args) > 0 {
		s.param, args = args[0], args[1:]
	}
	want, known := arguments[sub]
	switch {
	case !known:
		return cli.Exitf(exitBadParameter, "%s: invalid sub-command.", sub)
	case len(args) < want[0] || len(args) > want[1]:
		return cli.Exitf(exitBadParameter, "cl_status %s takes %d argument(s), not %d", sub, want[0], len(args))
	case sub == "hbparameter" && s.param == "":
		return cli.Exitf(exitBadParameter, "cl_status hbparameter takes -p NAME")
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), clAlarm)
	defer cancel()
	st, err := status(ctx, s.env)
	if ctx.Err() != nil {
		return cli.Exitf(exitAlarm, "the daemon did not answer within %v", clAlarm)
	}
	if sub == "hbstatus" {
		return s.hbstatus(err)
	}
	if err != nil {
		return &cli.Exit{Code: 1, Err: fmt.Errorf("Cannot signon with heartbeat\nREASON: %w", err)}
	}
	switch sub {
	case "clientstatus":
		return s.clientStatus(ctx, args)
	case "rscstatus":
		return s.resources(ctx, st)
	}
	return s.answer(st, sub, args)
}

// clientStatus asks the daemon of a node whether a client is connected to it.
func (s *clStatus) clientStatus(ctx context.Context, args []string) error {
	wait := clientPatience
	if len(args) > 2 {
		n, err := strconv.ParseUint(args[2], 10, 31)
		if err != nil {
			return cli.Exitf(exitBadParameter, "%q is no number of milliseconds", args[2])
		}
		wait = time.Duration(n) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	c, err := client.Dial(s.env.RunDir)
	if err != nil {
		return &cli.Exit{Code: exitUnknownError, Err: err}
	}
	defer c.Close()
	resp, err := c.Do(ctx, &client.Request{Verb: client.VerbClient, Node: args[0], Client: args[1]})
	if err != nil {
		return &cli.Exit{Code: exitUnknownError, Err: err}
	}
	s.say(resp.Text, "The client %s on node %s is %s", args[1], args[0], resp.Text)
	if resp.Text != client.Online {
		return &cli.Exit{Code: 1}
	}
	return nil
}

// resources tells how much of what is active in the cluster is active here.
func (s *clStatus) resources(ctx context.Context, st *client.Status) error {
	if st.Holding != "" {
		if st.Holding == "transition" {
			s.say(st.Holding, "Resources are in transition.")
		} else {
			s.say(st.Holding, "This node is holding %s resources.", st.Holding)
		}
		return nil
	}
	if st.State != "S_IDLE" && st.State != "S_NOT_DC" {
		s.say("transition", "Resources are in transition.")
		return nil
	}
	c, err := client.Dial(s.env.RunDir)
	if err != nil {
		return &cli.Exit{Code: exitUnknownError, Err: err}
	}
	defer c.Close()
	root, err := c.Document(ctx)
	if err != nil {
		return &cli.Exit{Code: exitUnknownError, Err: err}
	}
	res, err := pengine.Schedule(root, time.Now(), pengine.Options{})
	if err != nil {
		return &cli.Exit{Code: exitUnknownError, Err: err}
	}
	here, all := 0, 0
	for _, part := range res.StatusXML() {
		part.Walk(func(e *cib.Element) bool {
			if e.Name != "resource" {
				return true
			}
			for _, n := range e.All("node") {
				all++
				if n.Get("name") == st.Node {
					here++
				}
			}
			return false
		})
	}
	word := "local"
	switch here {
	case 0:
		word = "none"
	case all:
		word = "all"
	}
	s.say(word, "This node is holding %s resources.", word)
	return nil
}

func status(ctx context.Context, env *cli.Env) (*client.Status, error) {
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Status(ctx)
}

func (s *clStatus) hbstatus(err error) error {
	switch {
	case err == nil:
		fmt.Fprintln(s.env.Stdout, "Heartbeat is running on this machine.")
		return nil
	case errors.Is(err, client.ErrDown):
		fmt.Fprintln(s.env.Stdout, "Heartbeat is stopped on this machine.")
		return &cli.Exit{Code: 1}
	}
	return &cli.Exit{Code: exitUnknownError, Err: err}
}

func (s *clStatus) answer(st *client.Status, sub string, args []string) error {
	out := s.env.Stdout
	if sub == "listnodes" {
		for _, p := range st.Peers {
			if s.ping && p.Type != "ping" || s.normal && p.Type == "ping" {
				continue
			}
			fmt.Fprintln(out, p.Name)
		}
		return nil
	}
	if sub == "hbparameter" {
		v, ok := st.Parameters[s.param]
		if !ok {
			return cli.Exitf(1, "the parameter %q is not set", s.param)
		}
		s.say(v, "Heartbeat parameter %s's value: %s", s.param, v)
		return nil
	}
	name := strings.ToLower(args[0])
	i := slices.IndexFunc(st.Peers, func(p ccm.PeerStatus) bool { return strings.EqualFold(p.Name, name) })
	if i < 0 {
		if sub == "nodetype" {
			s.say("unknown", "The node %s's type is unknown", name)
			return nil
		}
		return cli.Exitf(exitUnknownError, "there is no node %q in this cluster", args[0])
	}
	weight := 0
	for _, e := range st.Electorate {
		if e.Name == st.Peers[i].Name {
			weight = e.Votes
		}
	}
	return s.about(&st.Peers[i], sub, args, weight)
}

func (s *clStatus) about(p *ccm.PeerStatus, sub string, args []string, weight int) error {
	switch sub {
	case "nodestatus":
		s.say(p.Status, "The cluster node %s is %s", p.Name, p.Status)
		if !slices.Contains([]string{"active", "up", "ping"}, p.Status) {
			return &cli.Exit{Code: 1}
		}
	case "nodetype":
		s.say(p.Type, "The node %s's type is %s", p.Name, p.Type)
	case "nodeweight":
		s.say(strconv.Itoa(weight), "The node %s's weight is %d", p.Name, weight)
	case "nodesite":
		s.say("", "The node %s has no site", p.Name)
	case "listhblinks":
		for _, l := range p.Links {
			fmt.Fprintf(s.env.Stdout, "\t%s\n", l.Name)
		}
	case "hblinkstatus":
		for _, l := range p.Links {
			if l.Name != args[1] {
				continue
			}
			word := "dead"
			if l.Up {
				word = "up"
			}
			s.say(word, "The node %s's heartbeat link %s is %s", p.Name, l.Name, word)
			if !l.Up {
				return &cli.Exit{Code: 1}
			}
			return nil
		}
		return cli.Exitf(exitUnknownError, "the node %s has no link %q", p.Name, args[1])
	}
	return nil
}

// say prints the word, or with -m the sentence.
func (s *clStatus) say(word, format string, a ...any) {
	if s.sentence {
		fmt.Fprintf(s.env.Stdout, format+"\n", a...)
		return
	}
	fmt.Fprintln(s.env.Stdout, word)
}
