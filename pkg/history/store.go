package history

import (
	"bytes"
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
	// MaxChain is how many patches follow a whole document, LongChain how many do
	// as long as all of them are smaller than the document: writing a large one
	// anew must not cost a small change much.
	MaxChain  = 100
	LongChain = 250
	// maxPatch is the size in bytes up to which a patch is kept as one.
	maxPatch = 32 << 10
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
	// Apart tells that the whole document is in a bucket of its own; Whole holds it
	// where an older program wrote it. Else Patch leads to it from the version before.
	Apart bool   `json:"apart,omitempty"`
	Whole []byte `json:"whole,omitempty"`
	Patch []byte `json:"patch,omitempty"`
}

func (r *record) whole() bool { return r.Apart || r.Whole != nil }

// bucketWholes has a bucket for each whole document: bbolt writes all that is on a
// page when one thing on it changes, and a patch must not write megabytes.
var (
	bucket       = []byte("versions")
	bucketWholes = []byte("wholes")
	keyDocument  = []byte("document")
)

// Store is the memory on disk. One goroutine adds; List and Document may be
// called by others at the same time.
type Store struct {
	db   *bolt.DB
	last *cib.Element // the newest document, where it is known
	// chain counts the patches since the last whole document.
	chain chain
}

// chain is a whole document and the patches that follow it: their number, their
// bytes and those of the document.
type chain struct{ patches, bytes, whole int }

// open reports whether another patch may follow.
func (c chain) open() bool {
	return c.patches < MaxChain || c.patches < LongChain && c.bytes < c.whole
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
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		_, err2 := tx.CreateBucketIfNotExists(bucketWholes)
		return errors.Join(err, err2)
	}); err != nil {
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
					last, chain = c.Root, chainOf(b)
					continue
				}
				if err := forget(b, newest); err != nil {
					return err
				}
				last = nil
			} else if data == nil {
				last = nil
			}
			if last != nil && cib.VersionOf(last).Compare(r.Version) < 0 && chain.open() {
				if p, err := cib.MakePatch(last, c.Root, true); err == nil && p != nil {
					if text := cib.PrintCompact(p); len(text) <= maxPatch {
						r.Patch = text
						chain.patches++
						chain.bytes += len(r.Patch)
					}
				}
			}
			if r.Patch == nil {
				newest, _ := b.Cursor().Last()
				text := cib.PrintCompact(c.Root)
				if err := keepWhole(tx, key(r.Version), text); err != nil {
					return err
				}
				r.Apart, r.Missed = true, last == nil && newest != nil
				chain = newChain(len(text))
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
		s.last, s.chain = nil, newChain(0)
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
		if err := forget(b, k); err != nil {
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
	for n > MaxEntries+MaxChain {
		var oldest [][]byte
		for k, v := c.First(); k != nil; k, v = c.Next() {
			var r record
			if err := json.Unmarshal(v, &r); err != nil {
				return err
			}
			if r.whole() && len(oldest) > 0 {
				break
			}
			oldest = append(oldest, bytes.Clone(k))
		}
		if n -= len(oldest); n < MaxEntries {
			return nil
		}
		for _, k := range oldest {
			if err := forget(b, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepWhole stores a whole document.
func keepWhole(tx *bolt.Tx, at, text []byte) error {
	b, err := tx.Bucket(bucketWholes).CreateBucketIfNotExists(at)
	if err != nil {
		return err
	}
	return b.Put(keyDocument, text)
}

// forget deletes a version.
func forget(b *bolt.Bucket, at []byte) error {
	at = bytes.Clone(at)
	if wholes := b.Tx().Bucket(bucketWholes); wholes.Bucket(at) != nil {
		if err := wholes.DeleteBucket(at); err != nil {
			return err
		}
	}
	return b.Delete(at)
}

// textOf returns the whole document of a version.
func textOf(b *bolt.Bucket, at []byte, r *record) []byte {
	if wholes := b.Tx().Bucket(bucketWholes); r.Apart && wholes != nil && wholes.Bucket(at) != nil {
		return wholes.Bucket(at).Get(keyDocument)
	}
	return r.Whole
}

// newChain begins after a whole document of that size.
func newChain(whole int) chain { return chain{whole: whole} }

// chainOf measures the chain at the end.
func chainOf(b *bolt.Bucket) (out chain) {
	c := b.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		var r record
		if json.Unmarshal(v, &r) != nil || r.whole() {
			out.whole = len(textOf(b, k, &r))
			break
		}
		out.patches++
		out.bytes += len(r.Patch)
	}
	return out
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
		if !r.whole() {
			patches = append(patches, r.Patch)
			continue
		}
		// The elements live longer than the page.
		root, err := cib.Parse(bytes.Clone(textOf(b, k, &r)), "remembered configuration")
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
