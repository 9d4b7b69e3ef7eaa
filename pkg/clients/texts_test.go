package clients

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/cib"
)

// theirs is where Debian's commands are.
const theirs = "/usr/sbin"

func fields(s string) []string { return strings.Fields(s) }

// outcome is what a command did.
type outcome struct {
	Code           int
	Stdout, Stderr string
	// After is the document afterwards, without what differs from run to run.
	After string
}

// volatile are the parts of texts that differ from run to run or from program
// to program: dates, versions.
var volatile = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`), "DATE"},
	{regexp.MustCompile(`(Last updated: |last_update time=")[^"\n]*`), "$1"},
	{regexp.MustCompile(`last-granted="\d+"`), `last-granted="N"`},
	{regexp.MustCompile(`\d{11,}`), "SECONDS"},
	{regexp.MustCompile(`Current date/time: \d+`), "SECONDS"},
}

func steady(s string) string {
	for _, v := range volatile {
		s = v.re.ReplaceAllString(s, v.with)
	}
	return s
}

// run executes a command of a directory on a file, with a time limit.
func run(t *testing.T, dir, file string, args []string, stdin string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(dir, args[0]), args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "CIB_file=" + file, "TZ=UTC", "LC_ALL=C", "OCF_ROOT=/usr/lib/ocf"}
	cmd.Dir = filepath.Dir(file)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var x *exec.ExitError
	if err != nil && !errors.As(err, &x) {
		t.Fatalf("%v: %v", args, err)
	}
	return outcome{Code: cmd.ProcessState.ExitCode(), Stdout: steady(out.String()), Stderr: steady(errs.String()), After: configuration(t, file)}
}

// configuration returns the document of a file without versions and authors.
func configuration(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := cib.Parse(data, file)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	for _, a := range []string{"cib-last-written", "update-origin", "update-client", "update-user", "epoch", "num_updates", "admin_epoch"} {
		root = root.WithoutAttr(a)
	}
	return steady(string(cib.Print(root)))
}

// step is one line of a script.
type step struct {
	line  string
	file  string
	args  []string
	loose bool
}

// script reads the steps of a file: "file NAME" names the document for the lines
// that follow, "~" before a line leaves out the comparison of standard error, "#"
// begins a comment.
func script(t *testing.T, name string) (out []step) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	file := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "file "):
			file = strings.TrimPrefix(line, "file ")
			continue
		}
		plain, loose := strings.CutPrefix(line, "~")
		out = append(out, step{line, file, words(plain), loose})
	}
	return out
}

// words splits a line at blanks outside of single quotes.
func words(line string) (out []string) {
	var b strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
			any = true
		}
	}
	if any {
		out = append(out, b.String())
	}
	return out
}

// TestTexts runs each line with Debian's command and with ours on copies of one
// document: exit code, both texts and the document afterwards must be equal.
func TestTexts(t *testing.T) {
	if _, err := os.Stat(filepath.Join(theirs, "crm_resource")); err != nil {
		t.Skip("Debian's pacemaker-cli-utils is not installed: nothing to compare with")
	}
	equal, steps := 0, script(t, "texts.txt")
	for _, s := range steps {
		ok := t.Run(s.line, func(t *testing.T) {
			dir := t.TempDir()
			var got [2]outcome
			for i, bin := range []string{theirs, tools} {
				sub := filepath.Join(dir, []string{"theirs", "ours"}[i])
				if err := os.Mkdir(sub, 0o755); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(filepath.Join("testdata", s.file))
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(sub, "cib.xml")
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
				got[i] = run(t, bin, file, slices.Clone(s.args), "")
				if s.loose {
					got[i].Stderr = ""
				}
			}
			if d := cmp.Diff(got[0], got[1]); d != "" {
				t.Errorf("Debian's (-) and ours (+) differ:\n%s", d)
			}
		})
		if ok {
			equal++
		}
	}
	t.Logf("%d of %d commands are equal to Debian's", equal, len(steps))
}
