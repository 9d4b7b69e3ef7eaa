package verify

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/cli"
)

const good = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
 <configuration><crm_config><cluster_property_set id="o">
   <nvpair id="o1" name="stonith-enabled" value="false"/>
 </cluster_property_set></crm_config>
 <nodes><node id="1" uname="n1"/></nodes>
 <resources><primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/></resources>
 <constraints/></configuration><status/></cib>`

// with replaces a part of the good document.
func with(t *testing.T, old, by string) string {
	t.Helper()
	if !strings.Contains(good, old) {
		t.Fatalf("%q is not in the document", old)
	}
	return strings.Replace(good, old, by, 1)
}

func call(t *testing.T, stdin string, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(stdin), Stdout: &o, Stderr: &e, RunDir: t.TempDir()}
	code = cli.Run(env, New(env), args)
	return o.String(), e.String(), code
}

// documents are what the tests check; line is what -V must say, if anything.
func documents(t *testing.T) map[string]struct{ xml, line string } {
	return map[string]struct{ xml, line string }{
		"good":       {good, ""},
		"reference":  {with(t, "<constraints/>", "<constraints>\n<rsc_location id=\"l\" rsc=\"nix\" node=\"n1\" score=\"1\"/></constraints>"), ":8: l: error: "},
		"bad score":  {with(t, "<constraints/>", "<constraints>\n<rsc_location id=\"l\" rsc=\"a\" node=\"n1\" score=\"x1\"/></constraints>"), ":8: l: error: "},
		"no fencing": {with(t, "false", "true"), ":3: o1: error: option stonith-enabled demands fencing"},
		"unchecked":  {with(t, "pacemaker-3.9", "none"), ""},
		"role":       {with(t, `type="Dummy"/>`, `type="Dummy"><meta_attributes id="m"><nvpair id="m1" name="target-role" value="Running"/></meta_attributes></primitive>`), ":6: "},
		"policy":     {with(t, `<nvpair id="o1"`, `<nvpair id="o2" name="no-quorum-policy" value="perhaps"/><nvpair id="o1"`), ":3: o2: "},
		"not a CIB":  {"<foo/>", ":1: "},
		"empty":      {"", "empty"},
	}
}

func TestFindingsHaveIDAndLine(t *testing.T) {
	for name, d := range documents(t) {
		_, quiet, code := call(t, d.xml, "-p")
		_, verbose, code2 := call(t, d.xml, "-p", "-V")
		if code != code2 {
			t.Errorf("%s: exit code %d, with -V %d", name, code, code2)
		}
		if !strings.Contains(verbose, d.line) {
			t.Errorf("%s: %q is not in %q", name, d.line, verbose)
		}
		if (code == cli.ExitConfig) != strings.Contains(quiet, "-V may provide more details") || strings.Contains(verbose, "-V may") {
			t.Errorf("%s: code %d, quiet %q, verbose %q", name, code, quiet, verbose)
		}
	}
}

func TestAgreesWithPacemaker(t *testing.T) {
	tool, err := exec.LookPath("crm_verify")
	if err != nil {
		t.Skip("NOT TESTED: Pacemaker's crm_verify is not installed")
	}
	oracle := func(stdin string, args ...string) (string, int) {
		cmd := exec.Command(tool, args...)
		cmd.Env = append(os.Environ(), "CIB_file=")
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		var x *exec.ExitError
		if err != nil && !errors.As(err, &x) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	closing := func(text string) string {
		for _, l := range []string{"Errors found during check: config not valid", "Warnings found during check: config may not be valid",
			"Couldn't parse input from STDIN.", "This tool can only check complete configurations", "No configuration source specified."} {
			if strings.Contains(text, "crm_verify: "+l) {
				return l
			}
		}
		return ""
	}
	compare := func(name, stdin string, args ...string) {
		want, code := oracle(stdin, args...)
		_, got, mine := call(t, stdin, args...)
		if code != mine || closing(want) != closing(got) {
			t.Errorf("%s: exit %d, %q; Pacemaker's %d, %q", name, mine, got, code, want)
		}
	}
	for name, d := range documents(t) {
		compare(name, d.xml, "-p")
		compare(name, d.xml, "-p", "-V")
	}
	compare("no source", "")
}

func TestSourcesAndSave(t *testing.T) {
	dir := t.TempDir()
	file, saved := filepath.Join(dir, "cib.xml"), filepath.Join(dir, "saved.xml")
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-x", file}, {"-X", good}, {"-x", file, "-S", saved}, {"-x", saved, "-D", "old.dtd"}} {
		if _, errs, code := call(t, "", args...); code != 0 {
			t.Errorf("%v: %d, %s", args, code, errs)
		}
	}
	t.Setenv("CIB_file", "")
	if _, errs, code := call(t, "", "-L"); code != cli.ExitDisconnect || !strings.Contains(errs, "crm_verify: CIB query failed: ") {
		t.Errorf("-L without a daemon: %d, %s", code, errs)
	}
	if _, errs, code := call(t, "", "-x", file+".none"); code != 1 || !strings.Contains(errs, "Couldn't parse input file: "+file+".none") {
		t.Errorf("a file that is not there: %d, %s", code, errs)
	}
	if out, _, code := call(t, "", "-x", file, "--output-as=xml"); code != 0 || !strings.Contains(out, `<status code="0" message="OK"/>`) {
		t.Errorf("XML: %d, %s", code, out)
	}
}
