// Package ticket is the command crm_ticket: tickets, which say whether this
// cluster may run what depends on them, where several clusters share a service.
package ticket

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// timeout bounds one command.
const timeout = 30 * time.Second

// Attributes of a ticket that have a meaning.
const (
	granted     = "granted"
	standby     = "standby"
	lastGranted = "last-granted"
)

// flags are the options of one call.
type flags struct {
	t   *tool.Tool
	env *cli.Env

	// command is the short option given last.
	command                 byte
	arg                     string
	id, value, def, set, nv string
	hasDef, hasValue, force bool
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	f := &flags{env: env}
	c, t := tool.Command(env, "crm_ticket", "crm_ticket {-l|-L|-w|-q|-c} | -t ID {-g|-r|-s|-a|-G|-S|-D|-C}", "query and change tickets",
		`crm_ticket tells of the tickets that this cluster holds, and grants, revokes or
suspends them. Granting and revoking need --force: whether another cluster holds a
ticket cannot be seen from here.`,
		func(ctx context.Context, t *tool.Tool, _ []string) error {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return f.run(ctx)
		})
	f.t = t
	p := c.Flags()
	for _, x := range []struct{ name, short, usage string }{
		{"info", "l", "tell of the tickets"},
		{"details", "L", "tell of the tickets with all their attributes"},
		{"raw", "w", "the ids of the tickets"},
		{"query-xml", "q", "the state as XML"},
		{"constraints", "c", "the constraints that depend on tickets"},
		{"grant", "g", "grant the ticket to this cluster (needs --force)"},
		{"revoke", "r", "revoke it (needs --force)"},
		{"standby", "s", "suspend it: what depends on it stops in order"},
		{"activate", "a", "end its suspension"},
		{"cleanup", "C", "forget all of it"},
	} {
		p.BoolFuncP(x.name, x.short, x.usage, func(string) error {
			f.command = x.short[0]
			return nil
		})
	}
	for _, x := range []struct{ name, short, usage string }{
		{"get-attr", "G", "print the value of this `ATTRIBUTE`"},
		{"set-attr", "S", "give this `ATTRIBUTE` the value of -v"},
		{"delete-attr", "D", "delete this `ATTRIBUTE`"},
	} {
		p.FuncP(x.name, x.short, x.usage, func(v string) error {
			f.command, f.arg = x.short[0], v
			return nil
		})
	}
	p.StringVarP(&f.id, "ticket", "t", "", "the `ID` of the ticket")
	p.FuncP("attr-value", "v", "the `VALUE` for -S", func(v string) error { f.value, f.hasValue = v, true; return nil })
	p.FuncP("default", "d", "with -G: what to print if it is not set", func(v string) error { f.def, f.hasDef = v, true; return nil })
	p.BoolVarP(&f.force, "force", "f", false, "do it although it is dangerous")
	p.StringVarP(&f.set, "set-name", "n", "", "accepted and ignored: tickets have no sets any more")
	p.StringVarP(&f.nv, "nvpair", "i", "", "accepted and ignored")
	p.BoolVarP(&t.Quiet, "quiet", "Q", false, "the value only (it always is)")
	return c
}

func (f *flags) run(ctx context.Context) error {
	switch {
	case f.command == 0:
		return tool.Usage("Must supply a command")
	case strings.IndexByte("grsaCGSD", f.command) >= 0 && f.id == "":
		return tool.Usage("Must supply ticket ID with -t")
	case f.command == 'S' && !f.hasValue:
		return tool.Usage("Must supply value with -v for -S %s", f.arg)
	}
	doc, err := source.Load(ctx, f.env, source.Source{})
	if err != nil {
		return err
	}
	root := doc.Root
	state := find(root, f.id)
	switch f.command {
	case 'l', 'L', 'w':
		return f.list(root, state)
	case 'q':
		return f.query(root, state)
	case 'c':
		f.constraints(root)
		return nil
	case 'G':
		return f.get(state)
	}
	return f.change(ctx, root, state)
}

// find returns the state of a ticket, or nil.
func find(root *cib.Element, id string) *cib.Element {
	for _, e := range root.Path("status", "tickets").All("ticket_state") {
		if e.ID() == id {
			return e
		}
	}
	return nil
}

// list shows the tickets that have a state or that a constraint names.
func (f *flags) list(root, one *cib.Element) error {
	tickets := root.Path("status", "tickets").All("ticket_state")
	known := map[string]bool{}
	for _, e := range tickets {
		known[e.ID()] = true
	}
	for _, c := range root.Path("configuration", "constraints").All("rsc_ticket") {
		if id := c.Get("ticket"); id != "" && !known[id] {
			known[id] = true
			tickets = append(tickets[:len(tickets):len(tickets)], cib.New("ticket_state", "id", id))
		}
	}
	if f.id != "" {
		if one == nil && !known[f.id] {
			return cli.Exitf(cli.ExitNoSuchObject, "No such ticket '%s'", f.id)
		}
		var kept []*cib.Element
		for _, e := range tickets {
			if e.ID() == f.id {
				kept = append(kept, e)
			}
		}
		tickets = kept
	}
	list := cib.New("tickets")
	for _, e := range tickets {
		if f.command == 'w' {
			f.t.Printf("%s\n", e.ID())
		} else {
			f.t.Printf("%s\n", f.line(e))
		}
		list = list.WithChild(asResult(e))
	}
	f.t.Add(list)
	return nil
}

// asResult is a ticket as the status of a cluster has it in XML.
func asResult(e *cib.Element) *cib.Element {
	state := "revoked"
	if isTrue(e.Get(granted)) {
		state = granted
	}
	out := cib.New("ticket", "id", e.ID(), "status", state, standby, strconv.FormatBool(isTrue(e.Get(standby))))
	if v := e.Get(lastGranted); v != "" {
		out = out.WithAttr(lastGranted, when(v))
	}
	return out
}

func isTrue(v string) bool { b, _ := cib.ParseBool(v); return b }

// when is a time of the status as date.
func when(epoch string) string {
	n, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return epoch
	}
	return time.Unix(n, 0).Format("Mon Jan _2 15:04:05 2006")
}

// line is the text for a ticket.
func (f *flags) line(e *cib.Element) string {
	state, at := "revoked", e.Get(lastGranted)
	if isTrue(e.Get(granted)) {
		state = granted
	}
	out := fmt.Sprintf("%s\t%s %10s", e.ID(), state, "")
	if isTrue(e.Get(standby)) {
		out = fmt.Sprintf("%s\t%s %10s", e.ID(), state, "[standby]")
	}
	if f.command == 'L' {
		var details []string
		for _, a := range e.Attrs {
			switch a.Name {
			case "id":
			case lastGranted:
				details = append(details, fmt.Sprintf("%s='%s'", a.Name, when(a.Value)))
			default:
				details = append(details, a.Name+"="+a.Value)
			}
		}
		if len(details) > 0 {
			return out + "(" + strings.Join(details, ", ") + ")"
		}
		return out
	}
	if at != "" {
		out += fmt.Sprintf("%s='%s'", lastGranted, when(at))
	}
	return out
}

func (f *flags) query(root, state *cib.Element) error {
	e := state
	if f.id == "" {
		e = root.Path("status", "tickets")
	}
	if e == nil {
		return cli.Exitf(cli.ExitNoSuchObject, "Could not query ticket XML: No such device or address")
	}
	f.t.Printf("State XML:\n\n%s", cib.Print(e))
	f.t.Add(e)
	return nil
}

func (f *flags) constraints(root *cib.Element) {
	f.t.Printf("Constraints XML:\n\n")
	for _, c := range root.Path("configuration", "constraints").All("rsc_ticket") {
		if f.id == "" || c.Get("ticket") == f.id {
			f.t.Printf("%s", cib.Print(c))
			f.t.Add(c)
		}
	}
}

func (f *flags) get(state *cib.Element) error {
	v, ok := state.Lookup(f.arg)
	if !ok {
		v, ok = f.def, f.hasDef
	}
	if !ok {
		return &cli.Exit{Code: cli.ExitNoSuchObject, Err: errors.New("")}
	}
	f.t.Printf("%s\n", v)
	f.t.Add(cib.New("attribute", "id", f.id, "name", f.arg, "value", v))
	return nil
}

// exitPriv is the exit code for what needs --force.
const exitPriv = 4

// change makes the change of one ticket.
func (f *flags) change(ctx context.Context, root, state *cib.Element) error {
	set := map[string]string{}
	remove := ""
	switch f.command {
	case 'g':
		set[granted] = "true"
	case 'r':
		set[granted] = "false"
	case 's':
		set[standby] = "true"
	case 'a':
		set[standby] = "false"
	case 'S':
		set[f.arg] = f.value
	case 'D':
		remove = f.arg
	}
	held := isTrue(state.Get(granted))
	if !f.force {
		v, touched := set[granted]
		switch {
		case touched && isTrue(v):
			f.t.Printf("%s\n", f.unknowable())
			return cli.Exitf(exitPriv, "Ticket modification not allowed")
		case touched && held, remove == granted && held:
			f.t.Printf("%s\n", f.loss())
			return cli.Exitf(exitPriv, "Ticket modification not allowed")
		case f.command == 'C' && held:
			f.t.Printf("%s\n", f.loss())
			return &cli.Exit{Code: exitPriv, Err: errors.New("")}
		}
	}
	if isTrue(set[granted]) && !held {
		set[lastGranted] = strconv.FormatInt(time.Now().Unix(), 10)
	}
	if f.command == 'C' {
		if state != nil {
			if err := f.edit(ctx, cib.Op{Verb: cib.VerbDelete, Scope: "status", XML: cib.New("ticket_state", "id", f.id)}); err != nil {
				return err
			}
		}
		f.t.Printf("Cleaned up %s\n", f.id)
		return nil
	}
	e := cib.New("ticket_state", "id", f.id)
	if remove != "" {
		if !hasAttr(state, remove) {
			return nil
		}
		e = state.WithoutAttr(remove)
		return f.edit(ctx, cib.Op{Verb: cib.VerbReplace, Scope: "status", XML: e})
	}
	for _, name := range []string{granted, standby, lastGranted, f.arg} {
		if v, ok := set[name]; ok && name != "" {
			e = e.WithAttr(name, v)
		}
	}
	return f.edit(ctx, cib.Op{Verb: cib.VerbModify, Scope: "status", AllowCreate: true,
		XML: cib.New("status").WithChild(cib.New("tickets").WithChild(e))})
}

func hasAttr(e *cib.Element, name string) bool { _, ok := e.Lookup(name); return ok }

func (f *flags) edit(ctx context.Context, op cib.Op) error {
	err := source.Edit(ctx, f.env, op)
	var x *cli.Exit
	if err == nil || errors.As(err, &x) {
		return err
	}
	return &cli.Exit{Code: cib.ExitCode(err), Err: err}
}

// unknowable tells why a grant needs --force.
func (f *flags) unknowable() string {
	return fmt.Sprintf(`This command cannot help you verify whether '%[1]s' has been already granted elsewhere.
If you really want to grant '%[1]s' to this site now, and you know what you are doing,
please specify --force.`, f.id)
}

// loss tells why a revocation needs --force.
func (f *flags) loss() string {
	return fmt.Sprintf(`Revoking '%[1]s' can trigger the specified 'loss-policy'(s) relating to '%[1]s'.

You can check that with:
crm_ticket --ticket %[1]s --constraints

Otherwise before revoking '%[1]s', you may want to make '%[1]s' standby with:
crm_ticket --ticket %[1]s --standby

If you really want to revoke '%[1]s' from this site now, and you know what you are doing,
please specify --force.`, f.id)
}
