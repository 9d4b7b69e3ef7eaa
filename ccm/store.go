package ccm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	bolt "go.etcd.io/bbolt"

	"github.com/quorate/quorate/ccm/agree"
)

// Buckets and keys of cluster.db.
var (
	bucketNode    = []byte("node")    // what belongs to this node
	bucketChanges = []byte("changes") // number, big endian -> change
	// bucketState holds the snapshot alone: bbolt writes all that is on a page when
	// one thing on it changes, and a promise must not write megabytes.
	bucketState = []byte("state")
	keyDisk     = []byte("disk")
	keyLife     = []byte("incarnation")
	keyPromised = []byte("promised")
	keyStamped  = []byte("stamped")
	keySnapshot = []byte("snapshot")
	keyMeta     = []byte("meta")
	keyRemoved  = []byte("removed")
)

// Compaction: the changes kept beside the snapshot, in bytes at least as much as
// it has itself.
const (
	compactChanges = 512
	compactBytes   = 4 << 20
)

// ErrStore indicates that cluster.db cannot be used.
var ErrStore = errors.New("the store of the membership layer cannot be used")

// store is cluster.db: promises, stamps, and the replicated state. Every write
// is one transaction and on disk when it returns.
type store struct {
	db   *bolt.DB
	path string
	disk string
	// What has gathered since the snapshot.
	changes, bytes int
	space          space
	stall          atomic.Int64 // how long each write waits, in tests
	full           atomic.Bool  // the file system is full, in tests
}

// openStore opens or makes the store. A new one gets a new identity; it does
// not vote until the others admit it.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory %s: %w: %w", dir, ErrStore, err)
	}
	path := filepath.Join(dir, "cluster.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 2 * time.Second, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, bolt.ErrTimeout):
		return nil, fmt.Errorf("%s is in use by another daemon on this state directory; stop it first: %w", path, ErrStore)
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w; if the file is damaged, move it away: this node then takes the state over from the others", path, ErrStore, err)
	}
	s := &store{db: db, path: path}
	s.space.path = path
	err = db.Update(func(tx *bolt.Tx) error {
		node, err := tx.CreateBucketIfNotExists(bucketNode)
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucketIfNotExists(bucketChanges); err != nil {
			return err
		}
		state, err := tx.CreateBucketIfNotExists(bucketState)
		if err != nil {
			return err
		}
		if old := node.Get(keySnapshot); old != nil { // where it was kept before
			if err := errors.Join(state.Put(keySnapshot, append([]byte(nil), old...)), node.Delete(keySnapshot)); err != nil {
				return err
			}
		}
		if node.Get(keyDisk) == nil {
			if err := node.Put(keyDisk, []byte(uuid.NewString())); err != nil {
				return err
			}
		}
		s.disk = string(node.Get(keyDisk))
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w: %w", path, ErrStore, err), db.Close())
	}
	s.keepRoom()
	return s, nil
}

func (s *store) close() error { return s.db.Close() }

// nextLife takes the number of a new life of the daemon: above all earlier ones
// on this disk, and above those on a disk that was lost as long as the
// calendar clock did not go back.
func (s *store) nextLife(wall time.Time) (uint64, error) {
	var life uint64
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketNode)
		if old := b.Get(keyLife); len(old) == 8 {
			life = binary.BigEndian.Uint64(old)
		}
		life = max(life+1, uint64(max(1, wall.UnixMicro())))
		return b.Put(keyLife, binary.BigEndian.AppendUint64(nil, life))
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %w", s.path, ErrStore, err)
	}
	return life, nil
}

// load reads what the machine starts from.
func (s *store) load() (agree.Stored, error) {
	var st agree.Stored
	err := s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketNode)
		if v := b.Get(keyPromised); v != nil {
			p, err := agree.DecodePromise(v)
			if err != nil {
				return fmt.Errorf("promise: %w", err)
			}
			st.Promised, st.PromisedMembers = p.Ballot, p.Members
		}
		if v := b.Get(keyRemoved); v != nil {
			x, err := agree.DecodeBallot(v)
			if err != nil {
				return fmt.Errorf("stamp of the removal: %w", err)
			}
			st.Removed = x
		}
		if v := b.Get(keyStamped); v != nil {
			x, err := agree.DecodeBallot(v)
			if err != nil {
				return fmt.Errorf("stamp: %w", err)
			}
			st.Stamped = x
			// The decoded values live longer than the transaction.
			snap := append([]byte(nil), tx.Bucket(bucketState).Get(keySnapshot)...)
			s.space.snapshot.Store(int64(len(snap)))
			if st.Snapshot, err = agree.DecodeSnapshot(snap); err != nil {
				return fmt.Errorf("state: %w", err)
			}
			if v := b.Get(keyMeta); v != nil {
				meta, err := agree.DecodeMeta(append([]byte(nil), v...))
				if err != nil {
					return fmt.Errorf("voters: %w", err)
				}
				st.Meta = &meta
			}
		}
		next := st.Snapshot.Seq + 1
		return tx.Bucket(bucketChanges).ForEach(func(k, v []byte) error {
			c, err := agree.DecodeChange(append([]byte(nil), v...))
			if err != nil {
				return fmt.Errorf("change %x: %w", k, err)
			}
			if c.Seq != next {
				return fmt.Errorf("change %d stands where %d is expected", c.Seq, next)
			}
			next++
			s.changes++
			s.bytes += len(v)
			st.Changes = append(st.Changes, c)
			return nil
		})
	})
	if err != nil {
		return st, fmt.Errorf("%s: %w: %w; move the file away: this node then takes the state over from the others", s.path, ErrStore, err)
	}
	return st, nil
}

// batch is a write as bytes, which nobody changes any more.
type batch struct {
	node    [][2][]byte // of the bucket of that name; no value deletes
	state   []byte      // a new snapshot: drop all changes first
	changes [][2][]byte // number, change
	// conflict is a state that is about to be replaced and must be kept.
	conflict *agree.Conflict
}

// prepare encodes a write, which belongs to the machine, and counts it in.
func (s *store) prepare(w *agree.Write) *batch {
	b := &batch{conflict: w.Conflict}
	put := func(key, value []byte) { b.node = append(b.node, [2][]byte{key, value}) }
	if w.Promise != nil {
		put(keyPromised, agree.EncodePromise(*w.Promise))
	}
	if w.Stamp != nil {
		put(keyStamped, agree.EncodeBallot(*w.Stamp))
	}
	if w.Removed != nil {
		put(keyRemoved, agree.EncodeBallot(*w.Removed))
	}
	if w.Snapshot != nil {
		b.state = agree.EncodeSnapshot(w.Snapshot)
		s.space.snapshot.Store(int64(len(b.state)))
		put(keyMeta, nil)
		s.changes, s.bytes = 0, 0
	}
	if w.Meta != nil {
		put(keyMeta, agree.EncodeMeta(w.Meta))
	}
	for i := range w.Changes {
		v := agree.EncodeChange(&w.Changes[i])
		b.changes = append(b.changes, [2][]byte{binary.BigEndian.AppendUint64(nil, w.Changes[i].Seq), v})
		s.changes++
		s.bytes += len(v)
	}
	return b
}

// write makes a batch durable. It may be called from any goroutine.
func (s *store) write(w *batch) error {
	if d := s.stall.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
	err := s.put(w)
	switch {
	case err == nil:
		s.keepRoom()
		return nil
	case noRoom(err):
		return fmt.Errorf("%s: %w: %w", s.path, ErrDiskFull, err)
	}
	return fmt.Errorf("%s: %w: %w", s.path, ErrStore, err)
}

// keepRoom sees to the room for what is to come.
func (s *store) keepRoom() {
	_ = s.db.View(func(tx *bolt.Tx) error { s.space.used.Store(tx.Size()); return nil })
	s.space.reserve()
}

// put is write with the error as it comes.
func (s *store) put(w *batch) error {
	if s.full.Load() {
		return &os.PathError{Op: "write", Path: s.path, Err: syscall.ENOSPC}
	}
	if w.conflict != nil {
		if err := s.keepConflict(w.conflict); err != nil {
			return err
		}
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketNode)
		for _, kv := range w.node {
			if kv[1] == nil {
				if err := b.Delete(kv[0]); err != nil {
					return err
				}
			} else if err := b.Put(kv[0], kv[1]); err != nil {
				return err
			}
		}
		if w.state != nil {
			if err := tx.Bucket(bucketState).Put(keySnapshot, w.state); err != nil {
				return err
			}
			if err := tx.DeleteBucket(bucketChanges); err != nil {
				return err
			}
			if _, err := tx.CreateBucket(bucketChanges); err != nil {
				return err
			}
		}
		for _, kv := range w.changes {
			if err := tx.Bucket(bucketChanges).Put(kv[0], kv[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

// gathered reports whether a snapshot is due.
func (s *store) gathered() bool {
	return s.changes >= compactChanges || s.bytes >= max(compactBytes, int(s.space.snapshot.Load()))
}
