package agree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Limits of the decoder: what a peer says is never allowed to make us allocate
// more than this, or more than the frame could hold.
const (
	maxName  = 255
	maxNodes = 64
	maxBytes = 256 << 20
)

// ErrFrame indicates bytes that are no message of this protocol.
var ErrFrame = errors.New("not a valid frame")

// encoder appends; numbers are varints, strings and bytes carry their length.
type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)      { e.b = append(e.b, v) }
func (e *encoder) uint(v uint64)   { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)     { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) fix64(v uint64)  { e.b = binary.BigEndian.AppendUint64(e.b, v) }
func (e *encoder) str(s string)    { e.uint(uint64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) bytes(p []byte)  { e.uint(uint64(len(p))); e.b = append(e.b, p...) }
func (e *encoder) ballot(b Ballot) { e.uint(b.Number); e.str(b.Proposer) }
func (e *encoder) bool(v bool) {
	if v {
		e.u8(1)
	} else {
		e.u8(0)
	}
}
func (e *encoder) names(ss []string) {
	e.uint(uint64(len(ss)))
	for _, s := range ss {
		e.str(s)
	}
}
func (e *encoder) members(ms []Member) {
	e.uint(uint64(len(ms)))
	for _, m := range ms {
		e.str(m.Name)
		e.uint(m.Incarnation)
	}
}

// decoder reads; after the first error everything returns zero values.
type decoder struct {
	b   []byte
	err error
	old bool // the first form on disk
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%s, %d bytes before the end: %w", what, len(d.b), ErrFrame)
	}
	d.b = nil
}
func (d *decoder) u8() uint8 {
	if len(d.b) < 1 {
		d.fail("truncated byte")
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}
func (d *decoder) bool() bool {
	v := d.u8()
	if v > 1 {
		d.fail("flag above 1")
	}
	return v == 1
}
func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("bad number")
		return 0
	}
	d.b = d.b[n:]
	return v
}
func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail("bad number")
		return 0
	}
	d.b = d.b[n:]
	return v
}
func (d *decoder) fix64() uint64 {
	if len(d.b) < 8 {
		d.fail("truncated word")
		return 0
	}
	v := binary.BigEndian.Uint64(d.b)
	d.b = d.b[8:]
	return v
}
func (d *decoder) take(limit uint64) []byte {
	n := d.uint()
	if n > limit || n > uint64(len(d.b)) {
		d.fail(fmt.Sprintf("length %d out of bounds", n))
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}
func (d *decoder) str() string    { return string(d.take(maxName)) }
func (d *decoder) bytes() []byte  { return d.take(maxBytes) }
func (d *decoder) ballot() Ballot { return Ballot{Number: d.uint(), Proposer: d.str()} }

// count reads the length of a list whose items take at least one byte each.
func (d *decoder) count(limit uint64) int {
	n := d.uint()
	if n > limit || n > uint64(len(d.b)) {
		d.fail(fmt.Sprintf("list of %d out of bounds", n))
		return 0
	}
	return int(n)
}
func (d *decoder) names() []string {
	n := d.count(maxNodes)
	var ss []string
	for range n {
		ss = append(ss, d.str())
	}
	return ss
}
func (d *decoder) members() []Member {
	n := d.count(maxNodes)
	var ms []Member
	for range n {
		ms = append(ms, Member{Name: d.str(), Incarnation: d.uint()})
	}
	for i := 1; i < len(ms); i++ {
		if ms[i-1].Name >= ms[i].Name {
			d.fail("members out of order")
			return nil
		}
	}
	return ms
}

// end returns the error, also for bytes that are left over.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("bytes left over")
	}
	return d.err
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
