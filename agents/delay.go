package agents

import (
	"context"
	"time"
)

// newDelay makes the agent whose actions take time, for tests and to hold back
// what follows in a group.
func newDelay() *standard {
	start, stop, monitor := stateActions("Delay")
	after := func(param string, f action) action {
		return func(ctx context.Context, c *request) error {
			n := param
			if c.Params[n] == "" && c.Params["startdelay"] != "" {
				n = "startdelay"
			}
			if err := sleep(ctx, time.Duration(c.num(n))*time.Second); err != nil {
				return err
			}
			return f(ctx, c)
		}
	}
	return &standard{
		meta: metaData{
			name: "Delay", shortdesc: "Waits for a defined timespan",
			longdesc: "Each action waits for a number of seconds. It remembers in a file whether it was started.",
			params: []metaParam{
				{name: "startdelay", typ: "integer", def: "20", shortdesc: "Seconds a start takes"},
				{name: "stopdelay", typ: "integer", def: "30", shortdesc: "Seconds a stop takes", longdesc: "Seconds a stop takes. Without it, startdelay if that is configured."},
				{name: "mondelay", typ: "integer", def: "30", shortdesc: "Seconds a monitor takes", longdesc: "Seconds a monitor takes. Without it, startdelay if that is configured."},
			},
			actions: usualActions("30s", "30s", "30s", "10s", metaAction{name: "status", timeout: "30s", interval: "10s", depth: "0"}),
		},
		args: []string{"startdelay", "mondelay", "stopdelay"},
		actions: map[string]action{
			"start": after("startdelay", start), "stop": after("stopdelay", stop), "monitor": after("mondelay", monitor),
		},
	}
}
