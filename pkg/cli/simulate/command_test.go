package simulate

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine/simulate"
	"github.com/quorate/quorate/pkg/cli"
)

const cluster = `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.5" have-quorum="1" dc-uuid="1">
 <configuration>
  <crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="true"/></cluster_property_set></crm_config>
  <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>
  <resources>
   <primitive id="fencing" class="stonith" type="fence_x"/>
   <primitive id="alone" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="alone-m" name="monitor" interval="10s"/></operations></primitive>
   <group id="group"><primitive id="first" class="ocf" provider="heartbeat" type="Dummy"/><primitive id="second" class="ocf" provider="heartbeat" type="Dummy"/></group>
   <clone id="clone"><primitive id="copy" class="ocf" provider="heartbeat" type="Dummy"/></clone>
  </resources>
  <constraints/>
 </configuration>
 <status>
  <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
  <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
  <node_state id="3" uname="n3" in_ccm="true" crmd="online" join="member" expected="member"/>
 </status>
</cib>`

// containers is a cluster with a bundle, a guest node and a remote node.
const containers = `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9" have-quorum="1" dc-uuid="1">
 <configuration>
  <crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
  <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
  <resources>
   <bundle id="box"><docker image="img" replicas="2"/><network ip-range-start="192.0.2.10" control-port="3121"/>
    <primitive id="inner" class="ocf" provider="heartbeat" type="Dummy"/></bundle>
   <bundle id="bare"><podman image="other"/></bundle>
   <primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain"><meta_attributes id="vm-m"><nvpair id="vm-m1" name="remote-node" value="guest"/></meta_attributes></primitive>
   <primitive id="far" class="ocf" provider="pacemaker" type="remote"/>
  </resources>
  <constraints/>
 </configuration>
 <status>
  <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
  <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
 </status>
</cib>`

// call runs the command and returns what it printed.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, RunDir: t.TempDir()}
	code = Run(env, args)
	return code, out.String(), errs.String()
}

func write(t *testing.T, text string) string {
	t.Helper()
	f := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// running is the cluster after its resources were started.
func running(t *testing.T) string {
	t.Helper()
	f := write(t, cluster)
	if code, _, stderr := call(t, "", "-X", "-x", f); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	return f
}

var stamps = regexp.MustCompile(`(last-failure-[^=]*)=\d+|(Pretending action) \d+`)

// TestOracle compares the text, blanks aside in tables only, and the exit code
// with those of the installed crm_simulate.
func TestOracle(t *testing.T) {
	oracle, err := exec.LookPath("crm_simulate")
	if err != nil {
		t.Skip("SKIPPED: no crm_simulate is installed to compare with")
	}
	f := running(t)
	for _, args := range [][]string{
		{}, {"-R"}, {"-S"}, {"-S", "-d", "n1"}, {"-S", "-f", "n2"}, {"-S", "-u", "n4"}, {"-R", "-u", "n4", "-d", "n2"},
		{"-S", "-w", "1", "-q", "0"}, {"-S", "-i", "alone_monitor_10000@n2=7"}, {"-S", "-d", "n1", "-F", "alone_start_0@n3=1"},
		{"-S", "-g", "t1", "-r", "t2", "-b", "t3", "-e", "t4"}, {"-s"}, {"-sS", "-d", "n1"}, {"-sSQ"}, {"-sSQ", "-d", "n2"}, {"-sRQ"},
		{"-s", "-S", "--text-fancy", "-d", "n3"}, {"-S", "-Q"}, {"-S", "-Q", "-d", "n1"}, {"-d", "n1"}, {"-A"}, {"-c", "-A"},
		{"-S", "-t", "2020-01-01 10:00:00Z", "-d", "n1"}, {"-j"}, {"--help"}, {"--help-all"}, {"--help-output"}, {"--help-source"},
		{"--help-operations"}, {"--help-artifact"}, {"--help-synthetic"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			args := append([]string{"-x", f}, args...)
			cmd := exec.Command(oracle, args...)
			cmd.Env = append(os.Environ(), "CIB_shadow_dir="+t.TempDir(), "LC_ALL=C")
			want, _ := cmd.Output()
			code, got, stderr := call(t, "", args...)
			if code != cmd.ProcessState.ExitCode() {
				t.Errorf("exit %d, want %d: %s", code, cmd.ProcessState.ExitCode(), stderr)
			}
			a, b := canon(string(want)), canon(got)
			if a != b {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestXML compares the XML form with the installed crm_simulate's and checks it
// against the installed schema.
func TestXML(t *testing.T) {
	oracle, err := exec.LookPath("crm_simulate")
	if err != nil {
		t.Skip("SKIPPED: no crm_simulate is installed to compare with")
	}
	f, boxes := running(t), write(t, containers)
	for _, args := range [][]string{
		{"-x", boxes}, {"-x", boxes, "-S"}, {}, {"-S", "-d", "n1"}, {"-sS", "-f", "n2", "-u", "n4", "-w", "1", "-q", "1"}, {"-S", "-g", "a", "-r", "b", "-b", "c", "-e", "d"},
		{"-S", "-i", "alone_monitor_10000@n2=7", "-F", "alone_stop_0@n2=1"}, {"-A", "-c"}, {"-A", "-S", "-d", "n1"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			args := append([]string{"-x", f, "--output-as=xml"}, args...)
			cmd := exec.Command(oracle, args...)
			cmd.Env = append(os.Environ(), "CIB_shadow_dir="+t.TempDir(), "LC_ALL=C")
			want, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			code, got, stderr := call(t, "", args...)
			if code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			// In a transition the oracle has elements that its own schema forbids.
			volatile := regexp.MustCompile(`value="\d{10}"| request="[^"]*"|(?m:^    <inject_attr name="[^"]*stop_0".*\n)`)
			if a, b := volatile.ReplaceAllString(string(want), ""), volatile.ReplaceAllString(got, ""); a != b {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			valid(t, got)
		})
	}
}

func valid(t *testing.T, text string) {
	const schema = "/usr/share/pacemaker/api/api-result.rng"
	lint, err := exec.LookPath("xmllint")
	if _, serr := os.Stat(schema); err != nil || serr != nil {
		t.Log("SKIPPED: the schema is not checked without xmllint and " + schema)
		return
	}
	cmd := exec.Command(lint, "--noout", "--relaxng", schema, "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func canon(s string) string {
	lines := strings.Split(stamps.ReplaceAllString(s, "$1$2"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(regexp.MustCompile(`(\S) +`).ReplaceAllString(l, "$1 "), " ")
	}
	return strings.Join(lines, "\n")
}

// TestDOT compares the drawings with those of the installed crm_simulate, blue
// and red actions included.
func TestDOT(t *testing.T) {
	oracle, err := exec.LookPath("crm_simulate")
	if err != nil {
		t.Skip("SKIPPED: no crm_simulate is installed to compare with")
	}
	f, dir := running(t), t.TempDir()
	for _, args := range [][]string{{"-R"}, {"-R", "-d", "n1"}, {"-R", "-f", "n2", "-a"}, {"-R", "-q", "0", "-d", "n1", "-a"}} {
		want, got := filepath.Join(dir, "want"), filepath.Join(dir, "got")
		cmd := exec.Command(oracle, append([]string{"-x", f, "-D", want}, args...)...)
		cmd.Env = append(os.Environ(), "CIB_shadow_dir="+dir, "LC_ALL=C")
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := call(t, "", append([]string{"-x", f, "-D", got}, args...)...); code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		lines := func(name string) string {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			l := strings.Split(string(b), "\n")
			slices.Sort(l)
			return strings.Join(l, "\n")
		}
		if a, b := lines(want), lines(got); a != b {
			t.Errorf("%v: got\n%s\nwant\n%s", args, b, a)
		}
	}
}

// TestSaved checks the files that the command writes.
func TestSaved(t *testing.T) {
	dir, f := t.TempDir(), running(t)
	at := func(n string) string { return filepath.Join(dir, n) }
	before, _ := os.ReadFile(f)
	code, _, stderr := call(t, "", "-x", f, "-S", "-d", "n1", "-G", at("graph"), "-D", at("dot"), "-I", at("in"), "-O", at("out"))
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if after, _ := os.ReadFile(f); !bytes.Equal(before, after) {
		t.Error("the input file was changed")
	}
	read := func(n string) []byte {
		b, err := os.ReadFile(at(n))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	g, err := simulate.ReadGraph(read("graph"), "graph")
	if err != nil || len(g.Actions) == 0 {
		t.Errorf("graph: %v, %+v", err, g)
	}
	if dot := string(read("dot")); !strings.HasPrefix(dot, " digraph") || !strings.HasSuffix(dot, "}\n") {
		t.Errorf("dot: %s", dot)
	}
	for name, xpath := range map[string]string{
		"in":  `//node_state[@uname='n1' and @crmd='offline']`,
		"out": `//node_state[@uname='n3' or @uname='n2']//lrm_resource[@id='fencing']/lrm_rsc_op[@operation='start']`,
	} {
		root, err := cib.Parse(read(name), name)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := cib.Find(root, xpath); err != nil || len(found) != 1 {
			t.Errorf("%s: %s selects %d (%v)", name, xpath, len(found), err)
		}
	}
	// What the simulation leaves behind needs nothing more.
	if code, out, _ := call(t, string(read("out")), "-p", "-R"); code != 0 || !strings.HasSuffix(out, "Transition Summary:\n") {
		t.Errorf("exit %d: a second transition: %s", code, out)
	}
}

// TestRefused checks that bad input is refused with a sentence and a code.
func TestRefused(t *testing.T) {
	f := running(t)
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"-x", "/nonexistent/cib.xml"}, cli.ExitNoInput, "/nonexistent/cib.xml"},
		{[]string{}, cli.ExitUsage, "--xml-file"},
		{[]string{"-x", f, "more"}, cli.ExitUsage, `"more"`},
		{[]string{"-x", f, "--nope"}, cli.ExitUsage, "--nope"},
		{[]string{"-x", f, "-N", "x"}, cli.ExitUsage, `"x"`},
		{[]string{"-x", f, "-t", "yesterday"}, cli.ExitUsage, "yesterday"},
		{[]string{"-x", f, "-q", "perhaps"}, cli.ExitUsage, "perhaps"},
		{[]string{"-x", f, "-S", "-F", "foo"}, cli.ExitUsage, "foo"},
		{[]string{"-x", f, "-d", "n9"}, cli.ExitNoSuchObject, "n9"},
		{[]string{"-x", f, "-i", "zz_stop_0@n1=1"}, cli.ExitNoSuchObject, "zz"},
		{[]string{"-x", f, "-S", "-O", "/nonexistent/x"}, cli.ExitCantCreate, "/nonexistent/x"},
		{[]string{"-x", f, "--output-as=html"}, cli.ExitNoSuchObject, "html"},
		{[]string{"-X"}, cli.ExitUsage, "--in-place"},
		{[]string{"-L"}, cli.ExitDisconnect, "not running"},
		{[]string{"-x", write(t, "<cib")}, cli.ExitDataErr, "cib.xml:1"},
		{[]string{"-x", write(t, "<nodes/>")}, cli.ExitDataErr, "<nodes>"},
		{[]string{"-x", write(t, strings.Replace(cluster, `id="alone" `, `id="alone" foo="1" `, 1))}, cli.ExitConfig, "foo"},
	} {
		code, stdout, stderr := call(t, "", c.args...)
		if code != c.code || !strings.Contains(stderr, c.text) {
			t.Errorf("%q: exit %d, want %d; %q does not tell %q; %s", c.args, code, c.code, stderr, c.text, stdout)
		}
	}
}

// TestPtest checks the old name with an old option.
func TestPtest(t *testing.T) {
	var out, errs bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	if code := cli.Run(env, NewPtest(env), []string{"-X", cluster, "-VV"}); code != 0 || !strings.Contains(out.String(), "Start      alone") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
}

// TestProfile checks that each file of a directory gets its time.
func TestProfile(t *testing.T) {
	f := write(t, cluster)
	code, out, stderr := call(t, "", "-P", filepath.Dir(f), "-N", "3")
	if code != 0 || !regexp.MustCompile(`^Timings:\n  \* Testing \S+cib\.xml \.\.\. \d+\.\d\d secs\n$`).MatchString(out) {
		t.Errorf("exit %d: %q %s", code, out, stderr)
	}
}
