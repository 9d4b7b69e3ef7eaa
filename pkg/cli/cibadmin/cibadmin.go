// Package cibadmin is the command cibadmin: query and edit the CIB.
package cibadmin

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
)

// flags are the options of one call.
type flags struct {
	query, create, modify, replace, del, delAll, erase, bump, upgrade, patch bool
	md5, versioned, empty, version                                           bool

	scope, text, file, xpath, dialect, why string
	node                                   string
	user, access                           string
	stdin, allowCreate, noChildren, paths  bool
	local, sync, force                     bool
	timeout                                int
	verbose                                int
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	f := new(flags)
	c := &cobra.Command{
		Use:   "cibadmin COMMAND [-o SECTION] [-X TEXT | -x FILE | -p]",
		Short: "query and edit the configuration of the cluster",
		Long: `cibadmin queries and edits the cluster information base.

A change is on the disks of a quorum of nodes when the command returns. With
CIB_file in the environment the command works on that file instead.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.empty:
				return f.printEmpty(env, args)
			case f.version:
				return printVersion(env)
			}
			if f.scope == "all" {
				f.scope = ""
			}
			if err := f.named(args); err != nil {
				return err
			}
			return f.run(cmd.Context(), env)
		},
	}
	p := c.Flags()
	p.BoolVarP(&f.query, "query", "Q", false, "print the CIB, or the section of -o, or what --xpath finds")
	p.BoolVarP(&f.create, "create", "C", false, "create an object; it must not exist")
	p.BoolVarP(&f.modify, "modify", "M", false, "merge into the object of the same tag and id")
	p.BoolVar(&f.modify, "cib_update", false, "the old name of --modify")
	p.StringVarP(&f.user, "user", "U", "", "act as this user (root and hacluster only); without a name, as Heartbeat 2 had it: --modify")
	p.Lookup("user").NoOptDefVal = unnamed
	p.StringVarP(&f.access, "show-access", "S", "", "with -Q and --user: what the user may do, as color, text or namespace")
	p.Lookup("show-access").NoOptDefVal = "auto"
	p.BoolVarP(&f.replace, "replace", "R", false, "replace an object, or the whole CIB")
	p.BoolVarP(&f.del, "delete", "D", false, "delete the first object whose tag and attributes all match")
	p.BoolVarP(&f.delAll, "delete-all", "d", false, "with --xpath: delete all objects that it finds (needs --force)")
	p.BoolVarP(&f.erase, "erase", "E", false, "erase the whole configuration (needs --force)")
	p.BoolVarP(&f.bump, "bump", "B", false, "raise the epoch")
	p.BoolVarP(&f.upgrade, "upgrade", "u", false, "upgrade the configuration to the newest schema (needs --force)")
	p.BoolVarP(&f.patch, "patch", "P", false, "apply a patch as crm_diff makes it")
	p.BoolVarP(&f.md5, "md5-sum", "5", false, "print the digest of the XML given, as it is on disk")
	p.BoolVarP(&f.versioned, "md5-sum-versioned", "6", false, "print the digest of the XML given, as it is between nodes")
	p.BoolVarP(&f.empty, "empty", "a", false, "print an empty CIB, of the schema given as argument")
	p.BoolVarP(&f.version, "version", "$", false, "print the version")
	p.BoolP("help", "?", false, "print this text")
	p.BoolVarP(&f.paths, "node-path", "e", false, "with -Q --xpath: print where the objects are")
	p.StringVarP(&f.node, "node", "N", "", "the node to ask (every node gives the same answer)")
	p.StringVarP(&f.scope, "scope", "o", "", "section: configuration, nodes, resources, constraints, crm_config, rsc_defaults, op_defaults, status")
	p.StringVarP(&f.text, "xml-text", "X", "", "the XML as text")
	p.StringVarP(&f.file, "xml-file", "x", "", "the XML as a file")
	p.BoolVarP(&f.stdin, "xml-pipe", "p", false, "the XML on standard input")
	p.StringVarP(&f.xpath, "xpath", "A", "", "find objects by XPath (with -Q and -D)")
	p.StringVar(&f.why, "why", "", "the reason of a change, which quorate cib log shows")
	p.StringVar(&f.dialect, "dialect", "", `print in this dialect: "heartbeat" for Heartbeat 2`)
	p.BoolVarP(&f.allowCreate, "allow-create", "c", false, "with -M: create what does not exist")
	p.BoolVarP(&f.noChildren, "no-children", "n", false, "with -Q: without what lies below")
	p.BoolVarP(&f.local, "local", "l", false, "query this node only (a query always is)")
	p.BoolVarP(&f.sync, "sync-call", "s", false, "wait for the change (always done)")
	p.BoolVarP(&f.force, "force", "f", false, "do it although it is dangerous; without quorum: write on this node alone, until quorum returns")
	p.IntVarP(&f.timeout, "timeout", "t", 30, "seconds to wait for an answer")
	p.CountVarP(&f.verbose, "verbose", "V", "say more")
	return c
}

// unnamed is the value of --user without a name.
const unnamed = "\x00"

// named gives -U its meaning: an account where a name follows, else the old
// command.
func (f *flags) named(args []string) error {
	switch {
	case f.user == unnamed && len(args) == 1:
		f.user = args[0]
	case len(args) > 0:
		return cli.Exitf(cli.ExitUsage, "cibadmin: nothing is known about the argument %q", args[0])
	case f.user == unnamed:
		f.user, f.modify = "", true
	}
	switch f.access {
	case "", "auto", "color", "text", "namespace":
	default:
		return cli.Exitf(cli.ExitUsage, "cibadmin: --show-access=%s is unknown: color, text, namespace or auto", f.access)
	}
	if f.access != "" && (f.user == "" || !f.query) {
		return cli.Exitf(cli.ExitUsage, "cibadmin: --show-access needs --query and --user")
	}
	return nil
}

// verb returns the one edit asked for, or "" for a query.
func (f *flags) verb() (cib.Verb, error) {
	var verbs []cib.Verb
	for v, on := range map[cib.Verb]bool{
		cib.VerbCreate: f.create, cib.VerbModify: f.modify, cib.VerbReplace: f.replace, cib.VerbDelete: f.del || f.delAll,
		cib.VerbErase: f.erase, cib.VerbBump: f.bump, cib.VerbUpgrade: f.upgrade, cib.VerbPatch: f.patch,
	} {
		if on {
			verbs = append(verbs, v)
		}
	}
	n := len(verbs)
	if f.query || f.md5 || f.versioned {
		n++
	}
	switch {
	case n == 0:
		return "", cli.Exitf(cli.ExitUsage, "cibadmin: no command: one of -Q -C -M -R -D -E -B -u -P -5; see cibadmin --help")
	case n > 1:
		return "", cli.Exitf(cli.ExitUsage, "cibadmin: more than one command: give one of -Q -C -M -R -D -E -B -u -P -5")
	case len(verbs) == 0:
		return "", nil
	}
	return verbs[0], nil
}

func (f *flags) run(ctx context.Context, env *cli.Env) error {
	verb, err := f.verb()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(f.timeout)*time.Second)
	defer cancel()
	if f.md5 || f.versioned {
		return f.digest(env)
	}
	if verb == "" {
		root, err := load(ctx, env)
		if err != nil {
			return err
		}
		if f.user != "" {
			acc, err := f.actAs()
			if err != nil {
				return err
			}
			if f.access != "" {
				return f.show(env, root, acc)
			}
			if root = cib.ACLOf(root, acc).Readable(root); root == nil {
				return failed(fmt.Errorf("%w: no role lets the user %s read anything of the configuration", cib.ErrDenied, f.user))
			}
		}
		return f.print(env, root)
	}
	op := cib.Op{Verb: verb, Scope: f.scope, XPath: f.xpath, AllowCreate: f.allowCreate, KeepStatus: true, Why: f.why}
	if f.user != "" {
		acc, err := f.actAs()
		if err != nil {
			return err
		}
		op.Restricted, op.User, op.Groups = !acc.Unlimited(), acc.Name, acc.Groups
	}
	if !f.force {
		switch {
		case verb == cib.VerbErase:
			return dangerous("erasing the configuration stops every resource of the cluster")
		case verb == cib.VerbUpgrade:
			return dangerous("an upgrade to a newer schema cannot be undone but with quorate cib rollback")
		case f.delAll:
			return dangerous("all objects that are found will be deleted")
		}
	}
	if verb == cib.VerbUpgrade {
		if err := announce(ctx, env); err != nil {
			return err
		}
	}
	op.All = f.delAll
	if op.XML, err = f.input(env, verb); err != nil {
		return err
	}
	edit := source.Edit
	if f.force {
		edit = source.ForceEdit
	}
	err = edit(ctx, env, op)
	f.exists(env, op, err)
	return failed(err)
}

// input reads the XML of an edit.
func (f *flags) input(env *cli.Env, verb cib.Verb) (*cib.Element, error) {
	switch {
	case f.text != "" || f.file != "" || f.stdin:
		return f.xml(env)
	case verb == cib.VerbErase, verb == cib.VerbBump, verb == cib.VerbUpgrade, verb == cib.VerbDelete && f.xpath != "":
		return nil, nil
	}
	return nil, incomplete()
}

// load returns the CIB of source.Local or of the running cluster.
func load(ctx context.Context, env *cli.Env) (*cib.Element, error) {
	doc, err := source.Load(ctx, env, source.Source{})
	if err != nil {
		return nil, err
	}
	return doc.Root, nil
}

func (f *flags) print(env *cli.Env, root *cib.Element) error {
	if f.dialect == "heartbeat" {
		old, report, err := cib.Downgrade(root)
		if err != nil {
			return cli.Exitf(cli.ExitConfig, "cibadmin: %w", err)
		}
		for _, r := range report {
			if r.Kind == cib.Dropped {
				fmt.Fprintln(env.Stderr, r.Sentence)
			}
		}
		root = old
	}
	if f.xpath != "" {
		found, err := cib.Find(root, f.xpath)
		if err != nil {
			return cli.Exitf(cli.ExitUsage, "cibadmin: %w", err)
		}
		if len(found) == 0 {
			return failed(fmt.Errorf("%w: %s", cib.ErrNoSuchObject, f.xpath))
		}
		if f.paths {
			for _, e := range found {
				fmt.Fprintln(env.Stdout, cib.NodePath(root, e))
			}
			return nil
		}
		if f.noChildren {
			for i, e := range found {
				found[i] = e.WithChildren()
			}
		}
		root = cib.QueryResult(found)
	} else if f.scope != "" {
		sec, err := cib.Section(root, f.scope)
		if err != nil {
			return failed(err)
		}
		if sec == nil {
			return failed(fmt.Errorf("%w: the configuration has no section %s", cib.ErrNoSuchObject, f.scope))
		}
		root = sec
	}
	if f.noChildren && f.xpath == "" {
		root = root.WithChildren()
	}
	_, err := root.WriteTo(env.Stdout)
	return err
}
