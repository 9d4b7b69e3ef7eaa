package sim

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// sweepCIB has ten resources, in two groups and by themselves, that stay where
// they are; n1 runs none.
func sweepCIB() string {
	var b strings.Builder
	b.WriteString(`<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration><crm_config><cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes/><resources>`)
	constraints := ""
	n := 0
	add := func(k int) {
		for range k {
			n++
			fmt.Fprintf(&b, `<primitive id="r%d" class="ocf" provider="heartbeat" type="Dummy"/>`, n)
		}
	}
	for i, k := range []int{4, 3} {
		fmt.Fprintf(&b, `<group id="g%d">`, i)
		add(k)
		b.WriteString(`</group>`)
		constraints += fmt.Sprintf(`<rsc_location id="l%d" rsc="g%d" node="n1" score="-INFINITY"/><rsc_location id="h%d" rsc="g%d" node="n2" score="1"/>`, i, i, i, i)
	}
	first := n + 1
	add(3)
	for i := first; i <= n; i++ {
		constraints += fmt.Sprintf(`<rsc_location id="l-r%d" rsc="r%d" node="n1" score="-INFINITY"/><rsc_location id="h-r%d" rsc="r%d" node="n2" score="1"/>`, i, i, i, i)
	}
	b.WriteString(`</resources><constraints>` + constraints + `</constraints><rsc_defaults><meta_attributes id="d"><nvpair id="d-s" name="resource-stickiness" value="1000"/></meta_attributes></rsc_defaults></configuration></cib>`)
	return b.String()
}

// The DC dies at every step of the transition that moves ten resources: each ends
// where the policy engine wants it, none is started twice, and all is known again
// one takeover and the operations in flight later. QUORATE_SWEEP=10ms makes the
// steps finer than a CI run can afford.
func TestDCDiesAtEveryStep(t *testing.T) {
	step := 500 * time.Millisecond
	if s := os.Getenv("QUORATE_SWEEP"); s != "" {
		var err error
		if step, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	const resources, begins, span = 10, 60 * time.Second, 14 * time.Second
	play := func(verb string, kill time.Duration) {
		t.Helper()
		var b strings.Builder
		fmt.Fprintf(&b, "nodes 3\ncib sweep.xml\nat 55s expect dc n1\n")
		for i := range resources {
			fmt.Fprintf(&b, "at 55s expect r%d on n2\n", i+1)
		}
		fmt.Fprintf(&b, "at 60s standby n2\n")
		if kill > 0 {
			fmt.Fprintf(&b, "at %v %s n1\n", begins+kill, verb)
		}
		// The rest of the transition after a takeover of 10 s and a join.
		for i := range resources {
			fmt.Fprintf(&b, "at %v expect r%d on n3\n", begins+max(kill, 0)+span+15*time.Second, i+1)
		}
		fmt.Fprintf(&b, "end at 2m\n")
		sc, err := Parse([]byte(b.String()), "sweep", func(string) ([]byte, error) { return []byte(sweepCIB()), nil })
		if err != nil {
			t.Fatal(err)
		}
		sc.Steady = true
		var story []string
		r, err := Run(sc, Options{Seed: 1, Tell: func(l string) { story = append(story, l) }})
		switch {
		case err != nil:
			t.Fatal(err)
		case r.Violation != nil:
			t.Errorf("%s of the DC %v after the decision: %v\n%s", verb, kill, r.Violation, strings.Join(story, "\n"))
		case r.Starts != 2*resources:
			t.Errorf("%s of the DC %v after the decision: %d starts, want %d: some resource was started twice\n%s", verb, kill, r.Starts, 2*resources, strings.Join(story, "\n"))
		}
	}
	play("", 0)
	runs := 0
	for at := step / 10; at < span && !t.Failed(); at += step {
		for _, verb := range []string{"crash", "kill"} {
			play(verb, at)
			runs++
		}
	}
	t.Logf("%d deaths of the DC, every %v", runs, step)
}
