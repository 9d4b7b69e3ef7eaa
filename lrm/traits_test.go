package lrm

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTraitsOfAgents(t *testing.T) {
	r := newRig(t, nil)
	r.script("a", `case $1 in meta-data) echo x >> $HA_RSCTMP/asked; cat <<X
<?xml version="1.0"?><resource-agent name="a"><parameters><parameter name="state"/><parameter name="fake" reloadable="1"/><parameter name="passwd" private="1"/></parameters>
<actions><action name="start"/><action name="reload-agent"/></actions></resource-agent>
X
esac`)
	r.script("mute", `[ $1 = meta-data ] && sleep 300; exit 0`)
	want := &Traits{Reloads: true, Restart: []string{"state", "passwd"}, Private: []string{"passwd"}}
	for range 3 {
		if res := r.do(op("a", "start")); !reflect.DeepEqual(res.Traits, want) {
			t.Fatalf("%+v, want %+v", res.Traits, want)
		}
	}
	asked, err := os.ReadFile(r.run + "/asked")
	if err != nil || strings.Count(string(asked), "x") != 1 {
		t.Errorf("the agent was asked %q, %v", asked, err)
	}
	began := time.Now()
	if res := r.do(op("mute", "start")); res.RC != OK || res.Traits != nil || time.Since(began) > 10*time.Second {
		t.Errorf("an agent without meta-data: %+v after %v", res, time.Since(began))
	}
	d := op("Dummy", "start")
	d.Provider = "quorate"
	if res := r.do(d); res.Traits == nil || !res.Traits.Reloads || !reflect.DeepEqual(res.Traits.Restart, []string{"state"}) {
		t.Errorf("the built-in Dummy: %+v", res.Traits)
	}
}

// After a reload a stop gets the parameters that hold now.
func TestStopAfterReload(t *testing.T) {
	r := newRig(t, nil)
	r.script("p", `case $1 in stop) echo "with $OCF_RESKEY_v";; esac`)
	for _, s := range []struct{ name, v string }{{"start", "1"}, {"reload-agent", "2"}, {"stop", "3"}} {
		o := op("p", s.name)
		o.Params = map[string]string{"v": s.v}
		if res := r.do(o); s.name == "stop" && res.Output != "with 2" {
			t.Errorf("%+v", res)
		}
	}
}

func FuzzTraits(f *testing.F) {
	f.Add(`<resource-agent><parameters><parameter name="a" reloadable="1"/></parameters><actions><action name="reload-agent"/></actions></resource-agent>`)
	f.Add("<")
	f.Fuzz(func(t *testing.T, s string) {
		if tr, err := parseTraits(s); (tr == nil) != (err != nil) {
			t.Errorf("%v and %v", tr, err)
		}
	})
}
