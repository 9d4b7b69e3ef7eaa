package hacf

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/seedrow"
)

// dirWith writes files into a new directory and returns its path.
func dirWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plain is a machine with eth0, eth1 and the accounts root and hacluster.
func plain() *Machine {
	return &Machine{
		Iface:   func(n string) bool { return n == "eth0" || n == "eth1" },
		Account: func(n string) bool { return n == "root" || n == "hacluster" },
		Stat:    os.Stat,
	}
}

func load(t *testing.T, m *Machine, self string, files map[string]string) (*Config, []Diagnostic, error) {
	t.Helper()
	return Load(filepath.Join(dirWith(t, files), "ha.cf"), self, Options{Machine: m})
}

func TestLoadMissing(t *testing.T) {
	seedrow.Shows(t, "001-004")
	path := filepath.Join(t.TempDir(), "ha.cf")
	_, _, err := Load(path, "a", Options{})
	want := "Cannot open config file [" + path + "]: it does not exist; docs/examples/ha.cf is a sample to start from"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestLoadUnreadable(t *testing.T) {
	err := OpenError("config", "/etc/ha.d/ha.cf", Sample, &fs.PathError{Op: "open", Path: "/etc/ha.d/ha.cf", Err: fs.ErrPermission})
	if !strings.Contains(err.Error(), "may not read it; run as root") {
		t.Error(err)
	}
	// A directory opens and does not read.
	if _, _, err := Load(t.TempDir(), "a", Options{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
}

func TestLoadSelf(t *testing.T) {
	seedrow.Shows(t, "000-010", "004-014")
	files := map[string]string{"ha.cf": "node alsme_probe3\nnode alssme_probe4\nucast eth0 10.0.0.1\nlogfacility local0\ncrm yes\n"}
	if _, _, err := load(t, plain(), "ALSME_probe3", files); err != nil {
		t.Error(err)
	}
	_, _, err := load(t, plain(), "alsme_probe4", files)
	if err == nil {
		t.Fatal("a node missing from its own file was accepted")
	}
	for _, want := range []string{"Current node [alsme_probe4] not in configuration!", "uname -n says alsme_probe4, the node lines say alsme_probe3, alssme_probe4", "is alsme_probe3 or alssme_probe4 meant to be this machine?"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, _, err = load(t, plain(), "other", files); strings.Contains(err.Error(), "meant to be") {
		t.Errorf("a hint for a name that resembles none: %v", err)
	}
}

func TestLoadMachine(t *testing.T) {
	const head = "node a\nlogfacility daemon\ncrm yes\n"
	for _, c := range []struct {
		line, want string
		refused    bool
	}{
		{"bcast eth9", "ha.cf:4: error: Get broadcast for interface [eth9] failed", true},
		{"ucast eth9 10.0.0.1", "ha.cf:4: warning: ucast eth9: there is no such interface now", false},
		{"serial /dev/nonesuch", "ha.cf:4: error: Illegal serial port [/dev/nonesuch]: no such file", true},
		{"serial /etc/passwd", "Illegal serial port [/etc/passwd]: it is not a character device", true},
		{"bcast eth0\nrespawn nobody9 /bin/sh", "Invalid uid [nobody9] specified for client child", true},
		{"bcast eth0\nrespawn root /nonesuch", "Client child [/nonesuch] is not executable: no such file", true},
		{"bcast eth0\nrespawn root /etc/passwd", "Client child [/etc/passwd] is not executable (chmod +x", true},
		{"bcast eth0\nrespawn nobody9 /usr/lib64/heartbeat/pingd -m 100", "warning: There is no account nobody9: built-in programs run without it", false},
	} {
		_, ds, err := load(t, plain(), "a", map[string]string{"ha.cf": head + c.line + "\n"})
		ds = remarks(ds)
		var all []string
		for _, d := range ds {
			all = append(all, d.String())
		}
		if (err != nil) != c.refused || len(ds) != 1 || !strings.Contains(all[0], c.want) {
			t.Errorf("%q: refused %v, remarks\n%s\nwant %s", c.line, err != nil, strings.Join(all, "\n"), c.want)
		}
	}
}

func TestLoadPort(t *testing.T) {
	m := plain()
	m.Port = 1694
	c, _, err := load(t, m, "a", map[string]string{"ha.cf": "node a\nlogfacility daemon\ncrm yes\nbcast eth0\n"})
	if err != nil || c.Media[0].Port != 1694 {
		t.Errorf("the port of /etc/services: %v, %v", c, err)
	}
}

func TestLoadHaresources(t *testing.T) {
	seedrow.Shows(t, "001-004", "004-023", "004-041")
	const v1 = "node a b\nbcast eth0\nlogfacility daemon\nauto_failback on\n"
	if _, ds, err := load(t, plain(), "a", map[string]string{"ha.cf": v1, "haresources": "A 10.0.0.1 httpd\n"}); err != nil || len(remarks(ds)) != 0 {
		t.Errorf("clean: %v, %v", ds, err)
	}
	_, _, err := load(t, plain(), "a", map[string]string{"ha.cf": v1})
	if err == nil || !strings.Contains(err.Error(), "Cannot open resources file") || !strings.Contains(err.Error(), "docs/examples/haresources") {
		t.Errorf("missing haresources: %v", err)
	}
	_, _, err = load(t, plain(), "a", map[string]string{"ha.cf": v1, "haresources": "#\nc 10.0.0.1\n"})
	if err == nil || !strings.Contains(err.Error(), "haresources:2: error: Bad nodename in ") || !strings.Contains(err.Error(), "[c] (the nodes are a, b)") {
		t.Errorf("unknown node: %v", err)
	}
	_, ds, err := load(t, plain(), "a", map[string]string{"ha.cf": v1 + "crm yes\n", "haresources": "c 10.0.0.1\n"})
	if ds = remarks(ds); err != nil || len(ds) != 1 || !strings.Contains(ds[0].Text, "not used because crm is enabled") {
		t.Errorf("haresources beside crm yes: %v, %v", ds, err)
	}
	if _, ds, err := load(t, plain(), "a", map[string]string{"ha.cf": v1 + "crm yes\n", "haresources": ""}); err != nil || len(remarks(ds)) != 0 {
		t.Errorf("an empty haresources beside crm yes: %v, %v", ds, err)
	}
}

// TestSamples sees that what we ship is accepted without a remark.
func TestSamples(t *testing.T) {
	seedrow.Shows(t, "004-005")
	m := plain()
	c, ds, err := Load("../../docs/examples/ha.cf", "litsha21", Options{Machine: m, Haresources: "/nonexistent"})
	if ds = remarks(ds); err != nil || len(ds) != 0 {
		t.Fatalf("the sample ha.cf: %v\n%v", ds, err)
	}
	if len(c.Nodes) != 3 || len(c.Media) != 3 || c.Initdead != time.Minute {
		t.Errorf("%+v", c)
	}
}
