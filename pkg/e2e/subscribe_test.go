package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// subscription runs the example of the client interface against a cluster: it
// tells the state of another node, and follows what changes.
func (c *cluster) subscription(at, other string) {
	t := c.t
	file := filepath.Join(t.TempDir(), "other_state")
	cmd := exec.Command("go", "build", "-o", file, "./docs/examples/other_state")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the example does not build: %v\n%s", err, out)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.write(at, "/var/lib/other_state", string(binary), 0o755)
	c.want(at, 0, "active\n", "/var/lib/other_state", other)
	c.want(at, 1, "unknown\n", "/var/lib/other_state", "nobody")
	p, err := c.nodes[at].Start("sh", "-c", "/var/lib/other_state -f "+other+" >/var/lib/other_state.out 2>&1")
	if err != nil {
		t.Fatal(err)
	}
	told := func(texts ...string) {
		t.Helper()
		c.until("other_state says "+strings.Join(texts, " and "), func() (bool, string) {
			out := c.run(at, "cat", "/var/lib/other_state.out").out
			for _, text := range texts {
				if !strings.Contains(out, text) {
					return false, out
				}
			}
			return true, out
		})
	}
	told("active\n")
	c.ok(at, "cibadmin", "-C", "-o", "resources", "-X", dummy("fresh"))
	told(": create /cib/configuration/resources\n", "/cib/status/node_state")
	c.kill(other)
	told("dead\n")
	_ = p.Signal(syscall.SIGKILL)
}
