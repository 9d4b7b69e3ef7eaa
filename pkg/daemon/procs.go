package daemon

import (
	"os"
	"runtime"
	"sync"
)

// processors keeps the Go runtime on one processor while the node idles: waking
// a second one for every beat doubles the cost of doing nothing. Long
// computations get all of them. GOMAXPROCS in the environment overrules it.
var processors = struct {
	mu   sync.Mutex
	busy int
	all  int
}{all: runtime.GOMAXPROCS(0)}

// frugal goes down to one processor.
func frugal() {
	if os.Getenv("GOMAXPROCS") != "" {
		processors.all = 0
		return
	}
	runtime.GOMAXPROCS(1)
}

// withAllProcessors runs f with every processor.
func withAllProcessors(f func()) {
	p := &processors
	if p.all < 2 {
		f()
		return
	}
	p.mu.Lock()
	if p.busy++; p.busy == 1 {
		runtime.GOMAXPROCS(p.all)
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		if p.busy--; p.busy == 0 {
			runtime.GOMAXPROCS(1)
		}
		p.mu.Unlock()
	}()
	f()
}
