package link

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// The first byte of every message on a stream says how the rest is written.
const (
	plain byte = iota
	deflated
)

// Messages of these sizes are compressed for a slow line: below it does not pay,
// above it would hold up everything else.
const (
	minDeflate = 256
	maxDeflate = 4 << 20
)

// envelope copies a message and says that it is written as it is.
func envelope(message []byte) []byte {
	b := make([]byte, 1+len(message))
	copy(b[1:], message)
	return b
}

// deflate shortens what envelope made, if it can.
func deflate(b []byte) []byte {
	if len(b) < minDeflate || len(b) > maxDeflate || b[0] != plain {
		return b
	}
	var out bytes.Buffer
	out.WriteByte(deflated)
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	w.Write(b[1:])
	w.Close()
	if out.Len() >= len(b) {
		return b
	}
	return out.Bytes()
}

// open returns the message in an envelope.
func open(b []byte) ([]byte, error) {
	switch {
	case len(b) == 0:
		return nil, fmt.Errorf("a message without its first byte")
	case b[0] == plain:
		return b[1:], nil
	case b[0] != deflated:
		return nil, fmt.Errorf("a message written in way %d, which this version does not know", b[0])
	}
	m, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b[1:])), maxDeflate+1))
	if err == nil && len(m) > maxDeflate {
		err = fmt.Errorf("a message that becomes too large")
	}
	return m, err
}
