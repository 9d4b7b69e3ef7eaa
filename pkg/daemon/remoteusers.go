package daemon

import (
	"bufio"
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// RemoteUsersFile is the file in the configuration directory with the accounts
// that may come over the network: a line NAME:ROUNDS:SALT:HASH each, the last two
// in base64 (PBKDF2 with SHA-256, RFC 8018).
const RemoteUsersFile = "remoteusers"

// passwordRounds makes a guess cost some 50 ms, passwordBytes is the length of
// salt and hash.
const (
	passwordRounds = 200_000
	passwordBytes  = 32
)

// errRemoteUser: the name or the password is wrong; which of them is not said.
var errRemoteUser = errors.New("the user or the password is wrong")

// checkRemoteUser tells whether a password is that of a user in the file.
func checkRemoteUser(path, user, password string) error {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s does not exist; quorate remote passwd NAME makes it", errRemoteUser, path)
	case err != nil:
		return err
	case st.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %03o, and nobody but its owner may read it: run chmod 600 %s", path, st.Mode().Perm(), path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// An unknown user takes as long as a wrong password.
	rounds, salt, want := passwordRounds, make([]byte, passwordBytes), []byte(nil)
	sc := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; sc.Scan(); n++ {
		f := strings.Split(strings.TrimSpace(sc.Text()), ":")
		if f[0] != user || user == "" || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 4 {
			return fmt.Errorf("%s:%d: the line is not NAME:ROUNDS:SALT:HASH; make it again with quorate remote passwd %s", path, n, user)
		}
		r, err1 := strconv.Atoi(f[1])
		s, err2 := base64.StdEncoding.DecodeString(f[2])
		h, err3 := base64.StdEncoding.DecodeString(f[3])
		if err := errors.Join(err1, err2, err3); err != nil || r < 1 || r > 100*passwordRounds || len(h) != passwordBytes {
			return fmt.Errorf("%s:%d: the line is not NAME:ROUNDS:SALT:HASH; make it again with quorate remote passwd %s", path, n, user)
		}
		rounds, salt, want = r, s, h
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	got, err := pbkdf2.Key(sha256.New, password, salt, rounds, passwordBytes)
	if err != nil {
		return err
	}
	if want == nil || subtle.ConstantTimeCompare(got, want) != 1 {
		return errRemoteUser
	}
	return nil
}

// SetRemoteUser gives a user a password in the file of the directory; "" takes the
// user away. The file is written whole, with mode 600.
func SetRemoteUser(dir, user, password string) error {
	if user == "" || strings.ContainsAny(user, ":\n# \t") {
		return fmt.Errorf("%q can be no user: a name without blanks, colons and # is expected", user)
	}
	path := filepath.Join(dir, RemoteUsersFile)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var lines []string
	for l := range strings.Lines(string(b)) {
		if name, _, _ := strings.Cut(l, ":"); strings.TrimSpace(name) != user {
			lines = append(lines, l)
		}
	}
	if password != "" {
		salt := make([]byte, passwordBytes)
		rand.Read(salt)
		hash, err := pbkdf2.Key(sha256.New, password, salt, passwordRounds, passwordBytes)
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%s:%d:%s:%s\n", user, passwordRounds, base64.StdEncoding.EncodeToString(salt), base64.StdEncoding.EncodeToString(hash)))
	} else if len(lines) == len(slices.Collect(strings.Lines(string(b)))) {
		return fmt.Errorf("%s has no user %s", path, user)
	}
	return replaceFile(path, []byte(strings.Join(lines, "")), 0o600)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Sync()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
