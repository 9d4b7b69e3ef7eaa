package attr_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/attr"
)

const document = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="5" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options"><nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set>
    </crm_config>
    <nodes><node id="1" uname="n1"/></nodes>
    <resources/>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="n1"><lrm id="1"><lrm_resources/></lrm></node_state>
  </status>
</cib>
`

// steps are calls of crm_attribute, each on the result of those before.
var steps = []string{
	"-n foo -v bar", "-n foo -G", "-n foo -G -q", "-n foo -Gq", "-n nope -G", "-n nope -G -d 7", "-n nope -D", "-n foo -v other",
	"-N n1 -n loc -v x", "-N n1 -n loc -G", "-N n1 -n loc -v 5", "-t nodes -N n1 -G", "-N zz -n loc -G", "-N n1 -z -n cpu -v 4", "-N n1 -z -n cpu -G",
	"-N n1 -l reboot -n tr -v 1", "-N n1 -l reboot -n tr -G", "-t status -N n1 -n tr -G", "-p a:1 -v 5 -N n1", "--promotion=a -G -N n1",
	"-n loc -N n1 -D", "-n loc -N n1 -G", "-P ^s -G", "-t crm_config -G", "-s other -n foo -v baz", "-n foo -G", "-n foo -v q", "-n foo -s other -D", "-n foo -D",
	"-t tickets -n t1 -v granted", "-t tickets -n t1 -G", "-i given -n f -v 1", "-n f -G",
}

// TestCrmAttributeAgrees runs the steps with us and with Debian's tool on a file
// each, and compares exit codes, output and documents after every step.
func TestCrmAttributeAgrees(t *testing.T) {
	tool, err := exec.LookPath("crm_attribute")
	if err != nil {
		t.Skip("SKIPPED: crm_attribute is absent (Debian: pacemaker-cli-utils)")
	}
	dir := t.TempDir()
	file := func(name string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	ours, theirs := file("ours.xml"), file("theirs.xml")
	read := func(p string) *cib.Element {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		root, err := cib.Parse(data, p)
		if err != nil {
			t.Fatal(err)
		}
		return root
	}
	t.Setenv("CIB_file", ours)
	for _, s := range steps {
		args := strings.Fields(s)
		var out, errs bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: &errs}
		code := cli.Run(env, attr.NewCrmAttribute(env), args)
		cmd := exec.Command(tool, args...)
		cmd.Env = append(os.Environ(), "CIB_file="+theirs)
		want, _ := cmd.Output()
		// A choice that has to be made is an error here, with its text there.
		if n := cmd.ProcessState.ExitCode(); code != n || out.String() != string(want) && code != 109 {
			t.Errorf("%s: exit code %d, theirs %d\nours:\n%s%stheirs:\n%s", s, code, n, out.String(), errs.String(), want)
		}
		a, b := read(theirs), read(ours)
		if d := cib.Diff(cib.WithVersion(a, cib.Version{}), cib.WithVersion(b, cib.Version{})); len(d) > 0 {
			t.Fatalf("%s: %v", s, d)
		}
	}
}

// TestWrongUse gives each command what it cannot do.
func TestWrongUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CIB_file", path)
	t.Setenv("OCF_RESOURCE_INSTANCE", "")
	for _, c := range []struct {
		make func(*cli.Env) *cobra.Command
		args string
		code int
		want string
	}{
		{attr.NewCrmAttribute, "-v 1", cli.ExitUsage, "no name given"},
		{attr.NewCrmAttribute, "-t nowhere -n x -G", cli.ExitUsage, `there is no section "nowhere"`},
		{attr.NewCrmAttribute, "-l always -N n1 -n x -G", cli.ExitUsage, "-l is forever or reboot"},
		{attr.NewCrmAttribute, "-P ( -G", cli.ExitUsage, "no regular expression"},
		{attr.NewCrmAttribute, "-p -G", cli.ExitUsage, "must be called from an OCF resource agent"},
		{attr.NewCrmAttribute, "-N n1 -l reboot -n x -v 1 more", cli.ExitUsage, `unknown argument "more"`},
		{attr.NewCrmMaster, "-G", cli.ExitUsage, "OCF resource agent"},
		{attr.NewCrmFailcount, "-G", cli.ExitUsage, "specify a resource"},
		{attr.NewCrmFailcount, "-G -r a -N n9", cli.ExitNoSuchObject, "Could not map name=n9"},
		{attr.NewAttrdUpdater, "-U 1", cli.ExitUsage, "no name given"},
		{attr.NewAttrdUpdater, "-n a", cli.ExitUsage, "no command"},
		{attr.NewAttrdUpdater, "-n a -U 1 -d soon", cli.ExitUsage, "is no time"},
		{attr.NewAttrdUpdater, "-n a -Y", cli.ExitUsage, "-Y needs -d"},
	} {
		var out, errs bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: &errs, RunDir: t.TempDir()}
		cmd := c.make(env)
		if code := cli.Run(env, cmd, strings.Fields(c.args)); code != c.code || !strings.Contains(errs.String(), c.want) || out.Len() > 0 {
			t.Errorf("%s %s: exit code %d\n%s%s", cmd.Name(), c.args, code, out.String(), errs.String())
		}
	}
}
