package agree

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a program that knew format 1 only has written.
const (
	oldSnapshot = "010903086c69747368613231640a6469736b2d6f662d3231086c69747368613232640a6469736b2d6f662d3232086c69747368613233320002086c697473686132310b03086c69747368613232808080808080800204020272310802723209103c6369622065706f63683d2239222f3e"
	oldMeta     = "010a03086c69747368613231640a6469736b2d6f662d3231086c69747368613232640a6469736b2d6f662d3232086c69747368613233320002086c697473686132310b03086c69747368613232808080808080800204020272310802723209"
	oldChange   = "010a02723300073c646966662f3e1030313233343536373839616263646566"
	oldVoters   = "010b000103086c69747368613231640a6469736b2d6f662d3231086c69747368613232640a6469736b2d6f662d3232086c69747368613233320a6469736b2d6f662d32331030313233343536373839616263646566"
	oldPromise  = "0107086c6974736861323102086c697473686132310b086c697473686132328080808080808002"
)

// lines is an App that keeps its changes.
type lines struct{ text string }

func (l *lines) Apply(_ uint64, c []byte) error { l.text += string(c); return nil }
func (l *lines) Snapshot() []byte               { return []byte(l.text) }
func (l *lines) Restore(b []byte) error         { l.text = string(b); return nil }
func (l *lines) Digest() string                 { return l.text }

// TestFormatOne: a node goes on from a store that was written in format 1.
func TestFormatOne(t *testing.T) {
	raw := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	voters := Voters{"litsha21": {100, "disk-of-21", false}, "litsha22": {100, "disk-of-22", false}, "litsha23": {50, "", false}}
	meta := Meta{Voters: voters, Born: map[string]Birth{"litsha21": {11, 3}, "litsha22": {1 << 50, 4}}, Requests: []Request{{"r1", 8}, {"r2", 9}}, Lists: []uint64{voters.list()}}

	snap, err := DecodeSnapshot(raw(oldSnapshot))
	if d := cmp.Diff(Snapshot{Seq: 9, Meta: meta, App: []byte(`<cib epoch="9"/>`)}, snap); err != nil || d != "" {
		t.Errorf("state: %v %s", err, d)
	}
	at, err := DecodeMeta(raw(oldMeta))
	if d := cmp.Diff(MetaAt{Seq: 10, Meta: meta}, at); err != nil || d != "" {
		t.Errorf("voters: %v %s", err, d)
	}
	change, err := DecodeChange(raw(oldChange))
	if d := cmp.Diff(Change{Seq: 10, RequestID: "r3", Data: []byte("<diff/>"), Digest: []byte("0123456789abcdef")}, change); err != nil || d != "" {
		t.Errorf("change: %v %s", err, d)
	}
	admitted, err := DecodeChange(raw(oldVoters))
	after := voters.clone()
	after["litsha23"] = Voter{50, "disk-of-23", false}
	if d := cmp.Diff(Change{Seq: 11, Voters: after, Digest: []byte("0123456789abcdef")}, admitted); err != nil || d != "" {
		t.Errorf("change of voters: %v %s", err, d)
	}
	promise, err := DecodePromise(raw(oldPromise))
	if d := cmp.Diff(PromiseWrite{Ballot: Ballot{7, "litsha21"}, Members: []Member{{"litsha21", 11}, {"litsha22", 1 << 50}}}, promise); err != nil || d != "" {
		t.Errorf("promise: %v %s", err, d)
	}

	timing, err := NewTiming(TimingOptions{Keepalive: time.Second, Deadtime: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	quorum, err := NewQuorum("majority")
	if err != nil {
		t.Fatal(err)
	}
	app := &lines{}
	m, err := New(Config{Self: "litsha21", Nodes: []string{"litsha21", "litsha22", "litsha23"}, Weights: map[string]int{"litsha23": 50}, Incarnation: 12, Disk: "disk-of-21", Quorum: quorum, Timing: timing},
		Stored{Promised: promise.Ballot, PromisedMembers: promise.Members, Stamped: Ballot{6, "litsha22"}, Snapshot: snap, Changes: []Change{change, admitted}}, app, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Inspect(); got.Seq != 11 || got.Promised != promise.Ballot || app.text != `<cib epoch="9"/><diff/>` {
		t.Errorf("%+v %q", got, app.text)
	}
	if why := m.whyNotCounted(); why != "" {
		t.Errorf("it does not count: %s", why)
	}
	// What is written from now on is of the present format.
	again, err := DecodeSnapshot(EncodeSnapshot(&snap))
	if d := cmp.Diff(snap, again); err != nil || d != "" {
		t.Errorf("written anew: %v %s", err, d)
	}
	for _, decode := range []func([]byte) error{
		func(b []byte) error { _, err := DecodeSnapshot(b); return err },
		func(b []byte) error { _, err := DecodeMeta(b); return err },
		func(b []byte) error { _, err := DecodeChange(b); return err },
		func(b []byte) error { _, err := DecodePromise(b); return err },
	} {
		for _, format := range []byte{0, storedFormat + 1} {
			if err := decode(append([]byte{format}, raw(oldSnapshot)[1:]...)); !errors.Is(err, ErrFrame) {
				t.Errorf("format %d: %v", format, err)
			}
		}
	}
}
