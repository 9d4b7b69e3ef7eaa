package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRemoteUsers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, RemoteUsersFile)
	if err := checkRemoteUser(path, "joe", "x"); !errors.Is(err, errRemoteUser) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("without a file: %v", err)
	}
	for user, password := range map[string]string{"joe": "secret", "ann": "other"} {
		if err := SetRemoteUser(dir, user, password); err != nil {
			t.Fatal(err)
		}
	}
	if err := SetRemoteUser(dir, "joe", "newer"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, password string
		ok             bool
	}{{"joe", "newer", true}, {"ann", "other", true}, {"joe", "secret", false}, {"joe", "", false}, {"", "", false}, {"eve", "newer", false}} {
		if err := checkRemoteUser(path, c.user, c.password); (err == nil) != c.ok || err != nil && !errors.Is(err, errRemoteUser) {
			t.Errorf("%s with %q: %v", c.user, c.password, err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), "newer") || strings.Count(string(b), "\n") != 2 {
		t.Errorf("the file: %s %v", b, err)
	}
	for _, name := range []string{"", "a:b", "a b", "#a"} {
		if err := SetRemoteUser(dir, name, "x"); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
	if err := SetRemoteUser(dir, "eve", ""); err == nil {
		t.Error("a user that is not there is removed")
	}
	if err := SetRemoteUser(dir, "ann", ""); err != nil {
		t.Error(err)
	}
	if err := checkRemoteUser(path, "ann", "other"); !errors.Is(err, errRemoteUser) {
		t.Errorf("a removed user: %v", err)
	}
	if err := os.WriteFile(path, []byte("joe:many:x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkRemoteUser(path, "joe", "x"); err == nil || !strings.Contains(err.Error(), path+":1: ") {
		t.Errorf("a broken line: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkRemoteUser(path, "joe", "x"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable file: %v", err)
	}
}
