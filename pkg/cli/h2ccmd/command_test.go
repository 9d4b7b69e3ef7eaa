package h2ccmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/seedrow"
)

const seedLine = "litsha21 192.168.71.205/24/eth0/192.168.71.255\n"

// call runs the command in a directory with ha.cf, haresources and an init
// script, and returns what it printed and its exit code.
func call(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	args = append([]string{"-c", filepath.Join(dir, "ha.cf"), "--resource-dir", dir, "--init-dir", dir, "--crm-dir", dir}, args...)
	code = cli.Run(env, New(env), args)
	return out.String(), errs.String(), code
}

func setup(t *testing.T, haresources string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"ha.cf": "node litsha22\nnode litsha23\nnode litsha21\n", "haresources": haresources} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRedirected is the call of the article: the document on standard output.
func TestRedirected(t *testing.T) {
	seedrow.Shows(t, "003-025")
	dir := setup(t, seedLine)
	out, errs, code := call(t, dir, filepath.Join(dir, "haresources"))
	if code != 0 || errs != "" {
		t.Fatalf("exit %d, %s", code, errs)
	}
	root, err := cib.Parse([]byte(out), "stdout")
	if err != nil {
		t.Fatal(err)
	}
	p := root.Path("configuration", "resources", "primitive")
	got := map[string]string{}
	for _, nv := range p.First("instance_attributes").All("nvpair") {
		got[nv.Get("name")] = nv.Get("value")
	}
	if p.Get("type") != "IPaddr" || got["ip"] != "192.168.71.205" || got["netmask"] != "24" || got["nic"] != "eth0" || got["broadcast"] != "192.168.71.255" {
		t.Errorf("%s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "cib.xml")); err == nil {
		t.Error("cib.xml was written too")
	}
}

func TestDialects(t *testing.T) {
	dir := setup(t, seedLine)
	in := filepath.Join(dir, "haresources")
	out, _, code := call(t, dir, "--dialect", "heartbeat", in)
	if code != 0 || !strings.Contains(out, "<attributes>") || !strings.Contains(out, "no_quorum_policy") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if _, errs, code := call(t, dir, "--dialect", "latin", in); code != cli.ExitUsage || !strings.Contains(errs, "it is current or heartbeat") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, errs, code := call(t, dir, "--stickiness", "much", in); code != cli.ExitUsage || !strings.Contains(errs, "is not a score") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// TestOutputFile writes where a second argument says, and refuses to replace.
func TestOutputFile(t *testing.T) {
	seedrow.Shows(t, "004-040")
	dir := setup(t, seedLine)
	in, out := filepath.Join(dir, "haresources"), filepath.Join(dir, "cib.xml")
	stdout, errs, code := call(t, dir, in, out)
	if code != 0 || stdout != "" {
		t.Fatalf("exit %d, %s %s", code, stdout, errs)
	}
	first, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cib.Parse(first, out); err != nil {
		t.Error(err)
	}
	if fi, _ := os.Stat(out); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	if err := os.WriteFile(in, []byte("litsha22 10.0.0.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs, code = call(t, dir, in, out)
	if code != cli.ExitExists || strings.Count(errs, "\n") != 2 || !strings.Contains(errs, "before generating a new one") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if second, _ := os.ReadFile(out); !bytes.Equal(first, second) {
		t.Error("the file was changed")
	}
	// The signature alone is a reason as well.
	if err := os.Rename(out, out+".sig"); err != nil {
		t.Fatal(err)
	}
	if _, _, code = call(t, dir, in, out); code != cli.ExitExists {
		t.Errorf("beside a signature: exit %d", code)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".cib-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestMissingFiles(t *testing.T) {
	dir := setup(t, seedLine)
	if _, errs, code := call(t, dir, filepath.Join(dir, "none")); code != cli.ExitNoInput || !strings.Contains(errs, "Cannot open resources file") {
		t.Errorf("exit %d, %s", code, errs)
	}
	os.Remove(filepath.Join(dir, "ha.cf"))
	if _, errs, code := call(t, dir, filepath.Join(dir, "haresources")); code != cli.ExitNoInput || !strings.Contains(errs, "Cannot open config file") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// TestSearch finds executable scripts only, and none outside its directories.
func TestSearch(t *testing.T) {
	dir := setup(t, "litsha21 10.0.0.1 web plain ../haresources\n")
	for name, mode := range map[string]os.FileMode{"web": 0o755, "plain": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(filepath.Join(dir, "haresources"), 0o755)
	out, errs, code := call(t, dir, "--dialect", "heartbeat", filepath.Join(dir, "haresources"))
	if code != 0 || !strings.Contains(out, `type="web" class="heartbeat"`) || !strings.Contains(out, `type="plain" class="UNKNOWN"`) {
		t.Errorf("exit %d\n%s", code, out)
	}
	if !strings.Contains(errs, "haresources:1: warning: plain is an unknown Resource Agent") || !strings.Contains(errs, "../haresources is an unknown") {
		t.Errorf("stderr: %s", errs)
	}
}
