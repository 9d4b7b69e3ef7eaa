package setup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// recordName is the file that remembers what was written, beside it.
const recordName = ".quorate-init"

// file is one file of the plan.
type file struct{ name, text, shown string }

func (p *Plan) files() []file {
	return []file{{"ha.cf", p.HACF(), p.HACF()}, {"authkeys", p.Authkeys(), p.shownAuthkeys()}}
}

// write puts the files into the directory, all or none. One that is there is left,
// and nothing is written.
func (p *Plan) write(dir string) (err error) {
	var made []string
	defer func() {
		if err != nil {
			for _, path := range made {
				os.Remove(path)
			}
		}
	}()
	for _, f := range p.files() {
		path := filepath.Join(dir, f.name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s exists: nothing was written; move it away, or undo an earlier init with: quorate init --undo", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		made = append(made, dir)
	}
	var record bytes.Buffer
	put := func(name, text string) error {
		path := filepath.Join(dir, name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		made = append([]string{path}, made...)
		_, err = f.WriteString(text)
		return errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	}
	for _, f := range p.files() {
		if err := put(f.name, f.text); err != nil {
			return err
		}
		fmt.Fprintf(&record, "%s %s\n", digest([]byte(f.text)), f.name)
	}
	_ = os.Remove(filepath.Join(dir, recordName)) // of files that are gone
	return put(recordName, record.String())
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// undo removes what write has written; a file that was changed since is left, and
// then nothing is removed.
func undo(dir string) (removed []string, err error) {
	record := filepath.Join(dir, recordName)
	b, err := os.ReadFile(record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: nothing there was written by quorate init or join", dir)
	}
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(b) {
		sum, name, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !ok || string(name) != filepath.Base(string(name)) {
			return nil, fmt.Errorf("%s is damaged: remove ha.cf and authkeys by hand", record)
		}
		path := filepath.Join(dir, string(name))
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if digest(text) != string(sum) {
			return nil, fmt.Errorf("%s was changed since: nothing was removed; remove it by hand if it is not wanted", path)
		}
		removed = append(removed, path)
	}
	for _, path := range append(removed, record) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return removed, nil
}
