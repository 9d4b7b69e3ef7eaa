package link

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// testKeys has one key of each method.
func testKeys(sign int) Keys {
	return Keys{Sign: sign, ByID: map[int]Key{
		0: {Method: CRC},
		1: {Method: MD5, Secret: []byte("md5 secret")},
		2: {Method: SHA1, Secret: []byte("sha1 secret")},
		3: {Method: SHA256, Secret: []byte("sha256 secret")},
		4: {Method: AESGCM, Secret: []byte("aes secret")},
	}}
}

func testAuth(sign int) *authenticator {
	k := testKeys(sign)
	return newAuthenticator(&k, clusterHash("linux-ha", ""))
}

func testFrame() frame {
	return frame{kind: kindBeat, life: 1700000000000<<16 | 7, incarnation: 3, sent: 123456, echo: 99, flow: 2, seq: 17,
		status: statusActive, from: "litsha21", to: "litsha22", payload: []byte("payload of the beat")}
}

func TestFrameRoundTrip(t *testing.T) {
	for sign := range 5 {
		f := testFrame()
		b := f.encode(nil, testAuth(sign))
		if got := len(b); got != 49+2+16+len(f.payload)+testAuth(sign).overhead() {
			t.Errorf("key %d: %d bytes", sign, got)
		}
		for other := range 5 { // whatever the receiver signs with
			var g frame
			if err := g.decode(bytes.Clone(b), testAuth(other), names{}); err != nil {
				t.Fatalf("key %d: %v", sign, err)
			}
			if string(g.payload) != string(f.payload) {
				t.Fatalf("key %d: payload %q", sign, g.payload)
			}
			g.payload, f.payload = nil, nil
			if g.kind != f.kind || g.life != f.life || g.seq != f.seq || g.from != f.from || g.to != f.to ||
				g.sent != f.sent || g.echo != f.echo || g.flow != f.flow || g.status != f.status || g.incarnation != f.incarnation {
				t.Fatalf("key %d: got %+v, want %+v", sign, g, f)
			}
			f = testFrame()
		}
		if sign == 4 && bytes.Contains(b, []byte("payload")) {
			t.Error("aes-gcm shows the payload")
		}
	}
}

// Every changed bit and every other length is noticed.
func TestFrameDamage(t *testing.T) {
	seedrow.Shows(t, "001-012")
	for sign := range 5 {
		f := testFrame()
		a := testAuth(sign)
		b := f.encode(nil, a)
		for i := range b {
			for bit := range 8 {
				d := bytes.Clone(b)
				d[i] ^= 1 << bit
				var g frame
				if g.decode(d, a, names{}) == nil {
					t.Fatalf("key %d: bit %d of byte %d was changed and not noticed", sign, bit, i)
				}
			}
		}
		for n := range b {
			var g frame
			if g.decode(bytes.Clone(b[:n]), a, names{}) == nil {
				t.Fatalf("key %d: cut to %d bytes and not noticed", sign, n)
			}
		}
		if g := new(frame); g.decode(append(bytes.Clone(b), 0), a, names{}) == nil {
			t.Fatalf("key %d: longer and not noticed", sign)
		}
	}
}

func TestFrameCauses(t *testing.T) {
	f := testFrame()
	ours := testKeys(2)
	with := func(change func(k *Keys)) *authenticator {
		k := ours.clone()
		change(k)
		return newAuthenticator(k, clusterHash("linux-ha", ""))
	}
	good := f.encode(nil, testAuth(2))
	version := bytes.Clone(good)
	version[2] = 9
	for _, c := range []struct {
		what string
		b    []byte
		auth *authenticator
		want error
	}{
		{"good", good, testAuth(0), nil},
		{"empty", nil, testAuth(0), errGarbage},
		{"text", []byte("GET / HTTP/1.0\r\n\r\n"), testAuth(0), errGarbage},
		{"version 9", version, testAuth(0), errVersion},
		{"three bytes of version 9", version[:3], testAuth(0), errVersion},
		{"other cluster", good, newAuthenticator(&ours, clusterHash("other", "")), errCluster},
		{"key not listed", good, with(func(k *Keys) { delete(k.ByID, 2); k.Sign = 1 }), errKey},
		{"other method", good, with(func(k *Keys) { k.ByID[2] = Key{MD5, []byte("sha1 secret")} }), errKey},
		{"other secret", good, with(func(k *Keys) { k.ByID[2] = Key{SHA1, []byte("another")} }), errMAC},
	} {
		var g frame
		if err := g.decode(bytes.Clone(c.b), c.auth, names{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

func TestKeysValidate(t *testing.T) {
	for _, c := range []struct {
		want string
		k    Keys
	}{
		{"", testKeys(4)},
		{"key 7, which is to sign, is not listed", testKeys(7)},
		{`unknown method "rot13"`, Keys{1, map[int]Key{1: {"rot13", []byte("x")}}}},
		{"method sha1 needs a secret", Keys{1, map[int]Key{1: {SHA1, nil}}}},
		{"key number 16", Keys{16, map[int]Key{16: {CRC, nil}}}},
	} {
		err := c.k.Validate()
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// testReader is a reader of a node litsha22 and what it lets through.
func testReader(k Keys) (*reader, *sink, *logBuffer) {
	log := &logBuffer{}
	s := &sink{drops: &drops{log: slog.New(slog.NewTextHandler(log, nil))}, urgent: make(chan received, 100), data: make(chan received, 100)}
	s.policy.Store(&policy{self: "litsha22", life: 5 << 16, cluster: clusterHash("linux-ha", ""), keys: &k,
		known: names{"litsha21": "litsha21", "litsha22": "litsha22"}})
	return newReader(s), s, log
}

func TestReaderDrops(t *testing.T) {
	r, s, log := testReader(testKeys(2))
	src := netip.MustParseAddrPort("10.0.0.9:694")
	m := &udp{iface: "eth0"}
	a := testAuth(2)
	give := func(change func(f *frame)) {
		f := testFrame()
		change(&f)
		r.take(f.encode(nil, a), m, src, 1)
	}
	give(func(f *frame) {})                                                                              // good
	give(func(f *frame) {})                                                                              // replay
	give(func(f *frame) { f.seq = 18 })                                                                  // good
	give(func(f *frame) { f.seq = 16 })                                                                  // good, late
	give(func(f *frame) { f.flow = 9 })                                                                  // good, other flow
	give(func(f *frame) { f.life -= 1 << 16; f.incarnation-- })                                          // stale
	give(func(f *frame) { f.from = "litsha99" })                                                         // unknown
	give(func(f *frame) { f.from = "litsha22"; f.life = 9 << 16 })                                       // own name
	give(func(f *frame) { f.from = "litsha22"; f.life = 5 << 16 })                                       // our own, looped
	give(func(f *frame) { f.to = "litsha23" })                                                           // for another
	give(func(f *frame) { f.life += 1 << 16; f.incarnation++ })                                          // good, new life
	give(func(f *frame) { f.seq = 1000 })                                                                // stale: the old life
	give(func(f *frame) { f.life += 2 << 16; f.incarnation = 1 })                                        // good: lost its disk
	r.take([]byte("QR\x07 from the future"), m, src, 1)                                                  // version
	r.take([]byte("garbage"), m, src, 1)                                                                 // garbage
	r.take(func() []byte { f := testFrame(); b := f.encode(nil, a); b[60] ^= 1; return b }(), m, src, 1) // mac
	if got := len(s.urgent); got != 6 {
		t.Errorf("%d frames came through, want 6", got)
	}
	got := s.drops.counts()
	for cause, want := range map[string]uint64{"garbage": 1, "version": 1, "cluster": 0, "key": 0, "mac": 1, "replay": 1, "stale": 2, "unknown-node": 1, "own-name": 1, "overrun": 0} {
		if got[cause] != want {
			t.Errorf("%s: %d, want %d", cause, got[cause], want)
		}
	}
	for _, want := range []string{"10.0.0.9:694, which speaks protocol version 7; this node speaks 1", "litsha99", "two machines must not have the name litsha22"} {
		if !log.has(want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
	if n := strings.Count(log.String(), "older than"); n != 1 {
		t.Errorf("%d sentences on stale frames at once, want 1", n)
	}
}

func TestWindow(t *testing.T) {
	var w window
	for _, c := range []struct {
		n       uint64
		fresh   bool
		skipped uint64
		late    bool
	}{
		{0, false, 0, false}, {5, true, 0, false}, {5, false, 0, false}, {6, true, 0, false}, {10, true, 3, false},
		{8, true, 0, true}, {8, false, 0, false}, {9, true, 0, true}, {7, true, 0, true}, {7, false, 0, false},
		{10 + windowBits, true, windowBits - 1, false}, {10, false, 0, false}, {11, true, 0, true}, {11, false, 0, false},
		{5, false, 0, false}, {1e9, true, 1e9 - 11 - windowBits, false}, {1e9 - 1, true, 0, true},
	} {
		fresh, skipped, late := w.see(c.n)
		if fresh != c.fresh || skipped != c.skipped && c.fresh && !c.late || late != c.late {
			t.Errorf("%d: fresh %v skipped %d late %v, want %+v", c.n, fresh, skipped, late, c)
		}
	}
}

// Whatever comes, decoding does not panic, and what it accepts it would encode.
func FuzzFrame(f *testing.F) {
	for sign := range 5 {
		fr := testFrame()
		f.Add(fr.encode(nil, testAuth(sign)))
	}
	f.Add([]byte("QR\x01"))
	f.Add([]byte{})
	a := testAuth(2)
	f.Fuzz(func(t *testing.T, b []byte) {
		var g frame
		err := g.decode(bytes.Clone(b), a, names{})
		if err != nil {
			return
		}
		k := testKeys(int(b[4]))
		again := g.encode(nil, newAuthenticator(&k, a.cluster))
		if !bytes.Equal(again, b) {
			t.Fatalf("%x is read, but would be written %x", b, again)
		}
	})
}

func benchmarkFrames(b *testing.B, sign int) {
	f := testFrame()
	f.payload = make([]byte, 200)
	a := testAuth(sign)
	var buf []byte
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.seq++
			buf = f.encode(buf, a)
		}
	})
	known := names{"litsha21": "litsha21", "litsha22": "litsha22"}
	in := make([]byte, len(buf))
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			copy(in, buf) // decryption works in place
			var g frame
			if err := g.decode(in, a, known); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFrameCRC(b *testing.B)    { benchmarkFrames(b, 0) }
func BenchmarkFrameSHA1(b *testing.B)   { benchmarkFrames(b, 2) }
func BenchmarkFrameSHA256(b *testing.B) { benchmarkFrames(b, 3) }
func BenchmarkFrameAESGCM(b *testing.B) { benchmarkFrames(b, 4) }
