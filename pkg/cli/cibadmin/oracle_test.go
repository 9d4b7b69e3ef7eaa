package cibadmin

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

const oracleBase = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="5" num_updates="3" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="o1" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="n1"/>
    </nodes>
    <resources>
      <primitive id="a" class="ocf" provider="pacemaker" type="Dummy">
        <meta_attributes id="a-m">
          <nvpair id="a-n" name="is-managed" value="true"/>
        </meta_attributes>
      </primitive>
      <primitive id="b" class="ocf" provider="pacemaker" type="Dummy">
        <meta_attributes id="b-m">
          <nvpair id="b-n" name="is-managed" value="true"/>
        </meta_attributes>
      </primitive>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
`

// oracleCalls are command lines on which exit code, standard output, the file
// and the words of the error are the same as Pacemaker's; the words may be
// followed by more.
var oracleCalls = [][]string{
	{"-Q"}, {"-Q", "-o", "resources"}, {"-Q", "-o", "acls"}, {"-Q", "-o", "status"}, {"-Q", "-o", "all"}, {"-Q", "-l"}, {"-Q", "-n"}, {"-Q", "-N", "n1"},
	{"-Q", "--xpath", "//nvpair"}, {"-Q", "--xpath", `//nvpair[@id="o1"]`}, {"-Q", "--xpath", "//zzz"}, {"-Q", "-n", "--xpath", "//primitive"}, {"-Q", "-n", "-o", "resources"},
	{"-Q", "-e", "--xpath", "//nvpair"}, {"-Q", "-e", "--xpath", `//primitive[@id="a"]`},
	{"-a"}, {"-a", "pacemaker-2.0"}, {"-5"}, {"-6"}, {"-5", "-x", "BASE"}, {"-6", "-x", "BASE"},
	{"-E"}, {"-E", "-f"}, {"-u"}, {"-u", "-f"},
	{"-C", "-o", "resources", "-X", `<primitive id="c" class="lsb" type="x"/>`}, {"-C", "-X", `<primitive id="c" class="lsb" type="x"/>`},
	{"-C", "-o", "resources", "-X", `<primitive id="a" class="lsb" type="x"/>`}, {"-C", "-o", "resources", "-X", `<primitive id="c" class="bad" type="x"/>`},
	{"-C", "-o", "resources"}, {"-C", "-o", "resources", "-x", "/nonexistent"}, {"-C", "-o", "resources", "-X", `<primitive id="c"`},
	{"-M", "-X", `<primitive id="a" description="d"/>`}, {"-M", "-X", `<primitive id="zz" class="lsb" type="x"/>`}, {"-M", "-c", "-o", "resources", "-X", `<primitive id="zz" class="lsb" type="x"/>`},
	{"-M", "-o", "resources", "-X", `<primitive id="a" bogus="d"/>`}, {"-M", "-X", `<nvpair id="o1" value="true"/>`}, {"-M", "-X", `<cib admin_epoch="admin_epoch++"/>`}, {"-M", "--xpath", "//nosuch", "-X", `<nvpair value="q"/>`},
	{"-R", "-X", `<primitive id="a" class="lsb" type="x"/>`}, {"-R", "-o", "resources", "-X", `<resources/>`}, {"-R", "-o", "resources", "-X", `<primitive id="zz" class="lsb" type="x"/>`},
	{"-R", "-X", `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`},
	{"-R", "-X", `<cib admin_epoch="0" epoch="9" num_updates="0" validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`},
	{"-R", "-X", `<configuration><crm_config/><nodes/><resources/><constraints/></configuration>`}, {"-R", "-o", "configuration", "-X", `<configuration><crm_config/><nodes/><resources/></configuration>`},
	{"-D", "-X", `<primitive id="a"/>`}, {"-D", "-X", `<primitive id="zz"/>`}, {"-D", "-o", "constraints", "-X", `<primitive id="a"/>`}, {"-D"}, {"-D", "-X", `<constraints/>`},
	{"-D", "--xpath", `//primitive[@id="a"]`}, {"-D", "--xpath", "//zzz"}, {"-d", "--xpath", "//primitive"}, {"-d", "-f", "--xpath", "//primitive"}, {"-d"},
	{"-P", "-X", `<diff format="2"><version><source admin_epoch="0" epoch="4" num_updates="3"/><target admin_epoch="0" epoch="6" num_updates="0"/></version></diff>`},
	{"-P", "-X", `<diff format="2"><change operation="delete" path="/cib/configuration/constraints"/></diff>`},
	{"-M", "-p"}, {"-M", "-x", "-"},
}

// words that decide a comparison: the last line of the tool that is no listing
// of a document.
var listing = regexp.MustCompile(`^ *[0-9]+ `)

func firstWords(stderr string) string {
	said := ""
	for line := range strings.Lines(stderr) {
		if line = strings.TrimSpace(line); line != "" && !listing.MatchString(line+" ") {
			return line
		}
	}
	return said
}

// versions are not compared: an edit counts otherwise than the tool on a file.
func comparable(t *testing.T, data []byte) string {
	t.Helper()
	root, err := cib.Parse(data, "file")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(root.Attrs, func(a, b cib.Attr) int { return strings.Compare(a.Name, b.Name) })
	return string(cib.Print(cib.WithVersion(root, cib.Version{})))
}

// TestAgainstPacemaker compares the command with Debian's on a file.
func TestAgainstPacemaker(t *testing.T) {
	const tool = "/usr/sbin/cibadmin"
	if _, err := os.Stat(tool); err != nil {
		t.Skip("SKIPPED: " + tool + " is absent (Debian: pacemaker-cli-utils)")
	}
	dir := t.TempDir()
	base, file := filepath.Join(dir, "base.xml"), filepath.Join(dir, "cib.xml")
	t.Setenv("CIB_file", file)
	write := func(path string) {
		if err := os.WriteFile(path, []byte(oracleBase), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(base)
	read := func() string {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return comparable(t, data)
	}
	for _, call := range oracleCalls {
		args := slices.Clone(call)
		for i := range args {
			args[i] = strings.Replace(args[i], "BASE", base, 1)
		}
		write(file)
		var theirOut, theirErr, ourOut, ourErr bytes.Buffer
		cmd := exec.Command(tool, args...)
		cmd.Stdout, cmd.Stderr = &theirOut, &theirErr
		theirs := 0
		if err := cmd.Run(); err != nil {
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				t.Fatal(err)
			}
			theirs = exit.ExitCode()
		}
		theirFile := read()
		write(file)
		env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &ourOut, Stderr: &ourErr}
		ours := cli.Run(env, New(env), args)
		switch {
		case ours != theirs:
			t.Errorf("%q: exit code %d, Pacemaker's %d\n%s", args, ours, theirs, &ourErr)
		case ourOut.String() != theirOut.String():
			t.Errorf("%q: prints\n%s\nPacemaker's\n%s", args, &ourOut, &theirOut)
		case firstWords(ourErr.String()) != firstWords(theirErr.String()):
			t.Errorf("%q: says %q, Pacemaker's %q", args, firstWords(ourErr.String()), firstWords(theirErr.String()))
		case read() != theirFile:
			t.Errorf("%q: the file is\n%s\nPacemaker's\n%s", args, read(), theirFile)
		}
	}
}

// TestNothingIsSilent sees that what an upgrade leaves out is said.
func TestNothingIsSilent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cib.xml")
	old := strings.NewReplacer("pacemaker-3.9", "pacemaker-2.10", "stonith-enabled", "expected-quorum-votes").Replace(oracleBase)
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CIB_file", file)
	var out, said bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said}
	if code := cli.Run(env, New(env), []string{"--upgrade", "--force"}); code != 0 || !strings.Contains(said.String(), `dropped: <nvpair> o1 (line 5): the option expected-quorum-votes="false" has no equivalent`) {
		t.Errorf("exit code %d, %s", code, &said)
	}
	root, _, err := cib.ReadFile(file)
	if err != nil || root.Get("validate-with") != "pacemaker-3.9" || cib.Check(root) != nil {
		t.Errorf("%v, %v", root, err)
	}
}
