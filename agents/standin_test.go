package agents

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// standIn puts a shell script in place of a program that cannot work here, and
// says so. It returns the directory of the stand-ins, where they keep their
// state as $STATE.
func standIn(t *testing.T, why string, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for n, text := range scripts {
		names = append(names, n)
		must(t, os.WriteFile(filepath.Join(dir, n), []byte("#!/bin/sh\nSTATE="+dir+"/state\nmkdir -p $STATE\n"+text+"\n"), 0o755))
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Logf("STAND-IN: %s; this test runs against scripts in place of %s", why, strings.Join(names, ", "))
	return dir
}

// read returns a file's text, "" when it is not there.
func read(file string) string {
	b, _ := os.ReadFile(file)
	return string(b)
}
