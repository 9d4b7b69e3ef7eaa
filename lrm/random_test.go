package lrm

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/agents"
)

var seed = flag.Int64("lrm.seed", 0, "seed of the random test; 0 takes a new one")

// watcher is an agent whose resource knows whether it runs, and which notices two
// operations at one time.
type watcher struct {
	t   *testing.T
	mu  sync.Mutex
	rnd *rand.Rand
	// busy and up are by resource; parallel is how many operations run.
	busy, up map[string]bool
	parallel int
	most     int
}

func (w *watcher) MetaData() string { return "" }

func (w *watcher) Run(ctx context.Context, action string, env agents.Env) int {
	name := env.Instance
	w.mu.Lock()
	if w.busy[name] {
		w.t.Errorf("%s of %s while another operation of it runs", action, name)
	}
	w.busy[name] = true
	w.parallel++
	w.most = max(w.most, w.parallel)
	took := time.Duration(w.rnd.Intn(3000)) * time.Millisecond
	fails := w.rnd.Intn(10) == 0
	w.mu.Unlock()
	interrupted := false
	select {
	case <-time.After(took):
	case <-ctx.Done():
		interrupted = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy[name] = false
	w.parallel--
	switch action {
	case "start":
		// A start that fails or is interrupted has got somewhere all the same.
		w.up[name] = true
		if fails || interrupted {
			return ErrGeneric
		}
	case "stop":
		if fails || interrupted {
			return ErrGeneric
		}
		w.up[name] = false
	default:
		if !w.up[name] {
			return NotRunning
		}
	}
	return OK
}

func (w *watcher) Release(env agents.Env) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up[env.Instance] = false
	return nil
}

// Whatever is asked for: one operation of a resource at a time, no more in
// parallel than allowed, every operation answered exactly once, everything that
// runs known as active, and nothing left after a release of all.
func TestRandomOperations(t *testing.T) {
	s := *seed
	if s == 0 {
		s = time.Now().UnixNano()
	}
	t.Logf("replay with -lrm.seed=%d", s)
	for round := range 40 {
		rnd := rand.New(rand.NewSource(s + int64(round)))
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) { randomRound(t, rnd, dir) })
	}
}

func randomRound(t *testing.T, rnd *rand.Rand, dir string) {
	w := &watcher{t: t, rnd: rand.New(rand.NewSource(rnd.Int63())), busy: map[string]bool{}, up: map[string]bool{}}
	l := New(Config{RunDir: dir, OCFRoot: dir, MaxParallel: 4, LoadThreshold: -1, Registry: func(class, _, _ string) (agents.Agent, bool) { return w, class == "ocf" }})
	defer l.Close()
	// Each operation carries its number; recurring ones are answered at least once.
	answers := map[uint64]int{}
	var asked []Op
	collect := func() {
		for {
			synctest.Wait()
			select {
			case r := <-l.Results():
				if r.Op.Serial != 0 {
					answers[r.Op.Serial]++
				}
			default:
				return
			}
		}
	}
	releases := 0
	for range 80 {
		o := act(fmt.Sprintf("r%d", rnd.Intn(6)), []string{"start", "stop", "monitor", "monitor", "reload"}[rnd.Intn(5)])
		o.Serial = uint64(len(asked) + 1)
		// As from a DC: one without a key is a release's own, of which force may be the end.
		o.TransitionKey = fmt.Sprintf("%d:1:0:00000000-0000-4000-8000-000000000000", o.Serial)
		switch k := rnd.Intn(20); {
		case k == 0:
			l.Cancel(o.Resource, "monitor", 5*time.Second)
		case k == 1:
			l.Cancel(o.Resource, "reload", 0)
		case k == 2:
			l.Forget(o.Resource)
		case k == 3 && releases < 2:
			releases++
			l.StopAll(context.Background(), time.Now().Add(4*time.Second))
			synctest.Wait()
			if a := l.Active(); len(a) != 0 {
				t.Errorf("active after the release of all: %v", a)
			}
			for name, up := range w.up {
				if up {
					t.Errorf("%s runs after the release of all", name)
				}
			}
		default:
			if o.Name == "monitor" && rnd.Intn(2) == 0 {
				o.Interval = 5 * time.Second
			}
			if rnd.Intn(4) == 0 {
				o.StartDelay = time.Duration(rnd.Intn(3000)) * time.Millisecond
			}
			asked = append(asked, o)
			l.Execute(o)
		}
		if rnd.Intn(2) == 0 {
			time.Sleep(time.Duration(rnd.Intn(2000)) * time.Millisecond)
			collect()
		}
	}
	time.Sleep(10 * time.Minute)
	collect()
	for _, o := range asked {
		if n := answers[o.Serial]; n == 0 || n > 1 && o.Interval == 0 {
			t.Errorf("operation %d, %s, was answered %d times", o.Serial, o.Key(), n)
		}
	}
	if len(l.InFlight()) != 0 {
		t.Errorf("in flight after ten minutes: %+v", l.InFlight())
	}
	active := " " + strings.Join(l.Active(), " ") + " "
	for name, up := range w.up {
		if up && !strings.Contains(active, " "+name+" ") {
			t.Errorf("%s runs and is not known as active (%s)", name, active)
		}
	}
	if w.most > 4 && releases == 0 || w.most > releaseParallel {
		t.Errorf("%d operations at one time", w.most)
	}
}
