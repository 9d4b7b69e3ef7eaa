package setup

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/authkeys"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/hacf"
)

func call(t *testing.T, dir string, join bool, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	env := &cli.Env{Stdout: &o, Stderr: &e, RunDir: filepath.Join(dir, "run")}
	newCommand := func(env *cli.Env) *cobra.Command { return NewInit(env) }
	if join {
		newCommand = func(env *cli.Env) *cobra.Command { return NewJoin(env) }
	}
	code = cli.Run(env, newCommand(env), append([]string{"--config-dir", dir}, args...))
	return code, o.String(), e.String()
}

// TestInitAndJoin: two nodes get the same files, mode 600, that the daemon takes;
// the key is shown in the word only, and undo leaves nothing.
func TestInitAndJoin(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "ha.d"), filepath.Join(t.TempDir(), "ha.d")
	code, out, errs := call(t, a, false, "--node", "Alice", "-i", "lo", "alice=10.0.0.1", "bob=fd00::2")
	if code != 0 {
		t.Fatalf("init: %d %s%s", code, out, errs)
	}
	_, word, _ := strings.Cut(out, "quorate join ")
	word, _, _ = strings.Cut(word, "\n")
	if code, out, errs := call(t, b, true, "--node", "bob", word); code != 0 || !strings.Contains(out, "node\talice\n") {
		t.Fatalf("join: %d %s%s", code, out, errs)
	}
	for _, name := range []string{"ha.cf", "authkeys"} {
		x, err := os.ReadFile(filepath.Join(a, name))
		y, err2 := os.ReadFile(filepath.Join(b, name))
		if errors.Join(err, err2) != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs: %v %v\n%s\n%s", name, err, err2, x, y)
		}
		if fi, err := os.Stat(filepath.Join(a, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, fi.Mode(), err)
		}
	}
	conf, _, err := hacf.Load(filepath.Join(b, "ha.cf"), "bob", hacf.Options{})
	if err != nil || len(conf.Nodes) != 2 || len(conf.Media) != 2 || conf.Media[1].Address != "fd00::2" || !conf.CRM.Enabled() {
		t.Errorf("%+v %v", conf, err)
	}
	keys, remarks, err := authkeys.Load(filepath.Join(b, "authkeys"))
	if err != nil || len(remarks) > 0 {
		t.Fatalf("%v %v", remarks, err)
	}
	if shown, _, _ := strings.Cut(out, "quorate join"); strings.Contains(shown, string(keys.ByID[1].Secret)) {
		t.Errorf("the key is shown:\n%s", shown)
	}
	if code, _, errs := call(t, a, false, "--node", "alice", "-i", "lo", "alice=10.0.0.1", "bob=10.0.0.2"); code == 0 || !strings.Contains(errs, "exists: nothing was written") {
		t.Errorf("a second init: %d %s", code, errs)
	}
	if code, _, errs := call(t, a, false, "--undo"); code != 0 {
		t.Errorf("undo: %d %s", code, errs)
	}
	if left, _ := os.ReadDir(a); len(left) > 0 {
		t.Errorf("undo leaves %v", left)
	}
	if err := os.WriteFile(filepath.Join(b, "ha.cf"), []byte("node x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call(t, b, true, "--undo"); code == 0 || !strings.Contains(errs, "was changed since: nothing was removed") {
		t.Errorf("undo of a changed file: %d %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(b, "authkeys")); err != nil {
		t.Error(err)
	}
}

// TestRefused: what is wrong writes nothing and says why.
func TestRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"is not NAME=ADDRESS":                {"alice"},
		"two nodes or more":                  {"alice=10.0.0.1"},
		"is not an address":                  {"alice=10.0.0.1", "bob=10.0.0.400"},
		"is there twice":                     {"alice=10.0.0.1", "alice=10.0.0.2"},
		"which is none of the nodes":         {"carol=10.0.0.1", "bob=10.0.0.2"},
		"is not the name of a node":          {"alice=10.0.0.1", "bo b=10.0.0.2"},
		"is not the name of a network inter": {"-i", "a/b", "alice=10.0.0.1", "bob=10.0.0.2"},
	} {
		dir := filepath.Join(t.TempDir(), "ha.d")
		if code, _, errs := call(t, dir, false, append([]string{"--node", "alice"}, args...)...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %s", args, code, errs)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: something was written", args)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	p, err := NewPlan([]string{"a=10.0.0.1", "b=10.0.0.2"}, "eth0")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Token())
	f.Fuzz(func(t *testing.T, token string) {
		p, err := ParseToken(token)
		if err != nil {
			return
		}
		// What is accepted makes a file that is accepted.
		if _, _, err := hacf.Parse(strings.NewReader(p.HACF()), "ha.cf"); err != nil && len(p.Nodes) < 30 && !strings.Contains(err.Error(), "nvalid") {
			t.Errorf("%v\n%s", err, p.HACF())
		}
	})
}
