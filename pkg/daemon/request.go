package daemon

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/quorate/quorate/pkg/client"
)

var (
	errLongRequest = fmt.Errorf("the request is longer than %d MB, the most that is read", client.MaxLine>>20)
	errNoJSON      = errors.New("the request is no JSON document: it does not begin with {")
)

// Sizes in bytes of what readRequest reads at once and keeps together.
const (
	lineBuffer = 32 << 10
	linePiece  = 8 << 20
)

// readRequest reads one line. What does not begin as a request is refused at
// once, and a line that is too long as soon as it is: the errors are errNoJSON
// and errLongRequest. The last line may lack its end.
//
// A bufio.Scanner would look through all of a long line again whenever another
// piece of it arrives.
func readRequest(r *bufio.Reader) ([]byte, error) {
	var pieces [][]byte
	total := 0
	for {
		part, err := r.ReadSlice('\n')
		if total == 0 {
			part = bytes.TrimLeft(part, " \t\r\n")
			if len(part) > 0 && part[0] != '{' {
				return nil, errNoJSON
			}
			if len(part) == 0 && (err == nil || errors.Is(err, bufio.ErrBufferFull)) {
				continue
			}
		}
		if total += len(part); total > client.MaxLine {
			return nil, errLongRequest
		}
		n := len(pieces) - 1
		if n < 0 || len(pieces[n]) > linePiece {
			pieces, n = append(pieces, nil), n+1
		}
		pieces[n] = append(pieces[n], part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil, errors.Is(err, io.EOF) && total > 0:
			if len(pieces) == 1 {
				return pieces[0], nil
			}
			return slices.Concat(pieces...), nil
		default:
			return nil, err
		}
	}
}
