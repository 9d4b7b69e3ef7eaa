package daemon

import (
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
)

// An address never outlasts the takeover where whole seconds allow it, and from
// 5 s on never ends before the lease that nobody confirms any more.
func TestAddressLifetime(t *testing.T) {
	for d := 100 * time.Millisecond; d <= 60*time.Second; d += 100 * time.Millisecond {
		timing, err := agree.NewTiming(agree.TimingOptions{Keepalive: d / 3, Deadtime: d})
		if err != nil {
			t.Fatal(err)
		}
		life := time.Duration(addressLifetime(timing, 0)) * time.Second
		if over := life + kernelSlack + timing.Margin - timing.Takeover; over > 0 && life > time.Second {
			t.Errorf("deadtime %v: an address lasts %v longer than the takeover %v", d, over, timing.Takeover)
		}
		rest := max(0, life-timing.Lease-timing.EchoAge) // confirmed renews when this is over
		if last := life - rest; d >= 5*time.Second && last < timing.Lease {
			t.Errorf("deadtime %v: an address ends after %v, its lease after %v", d, last, timing.Lease)
		}
		if timing.Slack() <= 0 {
			t.Errorf("deadtime %v: rule 31 leaves %v", d, timing.Slack())
		}
	}
	ten, err := agree.NewTiming(agree.TimingOptions{Keepalive: 3 * time.Second, Deadtime: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		age  time.Duration
		want int
	}{{0, 9}, {30 * time.Millisecond, 9}, {time.Second, 8}, {2 * time.Second, 7}, {6 * time.Second, 3}, {time.Minute, 1}} {
		if got := addressLifetime(ten, c.age); got != c.want {
			t.Errorf("base %v ago: %d s, want %d", c.age, got, c.want)
		}
	}
	if over := lifetimeOver(ten); over != 0 {
		t.Errorf("deadtime 10 s: over by %v", over)
	}
}

// Between two renewals more is left of a lifetime than of a lease, or a renewal
// is due: the confirmation asks for one.
func TestRenewalIsAskedFor(t *testing.T) {
	timing, err := agree.NewTiming(agree.TimingOptions{Keepalive: 3 * time.Second, Deadtime: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	a := newAddresses(nil, timing, quiet())
	asked := func() bool {
		a.confirmed()
		select {
		case <-a.wake:
			return true
		default:
			return false
		}
	}
	if asked() {
		t.Error("a renewal although there is no address")
	}
	a.any.Store(true)
	for _, c := range []struct {
		ago  time.Duration
		want bool
	}{{time.Second, false}, {2 * time.Second, false}, {2500 * time.Millisecond, true}} {
		a.renewed.Store(ccm.Boottime() - int64(c.ago))
		if got := asked(); got != c.want {
			t.Errorf("renewed %v ago: asked %v", c.ago, got)
		}
	}
}
