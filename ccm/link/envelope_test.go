package link

import (
	"bytes"
	"strings"
	"testing"
)

func TestEnvelope(t *testing.T) {
	for _, m := range [][]byte{nil, []byte("short"), pattern(5000, 1), []byte(strings.Repeat("<primitive id=\"ip\"/>", 400))} {
		for _, b := range [][]byte{envelope(m), deflate(envelope(m))} {
			got, err := open(b)
			if err != nil || !bytes.Equal(got, m) {
				t.Errorf("%d bytes became %d: %v", len(m), len(got), err)
			}
		}
	}
	if long := deflate(envelope([]byte(strings.Repeat("<primitive id=\"ip\"/>", 400)))); len(long) > 200 {
		t.Errorf("8000 bytes of the same became %d", len(long))
	}
	for _, bad := range [][]byte{nil, {9, 1}, {deflated, 0xff, 0xff}, append([]byte{deflated}, deflate(envelope(make([]byte, maxDeflate-1)))[1:10]...)} {
		if m, err := open(bad); err == nil {
			t.Errorf("%x became %d bytes", bad, len(m))
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(envelope([]byte("x")))
	f.Add(deflate(envelope(make([]byte, 1000))))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := open(b)
		if err == nil && len(m) > max(len(b), maxDeflate) {
			t.Errorf("%d bytes became %d", len(b), len(m))
		}
	})
}
