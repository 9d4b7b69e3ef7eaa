package agree

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// samples has one of every message.
func samples() []Message {
	b, c := Ballot{7, "litsha21"}, Ballot{6, "litsha22"}
	ms := []Member{{"litsha21", 11}, {"litsha22", 1 << 50}}
	snap := Snapshot{Seq: 9, App: []byte("<cib/>"), Meta: Meta{Voters: Voters{"litsha21": {100, "d1", false}, "litsha22": {50, "", true}},
		Born: map[string]Birth{"litsha21": {11, 3}}, Requests: []Request{{"r1", 8}, {"r2", 9}}, Lists: []uint64{3, 1 << 63}, Removed: []string{"litsha24"}, Alone: c, Edits: 300, Prior: Voters{"litsha24": {0, "d4", false}}}}
	return []Message{
		&Beat{Sent: -5, Row: []string{"litsha21", "litsha22"}, Mask: 3, Seed: 9, Promised: b, Stamped: c, Open: b, Disk: "d1", Config: 77, Unfit: true, List: 5, Free: true},
		&Echo{Incarnation: 11, Sent: 1 << 60, Promised: b},
		&Leaving{Released: true},
		&Left{Incarnation: 3},
		&Propose{Ballot: b, Members: ms, Row: []string{"litsha21"}},
		&Promise{Ballot: b, Stamped: c, Seq: 4, Disk: "d1", Seed: 1, Free: true, Alone: c, Edits: 4, Rank: []byte("r"), Ages: map[string]int64{"litsha23": Never, "litsha22": 5}, Since: 12},
		&Nack{Ballot: c, Promised: b},
		&Fetch{Ballot: b},
		&State{Ballot: b, Stamped: c, Snapshot: snap},
		&Sync{Ballot: b, Same: true, Snapshot: snap, Digest: []byte("digest"), Alone: c},
		&Synced{Ballot: b, Need: true},
		&Open{Ballot: b},
		&Changes{Ballot: b, List: []Change{{Seq: 1, RequestID: "r", Data: []byte("x"), Digest: []byte("d")}, {Seq: 2, Voters: snap.Meta.Voters, Digest: []byte("e")}}},
		&Ack{Ballot: b, Seq: 2},
		&Tail{Ballot: b, From: 2, Whole: true},
		&Payload{Data: []byte("hello")},
		&Refuse{Stamped: c},
	}
}

func TestEveryMessageSurvivesTheWire(t *testing.T) {
	seen := map[uint8]bool{}
	for _, m := range samples() {
		seen[m.kind()] = true
		got, err := Decode(7, Encode(7, m))
		if err != nil {
			t.Errorf("%T: %v", m, err)
		} else if d := cmp.Diff(m, got); d != "" {
			t.Errorf("%T: %s", m, d)
		}
		frame := Encode(7, m)
		for n := range frame {
			if _, err := Decode(7, frame[:n]); err == nil {
				t.Errorf("%T: the first %d of %d bytes pass for a frame", m, n, len(frame))
			}
		}
		if _, err := Decode(7, append(frame, 0)); !errors.Is(err, ErrFrame) {
			t.Errorf("%T: a byte too many: %v", m, err)
		}
	}
	for k := uint8(kBeat); k <= kRefuse; k++ {
		if !seen[k] {
			t.Errorf("no sample of kind %d", k)
		}
	}
}

func TestForeignFramesAreRefusedInASentence(t *testing.T) {
	frame := Encode(7, &Beat{})
	if _, err := Decode(8, frame); !errors.Is(err, ErrCluster) {
		t.Errorf("another cluster: %v", err)
	}
	frame[1] = 9
	_, err := Decode(7, frame)
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "version 9, this node speaks 2") {
		t.Errorf("another version: %v", err)
	}
	// A later version may look different behind its number.
	if _, err := Decode(7, frame[:2]); !errors.Is(err, ErrVersion) {
		t.Errorf("another version, short: %v", err)
	}
}

// FuzzDecode: no frame panics or allocates without bound, and what is decoded
// encodes to something that decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, m := range samples() {
		f.Add(Encode(7, m))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := Decode(7, frame)
		if err != nil {
			return
		}
		again, err := Decode(7, Encode(7, m))
		if err != nil {
			t.Fatalf("%#v does not decode: %v", m, err)
		}
		if d := cmp.Diff(m, again); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzStored: the same for what is read from disk.
func FuzzStored(f *testing.F) {
	for _, m := range samples() {
		switch m := m.(type) {
		case *State:
			f.Add(EncodeSnapshot(&m.Snapshot))
			f.Add(EncodeMeta(&MetaAt{Seq: 9, Meta: m.Snapshot.Meta}))
		case *Changes:
			f.Add(EncodeChange(&m.List[1]))
		case *Propose:
			f.Add(EncodePromise(PromiseWrite{m.Ballot, m.Members}))
			f.Add(EncodeBallot(m.Ballot))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeSnapshot(b); err == nil {
			if x, err := DecodeSnapshot(EncodeSnapshot(&s)); err != nil || !bytes.Equal(EncodeSnapshot(&x), EncodeSnapshot(&s)) {
				t.Fatalf("%#v: %v", s, err)
			}
		}
		if s, err := DecodeMeta(b); err == nil {
			if x, err := DecodeMeta(EncodeMeta(&s)); err != nil || !bytes.Equal(EncodeMeta(&x), EncodeMeta(&s)) {
				t.Fatalf("%#v: %v", s, err)
			}
		}
		if c, err := DecodeChange(b); err == nil {
			if x, err := DecodeChange(EncodeChange(&c)); err != nil || !bytes.Equal(EncodeChange(&x), EncodeChange(&c)) {
				t.Fatalf("%#v: %v", c, err)
			}
		}
		if p, err := DecodePromise(b); err == nil {
			if x, err := DecodePromise(EncodePromise(p)); err != nil || !bytes.Equal(EncodePromise(x), EncodePromise(p)) {
				t.Fatalf("%#v: %v", p, err)
			}
		}
		if _, err := DecodeBallot(b); err != nil && !errors.Is(err, ErrFrame) {
			t.Fatal(err)
		}
	})
}
