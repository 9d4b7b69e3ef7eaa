package pages

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
)

func sample(*cli.Env) *cobra.Command {
	c := &cobra.Command{Use: "crm_sample [-v]", Short: "a sample", Long: "First line.\n.second line", RunE: func(*cobra.Command, []string) error { return nil }}
	c.Flags().BoolP("verbose", "v", false, "say more: it's [much] more")
	c.Flags().String("file", "", "a `FILE`")
	return c
}

func TestCompletion(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -o default -W '--verbose -v --file", "zsh": "compdef _quorate_crm_sample crm_sample", "fish": "complete -c crm_sample -l verbose -s 'v'"} {
		var out, errs bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: &errs}
		if code := cli.Run(env, NewCompletion(env, Commands{"crm_sample": sample}), []string{shell}); code != 0 {
			t.Fatalf("%s: %d %s", shell, code, errs.String())
		}
		if !strings.Contains(strings.ReplaceAll(out.String(), "--file --help -h --verbose -v", "--verbose -v --file"), want) {
			t.Errorf("%s: %q is not in\n%s", shell, want, out.String())
		}
		if shell == "bash" {
			if msg, err := exec.Command("bash", "-n", "-c", out.String()).CombinedOutput(); err != nil {
				t.Errorf("bash does not understand it: %v %s", err, msg)
			}
		}
	}
	env := &cli.Env{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer)}
	if code := cli.Run(env, NewCompletion(env, Commands{"x": sample}), []string{"ksh"}); code != cli.ExitUsage {
		t.Errorf("an unknown shell: %d", code)
	}
}

func TestMan(t *testing.T) {
	dir := t.TempDir()
	env := &cli.Env{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer)}
	if code := cli.Run(env, NewMan(env, Commands{"crm_sample": sample}), []string{dir}); code != 0 {
		t.Fatal(code)
	}
	page, err := os.ReadFile(filepath.Join(dir, "crm_sample.8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".TH CRM_SAMPLE 8", `crm_sample \- a sample`, `\&.second line`, `.B \-v, \-\-verbose`, `.B \-\-file FILE`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
}
