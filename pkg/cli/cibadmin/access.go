package cibadmin

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"regexp"
	"strings"

	"golang.org/x/term"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// exitNoUser is the exit code for an account that does not exist, as sysexits.h
// has it.
const exitNoUser = 67

// accessNamespace is the common part of the names that mark access in XML.
const (
	accessPrefix    = "pcmk-access-"
	accessNamespace = "http://clusterlabs.org/ns/pacemaker/access/"
)

var accessNames = map[cib.Access]string{cib.AccessWrite: "writable", cib.AccessRead: "readable", cib.AccessDeny: "denied"}

// account returns a user of this machine with the names of the groups.
func account(name string) (cib.Account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return cib.Account{}, cli.Exitf(exitNoUser, "cibadmin: there is no user %s on this node", name)
	}
	return cib.AccountOf(u), nil
}

// actAs returns the account of --user, which root and hacluster may take.
func (f *flags) actAs() (cib.Account, error) {
	if me, err := user.Current(); err != nil || me.Uid != "0" && me.Username != cib.Owner && me.Username != f.user {
		return cib.Account{}, cli.Exitf(cli.ExitNoPerm, "cibadmin: only root and %s may act as another user", cib.Owner)
	}
	return account(f.user)
}

// show prints what was asked for with what the user may do there.
func (f *flags) show(env *cli.Env, root *cib.Element, acc cib.Account) error {
	acl := cib.ACLOf(root, acc)
	if acl.Unlimited() {
		return cli.Exitf(cli.ExitConfig, "cibadmin: access control does not apply to %s: the user is root or %s, or enable-acl is not true", acc.Name, cib.Owner)
	}
	parts, err := cib.Query(root, f.scope, f.xpath, false)
	if err != nil {
		return failed(err)
	}
	how := f.access
	if how == "auto" {
		how = "text"
		if out, ok := env.Stdout.(*os.File); ok && term.IsTerminal(int(out.Fd())) {
			how = "color"
		}
	}
	access := acl.Access(root)
	fmt.Fprintf(env.Stdout, "<!-- ACLs as evaluated for user %s -->\n", acc.Name)
	for _, p := range parts {
		// Debian's command leaves the apostrophe as it is here, and only here.
		text := bytes.ReplaceAll(cib.Print(markAccess(p, access)), []byte("&apos;"), []byte("'"))
		if how != "namespace" {
			text = renderAccess(text, how == "color")
		}
		if _, err := env.Stdout.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// markAccess gives the name of each element whose access is another than that
// of its parent a prefix that tells it.
func markAccess(root *cib.Element, access map[*cib.Element]cib.Access) *cib.Element {
	used := map[cib.Access]bool{}
	var mark func(e *cib.Element, parent cib.Access) *cib.Element
	mark = func(e *cib.Element, parent cib.Access) *cib.Element {
		out := &cib.Element{Name: e.Name, Attrs: e.Attrs, Text: e.Text}
		if !e.IsElement() {
			return out
		}
		if access[e] != parent {
			used[access[e]] = true
			out.Name = accessPrefix + accessNames[access[e]] + ":" + e.Name
		}
		for _, c := range e.Children {
			out.Children = append(out.Children, mark(c, access[e]))
		}
		return out
	}
	out := mark(root, cib.AccessUnset)
	for _, a := range []cib.Access{cib.AccessWrite, cib.AccessRead, cib.AccessDeny} {
		if used[a] {
			out = out.WithAttr("xmlns:"+accessPrefix+accessNames[a], accessNamespace+accessNames[a])
		}
	}
	return out
}

// tagLine is a line of a printed document that begins with a tag.
var tagLine = regexp.MustCompile(`^( *)<(/?)(?:` + accessPrefix + `(writable|readable|denied):)?(.*)$`)

// Words and colours (ANSI) for the kinds of access.
var (
	accessWords   = map[string]string{"writable": "WRITABLE", "readable": "READABLE", "denied": "~DENIED~"}
	accessColours = map[string]string{"writable": "\x1b[32m", "readable": "\x1b[34m", "denied": "\x1b[31m"}
)

// renderAccess turns the marks of a printed document into lines above the
// elements or into colours.
func renderAccess(text []byte, colour bool) []byte {
	var out bytes.Buffer
	var open []string // the access of each element that is open
	for i, line := range strings.SplitAfter(string(text), "\n") {
		m := tagLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil || strings.HasPrefix(m[4], "!--") {
			out.WriteString(line)
			continue
		}
		indent, closing, kind, rest := m[1], m[2], m[3], m[4]
		if i == 0 {
			rest = withoutNamespaces.ReplaceAllString(rest, "")
		}
		ends := closing != "" || strings.HasSuffix(rest, "/>") || strings.Contains(rest, "</")
		switch {
		case closing != "":
			kind, open = open[len(open)-1], open[:len(open)-1]
		case kind == "":
			kind = open[len(open)-1]
		case !colour && i == 0:
			fmt.Fprintf(&out, "vvv---[ %s ]---vvv\n", accessWords[kind])
		case !colour:
			fmt.Fprintf(&out, "%[1]s\n%[1]svvv---[ %[2]s ]---vvv\n", indent, accessWords[kind])
		}
		if !ends {
			open = append(open, kind)
		}
		tag := "<" + closing + rest
		if colour {
			tag = accessColours[kind] + tag
			if ends {
				tag += "\x1b[0m"
			}
		}
		out.WriteString(indent + tag + "\n")
	}
	return out.Bytes()
}

// withoutNamespaces finds what markAccess adds to the first element.
var withoutNamespaces = regexp.MustCompile(` xmlns:` + accessPrefix + `[a-z]+="[^"]*"`)
