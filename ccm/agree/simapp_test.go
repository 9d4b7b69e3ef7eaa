package agree

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// logApp is a replicated list of numbers.
type logApp struct{ ids []uint64 }

func (a *logApp) Snapshot() []byte {
	var b []byte
	for _, x := range a.ids {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	return b
}

func (a *logApp) Restore(b []byte) error {
	if len(b)%8 != 0 {
		return fmt.Errorf("odd length")
	}
	a.ids = nil
	for ; len(b) > 0; b = b[8:] {
		a.ids = append(a.ids, binary.BigEndian.Uint64(b))
	}
	return nil
}

func (a *logApp) Apply(seq uint64, c []byte) error {
	if len(c) != 8 {
		return fmt.Errorf("change of %d bytes", len(c))
	}
	a.ids = append(a.ids, binary.BigEndian.Uint64(c))
	return nil
}

// Rank is the length, as an epoch would be.
func (a *logApp) Rank() []byte { return binary.BigEndian.AppendUint64(nil, uint64(len(a.ids))) }

func (a *logApp) Digest() string {
	h := sha256.Sum256(a.Snapshot())
	return string(h[:8])
}
