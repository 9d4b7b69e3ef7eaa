package campaign

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestDistribution(t *testing.T) {
	var values []float64
	for i := range 100 {
		values = append(values, float64(100-i))
	}
	if d := distributionOf(values); d.n != 100 || d.median != 50 || d.p95 != 95 || d.max != 100 {
		t.Errorf("1 to 100: %+v", d)
	}
	if d := distributionOf([]float64{3, 1}); d.median != 1 || d.p95 != 3 || d.max != 3 {
		t.Errorf("two values: %+v", d)
	}
	if d := distributionOf(nil); d.n != 0 {
		t.Errorf("none: %+v", d)
	}
}

// A limit that is missed is seen in the text and in the verdict.
func TestVerdict(t *testing.T) {
	p := &Part{Name: "x"}
	p.add("free", 1000, "ms")
	p.below("under", 9.5, "ms", 10)
	p.zero("none", 0, "")
	r := &Report{Parts: []*Part{p}}
	if !r.OK() {
		t.Error("all limits are kept, and the verdict is no")
	}
	p.zero("some", 1, "")
	if r.OK() {
		t.Error("a limit is missed, and the verdict is yes")
	}
	var text, doc bytes.Buffer
	p.text(&text)
	if strings.Count(text.String(), "MISSED") != 1 || strings.Count(text.String(), " ok\n") != 2 {
		t.Error(text.String())
	}
	if err := r.JSON(&doc); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil || len(back.Parts[0].Figures) != 4 || back.OK() {
		t.Errorf("%v: %s", err, doc.String())
	}
	p.Figures = nil
	p.Error = "not reached"
	if r.OK() {
		t.Error("a part failed, and the verdict is yes")
	}
}

// Half of each kind of fault hits the DC, and every kind comes as often as asked.
func TestPlan(t *testing.T) {
	kinds, dc := map[string]int{}, map[string]int{}
	for _, f := range plan(30, 30, 5) {
		kinds[f.kind]++
		if f.dc {
			dc[f.kind]++
		}
	}
	if kinds[crash] != 30 || kinds[cut] != 30 || kinds[cutBeat] != 5 || dc[crash] != 15 || dc[cut] != 15 {
		t.Errorf("%v, of the DC %v", kinds, dc)
	}
}
