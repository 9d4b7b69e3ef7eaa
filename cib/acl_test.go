package cib

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aclSample returns the sample with access control and the given acls section.
func aclSample(acls string) *Element {
	s := strings.Replace(sample, `<nvpair id="o1"`, `<nvpair id="o0" name="enable-acl" value="true"/><nvpair id="o1"`, 1)
	s = strings.Replace(s, "<!-- first -->", "", 1)
	return mustParse(strings.Replace(s, "<constraints/>", "<constraints/><acls>"+acls+"</acls>", 1))
}

const operator = `<acl_target id="joe"><role id="op"/></acl_target><acl_group id="night"><role id="op"/></acl_group>
<acl_role id="op"><acl_permission id="r" kind="read" xpath="/cib"/><acl_permission id="tr" kind="write" xpath="//nvpair[@name='target-role']"/>
<acl_permission id="secret" kind="deny" reference="c"/></acl_role>`

func TestACL(t *testing.T) {
	root := aclSample(operator)
	start := `<nvpair id="a-m1" value="Stopped"/>`
	bStop := `<primitive id="b"><meta_attributes id="b-m"><nvpair id="b-m1" name="target-role" value="Stopped"/></meta_attributes></primitive>`
	for _, c := range []struct {
		user   Account
		verb   Verb
		xml    string
		denied string
	}{
		{Account{Name: "joe"}, VerbModify, start, ""},
		{Account{Name: "ann", Groups: []string{"users", "night"}}, VerbModify, start, ""},
		{Account{Name: "ann", Groups: []string{"users"}}, VerbModify, start, "may not change /cib/configuration/resources/primitive[@id='a']/meta_attributes[@id='a-meta']/nvpair[@id='a-m1']: the user has no role"},
		{Account{Name: "root"}, VerbModify, `<primitive id="c" type="y"/>`, ""},
		{Account{Name: "hacluster"}, VerbDelete, `<primitive id="b"/>`, ""},
		{Account{Name: "joe"}, VerbModify, bStop, ""}, // the set has no attribute but its id
		{Account{Name: "joe"}, VerbModify, `<nvpair id="a-m1" name="is-managed"/>`, ""},
		{Account{Name: "joe"}, VerbModify, `<nvpair id="o1" name="target-role"/>`, "no permission of the role op lets the user write there"},
		{Account{Name: "joe"}, VerbDelete, `<primitive id="a"/>`, "may not change /cib/configuration/resources/primitive[@id='a']: no permission of the role op"},
		{Account{Name: "joe"}, VerbModify, `<primitive id="c" type="y"/>`, "permission secret of role op denies it"},
		{Account{Name: "joe"}, VerbModify, `<acl_permission id="secret" kind="write"/>`, "no permission of the role op"},
		{Account{Name: "joe"}, VerbModify, `<nvpair id="o0" value="false"/>`, "no permission of the role op"},
		{Account{Name: "joe"}, VerbBump, "", "may not change /cib: no permission"},
		{Account{Name: "joe"}, VerbErase, "", "may not change"},
	} {
		op := Op{Verb: c.verb, User: c.user.Name, Groups: c.user.Groups, Restricted: !c.user.Unlimited()}
		if c.xml != "" {
			op.XML = mustParse(c.xml)
		}
		decoded, err := DecodeOp(EncodeOp(op))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ApplyOp(root, decoded)
		if c.denied == "" && err != nil || c.denied != "" && (!errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), c.denied)) {
			t.Errorf("%s %s %s: %v; want denied: %q", c.user.Name, c.verb, c.xml, err, c.denied)
		}
	}
	seen := ACLOf(root, Account{Name: "joe"}).Readable(root)
	if seen.Path("configuration", "resources", "group").First("primitive").ID() != "b" || findMatch(seen, New("primitive", "id", "c")) != nil {
		t.Errorf("joe sees %s", seen)
	}
	if e := ACLOf(root, Account{Name: "eve"}).Readable(root); e != nil {
		t.Errorf("eve sees %s", e)
	}
	broken := aclSample(`<acl_target id="joe"><role id="op"/></acl_target><acl_role id="op"><acl_permission id="r" kind="write" xpath="/cib"/><acl_permission id="x" kind="deny" xpath="//["/></acl_role>`)
	if e := ACLOf(broken, Account{Name: "joe"}).Readable(broken); e != nil {
		t.Errorf("with a permission that nobody can evaluate joe sees %s", e)
	}
}

// TestACLAgreesWithCibadmin compares, with random permissions, what a user
// sees and which edits are refused with Debian's cibadmin. QUORATE_SEED replays.
func TestACLAgreesWithCibadmin(t *testing.T) {
	tool, err := exec.LookPath("cibadmin")
	if err != nil {
		t.Skip("SKIPPED: cibadmin is absent (Debian: pacemaker-cli-utils)")
	}
	seed := uint64(os.Getpid())
	if s := os.Getenv("QUORATE_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("QUORATE_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 9))
	rounds := 25
	if os.Getenv("QUORATE_LONG") != "" {
		rounds = 600
	}
	const user = "daemon" // there everywhere, and no member of a group of note
	file := filepath.Join(t.TempDir(), "cib.xml")
	run := func(args ...string) (string, int) {
		cmd := exec.Command(tool, append(args, "--user", user)...)
		cmd.Env = append(os.Environ(), "CIB_file="+file)
		out, _ := cmd.Output()
		return string(out), cmd.ProcessState.ExitCode()
	}
	denied, allowed := 0, 0
	for n := range rounds {
		root := randomACL(rng, user)
		write := func() {
			if err := os.WriteFile(file, Print(root), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write()
		acl := ACLOf(root, Account{Name: user})
		theirs, _ := run("--query")
		ours := ""
		if seen := acl.Readable(root); seen != nil {
			ours = string(Print(seen))
		}
		if strings.Join(strings.Fields(theirs), " ") != strings.Join(strings.Fields(ours), " ") {
			t.Errorf("round %d: with %s\n the user sees\n%s, with cibadmin\n%s", n, root.Path("configuration", "acls"), ours, theirs)
		}
		for range 3 {
			op := randomOp(root, rng)
			if _, err := ApplyOp(root, op); err != nil || op.XPath != "" {
				continue // refused for another reason
			}
			op.Restricted, op.User = true, user
			_, err := ApplyOp(root, op)
			write()
			_, code := run(opArgs(op)...)
			switch {
			case code == 4 && errors.Is(err, ErrDenied):
				denied++
			case code != 4 && !errors.Is(err, ErrDenied):
				allowed++
			case knownDifference(op, err, code):
			default:
				t.Errorf("round %d: %s\nours: %v; theirs: %d; with %s", n, EncodeOp(op), err, code, root.Path("configuration", "acls"))
			}
		}
	}
	t.Logf("%d edits are refused by both, %d allowed by both", denied, allowed)
	if denied == 0 || allowed == 0 {
		t.Error("no edit of one of the kinds was drawn")
	}
}

// randomACL returns the sample with two to five permissions for a user.
func randomACL(rng *rand.Rand, user string) *Element {
	where := []string{`xpath="/cib"`, `xpath="//resources"`, `xpath="//primitive"`, `xpath="//nvpair[@name='target-role']"`, `xpath="//configuration"`, `xpath="//group/primitive[1]"`,
		`xpath="//status"`, `xpath="//*[@id='a']"`, `xpath="//primitive[starts-with(@id,'new')]"`, `xpath="//op/@interval"`, `reference="a"`, `reference="g"`, `reference="c"`, `reference="a-m1"`,
		`object-type="nvpair"`, `object-type="primitive" attribute="provider"`, `object-type="nvpair" attribute="value"`, `object-type="constraints"`, `object-type="rsc_location"`}
	kinds := []string{"read", "write", "write", "deny"}
	var b strings.Builder
	fmt.Fprintf(&b, `<acl_target id="%s"><role id="r"/></acl_target><acl_role id="r">`, user)
	if rng.IntN(2) == 0 {
		b.WriteString(`<acl_permission id="base" kind="` + kinds[rng.IntN(2)] + `" xpath="/cib"/>`)
	}
	// Each place once: cibadmin evaluates a repeated position after it has taken
	// away what the first denied.
	for i, w := range rng.Perm(len(where))[:1+rng.IntN(4)] {
		fmt.Fprintf(&b, `<acl_permission id="p%d" kind="%s" %s/>`, i, kinds[rng.IntN(4)], where[w])
	}
	b.WriteString("</acl_role>")
	return aclSample(b.String())
}
