package hacf

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/quorate/quorate/pkg/diag"
	"github.com/quorate/quorate/pkg/haresources"
)

// Sample is where the project keeps the sample that a missing file is answered
// with.
const Sample = "docs/examples/ha.cf"

// Machine is what Load compares a Config with.
type Machine struct {
	// Iface reports whether a network interface exists.
	Iface func(name string) bool
	// Account reports whether a user exists.
	Account func(name string) bool
	// Stat follows symbolic links.
	Stat func(path string) (fs.FileInfo, error)
	// Port is the port of udp without udpport, 0 for 694.
	Port int
}

// ThisMachine returns the machine the program runs on.
func ThisMachine() *Machine {
	m := &Machine{
		Iface:   func(n string) bool { _, err := net.InterfaceByName(n); return err == nil },
		Account: func(n string) bool { return accountExists(n) },
		Stat:    os.Stat,
	}
	if p, err := net.LookupPort("udp", "ha-cluster"); err == nil {
		m.Port = p
	}
	return m
}

func accountExists(n string) bool {
	if _, err := user.Lookup(n); err == nil {
		return true
	}
	_, err := user.LookupId(n)
	return err == nil
}

// Options govern Load. The zero value is right for the daemon.
type Options struct {
	// Haresources is the path of haresources, by default beside ha.cf.
	Haresources string
	// Machine is by default the one the program runs on.
	Machine *Machine
}

// Load reads ha.cf at path for the node self (its uname -n, any case) and
// compares it with the machine. The results are those of [Parse]; a file that
// cannot be opened is an error of one sentence.
func Load(path, self string, opts Options) (*Config, []Diagnostic, error) {
	m := opts.Machine
	if m == nil {
		m = ThisMachine()
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, OpenError("config", path, Sample, err)
	}
	defer f.Close()
	port := m.Port
	if port == 0 {
		port = DefaultPort
	}
	c, ds, err := parse(f, path, port)
	if c == nil {
		return nil, ds, OpenError("config", path, Sample, err)
	}
	if d := c.CheckSelf(self); d != nil {
		ds = append(ds, *d)
	}
	ds = append(ds, c.checkMachine(m)...)
	hares := opts.Haresources
	if hares == "" {
		hares = filepath.Join(filepath.Dir(path), "haresources")
	}
	ds = append(ds, c.checkHaresources(hares)...)
	diag.Sort(ds)
	return c, ds, diag.Refusal(ds)
}

// OpenError says in one sentence why a configuration file could not be read,
// and names the sample when it is missing. kind is the word Heartbeat used:
// config, resources.
func OpenError(kind, path, sample string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("Cannot open %s file [%s]: it does not exist; %s is a sample to start from: %w", kind, path, sample, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("Cannot open %s file [%s]: user %s may not read it; run as root or change its owner or mode: %w", kind, path, whoami(), err)
	}
	return fmt.Errorf("Cannot open %s file [%s]: %w", kind, path, err)
}

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprint(os.Geteuid())
}

// checkMachine compares media and children with the machine.
func (c *Config) checkMachine(m *Machine) (ds []Diagnostic) {
	add := func(s diag.Severity, line int, remedy, format string, a ...any) {
		ds = append(ds, diag.New(c.File, line, s, remedy, fmt.Sprintf(format, a...)))
	}
	for _, d := range c.Media {
		switch d.Kind {
		case Serial:
			fi, err := m.Stat(d.Device)
			if err != nil {
				add(Error, d.Line, "correct the device or remove the line", "Illegal serial port [%s]: %v", d.Device, reason(err))
			} else if fi.Mode()&fs.ModeCharDevice == 0 {
				add(Error, d.Line, "correct the device", "Illegal serial port [%s]: it is not a character device", d.Device)
			}
		case Bcast, Mcast:
			if !m.Iface(d.Iface) {
				add(Error, d.Line, "ip link shows the interfaces", "Get broadcast for interface [%s] failed: there is no such interface", d.Iface)
			}
		case Ucast:
			if !m.Iface(d.Iface) {
				add(Warning, d.Line, "ip link shows the interfaces", "ucast %s: there is no such interface now; the link stays down until there is", d.Iface)
			}
		}
	}
	noAccount := make(map[string]bool)
	for _, k := range c.Children {
		account := m.Account(k.User)
		if k.Builtin != "" {
			if !account && !noAccount[k.User] {
				noAccount[k.User] = true
				add(Warning, k.Line, "useradd -r "+k.User+" would make it", "There is no account %s: built-in programs run without it", k.User)
			}
			continue
		}
		if !account {
			add(Error, k.Line, "useradd -r "+k.User+" would make it", "Invalid uid [%s] specified for client child", k.User)
		}
		fi, err := m.Stat(k.Path)
		switch {
		case err != nil:
			add(Error, k.Line, "correct the path or remove the line", "Client child [%s] is not executable: %v", k.Path, reason(err))
		case fi.IsDir() || fi.Mode()&0o111 == 0:
			add(Error, k.Line, "chmod +x "+k.Path, "Client child [%s] is not executable", k.Path)
		}
	}
	return ds
}

// reason strips the path from an error of the file system.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// checkHaresources looks whether the other file fits the value of crm.
func (c *Config) checkHaresources(path string) []Diagnostic {
	f, err := os.Open(path)
	if c.CRM.Enabled() {
		if err != nil {
			return nil
		}
		f.Close()
		if fi, err := os.Stat(path); err == nil && fi.Size() == 0 {
			return nil
		}
		return []Diagnostic{diag.New(path, 0, Warning, "haresources2cib converts it; empty it afterwards",
			"File exists and is not used because crm is enabled")}
	}
	if err != nil {
		return []Diagnostic{diag.New(c.File, 0, Error, "", OpenError("resources", path, haresources.Sample, err).Error())}
	}
	defer f.Close()
	groups, ds, _ := haresources.Parse(f, path)
	for _, g := range groups {
		if !c.HasNode(g.Node) {
			ds = append(ds, diag.New(path, g.Line, Error, "the nodes are "+strings.Join(c.Nodes, ", "),
				fmt.Sprintf("Bad nodename in %s [%s]", path, g.Node)))
		}
	}
	return ds
}
