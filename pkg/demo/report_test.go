package demo

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

func TestReportJSON(t *testing.T) {
	r := &Report{OK: true, DeadtimeMS: 1000, Faults: []Fault{
		{Name: "crash-owner", Outage: duration(1080*time.Millisecond + 40*time.Microsecond), From: node("litsha21"), To: node("litsha22")},
		{Name: "lose-quorum", From: node("litsha22"), released: time.Second},
	}, Idle: Idle{RSS: 20.5, CPU: 0.4}}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"ok":true,"deadtime_ms":1000,"faults":[` +
		`{"name":"crash-owner","outage_ms":1080,"double_ownership_ms":0,"from":"litsha21","to":"litsha22"},` +
		`{"name":"lose-quorum","outage_ms":null,"double_ownership_ms":0,"from":"litsha22","to":null}],` +
		`"idle":{"rss_mb":20.5,"cpu_percent":0.4}}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestDrawing(t *testing.T) {
	begin := time.Now()
	at := func(s float64) time.Time { return begin.Add(time.Duration(s * float64(time.Second))) }
	s := &story{begin: begin}
	s.power(at(0), "litsha21", true)
	s.power(at(5), "litsha21", false)
	s.mark(at(5), "crash-owner")
	history := []lab.Change{{At: at(0)}, {At: at(2), Owners: []string{"litsha21"}}, {At: at(5)}}
	var line []rune
	for i := range 8 {
		line = append(line, nodeSign(s, history, "litsha21", at(float64(i)), at(float64(i+1))))
	}
	if got := string(line); got != "──███   " {
		t.Errorf("the node's line is %q", got)
	}
	echoes := []lab.Echo{{Sent: at(0.1), Answered: at(1.2)}, {Sent: at(1.1)}, {Sent: at(1.2), Answered: at(1.21)}, {Sent: at(2.1), Answered: at(2.11)}}
	if got := string([]rune{clientSign(echoes, at(0), at(1)), clientSign(echoes, at(1), at(2)), clientSign(echoes, at(2), at(3)),
		clientSign(echoes, at(3), at(4))}); got != "─▒█ " {
		t.Errorf("the client's line is %q", got)
	}
	if got := faultLine(s, 40, 10*time.Second); got != strings.Repeat(" ", 20)+"1" {
		t.Errorf("the line of faults is %q", got)
	}
	if got := axis(40, 10*time.Second); got != "0       2       4       6       8       10" {
		t.Errorf("the axis is %q", got)
	}
}
