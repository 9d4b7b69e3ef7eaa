package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/quorate/quorate/cib"
)

// cibFile keeps crm/cib.xml, the copy of the configuration for people and old
// tools. It has a goroutine of its own, so that a slow disk holds nobody up.
type cibFile struct {
	path string
	log  *slog.Logger
	todo chan *cib.Element
	last chan struct{} // closed before todo is: nothing waits any more
	done chan struct{}
}

// filePace is the least pause after each write of the file: its readers are
// people, and in a stream of changes the disk belongs to the cluster's own copy.
// A large file waits before it is written again, for as long as fileRate, in bytes
// a second, wants, but for fileWait at most: a change of a large configuration
// must not write megabytes. The first version after the start and the last one,
// when the daemon ends, never wait.
const (
	filePace  = time.Second
	fileLarge = 1 << 20
	fileRate  = 16 << 10
	fileWait  = 10 * time.Minute
)

// patience is how long a file of so many bytes stays as it is after a change.
func patience(size int64) time.Duration {
	if size < fileLarge {
		return 0
	}
	return min(fileWait, time.Duration(size/fileRate)*time.Second)
}

func newCIBFile(stateDir string, log *slog.Logger) *cibFile {
	return &cibFile{path: filepath.Join(stateDir, "crm", "cib.xml"), log: log,
		todo: make(chan *cib.Element, 1), last: make(chan struct{}), done: make(chan struct{})}
}

// save asks for the document to be written; a newer one replaces an older one
// that was not begun.
func (f *cibFile) save(root *cib.Element) {
	select {
	case <-f.todo:
	default:
	}
	f.todo <- root
}

// run writes until the channel is closed.
func (f *cibFile) run() {
	defer close(f.done)
	said, first := false, true
	var again *cib.Element
	for {
		root, more := f.next(again)
		if again = nil; !more {
			return
		}
		if fi, serr := os.Stat(f.path); serr == nil && !first {
			root = f.newest(root, patience(fi.Size()))
		}
		err := cib.WriteFile(f.path, root)
		first = false
		switch {
		case err == nil:
			said = false
			f.log.Info(fmt.Sprintf("write_cib_contents: Wrote version %s.%s.%s of the CIB to disk (digest: %s)",
				root.Get("admin_epoch"), root.Get("epoch"), root.Get("num_updates"), cib.Digest(cib.WithoutStatus(root))), "component", "cib")
		case !said: // the replicated state is safe in cluster.db; say it once
			said = true
			f.log.Error(fmt.Sprintf("the copy %s cannot be written: %v; the cluster's own copy is not affected", f.path, err), "component", "cib")
		}
		select {
		case <-time.After(filePace):
		case <-f.last:
		}
		if err != nil {
			again = root
		}
	}
}

// next waits for what is to be written next: what was not written the last time,
// for the disk was full, say, unless there is a newer one.
func (f *cibFile) next(again *cib.Element) (root *cib.Element, more bool) {
	if again != nil {
		select {
		case root, more = <-f.todo:
			return root, more
		default:
			return again, true
		}
	}
	root, more = <-f.todo
	return root, more
}

// newest waits and returns what is to be written then: root, or what came since.
func (f *cibFile) newest(root *cib.Element, wait time.Duration) *cib.Element {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.last:
	}
	select {
	case newer, more := <-f.todo:
		if more {
			return newer
		}
	default:
	}
	return root
}

func (f *cibFile) close(ctx context.Context) {
	close(f.last)
	close(f.todo)
	select {
	case <-f.done:
	case <-ctx.Done():
	}
}

// candidate reads a cib.xml that an administrator has put there: the document
// in today's dialect, or nil when the file is the daemon's own or absent. A
// file that cannot be used is an error that names file, line and remedy; a node
// that has a state of its own starts without it.
func candidate(path string, hasState bool, log *slog.Logger) (*cib.Element, error) {
	log = log.With("component", "cib")
	st, err := cib.LoadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil && hasState:
		log.Error(fmt.Sprintf("%v; the file is left as it is and not used: this node goes on with the configuration it has in cluster.db", err))
		return nil, nil
	case err != nil:
		return nil, err
	case !st.Edited && !st.NoDigest:
		return nil, nil
	}
	for _, w := range st.Warnings {
		log.Warn(w)
	}
	for _, r := range st.Report {
		if r.Kind != cib.Kept {
			log.Info(fmt.Sprintf("%s: %s", path, r.Sentence))
		}
	}
	for _, p := range cib.Check(st.Root) {
		if p.Severity == cib.Error {
			err := fmt.Errorf("%s:%d: %s; correct it (crm_verify -x %s shows all) and start again", path, p.Line, p.Sentence, path)
			if hasState {
				log.Error(err.Error())
				return nil, nil
			}
			return nil, err
		}
		log.Warn(fmt.Sprintf("%s:%d: %s", path, p.Line, p.Sentence))
	}
	if len(st.Report) > 0 {
		kept, err := cib.KeepOriginal(path)
		if err != nil {
			return nil, fmt.Errorf("%s is in the dialect of Heartbeat 2, and the original cannot be kept: %w", path, err)
		}
		log.Info(fmt.Sprintf("%s is in the dialect of Heartbeat 2; the original is kept as %s", path, kept))
	}
	log.Info(path + " was put there by hand: it is offered to the cluster at the join")
	return st.Root, nil
}
