package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/hacf"
)

// adminGroup is the group whose members may talk to the daemon.
const adminGroup = "haclient"

// socketClients are the names under which an apiauth line opens the socket of
// commands to more accounts.
var socketClients = []string{"cib", "crmd", "anon", "default"}

// admission says who may talk to the daemon over its socket: root, the account
// of the daemon, hacluster, the group haclient, and whom apiauth lines name.
type admission struct {
	uids, gids map[uint32]bool
	// open tells that others than root and the group haclient are let in, so that
	// the mode of the socket cannot keep the rest out.
	open bool
}

// newAdmission resolves the names; one that this node does not know is said in
// the log, and lets nobody in.
func newAdmission(conf *hacf.Config, log *slog.Logger) *admission {
	a := &admission{uids: map[uint32]bool{0: true, uint32(os.Getuid()): true}, gids: map[uint32]bool{}}
	if u, err := user.Lookup(cib.Owner); err == nil {
		a.uids[number(u.Uid)] = true
	}
	if g, err := user.LookupGroup(adminGroup); err == nil {
		a.gids[number(g.Gid)] = true
	}
	for _, rule := range conf.Apiauth {
		if !slices.Contains(socketClients, rule.Client) {
			continue
		}
		for _, name := range rule.UIDs {
			if u, err := lookupUser(name); err != nil {
				log.Warn(fmt.Sprintf("%s:%d: apiauth %s: %v; the name lets nobody in", conf.File, rule.Line, rule.Client, err))
			} else if !a.uids[u] {
				a.uids[u], a.open = true, true
			}
		}
		for _, name := range rule.GIDs {
			if g, err := lookupGroup(name); err != nil {
				log.Warn(fmt.Sprintf("%s:%d: apiauth %s: %v; the name lets nobody in", conf.File, rule.Line, rule.Client, err))
			} else if !a.gids[g] {
				a.gids[g], a.open = true, true
			}
		}
	}
	return a
}

// number reads an id as the account files have it.
func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

func lookupUser(name string) (uint32, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no user %s on this node", name)
	}
	return number(u.Uid), nil
}

func lookupGroup(name string) (uint32, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no group %s on this node", name)
	}
	return number(g.Gid), nil
}

// admits tells whether a process may talk to the daemon.
func (a *admission) admits(who *caller) bool {
	if !who.known {
		return false
	}
	if a.uids[who.uid] || a.gids[who.gid] {
		return true
	}
	if u, err := user.LookupId(strconv.Itoa(int(who.uid))); err == nil {
		if list, err := u.GroupIds(); err == nil {
			return slices.ContainsFunc(list, func(id string) bool { return a.gids[number(id)] })
		}
	}
	return false
}

// account returns who the caller is for access control. The account of the
// daemon itself is not limited.
func (who *caller) account() cib.Account {
	if who.known && (who.uid == 0 || who.uid == uint32(os.Getuid())) {
		return cib.Account{Name: "root"}
	}
	find := func() (*user.User, error) { return user.LookupId(strconv.Itoa(int(who.uid))) }
	if who.remote {
		find = func() (*user.User, error) { return user.Lookup(who.user) }
	}
	u, err := find()
	if err != nil {
		return cib.Account{Name: who.user}
	}
	acc := cib.AccountOf(u)
	acc.Name = who.user
	return acc
}

// restrict returns what access control makes of a request of an account which
// it may apply to: the account's view of documents, or the refusal.
func (d *Daemon) restrict(acc cib.Account, req *client.Request) (see func(*cib.Element) *cib.Element, refused error) {
	root, _ := d.current()
	if root == nil {
		return nil, &cli.Exit{Code: cli.ExitDisconnect, Err: errors.New("the daemon is shutting down")}
	}
	acl := cib.ACLOf(root, acc)
	if acl.Unlimited() {
		return nil, nil
	}
	switch req.Verb {
	case client.VerbVoter, client.VerbReload, client.VerbRestart:
		return nil, denied(fmt.Errorf("%w: with enable-acl only root and %s may do this", cib.ErrDenied, cib.Owner))
	case client.VerbHistory:
		if acl.Readable(root) != root {
			return nil, denied(fmt.Errorf("%w: the memory of the configuration is for users who may read all of it", cib.ErrDenied))
		}
	case client.VerbCleanup:
		return nil, denied(acl.MayChange(root, withoutHistory(root, req.Resource)))
	case client.VerbAttr:
		after, err := withAttribute(root, cmp.Or(req.Node, d.opts.Self), req.Attr)
		if err != nil {
			return nil, denied(err)
		}
		return nil, denied(acl.MayChange(root, after))
	}
	// What a document shows is decided by the permissions of today.
	return acl.Readable, nil
}

func denied(err error) error {
	if err == nil {
		return nil
	}
	return &cli.Exit{Code: cib.ExitCode(err), Err: err}
}

// withoutHistory returns the document as it is when a resource is forgotten;
// when nothing is recorded under that name, as it is when all are: what a group
// or clone stands for is not worked out here.
func withoutHistory(root *cib.Element, resource string) *cib.Element {
	for _, xpath := range []string{"//lrm_resource[@id=" + strconv.Quote(resource) + "]", "//lrm_resource"} {
		op := cib.Op{Verb: cib.VerbDelete, XPath: xpath, All: true}
		if after, err := cib.ApplyOp(root, op); err == nil {
			return after
		}
	}
	return root
}

// withAttribute returns the document with a transient attribute of a node set.
func withAttribute(root *cib.Element, node string, u *client.AttrUpdate) (*cib.Element, error) {
	if u == nil {
		return root, nil
	}
	id := node
	for _, n := range root.Path("status").All("node_state") {
		if n.Get("uname") == node {
			id = n.ID()
		}
	}
	value := "new"
	if u.Value != nil {
		value = *u.Value
	}
	set := cmp.Or(u.Set, "status-"+id)
	return cib.ApplyOp(root, cib.Op{Verb: cib.VerbModify, Scope: "status", AllowCreate: true,
		XML: cib.New("node_state", "id", id).WithChild(cib.New("transient_attributes", "id", id).WithChild(
			cib.New("instance_attributes", "id", set).WithChild(cib.New("nvpair", "id", set+"-"+u.Name, "name", u.Name, "value", value))))})
}
