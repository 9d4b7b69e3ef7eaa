package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/quorate/quorate/cib"
)

// ErrUnknown: the store does not have this version.
var ErrUnknown = errors.New("the version is not in the memory of this node")

// Limits of the memory.
const (
	// MaxEntries is how many versions are kept at least; up to MaxChain more
	// before the oldest are forgotten together.
	MaxEntries = 1000
	// MaxChain is how many patches follow a whole document.
	MaxChain = 100
)

// Entry is one version of the configuration.
type Entry struct {
	Version cib.Version `json:"version"`
	// Time is when it was made, as the node says that made it; zero when unknown.
	Time time.Time `json:"time,omitzero"`
	// User, Client and Origin are the account, the program and the node that
	// made it; Why is the reason that was given.
	User   string `json:"user,omitempty"`
	Client string `json:"client,omitempty"`
	Origin string `json:"origin,omitempty"`
	Why    string `json:"why,omitempty"`
	// Missed tells that versions before this one were made without this node.
	Missed bool `json:"missed,omitempty"`
}

// record is what is stored under a version.
type record struct {
	Entry
	// Whole is the document, or else Patch leads to it from the version before.
	Whole []byte `json:"whole,omitempty"`
	Patch []byte `json:"patch,omitempty"`
}

var bucket = []byte("versions")

// Store is the memory on disk. One goroutine adds; List and Document may be
// called by others at the same time.
type Store struct {
	db   *bolt.DB
	last *cib.Element // the newest document, where it is known
	// chain counts the patches since the last whole document.
	chain int
}

// Open opens or makes the store in a directory.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the memory of the configuration: %w", err)
	}
	path := filepath.Join(dir, "history.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("%s: %w; if the file is damaged, remove it: only the memory of old configurations is lost", path, err)
	}
	if err := db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucketIfNotExists(bucket); return err }); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Store{db: db}, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

func key(v cib.Version) []byte {
	var b []byte
	for _, n := range []int{v.AdminEpoch, v.Epoch, v.NumUpdates} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// Change is a document as it was made, and why.
type Change struct {
	Root *cib.Element
	Why  string
}

// Add remembers documents in the order in which they were made, in one
// transaction. One that is there already is left; versions above it that turned
// out never to have been agreed are forgotten.
func (s *Store) Add(changes ...Change) error {
	last, chain := s.last, s.chain
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		for _, c := range changes {
			if c.Root == last {
				continue
			}
			r := record{Entry: entryOf(c)}
			if err := forgetAbove(b, r.Version); err != nil {
				return err
			}
			if newest, data := b.Cursor().Last(); newest != nil && string(newest) == string(key(r.Version)) {
				if root, err := document(b, newest); err == nil && cib.Equal(root, c.Root) {
					// Known from an earlier life.
					last, chain = c.Root, chainLength(b)
					continue
				}
				if err := b.Delete(newest); err != nil {
					return err
				}
				last = nil
			} else if data == nil {
				last = nil
			}
			if last != nil && cib.VersionOf(last).Compare(r.Version) < 0 && chain < MaxChain {
				if p, err := cib.MakePatch(last, c.Root, true); err == nil && p != nil {
					r.Patch = cib.PrintCompact(p)
					chain++
				}
			}
			if r.Patch == nil {
				newest, _ := b.Cursor().Last()
				r.Whole, chain, r.Missed = cib.PrintCompact(c.Root), 0, last == nil && newest != nil
			}
			data, err := json.Marshal(&r)
			if err != nil {
				return err
			}
			if err := b.Put(key(r.Version), data); err != nil {
				return err
			}
			last = c.Root
		}
		return forgetOld(b)
	})
	if err != nil {
		// What is in the store is not known: the next is written whole.
		s.last, s.chain = nil, 0
		return fmt.Errorf("the memory of the configuration: %w", err)
	}
	s.last, s.chain = last, chain
	return nil
}

func entryOf(c Change) Entry {
	e := Entry{Version: cib.VersionOf(c.Root), User: c.Root.Get("update-user"), Client: c.Root.Get("update-client"),
		Origin: c.Root.Get("update-origin"), Why: c.Why}
	if t, err := time.Parse(time.ANSIC, c.Root.Get("cib-last-written")); err == nil {
		e.Time = t
	}
	return e
}

// forgetAbove deletes versions that are higher than the one that comes.
func forgetAbove(b *bolt.Bucket, v cib.Version) error {
	c := b.Cursor()
	for k, _ := c.Last(); k != nil && string(k) > string(key(v)); k, _ = c.Last() {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// forgetOld deletes the oldest chains when enough is left without them.
func forgetOld(b *bolt.Bucket) error {
	n := 0
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		n++
	}
	if n <= MaxEntries+MaxChain {
		return nil
	}
	for k, v := c.First(); k != nil; k, v = c.First() {
		if n <= MaxEntries {
			var r record
			if err := json.Unmarshal(v, &r); err != nil || r.Whole != nil {
				return err
			}
		}
		if err := c.Delete(); err != nil {
			return err
		}
		n--
	}
	return nil
}

// chainLength counts the patches at the end.
func chainLength(b *bolt.Bucket) (n int) {
	c := b.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		var r record
		if json.Unmarshal(v, &r) != nil || r.Whole != nil {
			break
		}
		n++
	}
	return n
}

// List returns the entries, oldest first.
func (s *Store) List() ([]Entry, error) {
	var out []Entry
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(_, v []byte) error {
			var r record
			if err := json.Unmarshal(v, &r); err != nil {
				return err
			}
			out = append(out, r.Entry)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("the memory of the configuration: %w", err)
	}
	return out, nil
}

// Document returns the configuration as it was at a version. Errors wrap
// ErrUnknown where there is none.
func (s *Store) Document(v cib.Version) (*cib.Element, error) {
	var root *cib.Element
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		b := tx.Bucket(bucket)
		if b.Get(key(v)) == nil {
			return fmt.Errorf("%w: %v", ErrUnknown, v)
		}
		root, err = document(b, key(v))
		return err
	})
	return root, err
}

// document goes back to the last whole document and applies what follows.
func document(b *bolt.Bucket, at []byte) (*cib.Element, error) {
	var patches [][]byte
	c := b.Cursor()
	for k, v := c.Seek(at); k != nil; k, v = c.Prev() {
		var r record
		if err := json.Unmarshal(v, &r); err != nil {
			return nil, fmt.Errorf("the memory of the configuration: %w", err)
		}
		if r.Whole == nil {
			patches = append(patches, r.Patch)
			continue
		}
		root, err := cib.Parse(r.Whole, "remembered configuration")
		for i := len(patches) - 1; i >= 0 && err == nil; i-- {
			var p *cib.Element
			if p, err = cib.Parse(patches[i], "remembered patch"); err == nil {
				root, err = cib.ApplyPatch(root, p)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("the memory of the configuration: %w", err)
		}
		return root, nil
	}
	return nil, fmt.Errorf("%w: the beginning of its chain is gone", ErrUnknown)
}
