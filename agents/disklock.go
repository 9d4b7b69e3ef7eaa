package agents

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"golang.org/x/sys/unix"
)

// A disk for locks holds blocks of lockBlock bytes: a header that says what it is
// and how many locks follow, then the locks. Every block ends with its checksum,
// so that one half written is told from one that says something.
const (
	lockBlock = 4096
	lockMagic = "quorate disk lock 1\n"
	// maxLocks bounds the locks of a disk.
	maxLocks = 1023
)

// errNoLocks indicates a disk that was not prepared for locks.
var errNoLocks = errors.New("it is not prepared for locks: run \"quorate sfex_init DEVICE\" once, which destroys what the device holds")

// lockState is one lock as the disk has it.
type lockState struct {
	locked bool
	// owner is the node, boot its boot id, nonce one taking of the lock.
	owner, boot string
	nonce       uint64
	// count grows with every renewal.
	count uint64
}

// lockDisk is a disk prepared for locks.
type lockDisk struct {
	fd    int
	name  string
	locks int
}

// openLockDisk opens a disk, past every cache where it has one to pass.
func openLockDisk(name string) (*lockDisk, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_DIRECT|unix.O_SYNC|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EINVAL) { // a file on a filesystem without O_DIRECT
		fd, err = unix.Open(name, unix.O_RDWR|unix.O_SYNC|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	d := &lockDisk{fd: fd, name: name}
	b, err := d.read(0)
	if err == nil && (!bytes.HasPrefix(b, []byte(lockMagic)) || !sealed(b)) {
		err = errNoLocks
	}
	if err != nil {
		d.close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d.locks = int(binary.BigEndian.Uint32(b[len(lockMagic):]))
	return d, nil
}

func (d *lockDisk) close() { _ = unix.Close(d.fd) }

// read returns one block.
func (d *lockDisk) read(block int) ([]byte, error) {
	b := alignedBlock(lockBlock)
	n, err := unix.Pread(d.fd, b, int64(block)*lockBlock)
	if err == nil && n != lockBlock {
		err = fmt.Errorf("it ends within block %d", block)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.name, err)
	}
	return b, nil
}

// write replaces one block and returns when the disk has it.
func (d *lockDisk) write(block int, text []byte) error {
	b := alignedBlock(lockBlock)
	copy(b, text)
	binary.BigEndian.PutUint32(b[lockBlock-4:], crc32.ChecksumIEEE(b[:lockBlock-4]))
	n, err := unix.Pwrite(d.fd, b, int64(block)*lockBlock)
	if err == nil && n != lockBlock {
		err = errors.New("it was written in part")
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", d.name, err)
	}
	return nil
}

// sealed checks the checksum of a block.
func sealed(b []byte) bool {
	return binary.BigEndian.Uint32(b[lockBlock-4:]) == crc32.ChecksumIEEE(b[:lockBlock-4])
}

// get reads a lock, 1 being the first.
func (d *lockDisk) get(index int) (lockState, error) {
	if index < 1 || index > d.locks {
		return lockState{}, fmt.Errorf("%s holds %d locks, and none of index %d", d.name, d.locks, index)
	}
	b, err := d.read(index)
	if err != nil {
		return lockState{}, err
	}
	s, err := parseLock(b)
	if err != nil {
		err = fmt.Errorf("lock %d of %s: %w", index, d.name, err)
	}
	return s, err
}

// parseLock reads a block.
func parseLock(b []byte) (s lockState, err error) {
	if len(b) != lockBlock || !sealed(b) {
		return s, errors.New("its checksum is wrong")
	}
	s.locked = b[0] == 1
	s.nonce, s.count = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
	rest := b[24 : lockBlock-4]
	for _, to := range []*string{&s.owner, &s.boot} {
		n := int(binary.BigEndian.Uint16(rest))
		if n > len(rest)-4 {
			return s, errors.New("a name in it is longer than the block")
		}
		*to, rest = string(rest[2:2+n]), rest[2+n:]
	}
	return s, nil
}

// put writes a lock.
func (d *lockDisk) put(index int, s lockState) error {
	b := make([]byte, 24, 512)
	if s.locked {
		b[0] = 1
	}
	binary.BigEndian.PutUint64(b[8:], s.nonce)
	binary.BigEndian.PutUint64(b[16:], s.count)
	for _, n := range []string{s.owner, s.boot} {
		if len(n) > 1024 {
			return fmt.Errorf("the name %.20q… is too long for a lock", n)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(n)))
		b = append(b, n...)
	}
	return d.write(index, b)
}

// initLockDisk prepares a disk for locks and destroys what it held.
func initLockDisk(name string, locks int) error {
	if locks < 1 || locks > maxLocks {
		return fmt.Errorf("a disk holds 1 to %d locks, not %d", maxLocks, locks)
	}
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_SYNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	d := &lockDisk{fd: fd, name: name, locks: locks}
	defer d.close()
	for i := 1; i <= locks; i++ {
		if err := d.put(i, lockState{}); err != nil {
			return err
		}
	}
	// Last, so that a disk with a header has its locks.
	return d.write(0, binary.BigEndian.AppendUint32([]byte(lockMagic), uint32(locks)))
}
