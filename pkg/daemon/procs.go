package daemon

import (
	"os"
	"runtime"
	"sync"
)

// processors keeps the Go runtime on few processors while the node idles: waking
// more of them for every beat costs more than the beat. Long computations get
// all. GOMAXPROCS in the environment overrules it.
var processors = struct {
	mu   sync.Mutex
	busy int
	all  int
}{all: runtime.GOMAXPROCS(0)}

// idleProcessors are one for the daemon and one for the sender of beats: with a
// single one, a beat would wait for whatever thread holds it, which the kernel
// may keep waiting on a busy machine.
const idleProcessors = 2

// frugal goes down to the processors of an idle node. More than the machine has
// do no harm.
func frugal() {
	if os.Getenv("GOMAXPROCS") != "" {
		processors.all = 0
		return
	}
	runtime.GOMAXPROCS(idleProcessors)
}

// withAllProcessors runs f with every processor.
func withAllProcessors(f func()) {
	p := &processors
	if p.all <= idleProcessors {
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
			runtime.GOMAXPROCS(idleProcessors)
		}
		p.mu.Unlock()
	}()
	f()
}
