package simulate

import (
	"context"
	"fmt"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine/simulate"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
)

// liveTimeout bounds the wait for the daemon's answer.
const liveTimeout = 30 * time.Second

// read returns the text of the input and its name for messages.
func (o *options) read() (text, name string, err error) {
	switch {
	case o.text != "":
		return o.text, "argument", nil
	case o.file != "" && o.file != "-":
		b, err := source.ReadFile(o.file)
		if err != nil {
			return "", "", &cli.Exit{Code: source.NoInput(err), Err: fmt.Errorf("%s: %w", o.name, err)}
		}
		return b, o.file, nil
	case o.pipe || o.file == "-":
		text, err := cib.ReadText(o.env.Stdin, "standard input")
		if err != nil {
			return "", "", &cli.Exit{Code: source.NoInput(err), Err: fmt.Errorf("%s: %w", o.name, err)}
		}
		return text, "standard input", nil
	}
	return "", "", cli.Exitf(cli.ExitUsage, "%s: what to simulate on? Name a file (--xml-file), standard input (--xml-pipe) or the running cluster (--live-check)", o.name)
}

// load returns the CIB to work on, in today's dialect and checked.
func (o *options) load() (*cib.Element, error) {
	if o.live {
		return o.loadLive()
	}
	text, name, err := o.read()
	if err != nil {
		return nil, err
	}
	return o.parse(text, name)
}

func (o *options) parse(text, name string) (*cib.Element, error) {
	root, err := cib.ParseText(text, name)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if root.Name != "cib" {
		return nil, cli.Exitf(cli.ExitDataErr, "%s:%d: the document is a <%s>, not a <cib>", name, root.Line, root.Name)
	}
	if cib.IsHeartbeat2(root) {
		up, report, err := cib.Upgrade(root)
		if err != nil {
			return nil, &cli.Exit{Code: cli.ExitConfig, Err: fmt.Errorf("%s: %w", name, err)}
		}
		root = up
		if o.verbose > 0 {
			for _, c := range report {
				fmt.Fprintf(o.env.Stderr, "%s: %v\n", name, c)
			}
		}
	}
	return root, o.check(root, name)
}

// check refuses a document that the schema forbids, unless it says itself that
// it is not to be checked.
func (o *options) check(root *cib.Element, name string) error {
	if root.Get("validate-with") == "none" {
		fmt.Fprintln(o.env.Stderr, "Schema validation of configuration is disabled (enabling is encouraged and prevents common misconfigurations)")
		return nil
	}
	bad := 0
	for _, p := range cib.Check(root) {
		if p.Severity != cib.Error {
			continue
		}
		bad++
		fmt.Fprintf(o.env.Stderr, "%s:%d: %s\n", name, p.Line, p.Sentence)
	}
	if bad > 0 {
		return cli.Exitf(cli.ExitConfig, "%s: the configuration in %s has %d errors; correct them, or set validate-with=\"none\" to go on regardless", o.name, name, bad)
	}
	return nil
}

func (o *options) loadLive() (*cib.Element, error) {
	ctx, cancel := context.WithTimeout(context.Background(), liveTimeout)
	defer cancel()
	doc, err := source.Load(ctx, o.env, source.Source{})
	if err != nil {
		return nil, err
	}
	return doc.Root, nil
}

// events are the synthetic events of the command line.
func (o *options) events(now time.Time) (simulate.Events, []simulate.OpSpec, error) {
	v := simulate.Events{NodeUp: o.up, NodeDown: o.down, NodeFail: o.fail, Grant: o.grant, Revoke: o.revoke,
		Standby: o.standby, Activate: o.activate, Quorum: o.quorum, Watchdog: o.watchdog, Now: now}
	for _, b := range [][2]string{{"quorum", o.quorum}, {"watchdog", o.watchdog}} {
		if _, err := cib.ParseBool(b[1]); b[1] != "" && err != nil {
			return v, nil, cli.Exitf(cli.ExitUsage, "%s: --%s=%s: the value is not a boolean: use 1 (or true) or 0 (or false)", o.name, b[0], b[1])
		}
	}
	var fail []simulate.OpSpec
	for _, l := range []struct {
		in  []string
		out *[]simulate.OpSpec
	}{{o.inject, &v.Ops}, {o.failOps, &fail}} {
		for _, s := range l.in {
			op, err := simulate.ParseOpSpec(s)
			if err != nil {
				return v, nil, &cli.Exit{Code: cli.ExitUsage, Err: fmt.Errorf("%s: %w", o.name, err)}
			}
			*l.out = append(*l.out, op)
		}
	}
	return v, fail, nil
}
