package ccm

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// 32 nodes in one process, runners, stores and all: one view, held, and a death
// is noticed as fast as by three.
func TestThirtyTwoNodes(t *testing.T) {
	took := map[int]time.Duration{}
	for _, n := range []int{3, 32} {
		synctest.Test(t, func(t *testing.T) {
			var names []string
			for i := range n {
				names = append(names, fmt.Sprintf("n%02d", i))
			}
			l := newLab(t, names...)
			begin := time.Now()
			l.start(names...)
			all := func(want int) func(View) bool {
				return func(v View) bool { return v.Quorum && len(v.Members) == want }
			}
			for _, x := range names {
				l.await(x, "one view", all(n))
			}
			formed := time.Since(begin)
			v, _ := l.nodes["n01"].View()
			time.Sleep(2 * time.Second)
			if now, _ := l.nodes["n01"].View(); now.Instance != v.Instance {
				t.Errorf("%d nodes: from view %d to %d while nothing happens", n, v.Instance.Number, now.Instance.Number)
			}
			died := time.Now()
			l.kill("n02")
			for _, x := range names {
				if x != "n02" {
					l.await(x, "view without it", all(n-1))
				}
			}
			took[n] = time.Since(died)
			t.Logf("%d nodes: one view after %v, without the dead one after %v", n, formed, took[n])
			l.stopAll()
		})
	}
	if took[32] > took[3]+labBeat || took[32] < time.Second/2 {
		t.Errorf("a death is over after %v with 32 nodes, %v with 3", took[32], took[3])
	}
}

// labBeat is the period of beats in these tests.
const labBeat = 200 * time.Millisecond
