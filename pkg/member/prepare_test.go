package member

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
)

// largeCIB has about 370 bytes a primitive.
func largeCIB(tb testing.TB, primitives int) *cib.Element {
	tb.Helper()
	var b strings.Builder
	b.WriteString(`<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="9" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes/><resources>`)
	for i := range primitives {
		fmt.Fprintf(&b, `<primitive id="r%d" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="r%d-a"><nvpair id="r%d-a-ip" name="ip" value="10.0.%d.%d"/><nvpair id="r%d-a-m" name="cidr_netmask" value="24"/></instance_attributes><operations><op id="r%d-m" interval="10s" name="monitor" timeout="20s"/></operations></primitive>`, i, i, i, i/250, i%250, i, i)
	}
	b.WriteString(`</resources><constraints/></configuration></cib>`)
	root, err := cib.Parse([]byte(b.String()), "large")
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func edit(value string) []byte {
	return cib.EncodeOp(cib.Op{Verb: cib.VerbModify, XML: cib.New("nvpair", "id", "r7-a-m", "value", value)})
}

// What is prepared is what is applied, and is not worked out again; where the
// state has gone on, it is.
func TestPreparedChanges(t *testing.T) {
	fresh := func() *Replica {
		r := NewReplica(func() {})
		r.set(largeCIB(t, 1000), "")
		return r
	}
	plain, ahead := fresh(), fresh()
	changes := [][]byte{edit("25"), edit("26"), edit("27")}
	ahead.Prepare(changes[:2], true)
	want := (*ahead.prepared.changes.Load())[1].after
	for i, c := range changes {
		for _, r := range []*Replica{plain, ahead} {
			if err := r.Apply(uint64(i+1), c); err != nil {
				t.Fatal(err)
			}
		}
		if plain.Digest() != ahead.Digest() || ahead.Digest() != cib.Digest(ahead.Root()) {
			t.Fatalf("change %d: another state", i)
		}
		if i == 1 && ahead.Root() != want {
			t.Error("what was prepared was not used")
		}
	}
	// Prepared for another state than the one it meets.
	ahead.Prepare(changes[:1], true)
	other := edit("28")
	for _, c := range [][]byte{other, changes[0]} {
		for _, r := range []*Replica{plain, ahead} {
			if err := r.Apply(4, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if plain.Digest() != ahead.Digest() {
		t.Error("a change prepared for another state")
	}
	snap := plain.Snapshot()
	ahead.PrepareState(snap)
	if err := ahead.Restore(snap); err != nil || ahead.Digest() != plain.Digest() {
		t.Errorf("%v", err)
	}
	// A refusal is prepared too.
	bad := edit("29")
	bad = []byte(strings.Replace(string(bad), "r7-a-m", "nothing", 1))
	e1 := plain.Apply(9, bad)
	ahead.Prepare([][]byte{bad}, false)
	if e2 := ahead.Apply(9, bad); e1 == nil || e2 == nil || e1.Error() != e2.Error() {
		t.Errorf("%v and %v", e1, e2)
	}
	if !ahead.Heavy(1) || NewReplica(func() {}).Heavy(1) {
		t.Error("Heavy tells large configurations from small ones")
	}
}

// BenchmarkSmallEditOf5MB: how long the runner is held by a change of one
// attribute in a configuration of 5 MB.
func BenchmarkSmallEditOf5MB(b *testing.B) {
	for _, ahead := range []bool{false, true} {
		b.Run(fmt.Sprintf("prepared=%v", ahead), func(b *testing.B) {
			r := NewReplica(func() {})
			r.set(largeCIB(b, 14000), "")
			for i := 0; b.Loop(); i++ {
				c := edit(fmt.Sprint(i % 30))
				if ahead {
					b.StopTimer()
					r.Prepare([][]byte{c}, true)
					b.StartTimer()
				}
				if err := r.Apply(1, c); err != nil {
					b.Fatal(err)
				}
				r.Digest()
			}
		})
	}
}
