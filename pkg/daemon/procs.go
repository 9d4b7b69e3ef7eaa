package daemon

import (
	"os"
	"runtime"
	"sync"

	"github.com/quorate/quorate/pkg/realtime"
)

// processors keeps the Go runtime on few processors while the node idles: waking
// more of them for every beat costs more than the beat. Long computations get
// all. GOMAXPROCS in the environment overrules it.
var processors = processorCount{all: runtime.GOMAXPROCS(0), idle: idleProcessors}

type processorCount struct {
	mu        sync.Mutex
	busy      int
	all, idle int
	relaxes   bool // long computations leave the real-time class
}

// idleProcessors are one for the daemon and one for the sender of beats: with a
// single one, a beat would wait for whatever thread holds it, which the kernel
// may keep waiting on a busy machine.
const idleProcessors = 2

// enterRealtime tells that this process is real-time: its threads never wait for
// others, only for one another where the machine has fewer processors.
func (p *processorCount) enterRealtime(relaxes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.relaxes = relaxes
	if p.all > 0 && p.all < p.idle && p.busy == 0 {
		p.idle = p.all
		runtime.GOMAXPROCS(p.idle)
	}
}

// frugal goes down to the processors of an idle node. More than the machine has
// do no harm.
func frugal() {
	if os.Getenv("GOMAXPROCS") != "" {
		processors.all = 0
		return
	}
	runtime.GOMAXPROCS(processors.idle)
}

// withAllProcessors runs f, which computes for long, with every processor.
func withAllProcessors(f func()) {
	p := &processors
	p.mu.Lock()
	relaxes := p.relaxes
	p.mu.Unlock()
	if relaxes {
		realtime.Relax(func() { p.with(f) })
		return
	}
	p.with(f)
}

func (p *processorCount) with(f func()) {
	p.mu.Lock()
	if p.all <= p.idle {
		p.mu.Unlock()
		f()
		return
	}
	if p.busy++; p.busy == 1 {
		runtime.GOMAXPROCS(p.all)
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		if p.busy--; p.busy == 0 {
			runtime.GOMAXPROCS(p.idle)
		}
		p.mu.Unlock()
	}()
	f()
}
