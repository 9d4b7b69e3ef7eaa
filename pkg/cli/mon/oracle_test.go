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

var variants = []struct {
	args string
	o    Options
}{
	{"-r", Options{Inactive: true}},
	{"", Options{}},
	{"-n", Options{GroupByNode: true}},
	{"-A -f", Options{Attributes: true, Failcounts: true}},
	{"-o", Options{Operations: true}},
	{"-t", Options{Timing: true}},
	{"-D", Options{HideHeaders: true}},
	{"-b", Options{Brief: true}},
}

// known are cases in which we differ, and why.
var known = map[string]string{
	"multiply-active-stonith": "the order of the failed actions of two nodes",
	"bug-1765":                "an orphaned instance that a probe alone made is not counted",
	"bug-lf-2508":             "numbering of cloned groups that share a node with a lost one",
	"clone-anon-dup":          "an anonymous clone twice on one node: the orphaned copy is counted for each member",
	"bug-cl-5212":             "which copies of a clone are surplus when nodes are lost",
	"clone-requires-quorum":   "which copies of a clone are surplus when nodes are lost",
	"unmanaged-promoted":      "the order of unmanaged copies on lost nodes",
	"intervals":               "an interval written P30S, which is no ISO 8601 duration, is not read",
	"promoted-7":              "result 8 where 0 was expected, from a feature set before 3, on a lost node",
	"remote-orphaned2":        "Pacemaker Remote nodes whose resource is gone",
	"whitebox-orphan-ms":      "guest nodes whose resource is gone",
}

// compare renders a case with options and compares it with the oracle.
func compare(t *testing.T, name, args string, o Options) bool {
	t.Helper()
	path := filepath.Join(casesDir, "cases", name+".xml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The tool wants to write to the file.
	tmp := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		t.Fatal(err)
	}
	o.Now = time.Now()
	w, g := comparable(oracle(t, tmp, strings.Fields(args)...)), comparable(Render(readCase(t, path), o))
	if w == g {
		return true
	}
	wl, gl := strings.Split(w, "\n"), strings.Split(g, "\n")
	for i := 0; i < max(len(wl), len(gl)); i++ {
		a, b := "", ""
		if i < len(wl) {
			a = wl[i]
		}
		if i < len(gl) {
			b = gl[i]
		}
		if a != b {
			t.Logf("%s with %q, line %d:\nwant %s\n got %s", name, args, i+1, a, b)
			break
		}
	}
	return false
}

// TestOracle compares every fourth case, in turn with each set of options, with
// what an installed crm_mon of Pacemaker 2.1 prints. MON_ALL=1 takes all cases
// with all options, which lasts some minutes.
func TestOracle(t *testing.T) {
	if _, err := exec.LookPath("crm_mon"); err != nil {
		t.Skipf("SKIPPED: crm_mon (package pacemaker-cli-utils) is not here: %v", err)
	}
	core, err := os.ReadFile(filepath.Join(casesDir, "core.txt"))
	if err != nil {
		t.Skipf("SKIPPED: the recorded cases are not here: %v", err)
	}
	all := os.Getenv("MON_ALL") != ""
	same, total := 0, 0
	for i, name := range strings.Fields(string(core)) {
		for j, v := range variants {
			if !all && (i%4 != 0 || i/4%len(variants) != j) {
				continue
			}
			total++
			switch {
			case compare(t, name, v.args, v.o):
				same++
			case known[name] == "":
				t.Errorf("%s with %q differs", name, v.args)
			}
		}
	}
	t.Logf("%d of %d equal", same, total)
}
