package daemon

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/memlock"
	"github.com/quorate/quorate/pkg/realtime"
)

// enterRealtime locks the memory of this process and puts it into the real-time
// class, if ha.cf wants that, and returns the priority of the guard: one above,
// 0 for the normal class. Only pages that are in use are locked, so that the
// process does not grow by it.
func enterRealtime(conf *hacf.Config, t agree.Timing, log *slog.Logger) (guard int) {
	if !conf.Realtime {
		log.Info("realtime is off in ha.cf: heartbeats may be late on a busy machine")
		if err := realtime.Enter(0); err != nil { // what a program executed in place has left
			log.Warn(fmt.Sprintf("the daemon stays in the real-time class: %v", err))
		}
		return 0
	}
	memlock.Shed()
	if err := memlock.Lock(); err != nil {
		log.Warn(fmt.Sprintf("The memory of the daemon is not locked: %v; heartbeats may be late when the machine swaps (give the daemon CAP_IPC_LOCK, or write: realtime off)", err))
	}
	if err := realtime.Enter(conf.RTPrio); err != nil {
		log.Warn(fmt.Sprintf("The daemon runs without real-time priority: %v; heartbeats may be late on a busy machine (give the daemon CAP_SYS_NICE, or write: realtime off)", err))
		return 0
	}
	processors.enterRealtime(t.Lease-2*t.Beat >= relaxFrom)
	return min(conf.RTPrio+1, realtime.Max)
}

// relaxFrom is from how much patience of the lease on a long computation takes
// the daemon out of the real-time class: what is late then is late by much less.
const relaxFrom = time.Second
