package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/cli"
)

// handoverEnv carries a handover to the program that replaces this one.
const handoverEnv = "QUORATE_HANDOVER"

// handover is what a daemon leaves to the program executed in its place.
type handover struct {
	// Attributes are those that the machine of haresources has set, with "crm no".
	Attributes []string `json:"attributes,omitempty"`
	// Stop is the end of the lease, nanoseconds of CLOCK_BOOTTIME; 0: none.
	Stop int64 `json:"stop,omitempty"`
	// Watchdog is the descriptor of the open device Path, 0: none.
	Watchdog int    `json:"watchdog,omitempty"`
	Path     string `json:"path,omitempty"`
}

// takeHandover returns what the program before this one in the process has
// left. A lease that is over is none: what it ran is stopped.
func takeHandover(log *slog.Logger) (h handover) {
	text, ok := os.LookupEnv(handoverEnv)
	os.Unsetenv(handoverEnv)
	if !ok {
		return h
	}
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		log.Error(fmt.Sprintf("%s is not understood: %v", handoverEnv, err))
		return handover{}
	}
	if left := time.Duration(h.Stop - ccm.Boottime()); left > 0 {
		log.Info(fmt.Sprintf("Heartbeat restarted: what runs here stays if a quorum confirms this node within %v", left.Round(time.Millisecond)))
	} else if h.Stop != 0 {
		log.Warn("the lease ended during the restart: what runs here is stopped")
		h.Stop = 0
	}
	return h
}

// idleBound is how long a restart waits for operations under way.
const idleBound = 10 * time.Second

// restart reads the files of the administrator anew and, if they are in order,
// ends run so that this program is executed anew with them. Resources stay: the
// lease goes on, and if the new program has none of its own at its end, it or
// the guard releases them. ready is called just before.
func (d *Daemon) restart(ctx context.Context, ready func()) error {
	d.log.Info(fmt.Sprintf("Restarting heartbeat pid %d in place: its files are read anew, resources stay", os.Getpid()))
	s, err := readSettings(d.opts, d.log)
	if err != nil {
		return err
	}
	_ = s // only whether they can be read counts
	// What is under way should end first: a program that is not there cannot
	// learn its result.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(idleBound); ; {
		if len(d.lrm.InFlight()) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("operations of resources are under way for %v; try again when they have ended", idleBound)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	refused := make(chan error, 1)
	d.call(func() {
		st := d.guard.State
		if fresh := time.Duration(ccm.Boottime() - st.Stop() + int64(d.info.lease)); st.Valid() && len(d.lrm.Active()) > 0 && fresh > d.info.lease/2 {
			refused <- fmt.Errorf("no quorum has confirmed this node for %v: a restart now could cost its resources; try again", fresh.Round(time.Millisecond))
			return
		}
		ready()
		d.restarts = true
		d.leave()
		refused <- nil
	})
	select {
	case err := <-refused:
		return err
	case <-d.done:
		return nil
	}
}

// restartLogged is restart with its refusal in the log; it returns the sentence.
func (d *Daemon) restartLogged(ctx context.Context, ready func()) string {
	err := d.restart(ctx, ready)
	if err == nil {
		return ""
	}
	text := fmt.Sprintf("Config errors: Heartbeat pid %d NOT restarted: %v", os.Getpid(), err)
	d.log.Error(text)
	return text
}

// serveRestart serves VerbRestart.
func (d *Daemon) serveRestart(done func(int, string)) {
	go func() {
		if text := d.restartLogged(context.Background(), func() { done(0, "") }); text != "" {
			done(cli.ExitConfig, text)
		}
	}()
}

// execute replaces this program by itself. It returns only when that fails; the
// guard releases everything at the end of the lease then.
func (d *Daemon) execute(closing context.Context, node *ccm.Node, end func()) error {
	d.guard.Handover()
	d.lrm.Close()
	if err := node.Close(); err != nil {
		d.log.Error(err.Error(), "component", "ccm")
	}
	d.file.close(closing)
	if d.inputs != nil {
		d.inputs.Close(closing)
	}
	end()
	h := handover{Stop: d.guard.State.Stop(), Attributes: d.v1.attributes()}
	if d.watchdog != nil {
		fd, err := d.watchdog.Keep()
		if err != nil {
			return err
		}
		h.Watchdog, h.Path = fd, d.watchdog.Path
	}
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// After an upgrade the file of that name is the new program.
	self = strings.TrimSuffix(self, " (deleted)")
	err = syscall.Exec(self, os.Args, append(os.Environ(), handoverEnv+"="+string(b)))
	return fmt.Errorf("restart in place: %s: %w; resources are released when the lease ends", self, err)
}
