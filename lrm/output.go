package lrm

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/quorate/quorate/agents"
)

// outputLimit bounds what is kept of an operation's output, in bytes.
const outputLimit = 4096

// tail keeps the end of what is written to it.
type tail struct {
	mu    sync.Mutex
	limit int
	buf   []byte
	lost  bool
}

// Write implements io.Writer; it never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if n >= t.limit {
		t.lost = t.lost || n > t.limit || len(t.buf) > 0
		t.buf = append(t.buf[:0], p[n-t.limit:]...)
		return n, nil
	}
	if over := len(t.buf) + n - t.limit; over > 0 {
		t.lost = true
		t.buf = t.buf[:copy(t.buf, t.buf[over:])]
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// text returns what is kept, as clean UTF-8 without control characters.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := clean(string(t.buf))
	if t.lost {
		s = "… " + s
	}
	return strings.TrimSpace(s)
}

// clean drops what neither a log nor XML can hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// lineLimit bounds one line of messages, in bytes; the rest of it is dropped.
const lineLimit = 1024

// lines cuts what is written to it into lines and hands each on.
type lines struct {
	mu   sync.Mutex
	buf  []byte
	each func(line string)
}

// Write implements io.Writer; it never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	if bytes.IndexByte(p, 0) >= 0 { // they must not fill the line
		p = bytes.ReplaceAll(p, []byte{0}, nil)
	}
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		part := p
		if i >= 0 {
			part = p[:i]
		}
		if room := lineLimit - len(l.buf); len(part) > room {
			part = part[:room]
		}
		l.buf = append(l.buf, part...)
		if i < 0 {
			break
		}
		l.flush()
		p = p[i+1:]
	}
	return n, nil
}

// end hands on what is left without a line's end.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

func (l *lines) flush() {
	if s := strings.TrimSpace(clean(string(l.buf))); s != "" {
		l.each(s)
	}
	l.buf = l.buf[:0]
}

// exitReason returns what the line says about the failure, if it does.
func exitReason(line string) (string, bool) {
	r, ok := strings.CutPrefix(line, agents.ExitReasonPrefix)
	return strings.TrimSpace(r), ok
}
