package simulate

import (
	"errors"
	"io"

	"github.com/spf13/pflag"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine/simulate"
)

// options are the options of crm_simulate.
type options struct {
	help, run1, simulate, inPlace, showAttrs, showFails, scores, utilization bool
	xmlPipe, live, quiet, allActions                                         bool
	xmlFile, date, graph, dot, saveInput, saveOutput, quorum, watchdog       string
	outputAs, outputTo                                                       string
	up, down, fail, inject1, failOps                                         []string
	grant, revoke, standby, activate                                         []string
	failures                                                                 []simulate.OpSpec
	profile                                                                  string
	repeat, verbose                                                          int
}

const usage = `Usage: crm_simulate [OPTION]...
Simulate how the cluster answers to events.

  -R, --run                  show what the cluster would do
  -S, --simulate             as --run, and show the status afterwards
  -s, --show-scores          show allocation scores
  -Q, --quiet                show only what matters
  -x, --xml-file=FILE        take the CIB from a file
  -p, --xml-pipe             take the CIB from standard input
  -t, --set-datetime=DATE    pretend that it is another time (ISO 8601)
  -F, --op-fail=OPSPEC       let an operation fail: RESOURCE_TASK_INTERVALMS@NODE=RC
  -q, --quorum=BOOL          pretend that there is quorum, or none
  -u, -d, -f NODE            pretend that a node comes up, leaves, or fails
  -G, --save-graph=FILE      write the transition graph as XML
  -D, --save-dotfile=FILE    write the transition graph for graphviz
  -I, --save-input=FILE      write the CIB as it was read
  -O, --save-output=FILE     write the CIB after the simulation
`

var errUsage = errors.New("unexpected argument")

func parseArgs(args []string) (*options, error) {
	o := &options{}
	f := pflag.NewFlagSet("crm_simulate", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVarP(&o.help, "help", "h", false, "")
	f.BoolVarP(&o.run1, "run", "R", false, "")
	f.BoolVarP(&o.simulate, "simulate", "S", false, "")
	f.BoolVarP(&o.inPlace, "in-place", "X", false, "")
	f.BoolVarP(&o.showAttrs, "show-attrs", "A", false, "")
	f.BoolVarP(&o.showFails, "show-failcounts", "c", false, "")
	f.BoolVarP(&o.scores, "show-scores", "s", false, "")
	f.BoolVarP(&o.utilization, "show-utilization", "U", false, "")
	f.StringVarP(&o.profile, "profile", "P", "", "")
	f.IntVarP(&o.repeat, "repeat", "N", 1, "")
	f.StringArrayVarP(&o.up, "node-up", "u", nil, "")
	f.StringArrayVarP(&o.down, "node-down", "d", nil, "")
	f.StringArrayVarP(&o.fail, "node-fail", "f", nil, "")
	f.StringArrayVarP(&o.inject1, "op-inject", "i", nil, "")
	f.StringArrayVarP(&o.failOps, "op-fail", "F", nil, "")
	f.StringVarP(&o.date, "set-datetime", "t", "", "")
	f.StringVarP(&o.quorum, "quorum", "q", "", "")
	f.StringVarP(&o.watchdog, "watchdog", "w", "", "")
	f.StringArrayVarP(&o.grant, "ticket-grant", "g", nil, "")
	f.StringArrayVarP(&o.revoke, "ticket-revoke", "r", nil, "")
	f.StringArrayVarP(&o.standby, "ticket-standby", "b", nil, "")
	f.StringArrayVarP(&o.activate, "ticket-activate", "e", nil, "")
	f.StringVarP(&o.saveInput, "save-input", "I", "", "")
	f.StringVarP(&o.saveOutput, "save-output", "O", "", "")
	f.StringVarP(&o.graph, "save-graph", "G", "", "")
	f.StringVarP(&o.dot, "save-dotfile", "D", "", "")
	f.BoolVarP(&o.allActions, "all-actions", "a", false, "")
	f.BoolVarP(&o.live, "live-check", "L", false, "")
	f.StringVarP(&o.xmlFile, "xml-file", "x", "", "")
	f.BoolVarP(&o.xmlPipe, "xml-pipe", "p", false, "")
	f.CountVarP(&o.verbose, "verbose", "V", "")
	f.BoolVarP(&o.quiet, "quiet", "Q", false, "")
	f.StringVar(&o.outputAs, "output-as", "text", "")
	f.StringVar(&o.outputTo, "output-to", "", "")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, errUsage
	}
	for _, spec := range o.failOps {
		x, err := simulate.ParseOpSpec(spec)
		if err != nil {
			return nil, err
		}
		o.failures = append(o.failures, x)
	}
	return o, nil
}

// inject changes the CIB as the synthetic events demand.
func (o *options) inject(root *cib.Element) (*cib.Element, error) {
	if o.quorum != "" {
		v := "false"
		if o.quorum == "1" || o.quorum == "true" {
			v = "true"
		}
		root = root.WithAttr("have-quorum", v)
	}
	return root, nil
}
