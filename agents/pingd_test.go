package agents

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/seedrow"
)

func TestPingdOptions(t *testing.T) {
	seedrow.Shows(t, "003-019")
	def := Pingd{Multiplier: 1, Attribute: "pingd", Section: "status"}
	with := func(f func(*Pingd)) Pingd { p := def; f(&p); return p }
	for line, want := range map[string]Pingd{
		"":                def,
		"-m 100 -d 5s":    with(func(p *Pingd) { p.Multiplier, p.Dampen = 100, 5*time.Second }),
		"-m100 -d500ms":   with(func(p *Pingd) { p.Multiplier, p.Dampen = 100, 500*time.Millisecond }),
		"-d 5":            with(func(p *Pingd) { p.Dampen = 5 * time.Second }),
		"-h r1 -h r2 -DV": with(func(p *Pingd) { p.Hosts, p.Daemonize, p.Verbose = []string{"r1", "r2"}, true, 1 }),
		"-VV -a net -s x -S nodes -p /tmp/pingd.pid": with(func(p *Pingd) {
			p.Verbose, p.Attribute, p.Set, p.Section, p.PidFile = 2, "net", "x", "nodes", "/tmp/pingd.pid"
		}),
		"--value-multiplier=10 --attr-name net --ping-host r --": with(func(p *Pingd) { p.Multiplier, p.Attribute, p.Hosts = 10, "net", []string{"r"} }),
	} {
		got, err := ParsePingd(strings.Fields(line))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{"-m", "-m x", "-m 0", "-d soon", "-d -5s", "-z", "--nope", "extra", "-?", "-- x", "-d 99999999999h"} {
		if p, err := ParsePingd(strings.Fields(line)); err == nil {
			t.Errorf("%q is taken as %+v", line, p)
		}
	}
	if _, err := ParsePingd([]string{"-z"}); !errors.Is(err, ErrUsage) {
		t.Error(err)
	}
}

func TestPingdValue(t *testing.T) {
	for _, c := range []struct {
		hosts  []string
		states map[string]bool
		want   string
	}{
		{nil, map[string]bool{"router": true}, "100"},
		{nil, map[string]bool{"router": false}, "0"},
		{nil, map[string]bool{"r1": true, "r2": true, "r3": false}, "200"},
		{[]string{"r1", "r3"}, map[string]bool{"r1": true, "r2": true, "r3": false}, "100"},
		{[]string{"elsewhere"}, map[string]bool{"r1": true}, "0"},
		{nil, nil, "0"},
	} {
		p := Pingd{Multiplier: 100, Hosts: c.hosts}
		if got := p.Value(c.states); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.hosts, c.states, got, c.want)
		}
	}
	p := Pingd{Hosts: []string{"r1", "x"}}
	if got := p.Unknown([]string{"r1", "r2"}); !reflect.DeepEqual(got, []string{"x"}) {
		t.Errorf("unknown: %v", got)
	}
}

func FuzzParsePingd(f *testing.F) {
	f.Add("-m 100 -d 5s")
	f.Add("-VDm5 --attr-name=x -h")
	f.Fuzz(func(t *testing.T, line string) {
		p, err := ParsePingd(strings.Fields(line))
		if err == nil && (p.Multiplier < 1 || p.Dampen < 0 || p.Attribute == "") {
			t.Errorf("%q is taken as %+v", line, p)
		}
	})
}
