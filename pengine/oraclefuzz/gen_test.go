package oraclefuzz

import (
	"bytes"
	"testing"

	"github.com/quorate/quorate/cib"
)

func TestGenerateIsDeterministic(t *testing.T) {
	var last []byte
	for seed := range uint64(100) {
		a, err := Generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := Generate(seed)
		x, y := cib.Print(a), cib.Print(b)
		if !bytes.Equal(x, y) {
			t.Fatalf("seed %d: two runs give different documents", seed)
		}
		if bytes.Equal(x, last) {
			t.Fatalf("seeds %d and %d give the same document", seed-1, seed)
		}
		last = x
		if _, err := cib.Parse(x, "generated"); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestGenerateForced(t *testing.T) {
	if _, err := Generate(1, "no-such-feature"); err == nil {
		t.Fatal("an unknown feature is accepted")
	}
	// A forced feature occurs in most documents; not in all, since another may
	// take its place away.
	for _, f := range Features {
		n := 0
		for seed := range uint64(40) {
			root, err := Generate(seed, f.Name)
			if err != nil {
				t.Fatal(err)
			}
			if v := (view{root: root}); true {
				v.index()
				if f.used(v) {
					n++
				}
			}
		}
		if n < 20 {
			t.Errorf("feature %s forced: used in %d of 40 documents", f.Name, n)
		}
	}
}

func TestCoverage(t *testing.T) {
	const n = 500
	count := map[string]int{}
	for seed := range uint64(n) {
		root, err := Generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		used := Used(root)
		if len(used) < 3 {
			t.Errorf("seed %d uses only %v", seed, used)
		}
		for _, u := range used {
			count[u]++
		}
	}
	for _, f := range Features {
		if count[f.Name] < n*3/100 {
			t.Errorf("feature %s is used in %d of %d documents, below 3 %%", f.Name, count[f.Name], n)
		}
	}
}
