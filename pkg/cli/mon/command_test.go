package mon

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

func call(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	b := Backend{Dial: func() (Source, error) { return nil, cli.Exitf(cli.ExitDisconnect, "the daemon is not running") }}
	code = cli.Run(env, New(env, b), args)
	return out.String(), errs.String(), code
}

func TestCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CIB_file", path)
	out, errs, code := call(t, "-1", "-r")
	if code != 0 || errs != "" || !strings.Contains(out, "  * ip\t(ocf:heartbeat:IPaddr):\t Started n1\n  * web\t(lsb:httpd):\t Stopped\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if out, _, code := call(t, "-s"); code != 1 || out != "CLUSTER WARN: offline node: n2\n" {
		t.Errorf("-s: exit %d, %s", code, out)
	}
	if out, errs, code := call(t, "--output-as", "html"); code != 0 || !strings.Contains(out, "<h2>Node List</h2>") {
		t.Errorf("html: exit %d, %s", code, errs)
	}
	if out, errs, code := call(t, "-X"); code != 0 || !strings.Contains(out, "<crm_mon version=") || strings.Contains(out, "<status code") {
		t.Errorf("-X: exit %d, %s", code, errs)
	}
	t.Setenv("CIB_file", path+".none")
	if _, errs, code := call(t, "-1"); code != cli.ExitNoInput || !strings.Contains(errs, "no such file") {
		t.Errorf("no file: exit %d, %s", code, errs)
	}
	t.Setenv("CIB_file", "")
	if _, errs, code := call(t, "-1"); code != cli.ExitDisconnect || errs != "crm_mon: the daemon is not running\n" {
		t.Errorf("no daemon: exit %d, %s", code, errs)
	}
}

func TestExtraSections(t *testing.T) {
	got := Render(smallCIB(t), Options{Now: time.Now(), Extra: []Section{{"Quorum", []string{"2 of 3 votes: majority"}}, {"Nothing", nil}}})
	if !strings.HasSuffix(got, "\n\nQuorum:\n  * 2 of 3 votes: majority\n") {
		t.Errorf("%q", got)
	}
}

// TestNotInstalled compares with the oracle a resource whose program a probe
// did not find; none of the recorded cases has one outside of a clone.
func TestNotInstalled(t *testing.T) {
	text := strings.Replace(small, "</lrm_resources>", `<lrm_resource id="web" class="lsb" type="httpd">
	<lrm_rsc_op id="web_last_0" operation_key="web_monitor_0" operation="monitor" transition-key="1:1:7:x" transition-magic="0:5;1:1:7:x" call-id="2" rc-code="5" op-status="0" interval="0" on_node="n1" last-rc-change="1795223727"/>
	</lrm_resource></lrm_resources>`, 1)
	root, err := cib.Parse([]byte(text), "x")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Inactive: true, Now: time.Now()}
	got := comparable(Render(root, o))
	if !strings.Contains(got, "web\t(lsb:httpd):\t Stopped (not installed)") {
		t.Errorf("got\n%s", got)
	}
	if _, err := exec.LookPath("crm_mon"); err != nil {
		t.Skipf("SKIPPED: crm_mon (package pacemaker-cli-utils) is not here: %v", err)
	}
	path := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if want := comparable(oracle(t, path, "-r")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestEmpty sees that documents with nothing in them are rendered.
func TestEmpty(t *testing.T) {
	for _, text := range []string{"<cib/>", "<cib><configuration/></cib>", "<cib><configuration><resources><clone id='c'/><group id='g'/></resources></configuration><status><node_state/></status></cib>"} {
		root, err := cib.Parse([]byte(text), "x")
		if err != nil {
			t.Fatal(err)
		}
		got := Render(root, Options{Inactive: true})
		if !strings.Contains(got, "Current DC: NONE") {
			t.Errorf("%s:\n%s", text, got)
		}
	}
}

// FuzzRender looks for panics with any document and all options.
func FuzzRender(f *testing.F) {
	f.Add([]byte(small), uint16(3))
	f.Add([]byte(`<cib><configuration><resources><clone id="c"><group id="g"><primitive id="p"/></group></clone></resources></configuration><status><node_state id="1"><lrm><lrm_resources><lrm_resource id="p:3"><lrm_rsc_op operation="start" rc-code="0"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>`), uint16(0xffff))
	f.Fuzz(func(t *testing.T, data []byte, bits uint16) {
		root, err := cib.Parse(data, "x")
		if err != nil {
			return
		}
		b := func(n int) bool { return bits&(1<<n) != 0 }
		Render(root, Options{Inactive: b(0), GroupByNode: b(1), Attributes: b(2), Failcounts: b(3), Operations: b(4), Timing: b(5), Brief: b(6), HideHeaders: b(7), Detail: b(8)})
		Simple(root, time.Time{})
	})
}
