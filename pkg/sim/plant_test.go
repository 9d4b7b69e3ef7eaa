package sim

import (
	"testing"
	"time"
)

func TestPlants(t *testing.T) {
	for _, name := range PlantNames() {
		p, _ := ParsePlant(name)
		begun := time.Now()
		found := false
		for seed := uint64(1); seed < 2000 && time.Since(begun) < 20*time.Second; seed++ {
			sc := NewScenario(3, time.Hour)
			sc.Keepalive, sc.Deadtime = 10*time.Second, 50*time.Second
			if err := Generate(sc, seed, 30*time.Second, nil); err != nil {
				t.Fatal(err)
			}
			r, err := Run(sc, Options{Seed: seed, Plant: p})
			if err != nil {
				t.Fatal(err)
			}
			if r.Violation != nil {
				t.Logf("%s: seed %d, %v: %v", name, seed, time.Since(begun), r.Violation)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s: not found", name)
		}
	}
}
