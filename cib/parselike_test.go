package cib

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"
)

// TestParseLikeEqualsParse reads random documents like others: the tree is that
// of Parse, and what is equal in the same place is the same.
func TestParseLikeEqualsParse(t *testing.T) {
	rng, rounds := patchSeed(t)
	base := mustParse(patchBase)
	shared := 0
	for range 2000 * rounds {
		a := randomTree(base, rng, rng.IntN(6))
		b := randomTree(a, rng, rng.IntN(6))
		text := string(Print(b))
		want, err := ParseText(text, "b")
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseLike(text, "b", a)
		if err != nil || !Equal(got, want) {
			t.Fatalf("%v\nlike %s\nread %s\nas   %s", err, PrintCompact(a), PrintCompact(want), PrintCompact(got))
		}
		if aligned := align(a, want); !Equal(aligned, want) || aligned == a != Equal(a, want) {
			t.Fatalf("align\nlike %s\nof   %s\nis   %s", PrintCompact(a), PrintCompact(want), PrintCompact(aligned))
		}
		if got == a {
			shared++
		} else if Equal(a, want) {
			t.Fatalf("equal, and not the same: %s", PrintCompact(a))
		}
	}
	if shared == 0 {
		t.Error("no pair was equal")
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestMemoryOfLargeDocument holds a document of 5 MB, one like it and their
// patch to a multiple of their size.
func TestMemoryOfLargeDocument(t *testing.T) {
	const size = 5 << 20
	text := string(bigCIB(size))
	changed := strings.Replace(text, `id="rsc77-monitor-10s" interval="10s"`, `id="rsc77-monitor-10s" interval="11s"`, 1)
	begin := heap()
	a, err := ParseText(text, "a")
	if err != nil {
		t.Fatal(err)
	}
	one := heap() - begin
	b, err := ParseLike(changed, "b", a)
	if err != nil {
		t.Fatal(err)
	}
	two := heap() - begin
	p, err := MakePatch(a, b, true)
	if err != nil || len(p.All("change")) != 1 {
		t.Fatalf("%v %v", err, p)
	}
	all := heap() - begin
	t.Logf("beside the texts: one document %.1f, two %.1f, with their patch %.1f bytes a byte", float64(one)/size, float64(two)/size, float64(all)/size)
	if one > 3*size || two > one+size/4 || all > two+size/4 {
		t.Errorf("%d bytes for one document of %d, %d for two, %d with their patch", one, size, two, all)
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	runtime.KeepAlive(p)
}

// endless repeats a text for ever, and counts what was read of it.
type endless struct {
	text string
	read int64
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.text[e.read%int64(len(e.text)):])
	for n < len(b) {
		n += copy(b[n:], e.text)
	}
	e.read += int64(len(b))
	return len(b), nil
}

// TestEndlessInputIsRefused sees how far endless inputs are read.
func TestEndlessInputIsRefused(t *testing.T) {
	var bad *ParseError
	for _, c := range []struct {
		text, want string
		most       int64
		parse      bool
	}{
		{"<a>", "nested more than 1000 deep", firstPiece, true},
		{"<a x='1'>\n", "stream:1001: the elements are nested", firstPiece, true},
		{"\x00", "U+0000", firstPiece, true},
		{"<\xff", "not UTF-8", firstPiece, true},
		{"y\n", "does not begin with an element", firstPiece, true},
		{"<a/>é", "at most 128 MB are read", MaxSize + 1, false},
	} {
		in := &endless{text: strings.Repeat(c.text, 4096)}
		begin := time.Now()
		_, err := ReadText(in, "stream")
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &bad) != c.parse || errors.Is(err, ErrTooLong) == c.parse {
			t.Errorf("%q: %v", c.text, err)
		}
		if in.read > c.most {
			t.Errorf("%q: %d bytes were read", c.text, in.read)
		}
		t.Logf("%q: refused after %d bytes and %v", c.text, in.read, time.Since(begin))
	}
}

// TestReadTextOfStreams sees that a stream is read as it is, in whatever pieces
// it comes, even where a character lies on the border of two.
func TestReadTextOfStreams(t *testing.T) {
	for shift := range utf8.UTFMax + 1 {
		text := "<a>" + strings.Repeat(" ", shift) + strings.Repeat("é€𝄞", 40000) + "</a>"
		for _, r := range []io.Reader{strings.NewReader(text), iotest.HalfReader(strings.NewReader(text)), bytes.NewBufferString(text)} {
			if got, err := ReadText(r, "stream"); err != nil || got != text {
				t.Errorf("shift %d: %v, %d bytes of %d", shift, err, len(got), len(text))
			}
		}
	}
	broken := errors.New("the pipe broke")
	if _, err := ReadText(io.MultiReader(strings.NewReader("<a/>"), iotest.ErrReader(broken)), "stream"); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func FuzzParseLike(f *testing.F) {
	f.Add([]byte(patchBase), []byte(strings.Replace(patchBase, "stop", "freeze", 1)))
	f.Add([]byte("<a><b/>t<!-- c --><b id='1'/></a>"), []byte("<a>t<b/><!-- c --><b id='1' x='&lt;'/></a>"))
	f.Add([]byte("<a xmlns:p='u'><p:b/><?p d?></a>"), []byte("<a xmlns:p='v'><p:b/><?p d?></a>"))
	f.Add([]byte("<a><b/>t<!-- c --></a>"), []byte("<a>t<b/><!-- c -->0</a>"))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		a, err := Parse(one, "a")
		if err != nil {
			return
		}
		b, err := Parse(other, "b")
		like, lerr := ParseLike(string(other), "b", a)
		if err != nil || lerr != nil {
			if err == nil || lerr == nil || err.Error() != lerr.Error() {
				t.Fatalf("alone %v, like another %v", err, lerr)
			}
			return
		}
		if !Equal(b, like) || !Equal(a, mustParseAgain(t, one)) {
			t.Fatalf("%s is read as %s", b, like)
		}
		p, err := MakePatch(a, b, false)
		if err != nil || p == nil {
			return
		}
		got, err := ApplyPatch(a, p)
		if err != nil {
			t.Fatalf("%v\nfrom %s\nto   %s\npatch %s", err, a, b, p)
		}
		if again, err := MakePatch(got, b, false); err != nil || again != nil {
			t.Fatalf("the patch leaves %v (%v)\nfrom %s\nto   %s\npatch %s", again, err, a, b, p)
		}
	})
}

func mustParseAgain(t *testing.T, text []byte) *Element {
	e, err := Parse(text, "again")
	if err != nil {
		t.Fatal(err)
	}
	return e
}
