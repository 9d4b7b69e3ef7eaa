package lrm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of the interface of systemd on the bus (org.freedesktop.systemd1(5)).
const (
	systemdName    = "org.freedesktop.systemd1"
	systemdPath    = dbus.ObjectPath("/org/freedesktop/systemd1")
	systemdManager = systemdName + ".Manager"
	systemdUnit    = systemdName + ".Unit"
)

// settlePause is the time between two looks at a unit that is on its way.
const settlePause = 100 * time.Millisecond

// unitSuffixes are the types of units; a name without one is a service.
var unitSuffixes = []string{".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"}

// unitName returns the name of the unit that an agent of class systemd means.
func unitName(typ string) string {
	for _, s := range unitSuffixes {
		if strings.HasSuffix(typ, s) {
			return typ
		}
	}
	return typ + ".service"
}

// bus is one connection to systemd. An operation has its own: operations are
// rare, and a connection that broke meanwhile concerns no other.
type bus struct {
	conn    *dbus.Conn
	manager dbus.BusObject
	end     context.CancelFunc
}

// dialSystemd connects to the system bus, at the address of the configuration or
// where the system has it.
func (l *LRM) dialSystemd(ctx context.Context) (*bus, error) {
	address := l.cfg.SystemBus
	if address == "" {
		address = os.Getenv("DBUS_SYSTEM_BUS_ADDRESS")
	}
	if address == "" {
		address = "unix:path=/run/dbus/system_bus_socket"
	}
	// The connection outlives the operation's time a little: the state of the unit
	// then is part of the message.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(killWait, end) })
	conn, err := dbus.Dial(address, dbus.WithContext(life))
	if err == nil {
		if err = conn.Auth(nil); err == nil {
			err = conn.Hello()
		}
		if err != nil {
			_ = conn.Close()
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("%w: the system bus at %s does not answer: %w", ErrSystemd, address, err)
	}
	return &bus{conn, conn.Object(systemdName, systemdPath), end}, nil
}

func (b *bus) close() {
	_ = b.conn.Close()
	b.end()
}

// unitState is what systemd says of a unit.
type unitState struct {
	load, active, sub string
}

// noUnit is the error of systemd for a unit that does not exist.
const noUnit = systemdName + ".NoSuchUnit"

// load returns the object of a unit, which systemd makes if it must.
func (b *bus) load(ctx context.Context, unit string) (dbus.BusObject, error) {
	var path dbus.ObjectPath
	if err := b.manager.CallWithContext(ctx, systemdManager+".LoadUnit", 0, unit).Store(&path); err != nil {
		var e dbus.Error
		if errors.As(err, &e) && e.Name == noUnit {
			return nil, fmt.Errorf("systemd unit %s: %w", unit, ErrNotFound)
		}
		return nil, fmt.Errorf("%w: loading unit %s: %w", ErrSystemd, unit, err)
	}
	return b.conn.Object(systemdName, path), nil
}

// state asks for the state of a unit.
func (b *bus) state(ctx context.Context, unit string) (s unitState, err error) {
	obj, err := b.load(ctx, unit)
	if err != nil {
		return s, err
	}
	var all map[string]dbus.Variant
	if err := obj.CallWithContext(ctx, "org.freedesktop.DBus.Properties.GetAll", 0, systemdUnit).Store(&all); err != nil {
		return s, fmt.Errorf("%w: state of unit %s: %w", ErrSystemd, unit, err)
	}
	for name, to := range map[string]*string{"LoadState": &s.load, "ActiveState": &s.active, "SubState": &s.sub} {
		*to, _ = all[name].Value().(string)
	}
	if s.load == "not-found" {
		return s, fmt.Errorf("systemd unit %s: %w", unit, ErrNotFound)
	}
	return s, nil
}

// settled waits until a unit is neither starting nor stopping.
func (b *bus) settled(ctx context.Context, unit string) (unitState, error) {
	for {
		s, err := b.state(ctx, unit)
		if err != nil || s.active != "activating" && s.active != "deactivating" && s.active != "reloading" {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-time.After(settlePause):
		}
	}
}

// job starts a job and waits for its result: done, failed, timeout, …
func (b *bus) job(ctx context.Context, method, unit string) (string, error) {
	if err := b.conn.AddMatchSignalContext(ctx, dbus.WithMatchInterface(systemdManager), dbus.WithMatchMember("JobRemoved")); err != nil {
		return "", fmt.Errorf("%w: %w", ErrSystemd, err)
	}
	if err := b.manager.CallWithContext(ctx, systemdManager+".Subscribe", 0).Err; err != nil {
		return "", fmt.Errorf("%w: subscribing to its signals: %w", ErrSystemd, err)
	}
	signals := make(chan *dbus.Signal, 64)
	b.conn.Signal(signals)
	var job dbus.ObjectPath
	if err := b.manager.CallWithContext(ctx, systemdManager+"."+method, 0, unit, "replace").Store(&job); err != nil {
		var e dbus.Error
		if errors.As(err, &e) && e.Name == noUnit {
			return "", fmt.Errorf("systemd unit %s: %w", unit, ErrNotFound)
		}
		return "", fmt.Errorf("%w: %s of %s: %w", ErrSystemd, method, unit, err)
	}
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case s, ok := <-signals:
			if !ok {
				return "", fmt.Errorf("%w: the bus was closed while %s of %s was under way", ErrSystemd, method, unit)
			}
			if len(s.Body) < 4 || s.Name != systemdManager+".JobRemoved" {
				continue
			}
			if path, _ := s.Body[1].(dbus.ObjectPath); path == job {
				result, _ := s.Body[3].(string)
				return result, nil
			}
		}
	}
}

// runSystemd carries an operation on a unit out.
func (l *LRM) runSystemd(ctx context.Context, r Result) Result {
	op, unit := &r.Op, unitName(r.Op.Type)
	b, err := l.dialSystemd(ctx)
	if err == nil {
		defer b.close()
		r, err = l.systemdOp(ctx, b, r, unit)
	}
	if err == nil {
		return r
	}
	if ctx.Err() != nil {
		last := ""
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if b != nil {
			if s, err := b.state(short, unit); err == nil {
				last = fmt.Sprintf("unit %s is %s (%s)", unit, s.active, s.sub)
			}
		}
		return interrupted(r, context.Cause(ctx), "", last, "")
	}
	if errors.Is(err, ErrNotFound) && !(op.Name == "stop" && b == nil) {
		if op.Name == "stop" || op.Name == "monitor" && op.Interval == 0 {
			// What is not there does not run.
			r.RC = map[string]int{"stop": OK, "monitor": ErrInstalled}[op.Name]
			r.Status, r.ExitReason = Done, err.Error()
			return r
		}
		return notRunnable(r, err)
	}
	return failed(r, ErrGeneric, err.Error())
}

// systemdOp carries one operation out on a connection.
func (l *LRM) systemdOp(ctx context.Context, b *bus, r Result, unit string) (Result, error) {
	done := func(rc int, reason string, a ...any) (Result, error) {
		r.RC, r.Status = rc, Done
		if reason != "" {
			r.ExitReason = fmt.Sprintf(reason, a...)
		}
		return r, nil
	}
	switch r.Op.Name {
	case "monitor", "status":
		s, err := b.settled(ctx, unit)
		switch {
		case err != nil:
			return r, err
		case s.active == "active":
			return done(OK, "")
		case s.active == "failed":
			return done(NotRunning, "unit %s has failed (%s)", unit, s.sub)
		}
		return done(NotRunning, "")
	case "validate-all":
		s, err := b.state(ctx, unit)
		if err != nil {
			return r, err
		}
		if s.load != "loaded" {
			return done(ErrConfigured, "unit %s is %s", unit, s.load)
		}
		return done(OK, "")
	case "start":
		if _, err := b.state(ctx, unit); err != nil {
			return r, err
		}
		if err := l.takeUnit(ctx, b, unit); err != nil {
			return r, err
		}
		return l.systemdJob(ctx, b, r, "StartUnit", unit, "active")
	case "stop":
		r, err := l.systemdJob(ctx, b, r, "StopUnit", unit, "inactive")
		if err == nil && r.RC == OK {
			err = l.returnUnit(ctx, b, unit)
		}
		return r, err
	case "reload", "reload-agent":
		return l.systemdJob(ctx, b, r, "ReloadOrRestartUnit", unit, "active")
	}
	r.RC, r.Status = ErrUnimplemented, NotSupported
	r.ExitReason = fmt.Sprintf("units of systemd have no operation %s", r.Op.Name)
	return r, nil
}

// systemdJob runs a job and looks at what came of it.
func (l *LRM) systemdJob(ctx context.Context, b *bus, r Result, method, unit, want string) (Result, error) {
	result, err := b.job(ctx, method, unit)
	if err != nil {
		return r, err
	}
	s, err := b.settled(ctx, unit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return r, err
	}
	if err != nil && want == "inactive" || s.active == want || want == "inactive" && s.active == "failed" {
		r.RC, r.Status = OK, Done
		return r, nil
	}
	r.RC, r.Status = ErrGeneric, Done
	r.ExitReason = fmt.Sprintf("job %s of unit %s ended with %q and the unit is %s (%s)", method, unit, result, s.active, s.sub)
	return r, nil
}

// override is what a unit under the cluster's control gets: systemd must not
// restart it, and stops it before the cluster at shutdown only where it must.
const override = `[Unit]
Description=Cluster Controlled %[1]s
Before=quorate.service heartbeat.service pacemaker.service

[Service]
Restart=no
`

func (l *LRM) overrideFile(unit string) string {
	return filepath.Join(l.cfg.SystemdDir, unit+".d", "50-quorate.conf")
}

// takeUnit tells systemd that the cluster controls a service.
func (l *LRM) takeUnit(ctx context.Context, b *bus, unit string) error {
	if !strings.HasSuffix(unit, ".service") {
		return nil
	}
	file := l.overrideFile(unit)
	text := fmt.Sprintf(override, strings.TrimSuffix(unit, ".service"))
	if old, err := os.ReadFile(file); err == nil && string(old) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("unit %s: %w", unit, err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("unit %s: %w", unit, err)
	}
	return b.reload(ctx)
}

// returnUnit takes back what takeUnit did.
func (l *LRM) returnUnit(ctx context.Context, b *bus, unit string) error {
	file := l.overrideFile(unit)
	if err := os.Remove(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("unit %s: %w", unit, err)
	}
	_ = os.Remove(filepath.Dir(file)) // stays while the administrator has files in it
	return b.reload(ctx)
}

// reload makes systemd read its files anew.
func (b *bus) reload(ctx context.Context) error {
	if err := b.manager.CallWithContext(ctx, systemdManager+".Reload", 0).Err; err != nil {
		return fmt.Errorf("%w: reading its files anew: %w", ErrSystemd, err)
	}
	return nil
}

// resolve replaces class service by the class that has such an agent here: an
// init script before a unit of systemd.
func (l *LRM) resolve(op *Op) {
	if op.Class != "service" {
		return
	}
	if executable(filepath.Join(l.cfg.LSBDir, op.Type)) == nil {
		op.Class = "lsb"
		return
	}
	op.Class = "systemd"
}
