package report

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/verify"
	"github.com/quorate/quorate/pkg/history"
	"github.com/quorate/quorate/pkg/peinput"
)

// asNode makes the test binary the command on the node whose files are in the
// directory that it names.
const asNode = "CRM_REPORT_TEST_NODE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asNode); dir != "" {
		os.Exit(run(os.Stdout, os.Stderr, dir, os.Args[1:]...))
	}
	os.Exit(m.Run())
}

func run(out, errs io.Writer, dir string, args ...string) int {
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: out, Stderr: errs, RunDir: filepath.Join(dir, "run")}
	mon := func(*cli.Env) *cobra.Command { panic("crm_mon is not asked without a cluster") }
	return cli.Run(env, New(env, Setup{CrmMon: mon, CrmVerify: verify.New, ConfigDir: filepath.Join(dir, "etc"), StateDir: filepath.Join(dir, "state")}), args)
}

const secretCIB = `<cib validate-with="pacemaker-3.7" admin_epoch="0" epoch="%d" num_updates="0" cib-last-written="Sat Nov 21 10:00:00 2026"><configuration><crm_config/><nodes><node id="1" uname="here"/><node id="2" uname="alpha"/><node id="3" uname="dead"/></nodes>
<resources><primitive id="p" class="stonith" type="fence_ilo"><instance_attributes id="i">
<nvpair value="topsecret1" id="i-passwd" name="passwd"/>
<nvpair name="login"
        value="admin" id="i-login"/>
<nvpair id="i-pw" name="Login_Password" value="topsecret2"/></instance_attributes></primitive></resources><constraints/></configuration><status/></cib>`

// node makes the files of a stopped node. The period of the tests is 2026-11-21
// from 10:00 to 11:00.
func node(t *testing.T, dir string) {
	t.Helper()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 11, 21, 10, 30, 0, 0, time.Local)
	log := filepath.Join(dir, "ha-log")
	write("etc/ha.cf", "logfile "+log+"\nucast eth0 10.0.0.1\nnode here alpha dead\nstonith_host * baytech 10.0.0.3 mylogin topsecret3\nenv passwd=topsecret4\n")
	write("etc/authkeys", "auth 1\n1 sha1 topsecret5\n")
	write("ha-log", "heartbeat[1]: 2026/11/21_09:59:59 ERROR: before\nheartbeat[1]: 2026/11/21_10:00:00 info: inside\n\tand its second line\n"+
		"lrmd[2]: 2026/11/21_10:10:00 ERROR: agent said password=topsecret6 to us\nheartbeat[1]: 2026/11/21_11:00:01 CRIT: after\n")
	write("ha-log.1", "heartbeat[1]: 2026/11/21_10:00:00 info: rotated\n")
	root, err := cib.ParseText(fmt.Sprintf(secretCIB, 7), "cib.xml")
	if err != nil {
		t.Fatal(err)
	}
	write("state/crm/cib.xml", string(cib.Print(root)))
	h, err := history.Open(filepath.Join(dir, "state/crm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Add(history.Change{Root: root, Why: "for the test"}); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	r := peinput.NewRecorder(filepath.Join(dir, "state/pengine"), slog.New(slog.DiscardHandler))
	go r.Run()
	r.Save(peinput.Job{Root: root, Now: at, Transition: 1, Series: peinput.Input})
	r.Save(peinput.Job{Root: root, Now: at, Transition: 2, Series: peinput.Input})
	r.Close(t.Context())
	write("state/pengine/pe-warn-9.bz2", "no document: topsecret7")
	for name, when := range map[string]time.Time{"ha-log": at.Add(time.Minute), "ha-log.1": at, "state/pengine/pe-input-0.bz2": at, "state/pengine/pe-input-1.bz2": at.Add(-time.Hour), "state/pengine/pe-warn-9.bz2": at} {
		if err := os.Chtimes(filepath.Join(dir, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
}

// files reads an archive; packed documents in it are unpacked, too.
func files(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	for r := tar.NewReader(bzip2.NewReader(f)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		var in io.Reader = r
		if strings.HasSuffix(h.Name, ".bz2") {
			in = bzip2.NewReader(r)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
		if h.Typeflag == tar.TypeReg {
			out[h.Name] = string(text)
		}
	}
}

func TestReportOfThreeNodes(t *testing.T) {
	dir := t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	node(t, filepath.Join(dir, host))
	node(t, filepath.Join(dir, "alpha"))
	bin, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rsh := filepath.Join(dir, "rsh")
	script := `#!/bin/sh
[ "$1 $2" = "-l joe" ] || { echo "user: $*" >&2; exit 9; }
[ "$3" = dead ] && { echo "ssh: connect to host dead port 22: No route to host" >&2; exit 255; }
export ` + asNode + `="` + dir + `/$3"
eval "set -- $4"
[ "$1 $2" = "quorate crm_report" ] || exit 9
shift 2
exec "` + bin + `" "$@"
`
	if err := os.WriteFile(rsh, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	dest := filepath.Join(dir, "brief-outage")
	args := []string{"-f", "2026-11-21 10:00:00", "-t", "2026-11-21 11:00", "-e", rsh, "-u", "joe", "-n", host + " alpha", "-n", "dead", "-p", "tok'en", dest}
	if code := run(&out, &errs, filepath.Join(dir, host), args...); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if want := "Collected results are available in " + dest + ".tar.bz2\n"; out.String() != want {
		t.Errorf("said %q, want %q", out.String(), want)
	}
	if !strings.Contains(errs.String(), "node dead is missing in the report") {
		t.Errorf("standard error does not name the missing node: %q", errs.String())
	}
	got := files(t, dest+".tar.bz2")
	for name, text := range got {
		if i := strings.Index(text, "topsecret"); i >= 0 {
			t.Errorf("%s holds a secret: %.60q", name, text[max(0, i-40):])
		}
		if strings.Contains(name, "authkeys") {
			t.Errorf("%s is in the report", name)
		}
		if !strings.HasPrefix(name, "brief-outage/") {
			t.Errorf("%s is outside of the report's directory", name)
		}
	}
	for _, n := range []string{host, "alpha"} {
		if n == "alpha" && t.Failed() {
			t.Logf("%s", got["brief-outage/alpha/notes.txt"])
		}
		own := "brief-outage/" + n + "/"
		for name, want := range map[string]string{
			"cib.xml": `value="[*]{4}" id="i-passwd" name="passwd"`, "ha.cf": `stonith_host \* baytech \*\*\*\*`, "sysinfo.txt": "feature set",
			"cib-history.txt": `why="for the test"`, "cib-history/cib-0.7.0.xml": `uname="alpha"`, "pengine/pe-input-0.bz2": "execution-date",
			"notes.txt": "pe-warn-9.bz2", "STOPPED": "not running", "ha-log.txt": "rotated\n.*inside\n\tand its second line\n.*password=\\*\\*\\*\\* to us\n$",
		} {
			if text, ok := got[own+name]; !ok || !regexp.MustCompile(want).MatchString(text) {
				t.Errorf("%s%s is there: %v, and does not match %q:\n%s", own, name, ok, want, text)
			}
		}
		if _, ok := got[own+"pengine/pe-input-1.bz2"]; ok {
			t.Errorf("%s has an input from before the period", own)
		}
	}
	for _, want := range []string{"Node dead is missing in this report:", "No route to host", "lrmd[2]: 2026/11/21_10:10:00 ERROR: agent said"} {
		if !strings.Contains(got["brief-outage/analysis.txt"], want) {
			t.Errorf("analysis.txt does not say %q:\n%s", want, got["brief-outage/analysis.txt"])
		}
	}
	if !strings.Contains(got["brief-outage/description.txt"], "dead: MISSING") || got["brief-outage/dead/UNREACHABLE"] == "" {
		t.Errorf("the missing node is not named:\n%s", got["brief-outage/description.txt"])
	}
	errs.Reset()
	if code := run(&out, &errs, filepath.Join(dir, host), args...); code != cli.ExitCantCreate || !strings.Contains(errs.String(), "exists already") {
		t.Errorf("a second report over the first: exit code %d, %q", code, errs.String())
	}
}

func TestUnpackStaysInside(t *testing.T) {
	for name, h := range map[string]tar.Header{
		"up":   {Name: "../evil", Typeflag: tar.TypeReg},
		"root": {Name: "/evil", Typeflag: tar.TypeReg},
		"link": {Name: "evil", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		to, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := unpack(&b, to); err == nil {
			t.Errorf("%s: taken", name)
		}
		to.Close()
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"2026-11-21 13:05:00": "2026-11-21 13:05:00", "2011-12-14  1:5:9": "2011-12-14 01:05:09", "2011-1-4": "2011-01-04 00:00:00",
		"13:05": "2026-11-21 13:05:00", "now": "2026-11-21 13:00:00", "@0": "1970-01-01 00:00:00",
	} {
		got, err := parseTime(in, now)
		if err != nil || got.UTC().Format(time.DateTime) != want {
			t.Errorf("%q is %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "yesterday", "2026-13-01", "25:00", "@x"} {
		if got, err := parseTime(in, now); err == nil {
			t.Errorf("%q is %v", in, got)
		}
	}
	for line, want := range map[string]string{
		"crmd[12]: 2026/11/21_10:00:00 info: x":  "2026-11-21 10:00:00",
		"Nov 21 10:00:00 node1 crmd: [1]: info:": "2026-11-21 10:00:00",
		"Dec 31 23:59:59 node1 crmd: [1]: info:": "2025-12-31 23:59:59",
		"Feb 29 01:00:00 node1 crmd: [1]: info:": "2024-02-29 01:00:00",
		"2026-11-21T10:00:00.5+02:00 node1 x":    "2026-11-21 08:00:00",
		"2026-11-21 10:00:00 x":                  "2026-11-21 10:00:00",
	} {
		if got, ok := lineTime(line, now); !ok || got.UTC().Format(time.DateTime) != want {
			t.Errorf("%q is of %v, %v, want %s", line, got, ok, want)
		}
	}
	if got, ok := lineTime("\tat 10:00 a line that goes on", now); ok {
		t.Errorf("a line without a time is of %v", got)
	}
}

func FuzzLineTime(f *testing.F) {
	now := time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)
	f.Add("Nov 21 10:00:00 node1 crmd: [1]: info:")
	f.Add("crmd[12]: 2026/11/21_10:00:00 info: x")
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := lineTime(line, now)
		if !ok || got.UTC().Year() < 0 || got.UTC().Year() > 9999 {
			return
		}
		again, ok := lineTime("x[1]: "+got.UTC().Format("2006/01/02_15:04:05")+" info: x", now)
		if !ok || !again.Equal(got.Truncate(time.Second)) {
			t.Errorf("%q is of %v, which is read as %v", line, got, again)
		}
	})
}
