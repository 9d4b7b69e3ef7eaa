package cib

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// Sizes in bytes of the pieces in which ReadText reads what tells no size.
const (
	firstPiece = 64 << 10
	mostPiece  = 8 << 20
)

// ReadText reads all of a document's text; the name is for errors. One that is
// longer than MaxSize is refused, a file before it is read, a stream as soon as
// it has come so far: the error wraps ErrTooLong. A stream whose beginning can be
// that of no document, because it is no text or nested without end, is refused
// there, with a *ParseError.
func ReadText(r io.Reader, name string) (string, error) {
	if f, ok := r.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			if st.Size() > MaxSize {
				return "", fmt.Errorf("%s: %w: it has %d bytes, at most %d MB are read", name, ErrTooLong, st.Size(), MaxSize>>20)
			}
			return readFile(f, int(st.Size()), name)
		}
	}
	// Pieces, since a buffer that grows copies what it has again and again.
	var pieces [][]byte
	total := 0
	for size := firstPiece; ; size = min(4*size, mostPiece) {
		piece := make([]byte, min(size, MaxSize+1-total))
		n, err := io.ReadFull(r, piece)
		pieces, total = append(pieces, piece[:n]), total+n
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return joined(pieces, total), nil
		case err != nil:
			return "", fmt.Errorf("%s: %w", name, err)
		case total > MaxSize:
			return "", fmt.Errorf("%s: %w: at most %d MB are read", name, ErrTooLong, MaxSize>>20)
		}
		if len(pieces) == 1 {
			if err := hopeless(piece, name); err != nil {
				return "", err
			}
		}
	}
}

// readFile reads a file of which the size is known, without a second copy.
func readFile(f *os.File, size int, name string) (string, error) {
	var b strings.Builder
	b.Grow(size)
	n, err := io.Copy(&b, io.LimitReader(f, MaxSize+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if n > MaxSize { // it grew meanwhile
		return "", fmt.Errorf("%s: %w: at most %d MB are read", name, ErrTooLong, MaxSize>>20)
	}
	return b.String(), nil
}

func joined(pieces [][]byte, total int) string {
	var b strings.Builder
	b.Grow(total)
	for i, p := range pieces {
		b.Write(p)
		pieces[i] = nil
	}
	return b.String()
}

// hopeless returns what is wrong with the beginning of a text whatever follows.
func hopeless(begin []byte, name string) error {
	for n := 1; n < utf8.UTFMax && n <= len(begin); n++ {
		if c := begin[len(begin)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf {
				begin = begin[:len(begin)-n]
			}
			break
		}
	}
	p := &parser{src: string(begin), file: name, line: 1}
	if _, err := p.parse(); err != nil && p.certain {
		return err
	}
	return nil
}
