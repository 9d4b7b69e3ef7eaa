package report

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/dsnet/compress/bzip2"
)

// maxPart bounds what is taken from another node, in bytes.
const maxPart = 2 << 30

// pack writes a directory as a tar stream, its files below the name prefix.
func pack(w io.Writer, dir, prefix string) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		h, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		h.Name, h.Uname, h.Gname = path.Join(prefix, filepath.ToSlash(rel)), "", ""
		if info.IsDir() {
			h.Name += "/"
		}
		if err := t.WriteHeader(h); err != nil || info.IsDir() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(t, f)
		return err
	})
	return errors.Join(err, t.Close())
}

// unpack reads the part of another node into a directory. It takes files and
// directories only, and none outside of the directory.
func unpack(r io.Reader, to *os.Root) error {
	t := tar.NewReader(r)
	left := int64(maxPart)
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			if n == 0 {
				return errors.New("the stream of files is empty")
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("the stream of files is broken: %w", err)
		}
		name := filepath.FromSlash(path.Clean(h.Name))
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the stream holds %q, which leads out of the report", h.Name)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = to.MkdirAll(name, 0o700)
		case tar.TypeReg:
			if left -= h.Size; left < 0 {
				return fmt.Errorf("the files are more than %d MB", maxPart>>20)
			}
			if err = to.MkdirAll(filepath.Dir(name), 0o700); err == nil {
				err = save(to, name, t)
			}
		default:
			err = fmt.Errorf("%q is neither a file nor a directory", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func save(to *os.Root, name string, r io.Reader) error {
	f, err := to.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// archive makes the file of a directory; it is there as a whole or not at all.
func archive(dir, prefix, file string) (err error) {
	f, err := os.OpenFile(file+".part", os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err == nil {
			err = os.Rename(f.Name(), file)
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	w, err := bzip2.NewWriter(f, &bzip2.WriterConfig{Level: bzip2.BestSpeed})
	if err != nil {
		return err
	}
	if err := errors.Join(pack(w, dir, prefix), w.Close()); err != nil {
		return err
	}
	return f.Sync()
}
