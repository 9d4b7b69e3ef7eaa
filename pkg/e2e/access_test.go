package e2e

import (
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// acls lets the account daemon read everything but one resource, and start and
// stop resources.
const acls = `<acls><acl_target id="daemon"><role id="op"/></acl_target><acl_role id="op"><acl_permission id="op-r" kind="read" xpath="/cib"/>` +
	`<acl_permission id="op-w" kind="write" xpath="//primitive[@id='open']//nvpair[@name='target-role']"/><acl_permission id="op-d" kind="deny" reference="secret"/></acl_role></acls>`

// TestAccess: whom the socket lets in, access control inside, and a client that
// follows the changes.
func TestAccess(t *testing.T) {
	seedrow.Shows(t, "002-064")
	t.Parallel()
	c := newCluster(t)
	for _, n := range c.members() {
		c.write(n, "/etc/ha.d/ha.cf", hacf+"apiauth cib uid=daemon gid=no-such-group\n", 0o600)
	}
	c.form()
	at := c.other(c.dc(directors...)) // the permissions hold on the way to the DC too
	c.logged(at, "there is no group no-such-group on this node; the name lets nobody in")
	as := func(uid, command string) result {
		return c.sh(at, "setpriv --reuid="+uid+" --regid="+uid+" --clear-groups "+command)
	}
	const exitNoPerm, exitDenied = 77, 4
	if r := as("65534", "cibadmin -Q"); r.code != exitNoPerm || !strings.Contains(r.err, "is neither root nor in the group haclient, and no apiauth line of ha.cf names it") {
		t.Errorf("a stranger is let in: %v", r)
	}
	c.ok(at, "cibadmin", "-M", "-c", "-o", "crm_config", "-X", options)
	c.ok(at, "cibadmin", "-C", "-o", "resources", "-X", dummy("open"))
	c.ok(at, "cibadmin", "-C", "-o", "resources", "-X", dummy("secret"))
	if r := as("1", `cibadmin -M -o resources -X '<nvpair id="open-role" value="Started"/>'`); r.code != 0 {
		t.Errorf("without enable-acl an account that was let in may not write: %v", r)
	}
	c.ok(at, "cibadmin", "-C", "-o", "configuration", "-X", acls)
	c.ok(at, "cibadmin", "-M", "-c", "-o", "crm_config", "-X", `<cluster_property_set id="cib-bootstrap-options"><nvpair id="opt-acl" name="enable-acl" value="true"/></cluster_property_set>`)

	if r := as("1", "cibadmin -Q"); r.code != 0 || strings.Contains(r.out, `<primitive id="secret"`) || !strings.Contains(r.out, `<primitive id="open"`) {
		t.Errorf("what the account reads: %v", r)
	}
	if r := as("1", `cibadmin -M -o resources -X '<nvpair id="open-role" value="Stopped"/>'`); r.code != 0 {
		t.Errorf("the account may not stop a resource: %v", r)
	}
	for _, command := range []string{
		`cibadmin -M -o crm_config -X '<nvpair id="opt-acl" value="false"/>'`,
		`cibadmin -D -o resources -X '<primitive id="open"/>'`,
		`cibadmin -M -o acls -X '<acl_permission id="op-d" kind="write"/>'`,
		"quorate restart",
		"attrd_updater -n x -U 5",
		"crm_resource --refresh -r open",
		"quorate cib log",
	} {
		c.unchanged(t, func() result { return as("1", command) }, at, exitDenied, "permission denied")
	}
	c.same(directors...)
	c.sub("over the network", func(_ *testing.T, c *cluster) { c.remote(at) })
	c.sub("subscription", func(_ *testing.T, c *cluster) { c.subscription(at, c.other(at)) })
}

// remote edits the CIB over the network: closed unless asked for, TLS only, nothing
// sent to a server that is not known, and the permissions of the account hold.
func (c *cluster) remote(at string) {
	t := c.t
	from := c.other(at)
	c.ok(at, "sh", "-c", "echo 'a pass word' | quorate remote passwd daemon")
	print := strings.TrimSpace(c.ok(at, "quorate", "remote", "fingerprint"))
	address := strings.TrimSuffix(strings.Fields(c.ok(at, "ip", "-br", "-4", "addr", "show", "eth1"))[2], "/24")
	over := func(env, command string) result {
		return c.sh(from, "CIB_server="+address+" CIB_port=5561 CIB_user=daemon "+env+" "+command)
	}
	known := "CIB_passwd='a pass word' CIB_fingerprint=" + print
	want := func(r result, code int, text string) {
		t.Helper()
		if r.code != code || !strings.Contains(r.out+r.err, text) {
			t.Errorf("want exit code %d and %q: %v", code, text, r)
		}
	}
	want(over(known, "cibadmin -Q"), 102, "cannot reach the cluster")
	c.ok(at, "cibadmin", "-M", "-X", `<cib remote-tls-port="5561"/>`)
	c.logged(at, "clients may come over port 5561 with TLS; the fingerprint of this node is "+print)
	want(over("CIB_passwd='a pass word'", "cibadmin -Q"), 77, "is not trusted: no password was sent")
	want(over("CIB_passwd=x CIB_fingerprint="+strings.Repeat("0", 64), "cibadmin -Q"), 77, "asks for another: no password was sent")
	want(over("CIB_passwd=guess CIB_fingerprint="+print, "cibadmin -Q"), 77, "the user or the password is wrong")
	want(over(known, "cibadmin -Q"), 0, `<primitive id="open"`)
	want(over(known, `cibadmin -M -o resources -X '<nvpair id="open-role" value="Started"/>'`), 0, "")
	want(over(known, `cibadmin -D -o resources -X '<primitive id="open"/>'`), 4, "permission denied: the user daemon may not change")
	want(over(known, "quorate restart"), 77, "is not for clients that come over the network")
	if out := c.ok(at, "cibadmin", "-Q", "-A", "//nvpair[@id='open-role']"); !strings.Contains(out, "Started") {
		t.Errorf("the change is not there: %s", out)
	}
	c.ok(at, "cibadmin", "-M", "-X", `<cib remote-tls-port="0"/>`)
	c.logged(at, "port 5561 is closed")
	want(over(known, "cibadmin -Q"), 102, "cannot reach the cluster")
}
