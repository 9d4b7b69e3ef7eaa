package lrm

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// fakeSystemd answers as org.freedesktop.systemd1 on a private bus: units that
// are files in dir, jobs that take some time. It stands in for systemd, which
// cannot be started here.
type fakeSystemd struct {
	conn *dbus.Conn
	dir  string

	mu      sync.Mutex
	jobs    int
	reloads int
	// units are the states of units by name; wont are units whose start fails,
	// hang those whose start never ends.
	units      map[string]string
	wont, hang map[string]bool
}

func escaped(unit string) string {
	var b strings.Builder
	for _, c := range unit {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			b.WriteRune(c)
		} else {
			b.WriteString("_2e")
		}
	}
	return b.String()
}

func (f *fakeSystemd) path(unit string) dbus.ObjectPath {
	return systemdPath + dbus.ObjectPath("/unit/"+escaped(unit))
}

func (f *fakeSystemd) LoadUnit(unit string) (dbus.ObjectPath, *dbus.Error) {
	return f.path(unit), nil
}

func (f *fakeSystemd) Subscribe() *dbus.Error { return nil }

func (f *fakeSystemd) Reload() *dbus.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reloads++
	return nil
}

func (f *fakeSystemd) StartUnit(unit, mode string) (dbus.ObjectPath, *dbus.Error) {
	return f.job(unit, "activating", "active")
}

func (f *fakeSystemd) ReloadOrRestartUnit(unit, mode string) (dbus.ObjectPath, *dbus.Error) {
	return f.job(unit, "reloading", "active")
}

func (f *fakeSystemd) StopUnit(unit, mode string) (dbus.ObjectPath, *dbus.Error) {
	return f.job(unit, "deactivating", "inactive")
}

func (f *fakeSystemd) job(unit, during, after string) (dbus.ObjectPath, *dbus.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.units[unit]; !ok {
		return "", dbus.NewError(noUnit, []any{"Unit " + unit + " not found."})
	}
	f.jobs++
	id := uint32(f.jobs)
	job := systemdPath + dbus.ObjectPath("/job/"+string(rune('a'+f.jobs)))
	f.units[unit] = during
	if f.hang[unit] && after == "active" {
		return job, nil
	}
	time.AfterFunc(50*time.Millisecond, func() {
		f.mu.Lock()
		result := "done"
		f.units[unit] = after
		if f.wont[unit] && after == "active" {
			result, f.units[unit] = "failed", "failed"
		}
		f.mu.Unlock()
		_ = f.conn.Emit(systemdPath, systemdManager+".JobRemoved", id, job, unit, result)
	})
	return job, nil
}

// unitObject answers for the properties of all units.
type unitObject struct {
	f    *fakeSystemd
	unit string
}

func (u unitObject) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	u.f.mu.Lock()
	defer u.f.mu.Unlock()
	load, active := "loaded", u.f.units[u.unit]
	if _, ok := u.f.units[u.unit]; !ok {
		load, active = "not-found", "inactive"
	}
	return map[string]dbus.Variant{"LoadState": dbus.MakeVariant(load), "ActiveState": dbus.MakeVariant(active), "SubState": dbus.MakeVariant("sub-" + active)}, nil
}

func (f *fakeSystemd) is(unit string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.units[unit]
}

func (f *fakeSystemd) set(unit, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.units[unit] = state
}

// privateBus starts a dbus-daemon of the test's own and the fake on it.
func privateBus(t *testing.T) (*fakeSystemd, string) {
	t.Helper()
	daemon, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("SKIPPED: dbus-daemon is not installed (apt-get install dbus-daemon)")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, []byte(`<busconfig><type>session</type><listen>unix:path=`+filepath.Join(dir, "bus")+`</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(daemon, "--config-file="+conf, "--nofork", "--print-address")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(address)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &fakeSystemd{conn: conn, dir: dir, units: map[string]string{"web.service": "inactive", "bad.service": "inactive", "slow.service": "inactive", "data.mount": "inactive"},
		wont: map[string]bool{"bad.service": true}, hang: map[string]bool{"slow.service": true}}
	if err := conn.Export(f, systemdPath, systemdManager); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{"web.service", "bad.service", "slow.service", "data.mount", "none.service"} {
		if err := conn.Export(unitObject{f, u}, f.path(u), "org.freedesktop.DBus.Properties"); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := conn.RequestName(systemdName, dbus.NameFlagDoNotQueue); err != nil || r != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("%v %v", r, err)
	}
	t.Log("systemd is a stand-in: a fake org.freedesktop.systemd1 on a private dbus-daemon")
	return f, address
}

func TestSystemdUnits(t *testing.T) {
	f, address := privateBus(t)
	units := filepath.Join(t.TempDir(), "system")
	r := newRig(t, func(c *Config) { c.SystemBus, c.SystemdDir = address, units })
	r.write(filepath.Join(r.root, "init.d/old"), "[ $1 = status ] && exit 3; exit 0")
	unit := func(class, typ, name string) Op {
		return Op{Resource: "u", Class: class, Type: typ, Name: name, Timeout: 10 * time.Second}
	}
	override := filepath.Join(units, "web.service.d", "50-quorate.conf")
	for _, s := range []struct {
		class, typ, name string
		rc               int
		state, reason    string
	}{
		{"systemd", "web", "monitor", NotRunning, "inactive", ""},
		{"systemd", "web", "validate-all", OK, "inactive", ""},
		{"systemd", "web", "start", OK, "active", ""},
		{"systemd", "web", "start", OK, "active", ""},
		{"systemd", "web.service", "monitor", OK, "active", ""},
		{"systemd", "web", "reload", OK, "active", ""},
		{"service", "web", "monitor", OK, "active", ""},
		{"systemd", "web", "stop", OK, "inactive", ""},
		{"systemd", "web", "stop", OK, "inactive", ""},
		{"systemd", "data.mount", "start", OK, "", ""},
		{"systemd", "bad", "start", ErrGeneric, "", `job StartUnit of unit bad.service ended with "failed" and the unit is failed (sub-failed)`},
		{"systemd", "bad", "monitor", NotRunning, "", "unit bad.service has failed (sub-failed)"},
		{"systemd", "bad", "stop", OK, "", ""},
		{"systemd", "none", "start", ErrInstalled, "", "systemd unit none.service: agent is not installed"},
		{"systemd", "none", "stop", OK, "", "systemd unit none.service: agent is not installed"},
		{"systemd", "none", "monitor", ErrInstalled, "", "systemd unit none.service: agent is not installed"},
		{"systemd", "web", "promote", ErrUnimplemented, "", "units of systemd have no operation promote"},
		{"service", "old", "monitor", NotRunning, "", ""},
		{"service", "none", "start", ErrInstalled, "", "systemd unit none.service: agent is not installed"},
	} {
		res := r.do(unit(s.class, s.typ, s.name))
		if res.RC != s.rc || res.ExitReason != s.reason || res.Op.Class != s.class {
			t.Errorf("%s:%s %s: rc %d status %d %q, want %d %q", s.class, s.typ, s.name, res.RC, res.Status, res.ExitReason, s.rc, s.reason)
		}
		if s.state != "" && f.is("web.service") != s.state {
			t.Errorf("after %s the unit is %s, want %s", s.name, f.is("web.service"), s.state)
		}
		text, err := os.ReadFile(override)
		if under := f.is("web.service") == "active"; under != (err == nil) || under && !strings.Contains(string(text), "Restart=no") {
			t.Errorf("after %s of %s: override %q, %v", s.name, s.typ, text, err)
		}
	}
	f.mu.Lock()
	reloads := f.reloads
	f.mu.Unlock()
	if reloads == 0 {
		t.Error("systemd was never told of the override")
	}
	// A unit that dies by itself.
	r.do(unit("systemd", "web", "start"))
	f.set("web.service", "failed")
	if res := r.do(unit("systemd", "web", "monitor")); res.RC != NotRunning {
		t.Errorf("%+v", res)
	}
	slow := unit("systemd", "slow", "start")
	slow.Timeout = 300 * time.Millisecond
	if res := r.do(slow); res.Status != TimedOut || !strings.Contains(res.ExitReason, "unit slow.service is activating") {
		t.Errorf("%+v", res)
	}
	if text, err := r.MetaData(t.Context(), "systemd", "", "web"); err != nil || !strings.Contains(text, `<resource-agent name="web"`) {
		t.Errorf("%v %s", err, text)
	}
	if _, err := r.MetaData(t.Context(), "systemd", "", "none"); err == nil {
		t.Error("a unit that does not exist has meta-data")
	}
}

func TestNoSystemBus(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SystemBus = "unix:path=/nonexistent/bus" })
	for name, rc := range map[string]int{"monitor": ErrInstalled, "start": ErrInstalled, "stop": ErrGeneric} {
		res := r.do(Op{Resource: "u", Class: "systemd", Type: "web", Name: name, Timeout: time.Second})
		if res.RC != rc || !strings.Contains(res.ExitReason, "the system bus at unix:path=/nonexistent/bus does not answer") {
			t.Errorf("%s: %+v", name, res)
		}
	}
}
