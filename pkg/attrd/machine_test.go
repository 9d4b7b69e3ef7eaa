package attrd

import (
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/seedrow"
)

// world is some nodes, the CIB they write to, and the messages between them.
type world struct {
	t     *testing.T
	now   time.Time
	nodes map[string]*Machine
	order []string
	cib   map[string]string
	// log is what entered the CIB, with the second it did.
	log []string
	// fail makes writes fail.
	fail bool
}

func newWorld(t *testing.T, names ...string) *world {
	w := &world{t: t, now: time.Unix(1000, 0), nodes: map[string]*Machine{}, cib: map[string]string{}, order: names}
	for _, n := range names {
		w.nodes[n] = New(n)
	}
	return w
}

// do carries effects out; messages arrive at once.
func (w *world) do(from string, effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Write:
			if e.Node != from {
				w.t.Fatalf("%s writes an attribute of %s", from, e.Node)
			}
			key := e.Node + "/" + e.Name
			if e.Permanent {
				key += "!"
			}
			if !w.fail {
				if e.Delete {
					delete(w.cib, key)
				} else {
					w.cib[key] = e.Value
				}
				w.log = append(w.log, fmt.Sprintf("%v %s=%s", w.now.Sub(time.Unix(1000, 0)), key, w.cib[key]))
			}
			w.nodes[from].Written(e, !w.fail, w.now)
		case Flush:
			for _, n := range w.order {
				if n != from {
					w.do(n, w.nodes[n].Flush(e.Name))
				}
			}
		case Forward:
			w.update(e.Node, e.Update)
		}
	}
}

func (w *world) update(node string, u Update) {
	w.t.Helper()
	eff, err := w.nodes[node].Update(u, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(node, eff)
}

// pass lets time go by, in steps to what is due.
func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for {
		next, who := end, ""
		for _, n := range w.order {
			if due, ok := w.nodes[n].Next(); ok && due.Before(next) {
				next, who = due, n
			}
		}
		w.now = next
		if who == "" {
			for _, n := range w.order {
				w.do(n, w.nodes[n].Tick(w.now))
			}
			return
		}
		w.do(who, w.nodes[who].Tick(w.now))
	}
}

func (w *world) logged(want ...string) {
	w.t.Helper()
	if !reflect.DeepEqual(w.log, want) && len(w.log)+len(want) > 0 {
		w.t.Errorf("written:\n  %s\nwant:\n  %s", strings.Join(w.log, "\n  "), strings.Join(want, "\n  "))
	}
	w.log = nil
}

func pingd(v string) Update {
	return Update{Name: "pingd", Value: v, Dampen: 5 * time.Second, SetDampen: true}
}

func TestWithoutDampeningItIsWrittenAtOnce(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.update("a", Update{Name: "x", Value: "1"})
	w.update("a", Update{Name: "x", Value: "1"}) // identical
	w.update("a", Update{Name: "x", Value: "2"})
	w.logged("0s a/x=1", "0s a/x=2")
}

func TestDampeningRestartsAndFlushesAllNodes(t *testing.T) {
	seedrow.Shows(t, "003-018")
	w := newWorld(t, "a", "b", "c")
	for _, n := range w.order {
		w.update(n, pingd("100"))
	}
	w.pass(10 * time.Second)
	w.logged("5s b/pingd=100", "5s c/pingd=100", "5s a/pingd=100")
	// The router dies: a sees it at 10 s and c at 14 s; b sees nothing.
	w.update("a", pingd("0"))
	w.pass(4 * time.Second)
	w.update("c", pingd("0"))
	w.pass(10 * time.Second)
	// The wait of a ends at 15 s; c writes with it, although its own ends at 19 s.
	w.logged("15s c/pingd=0", "15s a/pingd=0")
	// Each change restarts the wait; a value that came back in time is not written.
	w.update("a", pingd("100"))
	w.pass(4 * time.Second)
	w.update("a", pingd("50"))
	w.pass(4 * time.Second)
	w.logged()
	w.update("a", pingd("50")) // identical: the wait goes on
	w.pass(time.Second)
	w.logged("33s a/pingd=50")
	w.update("a", pingd("0"))
	w.pass(2 * time.Second)
	w.update("a", pingd("50"))
	w.pass(20 * time.Second)
	w.logged()
}

func TestPermanentAndTransientAreTwoPlaces(t *testing.T) {
	w := newWorld(t, "a")
	w.update("a", Update{Name: "rack", Value: "7"})
	w.update("a", Update{Name: "rack", Value: "7", Permanent: true})
	w.logged("0s a/rack=7", "0s a/rack=", "0s a/rack!=7")
	w.update("a", Update{Name: "rack", Delete: true, Permanent: true})
	w.logged("0s a/rack!=")
	if got := w.nodes["a"].Attributes(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestDeletingWhatIsNotKnownIsWritten(t *testing.T) {
	w := newWorld(t, "a")
	w.cib["a/old"] = "1"
	w.update("a", Update{Name: "old", Delete: true})
	if len(w.cib) != 0 {
		t.Errorf("%v", w.cib)
	}
}

func TestAnotherNodesAttributeIsForwarded(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.update("a", Update{Node: "b", Name: "x", Value: "1"})
	w.logged("0s b/x=1")
}

func TestAFailedWriteIsRepeated(t *testing.T) {
	w := newWorld(t, "a")
	w.fail = true
	w.update("a", Update{Name: "x", Value: "1"})
	w.pass(3500 * time.Millisecond)
	if got := w.nodes["a"].Attributes(); len(got) != 1 || !got[0].Waiting {
		t.Errorf("%+v", got)
	}
	w.fail = false
	w.pass(time.Second)
	w.logged("4s a/x=1")
	if got := w.nodes["a"].Attributes(); got[0].Waiting {
		t.Errorf("%+v", got)
	}
}

func TestRefreshWritesAll(t *testing.T) {
	w := newWorld(t, "a")
	w.update("a", Update{Name: "x", Value: "1"})
	w.update("a", pingd("100"))
	w.do("a", w.nodes["a"].Refresh())
	w.logged("0s a/x=1", "0s a/pingd=100", "0s a/x=1")
}

func TestCounting(t *testing.T) {
	for _, c := range []struct{ old, value, want string }{
		{"", "fail-count++", "1"}, {"4", "fail-count++", "5"}, {"4", "value+=10", "14"}, {"4", "value+=-1", "3"},
		{"INFINITY", "x++", "INFINITY"}, {"999999", "x++", "INFINITY"}, {"1", "x+=INFINITY", "INFINITY"},
		{"4", "plain", "plain"}, {"4", "++", "++"}, {"4", "x+=", "x+="}, {"-5", "x+=-INFINITY", "-INFINITY"},
	} {
		if got, err := expand(c.old, c.value); err != nil || got != c.want {
			t.Errorf("expand(%q, %q) is %q, %v; want %q", c.old, c.value, got, err, c.want)
		}
	}
	for _, c := range [][2]string{{"abc", "x++"}, {"1", "x+=abc"}} {
		if got, err := expand(c[0], c[1]); err == nil {
			t.Errorf("expand(%q, %q) is %q", c[0], c[1], got)
		}
	}
}

func TestBadUpdatesChangeNothing(t *testing.T) {
	m := New("a")
	if _, err := m.Update(Update{Value: "1"}, time.Time{}); !errors.Is(err, ErrName) {
		t.Error(err)
	}
	if _, err := m.Update(Update{Name: "x", SetDampen: true, Dampen: -1}, time.Time{}); !errors.Is(err, ErrDampen) {
		t.Error(err)
	}
	if _, err := m.Update(Update{Name: "x", Value: "x+=q"}, time.Time{}); err == nil {
		t.Error("no error")
	}
	if len(m.Attributes()) != 0 {
		t.Error("an attribute exists")
	}
}

var seed = flag.Int64("attrd.seed", 0, "seed of the random test; 0 takes a new one")

// Whatever is asked for and however writes fail, in the end the CIB has on each
// node what was asked for last.
func TestRandomUpdatesSettle(t *testing.T) {
	s := *seed
	if s == 0 {
		s = time.Now().UnixNano()
	}
	t.Logf("replay with -attrd.seed=%d", s)
	rnd := rand.New(rand.NewSource(s))
	for range 300 {
		w := newWorld(t, "a", "b", "c")
		want := map[string]string{}
		place := map[string]bool{}
		for range 1 + rnd.Intn(40) {
			node, name := w.order[rnd.Intn(3)], []string{"x", "y"}[rnd.Intn(2)]
			key := node + "/" + name
			u := Update{Name: name, Value: fmt.Sprint(rnd.Intn(3)), Delete: rnd.Intn(5) == 0, Permanent: place[key]}
			if rnd.Intn(3) == 0 {
				u.SetDampen, u.Dampen = true, time.Duration(rnd.Intn(4))*time.Second
			}
			w.fail = rnd.Intn(4) == 0
			w.update(node, u)
			if u.Delete {
				delete(want, key)
			} else {
				want[key] = u.Value
			}
			w.pass(time.Duration(rnd.Intn(3000)) * time.Millisecond)
		}
		w.fail = false
		w.pass(time.Minute)
		if !reflect.DeepEqual(w.cib, want) {
			t.Fatalf("CIB %v, want %v", w.cib, want)
		}
		for _, n := range w.order {
			if due, ok := w.nodes[n].Next(); ok {
				t.Fatalf("%s still waits, until %s", n, due)
			}
		}
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("1", "x++")
	f.Add("INFINITY", "x+=-INFINITY")
	f.Fuzz(func(t *testing.T, old, value string) {
		got, err := expand(old, value)
		if err == nil && got != value {
			if _, err := score(got); err != nil {
				t.Errorf("expand(%q, %q) is %q", old, value, got)
			}
		}
	})
}
