package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/lab"
)

// program is where the program under test lies in every node.
const program = "/lab/bin/quorate"

// pollEvery is the time between two questions to a daemon; a question costs a
// process.
const pollEvery = 100 * time.Millisecond

// cluster is the running lab with its daemons.
type cluster struct {
	*story
	timers  timers
	lab     *lab.Lab
	nodes   map[string]*lab.Node
	client  *lab.Node
	daemons map[string]*lab.Process
	sampler *lab.Sampler
	probe   *lab.Probe
}

// newCluster builds the network; nothing runs in it yet.
func newCluster(o Options, s *story) (*cluster, error) {
	binary := o.Binary
	if binary == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		binary = self
	}
	files := map[string]string{program: binary}
	maps.Copy(files, o.files)
	l, err := lab.New(lab.Options{Segments: []string{segPub, segBeat}, Files: files, TempDir: o.TempDir})
	if err != nil {
		return nil, err
	}
	c := &cluster{story: s, timers: o.timers(), lab: l, nodes: map[string]*lab.Node{}, daemons: map[string]*lab.Process{}}
	if err := c.addNodes(); err != nil {
		l.Close()
		return nil, err
	}
	return c, nil
}

func (c *cluster) addNodes() error {
	for i, name := range directors {
		n, err := c.lab.AddNode(lab.Spec{Name: name, Links: []lab.Link{
			{Name: "eth0", Segment: segPub, Addr: publicIP(i)},
			{Name: "eth1", Segment: segBeat, Addr: beatIP(i)},
		}})
		if err != nil {
			return err
		}
		c.nodes[name] = n
	}
	single := func(name string, addr netip.Prefix, names ...string) (*lab.Node, error) {
		return c.lab.AddNode(lab.Spec{Name: name, Links: []lab.Link{{Name: "eth0", Segment: segPub, Addr: addr, Names: names}}})
	}
	if _, err := single(router, routerIP, "litrout71_vip"); err != nil {
		return err
	}
	var err error
	c.client, err = single(client, clientIP)
	return err
}

// configure writes the files of the article to each director, converts
// haresources on one and puts the edited result where the daemons look for it.
func (c *cluster) configure(ctx context.Context) (rsc string, err error) {
	for _, name := range directors {
		for file, text := range map[string]string{"ha.cf": haCF(c.timers), "authkeys": authkeys} {
			if err := os.WriteFile(c.nodes[name].Disk("etc/ha.d", file), []byte(text), 0o600); err != nil {
				return "", err
			}
		}
	}
	// The file serves the conversion alone and goes when that is done.
	old := c.nodes[preferred].Disk("etc/ha.d/haresources")
	if err := os.WriteFile(old, []byte(haresources), 0o600); err != nil {
		return "", err
	}
	defer os.Remove(old)
	res, err := c.nodes[preferred].Exec(ctx, program, "haresources2cib", "/etc/ha.d/haresources")
	if err != nil {
		return "", err
	}
	if res.Code != 0 {
		return "", fmt.Errorf("haresources2cib ends with code %d: %s", res.Code, firstLine(res.Stderr))
	}
	root, rsc, err := editCIB(res.Stdout)
	if err != nil {
		return "", err
	}
	text := cib.Print(root)
	for _, name := range directors {
		file := c.nodes[name].Disk("var/lib/heartbeat/crm/cib.xml")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return "", err
		}
	}
	return rsc, nil
}

// startDaemon starts the daemon of a director as its init script would.
func (c *cluster) startDaemon(name string) error {
	p, err := c.nodes[name].Start(program, "run")
	if err != nil {
		return err
	}
	c.daemons[name] = p
	return nil
}

// crash is the death of a director.
func (c *cluster) crash(name string) error {
	delete(c.daemons, name)
	return c.nodes[name].Crash()
}

// boot powers a director on and starts its daemon.
func (c *cluster) boot(name string) error {
	if err := c.nodes[name].Boot(); err != nil {
		return err
	}
	return c.startDaemon(name)
}

// stop ends all daemons in order and waits for them.
func (c *cluster) stop(ctx context.Context) error {
	for _, name := range directors {
		if p := c.daemons[name]; p != nil {
			if err := p.Signal(syscall.SIGTERM); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timers.patience)
	defer cancel()
	for _, name := range directors {
		p := c.daemons[name]
		if p == nil {
			continue
		}
		code, err := p.Wait(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the daemon on %s did not end within %v of SIGTERM", name, c.timers.patience)
		}
		if err != nil {
			return err
		}
		if code != 0 {
			return fmt.Errorf("the daemon on %s ended with code %d after SIGTERM; 0 is a clean stop", name, code)
		}
		delete(c.daemons, name)
	}
	return nil
}

// evidence puts what the daemons say at a failure beside their logs.
func (c *cluster) evidence(ctx context.Context) {
	for _, name := range directors {
		for file, args := range map[string][]string{"cib.xml": {"cibadmin", "-Q"}, "crm_mon.txt": {"crm_mon", "-1"}} {
			if c.daemons[name] == nil {
				continue
			}
			text, err := c.ask(ctx, name, args...)
			if err != nil {
				text = err.Error()
			}
			// What cannot be kept is no second failure.
			_ = os.WriteFile(filepath.Join(c.nodes[name].Dir(), file), []byte(text+"\n"), 0o644)
		}
	}
}

// close removes the lab.
func (c *cluster) close() error {
	if c.probe != nil {
		c.probe.Stop()
	}
	if c.sampler != nil {
		c.sampler.Stop()
	}
	return c.lab.Close()
}

// fallen says whether a daemon has ended that should run.
func (c *cluster) fallen() error {
	for _, name := range directors {
		p := c.daemons[name]
		if p == nil {
			continue
		}
		select {
		case <-p.Done():
			code, err := p.Wait(context.Background())
			if err != nil {
				return fmt.Errorf("the daemon on %s ended by itself: %w", name, err)
			}
			return fmt.Errorf("the daemon on %s ended by itself with code %d; its last line: %s", name, code, lastLine(p.Log))
		default:
		}
	}
	return nil
}

// ask runs a command of the program on a director and returns its output.
func (c *cluster) ask(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	res, err := c.nodes[name].Exec(ctx, append([]string{program}, args...)...)
	if err != nil {
		return "", err
	}
	if res.Code != 0 {
		return "", fmt.Errorf("%s on %s ends with code %d: %s", args[0], name, res.Code, firstLine(res.Stderr))
	}
	return strings.TrimSpace(string(res.Stdout)), nil
}

func ownersText(owners []string) string {
	if len(owners) == 0 {
		return "no node"
	}
	return strings.Join(owners, " and ")
}

func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	return string(line)
}

func lastLine(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}
