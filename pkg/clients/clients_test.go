package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/quorate/quorate/cib"
)

// bound is a shell script that runs its arguments with our program in the place
// of Debian's commands, in a mount namespace of its own: $Q is our program.
const bound = `
for t in $("$Q" --list); do
	for d in /usr/sbin /usr/lib/pacemaker; do
		[ ! -e "$d/$t" ] || mount --bind "$Q" "$d/$t" || exit 99
	done
done
exec "$@"`

// stepwise is a shell script that executes a file of commands, one a line, and
// keeps exit code, outputs and the document of $CIB_file after each in $OUT.
const stepwise = `
n=0
while read -r line; do
	case "$line" in ''|'#'*) continue;; esac
	n=$((n+1)); f=$(printf '%s/%03d' "$OUT" $n)
	timeout 120 sh -c "$line" >"$f.out" 2>"$f.err" </dev/null
	echo $? >"$f.rc"
	cp "$CIB_file" "$f.xml"
done <"$1"`

// needs skips a test of what runs as root beside Debian's own packages.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: Debian's commands cannot be replaced in a mount namespace")
	}
	for _, p := range append(programs, theirs+"/cibadmin") {
		if _, err := os.Stat(p); err != nil {
			t.Skipf("%v: Debian's packages are not installed", err)
		}
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("no mount namespaces here: %v %s", err, out)
	}
}

// result is what one step of a client did.
type result struct {
	line, code, out, errs, after string
}

// differential runs the steps of a file with Debian's commands and with ours at
// the same time, each on a document of its own.
func differential(t *testing.T, base, steps string, replace map[string]string) (debian, our []result) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", steps))
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range replace {
		data = []byte(strings.ReplaceAll(string(data), from, to))
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	cibData, err := os.ReadFile(filepath.Join("testdata", base))
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]result, 2)
	var wait sync.WaitGroup
	for i, side := range []string{"debian", "our"} {
		dir := filepath.Join(t.TempDir(), side)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		file, list := filepath.Join(dir, "cib.xml"), filepath.Join(dir, "steps")
		for name, data := range map[string][]byte{file: cibData, list: data} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args := []string{"-m", "sh", "-c", stepwise, "steps", list}
		if side == "our" {
			args = []string{"-m", "sh", "-c", bound, "bound", "sh", "-c", stepwise, "steps", list}
		}
		cmd := exec.Command("unshare", args...)
		cmd.Env = append(os.Environ(), "CIB_file="+file, "CIB_shadow_dir="+dir, "OUT="+dir, "HOME="+dir, "Q="+program, "TZ=UTC", "LC_ALL=C.UTF-8", "OCF_ROOT=/usr/lib/ocf")
		wait.Add(1)
		go func() {
			defer wait.Done()
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", side, err, msg)
				return
			}
			for n, line := range lines {
				read := func(suffix string) string {
					b, _ := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%03d.%s", n+1, suffix)))
					return strings.TrimSpace(string(b))
				}
				out[i] = append(out[i], result{line, read("rc"), read("out"), read("err"), comparable(read("xml"))})
			}
		}()
	}
	wait.Wait()
	return out[0], out[1]
}

var lifetime = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`)

// comparable is a document without versions, authors and times.
func comparable(text string) string {
	root, err := cib.Parse([]byte(text), "document")
	if err != nil {
		return "unreadable: " + err.Error()
	}
	for _, a := range []string{"cib-last-written", "update-origin", "update-client", "update-user", "epoch", "num_updates", "admin_epoch"} {
		root = root.WithoutAttr(a)
	}
	return lifetime.ReplaceAllString(string(cib.Print(root)), "DATE")
}

// judge compares exit codes and documents step by step.
func judge(t *testing.T, debian, our []result) {
	t.Helper()
	if len(debian) == 0 || len(debian) != len(our) {
		t.Fatalf("%d steps were run with Debian's commands, %d with ours", len(debian), len(our))
	}
	equal, words := 0, 0
	for i, d := range debian {
		o := our[i]
		ok := true
		if d.code != o.code && o.code == "0" && strings.Contains(d.errs, "Could not connect to controller") {
			// Debian's crm_node asks a daemon even where there is a file.
			t.Logf("%s: Debian's commands need a daemon for this, ours do it on the file", d.line)
			continue
		}
		if d.code != o.code {
			ok = false
			t.Errorf("%s: exit code %s with Debian's commands, %s with ours\nDebian's:\n%s\n%s\nours:\n%s\n%s", d.line, d.code, o.code, d.out, d.errs, o.out, o.errs)
		}
		if d.after != o.after {
			ok = false
			t.Errorf("%s: the documents differ\nDebian's:\n%s\nours:\n%s", d.line, d.after, o.after)
		}
		if ok {
			equal++
		}
		if d.out == o.out && d.errs == o.errs {
			words++
		}
	}
	t.Logf("%d of %d steps are equal in exit code and document, %d in every word too", equal, len(debian), words)
}

// TestCrmsh has Debian's crmsh work on a file.
func TestCrmsh(t *testing.T) {
	needs(t, "/usr/sbin/crm")
	load, err := filepath.Abs("testdata/load.cli")
	if err != nil {
		t.Fatal(err)
	}
	debian, our := differential(t, "base3.xml", "crmsh.txt", map[string]string{"LOAD": load})
	judge(t, debian, our)
}

// TestPcs has Debian's pcs work on a file.
func TestPcs(t *testing.T) {
	needs(t, "/usr/sbin/pcs")
	debian, our := differential(t, "base3.xml", "pcs.txt", nil)
	judge(t, debian, our)
}
