package mon

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
)

var casesDir = filepath.Join("..", "..", "..", "..", "shared", "conformance")

// oracle runs an installed crm_mon on a file.
func oracle(t testing.TB, path string, args ...string) string {
	t.Helper()
	cmd := exec.Command("crm_mon", append([]string{"-1"}, args...)...)
	cmd.Env = append(os.Environ(), "CIB_file="+path, "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("crm_mon: %v", err)
	}
	return string(out)
}

// comparable drops what differs between two runs: the time of the picture, and
// spaces at the ends of lines.
func comparable(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if strings.HasPrefix(l, "  * Last updated: ") {
			continue
		}
		out = append(out, strings.TrimRight(l, " "))
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

func readCase(t testing.TB, path string) *cib.Element {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := cib.Parse(data, path)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestSurvey compares all cases and options; it is a tool for work on this
// package: MON_SURVEY=LIST prints the differing cases, MON_SURVEY=NAME one of
// them.
func TestSurvey(t *testing.T) {
	want := os.Getenv("MON_SURVEY")
	if want == "" {
		t.Skip("SKIPPED: a tool for work on this package; see its comment")
	}
	core, err := os.ReadFile(filepath.Join(casesDir, "core.txt"))
	if err != nil {
		t.Fatal(err)
	}
	variants := map[string]Options{"-r": {Inactive: true}, "": {}, "-n -r": {GroupByNode: true, Inactive: true}, "-A -f": {Attributes: true, Failcounts: true}, "-o": {Operations: true}, "-b": {Brief: true}, "-R -r": {Detail: true, Inactive: true}, "-n -b": {GroupByNode: true, Brief: true}, "-t": {Timing: true}, "-b -r": {Brief: true, Inactive: true}}
	sel := strings.Fields(os.Getenv("MON_ARGS"))
	args := strings.Join(sel, " ")
	o := variants[args]
	same, all := 0, 0
	for _, name := range strings.Fields(string(core)) {
		if want != "LIST" && want != name {
			continue
		}
		path := filepath.Join(casesDir, "cases", name+".xml")
		o.Now = time.Now()
		tmp := filepath.Join(t.TempDir(), "cib.xml")
		data, _ := os.ReadFile(path)
		os.WriteFile(tmp, data, 0o600)
		w, g := comparable(oracle(t, tmp, sel...)), comparable(Render(readCase(t, path), o))
		all++
		if w == g {
			same++
			continue
		}
		t.Logf("DIFF %s", name)
		if want == name {
			os.WriteFile("/tmp/t/want", []byte(w+"\n"), 0o600)
			os.WriteFile("/tmp/t/got", []byte(g+"\n"), 0o600)
			out, _ := exec.Command("diff", "/tmp/t/want", "/tmp/t/got").CombinedOutput()
			t.Logf("%s", out)
		}
	}
	t.Logf("%d of %d equal with %s", same, all, args)
}
