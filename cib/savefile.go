package cib

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// OriginalSuffix names the copy of a document of the old dialect.
const OriginalSuffix = ".heartbeat"

// KeepOriginal copies a file, before what it holds is written in today's dialect,
// to its name with OriginalSuffix, and with a number if another file has that
// name. It returns the name of the copy, also when there is an equal one already.
func KeepOriginal(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		name := path + OriginalSuffix
		if n > 1 {
			name += "." + strconv.Itoa(n)
		}
		if old, err := os.ReadFile(name); err == nil {
			if bytes.Equal(old, text) {
				return name, nil
			}
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		tmp := name + newSuffix
		if err := writeSynced(tmp, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
			return "", err
		}
		if err := os.Rename(tmp, name); err != nil {
			return "", err
		}
		return name, syncDir(filepath.Dir(path))
	}
}

// SaveFile writes a whole document, status included, over a file that a person
// works on. The document is written beside it first, so that it is never lost. The file keeps its mode and owner; a new one has
// mode 0600. A file with a digest beside it is one of the daemon's: it is
// written as [WriteFile] does.
func SaveFile(path string, root *Element) error {
	if root == nil {
		return ErrNoDocument
	}
	if _, err := os.Lstat(path + SigSuffix); err == nil {
		return WriteFile(path, root)
	}
	fresh := path + newSuffix
	if err := writeSynced(fresh, func(w io.Writer) error { _, err := root.WriteTo(w); return err }); err != nil {
		return err
	}
	if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() {
		// Programs keep such a file open and read it again: it stays the same one.
		// Should this be cut short, the whole document lies beside it.
		if err := overwrite(path, root); err != nil {
			return fmt.Errorf("%w (the whole document lies in %s)", err, fresh)
		}
		return os.Remove(fresh)
	}
	if err := os.Rename(fresh, path); err != nil {
		_ = os.Remove(fresh)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// overwrite writes a document into a file that is there.
func overwrite(path string, root *Element) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	if _, err = root.WriteTo(f); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
