package diff_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/diff"
)

const (
	before = `<cib epoch="5" num_updates="0" admin_epoch="0"><configuration><resources><primitive id="a"/></resources></configuration></cib>`
	after  = `<cib epoch="6" num_updates="0" admin_epoch="0"><configuration><resources><primitive id="a" type="x"/></resources></configuration></cib>`
)

func run(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs}
	code = cli.Run(env, diff.New(env), args)
	return code, out.String(), errs.String()
}

// TestCrmDiff runs the command as clients do: new document on standard input,
// exit code 1 for a difference and nothing printed without one.
func TestCrmDiff(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	a := file("a.xml", before)
	code, patch, _ := run(after, "--no-version", "-o", a, "-n", "-")
	want := `<diff format="2">
  <change operation="modify" path="/cib/configuration/resources/primitive[@id=&apos;a&apos;]">
    <change-list>
      <change-attr name="type" operation="set" value="x"/>
    </change-list>
    <change-result>
      <primitive id="a" type="x"/>
    </change-result>
  </change>
</diff>
`
	if code != 1 || patch != want {
		t.Errorf("exit code %d\n%s", code, patch)
	}
	if code, out, _ := run("", "-o", a, "-p", file("p.xml", patch)); code != 0 || !strings.Contains(out, `<primitive id="a" type="x"/>`) || !strings.Contains(out, `epoch="5"`) {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, patch, _ = run("", "-c", "-o", a, "-N", after)
	if code != 1 || !strings.Contains(patch, `<target admin_epoch="0" epoch="6" num_updates="0"/>`) || !strings.Contains(patch, ` digest="`) {
		t.Errorf("exit code %d\n%s", code, patch)
	}
	if code, out, errs := run("", "-O", after, "-p", file("p.xml", patch)); code != cli.ExitOld || out != "" ||
		!strings.Contains(errs, "Could not apply patch: ") || !strings.Contains(errs, "the patch starts from version 0.5.0, and the document has 0.6.0") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-o", a, "-n", a}, 0, ""},
		{[]string{"-o", a}, cli.ExitUsage, "no new document"},
		{[]string{"-n", a}, cli.ExitUsage, "no original document"},
		{[]string{"-o", a, "-n", a, "-u", "-c"}, cli.ExitUsage, "contradicts"},
		{[]string{"-o", a, "-n", filepath.Join(dir, "none")}, cli.ExitNoInput, "no such file"},
		{[]string{"-o", a, "-N", "<cib>"}, cli.ExitDataErr, "new document:1:"},
		{[]string{"-o", a, "-N", "<x/>"}, cli.ExitDataErr, "no common root element"},
	} {
		if code, out, errs := run("", c.args...); code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d\n%s%s", c.args, code, out, errs)
		}
	}
}
