package guard

import (
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/quorate/quorate/agents"
)

// rehearse runs through a release with nothing to release: it brings back what a
// release needs before the memory is locked.
func rehearse(runDir string) {
	dir, err := os.MkdirTemp(runDir, "rehearsal-")
	if err != nil {
		return // no place to rehearse: the pages come when they are needed
	}
	defer os.RemoveAll(dir)
	p := &process{runDir: dir, log: slog.New(slog.DiscardHandler)}
	p.left()
	p.cutAddresses()
	p.stopAll(time.Now())
	_, _ = agents.SetLifetimes(map[netip.Addr]bool{netip.IPv4Unspecified(): true}, 1) // reads the table; nothing has this address
}
