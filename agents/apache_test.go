package agents

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// webServer writes the configuration of a small real server.
func webServer(t *testing.T) (dir string, p map[string]string) {
	t.Helper()
	needNetwork(t)
	if _, err := exec.LookPath("apache2"); err != nil {
		t.Skip("SKIPPED: apache2 is not installed (apt-get install apache2)")
	}
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	dir = t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.Chmod(dir, 0o755))
	conf := `ServerRoot "/usr/lib/apache2"
PidFile ${RUN}/apache.pid
ServerName localhost
Include ` + dir + `/ports*.conf
# Listen 1
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
DocumentRoot ` + dir + `
ErrorLog ` + dir + `/error.log
`
	must(t, os.WriteFile(dir+"/apache.conf", []byte(conf), 0o644))
	must(t, os.WriteFile(dir+"/ports.conf", []byte("Listen 127.0.0.1:8089\n"), 0o644))
	must(t, os.WriteFile(dir+"/envvars", []byte("RUN="+dir+"/run\n"), 0o644))
	must(t, os.WriteFile(dir+"/page", []byte("<html>page of this node</HTML>"), 0o644))
	return dir, map[string]string{"configfile": dir + "/apache.conf", "envfiles": dir + "/envvars /nowhere", "options": "-C 'Timeout 5'"}
}

func TestApache(t *testing.T) {
	dir, p := webServer(t)
	life(t, "apache", p, wholeLife...)
	life(t, "httpd", p, step{"start", 0})
	defer func() { life(t, "httpd", p, step{"stop", 0}) }()
	p["statusurl"] = "/page"
	life(t, "apache", p, step{"monitor", 0})
	a, _ := Lookup("ocf", "quorate", "apache")
	for pattern, rc := range map[string]int{"page of THIS": 0, "another node": 1} {
		p["testurl"], p["testregex10"] = "/page", pattern
		if got := a.Run(t.Context(), "monitor", Env{Params: p, CheckLevel: 10, Stderr: t.Output(), RunDir: rundir(t)}); got != rc {
			t.Errorf("monitor of level 10 for %q returned %d", pattern, got)
		}
	}
	p["statusurl"] = "/missing"
	if rc, said := call(t, "apache", "monitor", p); rc != 1 || !strings.Contains(said, "404") {
		t.Errorf("a missing page: %d %s", rc, said)
	}
	delete(p, "statusurl")
	// A service that is killed is found by its monitor.
	pid, err := pidOf(dir + "/run/apache.pid")
	must(t, err)
	must(t, unix.Kill(pid, unix.SIGKILL))
	wait(t, "the server is gone", func() bool { n, _ := pidOf(dir + "/run/apache.pid"); return n == 0 })
	life(t, "apache", p, step{"monitor", 7})
	// The stop ends the children that a killed parent leaves; they hold its port.
	life(t, "apache", p, step{"stop", 0}, step{"start", 0}, step{"stop", 0})
	must(t, os.WriteFile(dir+"/ports.conf", []byte("Listen nonsense\n"), 0o644))
	if rc, said := call(t, "apache", "start", p); rc == 0 || !strings.Contains(said, "Syntax error") {
		t.Errorf("a wrong configuration: %d %s", rc, said)
	}
	if rc, _ := call(t, "apache", "monitor", map[string]string{"configfile": "/nowhere/a.conf"}); rc != 7 {
		t.Errorf("a probe without a configuration returned %d", rc)
	}
	if rc, _ := call(t, "apache", "start", map[string]string{"configfile": "/nowhere/a.conf"}); rc != 5 {
		t.Errorf("a start without a configuration returned %d", rc)
	}
}

func TestReadHTTPD(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) { must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)) }
	write("a.conf", "serverroot "+dir+"\nDefine PORT 81\nInclude b.conf\nIncludeOptional none*.conf\nPidFile \"run/${NAME}.pid\"\n")
	write("b.conf", "  Listen *:${PORT} http\nListen 80\n#Listen 1\n<Location /s>\nSetHandler server-status\n</Location>\nX ${UNKNOWN\n")
	c, err := readHTTPD(dir+"/a.conf", map[string]string{"NAME": "web"})
	if err != nil || strings.Join(c.listen, " ") != "*:81 80" || c.pidFile != dir+"/run/web.pid" || !c.status {
		t.Errorf("%+v %v", c, err)
	}
	for _, x := range []struct {
		listen string
		v6     bool
		want   string
	}{{"80", false, "127.0.0.1:80"}, {"*:80", true, "[::1]:80"}, {"[::]:80", false, "127.0.0.1:80"}, {"10.0.0.1:80", false, "10.0.0.1:80"}, {"[fd00::1]:80", false, "[fd00::1]:80"}} {
		if got := (&httpdConf{listen: []string{x.listen}}).address(x.v6); got != x.want {
			t.Errorf("Listen %s is reached at %s", x.listen, got)
		}
	}
	write("a.conf", "Include "+dir+"/a.conf\n")
	began := time.Now()
	if _, err := readHTTPD(dir+"/a.conf", nil); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("a file that includes itself: %v", err)
	}
}

func FuzzReadHTTPD(f *testing.F) {
	f.Add("Listen 80\nDefine A ${A}\nPidFile ${A}}${\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // of any file of this machine
		}
		file := filepath.Join(t.TempDir(), "c")
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if c, err := readHTTPD(file, map[string]string{"A": "b"}); err == nil && !filepath.IsAbs(c.pidFile) && filepath.IsAbs(c.root) {
			t.Errorf("pid file %q", c.pidFile)
		}
	})
}
