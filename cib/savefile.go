package cib

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SaveFile writes a whole document, status included, over a file that a person
// works on, whole or not at all. The file keeps its mode and owner; a new one has
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
	if fi, err := os.Stat(path); err == nil {
		if err := likeBefore(fresh, fi); err != nil {
			_ = os.Remove(fresh)
			return err
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		_ = os.Remove(fresh)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// likeBefore gives a file the mode and, as root, the owner of another.
func likeBefore(path string, old fs.FileInfo) error {
	if st, ok := old.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Chown(path, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	return os.Chmod(path, old.Mode().Perm())
}
