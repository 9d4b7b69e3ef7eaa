package daemon

import (
	"fmt"
	"log/slog"

	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/memlock"
)

// realtime locks the memory of this process, if ha.cf wants that, and returns
// the real-time priority for the sender of beats. Only pages that are in use are
// locked, so that the process does not grow by it. The rest of the daemon stays
// in the normal class: it may compute for long.
func realtime(conf *hacf.Config, log *slog.Logger) (prio int) {
	if !conf.Realtime {
		log.Info("realtime is off in ha.cf: heartbeats may be late on a busy machine")
		return 0
	}
	memlock.Shed()
	if err := memlock.Lock(); err != nil {
		log.Warn(fmt.Sprintf("The memory of the daemon is not locked: %v; heartbeats may be late when the machine swaps (give the daemon CAP_IPC_LOCK, or write: realtime off)", err))
	}
	return conf.RTPrio
}
