package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/guard"
)

// addresses keeps the lifetimes that the kernel gives the floating addresses of
// this node: they are renewed while a quorum confirms the lease, so that the
// kernel itself takes them away when both daemon and guard are gone. The kernel
// counts in whole seconds.
//
// The local resource manager tells what is active from its goroutines, hence the
// lock. No renewal may meet a stop: the kernel would add the address again.
type addresses struct {
	state  *guard.State
	timing agree.Timing
	log    *slog.Logger

	wake    chan struct{}
	renewed atomic.Int64 // when, nanoseconds of CLOCK_BOOTTIME
	any     atomic.Bool
	// lost holds a token when lifetimes ended although the lease goes on.
	lost chan struct{}

	mu   sync.Mutex
	held map[string]netip.Addr // by resource
	said string
	ends int64 // when the lifetimes end that were set last
	// stays reports whether a resource keeps its address without a lease.
	stays func(resource string) bool
	// beside are the members of the last view with quorum.
	beside map[string]bool
}

// kernelSlack is how much later than asked for the kernel takes an address away:
// it looks at whole seconds if one is at most a quarter away.
const kernelSlack = 270 * time.Millisecond

func newAddresses(state *guard.State, timing agree.Timing, log *slog.Logger) *addresses {
	return &addresses{state: state, timing: timing, log: log, wake: make(chan struct{}, 1), lost: make(chan struct{}, 1), held: map[string]netip.Addr{},
		stays: func(string) bool { return false }}
}

// setStays is called once the configuration is there.
func (a *addresses) setStays(stays func(resource string) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stays = stays
}

// addressLifetime is for how many seconds the kernel keeps an address that is
// renewed when the base of the lease has the given age: until others may take
// over, less what clocks and the kernel may be late, but a second at least.
func addressLifetime(t agree.Timing, age time.Duration) int {
	return max(1, int((t.Takeover-t.Margin-kernelSlack-age)/time.Second))
}

// lifetime is [lrm.Config.Lifetime].
func (a *addresses) lifetime() (seconds int, may bool) {
	if !a.state.Enforced() {
		return 0, true
	}
	now, stop := ccm.Boottime(), a.state.Stop()
	if now >= stop {
		return 0, false
	}
	return addressLifetime(a.timing, time.Duration(now-stop)+a.timing.Lease), true
}

// confirmed is told that a quorum has confirmed the lease anew. It returns at
// once.
func (a *addresses) confirmed() {
	// What is left of a lifetime always exceeds the lease.
	rest := time.Duration(addressLifetime(a.timing, 0))*time.Second - a.timing.Lease - a.timing.EchoAge
	if a.any.Load() && ccm.Boottime()-a.renewed.Load() >= int64(rest) {
		a.poke()
	}
}

// poke asks for a renewal.
func (a *addresses) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run renews until ctx ends.
func (a *addresses) run(ctx context.Context) {
	for {
		select {
		case <-a.wake:
			a.renew()
		case <-ctx.Done():
			return
		}
	}
}

// renew sets all lifetimes.
func (a *addresses) renew() {
	a.mu.Lock()
	defer a.mu.Unlock()
	leased, kept := map[netip.Addr]bool{}, map[netip.Addr]bool{}
	for rsc, ip := range a.held {
		if a.stays(rsc) {
			kept[ip] = true
		} else {
			leased[ip] = true
		}
	}
	if len(kept) > 0 {
		_, err := agents.SetLifetimes(kept, 0)
		a.complain(err)
	}
	a.set(leased)
}

// set renews those addresses, if this node may hold them. The lock is held.
func (a *addresses) set(leased map[netip.Addr]bool) {
	seconds, may := a.lifetime()
	if !may || len(leased) == 0 {
		return
	}
	now := ccm.Boottime()
	a.renewed.Store(now)
	found, err := agents.SetLifetimes(leased, seconds)
	a.complain(err)
	if err == nil && found < len(leased) && a.ends != 0 && now >= a.ends-int64(kernelSlack) {
		// This process was late for the lifetimes, but not for the lease. (One that
		// somebody else removed is for its monitor to find.)
		select {
		case a.lost <- struct{}{}:
		default:
		}
	}
	a.ends = now + int64(seconds)*int64(time.Second)
	// This process may have been stopped in between, and an address that was
	// gone may be back by this.
	if _, may := a.lifetime(); !may {
		a.log.Warn("the lease ended while the lifetimes of addresses were renewed: they are taken away")
		for ip := range leased {
			a.complain(agents.RemoveAddress(ip))
		}
	}
}

// complain logs an error once in a row.
func (a *addresses) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != a.said {
		a.log.Error(text + ": the kernel may keep the address when daemon and guard are gone, or take it away early")
	}
	a.said = text
}

// before is [lrm.Config.Before]: from here on the address is the agent's.
func (a *addresses) before(op lrm.Op) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.held[op.Resource]; ok {
		delete(a.held, op.Resource)
		a.any.Store(len(a.held) > 0)
	}
}

// after is [lrm.Config.After].
func (a *addresses) after(r lrm.Result) {
	ok := r.Status == lrm.Done && r.RC == lrm.OK
	switch r.Op.Name {
	case "start", "monitor", "promote", "migrate_from":
		if ok {
			a.hold(r.Op)
		}
	case "stop":
		if !ok { // it may still be there
			a.hold(r.Op)
		}
	}
}

// hold takes note that a resource is active here.
func (a *addresses) hold(op lrm.Op) {
	if !agents.IsAddress(op.Class, op.Provider, op.Type) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.held[op.Resource]; known {
		return
	}
	ip, ok := agents.AddressOf(op.Class, op.Provider, op.Type, op.Params)
	if !ok {
		return
	}
	a.held[op.Resource] = ip
	a.any.Store(true)
	one := map[netip.Addr]bool{ip: true}
	if _, may := a.lifetime(); may && !a.stays(op.Resource) {
		a.set(one)
	} else if !may && activating(op.Name) {
		// A script has added it although the lease is over: its stop follows.
		_, err := agents.SetLifetimes(one, 1)
		a.complain(err)
	}
}

// activating tells operations that may have added an address.
func activating(name string) bool {
	return name == "start" || name == "promote" || name == "migrate_from"
}

// view is told of each view. A node that joins one with quorum may have had the
// addresses of this one where it was before, and told its neighbours so: they are
// told again who has them.
func (a *addresses) view(v ccm.View) {
	if !v.Quorum {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	joined := ""
	now := map[string]bool{}
	for _, m := range v.Members {
		now[m.Name] = true
		if a.beside != nil && !a.beside[m.Name] {
			joined = m.Name
		}
	}
	a.beside = now
	if joined == "" || len(a.held) == 0 {
		return
	}
	a.log.Info(fmt.Sprintf("%s has joined: the %d addresses of this node are announced again", joined, len(a.held)))
	for _, ip := range a.held {
		go func() {
			if err := agents.Announce(ip); err != nil {
				a.log.Warn(fmt.Sprintf("announcing %s again: %v", ip, err))
			}
		}()
	}
}
