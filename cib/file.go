package cib

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Suffixes of the files beside a stored document. The digest has 32 hexadecimal
// digits and no newline; the last version and its digest are kept.
const (
	SigSuffix  = ".sig"
	LastSuffix = ".last"
	newSuffix  = ".new"
)

// Owner is the account that owns stored documents where it exists.
const Owner = "hacluster"

// ReadFile reads a document of either dialect from a file, which may be
// compressed with bzip2 (by its name), and upgrades it. It looks at no digest
// and no owner: this is for files which a user names.
func ReadFile(path string) (*Element, Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".bz2") {
		r = bzip2.NewReader(f)
	}
	return Read(r, path)
}

// Read reads a document of either dialect and upgrades it; name is used in
// errors.
func Read(r io.Reader, name string) (*Element, Report, error) {
	text, err := ReadText(r, name)
	if err != nil {
		return nil, nil, err
	}
	root, err := ParseText(text, name)
	if err != nil {
		return nil, nil, err
	}
	return Upgrade(root)
}

// Stored is a document as LoadFile found it.
type Stored struct {
	// Root is the document in today's dialect, with an empty status.
	Root *Element
	// Report is that of the upgrade, if the file had the old dialect.
	Report Report
	// Edited tells that the file differs from its digest: somebody changed it,
	// or it is damaged although it is well-formed.
	Edited bool
	// NoDigest tells that there is no digest beside the file, as when it was
	// made by hand or by a converter, or only one of the old program.
	NoDigest bool
	// Warnings are sentences for the log.
	Warnings []string
}

// LoadFile reads a stored document with its digest. The file must belong to
// hacluster, to root or to the account of the process, and nobody else may
// write it; else the error wraps ErrOwner. A file that is not well-formed is a
// *ParseError; the caller may then load path+LastSuffix, the last version
// before. Whether a document that was edited is taken is up to the caller.
func LoadFile(path string) (*Stored, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		if errors.Is(err, syscall.ELOOP) {
			return nil, fmt.Errorf("%w: %s is a symbolic link, which is not followed", ErrOwner, path)
		}
		return nil, err
	}
	defer f.Close()
	s := &Stored{}
	if err := s.trust(f, path); err != nil {
		return nil, err
	}
	text, err := ReadText(f, path)
	if err != nil {
		return nil, err
	}
	given, err := ParseText(text, path)
	if err != nil {
		return nil, err
	}
	if given.Name != "cib" {
		return nil, &ParseError{path, given.Line, fmt.Sprintf("the root element is <%s>, where <cib> is expected", given.Name)}
	}
	switch sig, err := readSig(sigPath(path)); {
	case errors.Is(err, fs.ErrNotExist):
		s.NoDigest = true
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s has no digest beside it (%s): it is taken as made by hand", path, filepath.Base(sigPath(path))))
	case err != nil:
		return nil, err
	case IsHeartbeat2(given):
		s.NoDigest = true
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s is in the dialect of Heartbeat 2, whose digest %s is not checked", path, filepath.Base(sigPath(path))))
	default:
		s.Edited = !matches(path, given, sig)
	}
	if s.Edited {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s does not match its digest: it was changed by hand or damaged", path))
	}
	s.Root, s.Report, err = Upgrade(given)
	if err != nil {
		return nil, err
	}
	s.Root = WithoutStatus(s.Root)
	return s, nil
}

// sigPath returns the name of the digest of a file: cib.xml.sig for cib.xml,
// cib.xml.sig.last for cib.xml.last.
func sigPath(path string) string {
	if p, ok := strings.CutSuffix(path, LastSuffix); ok {
		return p + SigSuffix + LastSuffix
	}
	return path + SigSuffix
}

func readSig(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 256))
	return string(bytes.TrimSpace(data)), err
}

// matches compares a document with its digest. Between the two renames of
// WriteFile the digest is newer than the file, which then matches that of the
// last version.
func matches(path string, root *Element, sig string) bool {
	digests := []string{ConfigurationDigest(root), Digest(root)}
	if s := root.First("status"); s != nil {
		// Heartbeat and Pacemaker leave the status out altogether.
		digests = append(digests, Digest(root.WithReplaced(s, nil)))
	}
	last, _ := readSig(path + SigSuffix + LastSuffix)
	for _, d := range digests {
		if d == sig || d == last {
			return true
		}
	}
	return false
}

// trust checks owner and mode.
func (s *Stored) trust(f *os.File, path string) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is no regular file", ErrOwner, path)
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		uid, _, found := ownerIDs()
		if !(sys.Uid == 0 || int(sys.Uid) == os.Geteuid() || found && int(sys.Uid) == uid) {
			want := Owner
			if !found {
				want = "the account of this process (uid " + strconv.Itoa(os.Geteuid()) + ")"
			}
			return fmt.Errorf("%w: %s belongs to uid %d and must belong to %s: chown it", ErrOwner, path, sys.Uid, want)
		}
	}
	mode := st.Mode().Perm()
	if mode&0o022 != 0 {
		return fmt.Errorf("%w: %s has mode %04o, so that others may write it: chmod 600 %s", ErrOwner, path, mode, path)
	}
	if mode&0o044 != 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s has mode %04o, so that others may read the passwords in it; it is written with 0600", path, mode))
	}
	return nil
}

// ownerIDs returns user and group id of Owner, if the account exists.
func ownerIDs() (uid, gid int, found bool) {
	u, err := user.Lookup(Owner)
	if err != nil {
		return 0, 0, false
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return uid, gid, err1 == nil && err2 == nil
}

// WriteFile writes a document without its status, and its digest beside it, so
// that after a crash at any moment either the old or the new one is there
// whole. The last version and its digest are kept under LastSuffix. Files have
// mode 0600 and, if the process is root and the account exists, belong to
// hacluster. On an error the old files are as they were.
func WriteFile(path string, root *Element) error {
	if root == nil {
		return ErrNoDocument
	}
	root = WithoutStatus(root)
	xml, sig := path+newSuffix, path+SigSuffix+newSuffix
	if err := writeSynced(xml, func(w io.Writer) error { _, err := root.WriteTo(w); return err }); err != nil {
		return err
	}
	if err := writeSynced(sig, func(w io.Writer) error { _, err := io.WriteString(w, Digest(root)); return err }); err != nil {
		_ = os.Remove(xml)
		return err
	}
	// The old pair under its other name first, then the digest, then the file:
	// see matches.
	for _, old := range []string{path, path + SigSuffix} {
		if err := keepLast(old); err != nil {
			return err
		}
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Rename(sig, path+SigSuffix); err != nil {
		return err
	}
	if err := os.Rename(xml, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// keepLast links a file under its LastSuffix.
func keepLast(path string) error {
	last, tmp := path+LastSuffix, path+LastSuffix+newSuffix
	_ = os.Remove(tmp)
	if err := os.Link(path, tmp); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.Rename(tmp, last)
}

func writeSynced(path string, write func(io.Writer) error) (err error) {
	_ = os.Remove(path)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(path)
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if uid, gid, ok := ownerIDs(); ok && os.Geteuid() == 0 {
		if err = f.Chown(uid, gid); err != nil {
			return err
		}
	}
	if err = f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
