package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/hacf"
)

// defaultRsh asks nothing on a terminal: several nodes are asked at once.
const defaultRsh = "ssh -T -o BatchMode=yes -o ConnectTimeout=10"

// unreachableFile is what there is of a node that could not be asked.
const unreachableFile = "UNREACHABLE"

// askTimeout bounds what one node may take.
const askTimeout = 10 * time.Minute

// known returns the nodes of the cluster, as the running cluster, the configuration
// on the disk and ha.cf know them, and the name of this one.
func (c *call) known(ctx context.Context) (self string, nodes []string) {
	self, _ = os.Hostname()
	add := func(name string) {
		if name != "" && !slices.ContainsFunc(nodes, func(n string) bool { return strings.EqualFold(n, name) }) {
			nodes = append(nodes, name)
		}
	}
	fromCIB := func(root *cib.Element) {
		for _, n := range root.Path("configuration", "nodes").All("node") {
			if n.Get("type") != "ping" {
				add(n.Get("uname"))
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if conn, err := client.Dial(c.env.RunDir); err == nil {
		defer conn.Close()
		if st, err := conn.Status(ctx); err == nil {
			self = st.Node
			for _, m := range st.View.Members {
				add(m.Name)
			}
		}
		if root, err := conn.Document(ctx); err == nil {
			fromCIB(root)
		}
	}
	if text, err := source.ReadFile(filepath.Join(c.stateDir, "crm", cibFile)); err == nil {
		if root, err := cib.ParseText(text, cibFile); err == nil {
			fromCIB(root)
		}
	}
	path := filepath.Join(c.configDir, "ha.cf")
	if text, err := os.ReadFile(path); err == nil {
		if conf, _, _ := hacf.Parse(bytes.NewReader(text), path); conf != nil {
			for _, n := range conf.Nodes {
				add(n)
			}
		}
	}
	return self, nodes
}

// ask has another node gather its part and unpacks it below the report.
func (c *call) ask(ctx context.Context, node string, to *os.Root) error {
	words := strings.Fields(c.rsh)
	if len(words) == 0 {
		return errors.New("-e names no command")
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return fmt.Errorf("%s is not installed on this node: %w", words[0], err)
	}
	there := []string{"quorate", "crm_report", "--collect", "--from", fmt.Sprintf("@%d", c.period.from.Unix()), "--to", fmt.Sprintf("@%d", c.period.to.Unix())}
	for _, p := range c.patterns {
		there = append(there, "-p", quote(p))
	}
	for _, l := range c.logs {
		there = append(there, "-l", quote(l))
	}
	if c.noSearch {
		there = append(there, "-M")
	}
	args := append(words[1:], "-l", c.user, node, strings.Join(there, " "))
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var said bytes.Buffer
	cmd.Stderr = &limited{&said, 4096}
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	read := unpack(out, to)
	if read != nil {
		cancel() // it has nobody to write to
	}
	if err := errors.Join(read, cmd.Wait()); err != nil {
		return fmt.Errorf("%w: %s", err, strings.Join(strings.Fields(said.String()), " "))
	}
	return nil
}

// others asks the other nodes at the same time. It returns the reason for each
// that could not be asked; there is a file with it in the report, too.
func (c *call) others(ctx context.Context, dir string, nodes []string) map[string]error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	failed := map[string]error{}
	for _, n := range nodes {
		wg.Go(func() {
			err := c.other(ctx, filepath.Join(dir, n), n)
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			failed[n] = err
		})
	}
	wg.Wait()
	return failed
}

func (c *call) other(ctx context.Context, dir, node string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	if err = c.ask(ctx, node, to); err != nil {
		_ = to.WriteFile(unreachableFile, []byte(err.Error()+"\n"), 0o600)
	}
	return err
}

// quote makes a word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// limited keeps the first bytes and forgets the rest.
type limited struct {
	b    *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.b.Write(p[:n])
	l.left -= n
	return len(p), nil
}
