package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// classAgent writes down the scheduling policy (field 41 of stat, 0 is the normal
// class, 2 SCHED_RR) of itself and of a program that it starts.
const classAgent = `#!/bin/sh
policy() { cut -d' ' -f41 /proc/$1/stat; }
echo "$1 $(policy $$) $(policy self)" >> /run/class.log
case $1 in
start) touch /run/class.state;;
stop) rm -f /run/class.state;;
status) test -e /run/class.state && echo running || { echo stopped; exit 3; };;
esac
`

const classed = `<primitive id="class" class="heartbeat" type="class"><operations><op id="class-mon" name="monitor" interval="500ms" timeout="5s"/></operations></primitive>`

// TestRealtime: where the kernel permits it, all threads of the daemon and of its
// guard are real-time, the guard above the daemon; what they execute never is.
// Where it is forbidden the log says so once, and the node is a member all the
// same. A guard that is killed is replaced, and what runs is not touched.
func TestRealtime(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "litsha21", "litsha22")
	for _, n := range c.members() {
		c.write(n, "/etc/ha.d/resource.d/class", classAgent, 0o755)
		c.write(n, "/etc/ha.d/client", "#!/bin/sh\ncut -d' ' -f41 /proc/$$/stat > /run/client.class\nexec sleep 1000\n", 0o755)
		c.write(n, "/etc/ha.d/ha.cf", hacf+"respawn root /etc/ha.d/client\n", 0o600)
	}
	c.start("litsha22")
	c.sh("litsha21", "cp /lab/bin/quorate /var/lib/quorate")
	without, err := c.nodes["litsha21"].Start("setpriv", "--bounding-set=-sys_nice", "/var/lib/quorate", "run")
	if err != nil {
		t.Fatal(err)
	}
	c.daemons["litsha21"] = without
	c.formed(c.members()...)
	// policies are those of all threads of the processes named, each once.
	policies := func(name, pids string) string {
		return strings.TrimSpace(c.sh(name, "for p in "+pids+"; do cut -d' ' -f40,41 /proc/$p/task/*/stat | sort -u; done").out)
	}
	c.sub("every thread", func(t *testing.T, c *cluster) {
		if got := policies("litsha22", c.pids("litsha22")); got != "1 2\n2 2" {
			t.Errorf("priority and policy of the threads of daemon and guard: %q", got)
		}
	})
	c.sub("forbidden", func(t *testing.T, c *cluster) {
		if got := policies("litsha21", c.pids("litsha21")); got != "0 0\n0 0" {
			t.Errorf("priority and policy of the threads of daemon and guard: %q", got)
		}
		b, err := os.ReadFile(filepath.Join(c.nodes["litsha21"].Dir(), "setpriv.log"))
		if err != nil {
			t.Fatal(err)
		}
		said := matching(string(b), "real-time")
		if len(said) != 1 || !strings.Contains(said[0], "operation not permitted; heartbeats may be late on a busy machine (give the daemon CAP_SYS_NICE, or write: realtime off)") {
			t.Errorf("the log says of it: %q", said)
		}
		if strings.Contains(string(b), "the guard runs in the normal class") {
			t.Error("the log says it twice")
		}
	})
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", classed)
	c.ok("litsha22", "crm_standby", "-v", "on", "-N", "litsha21")
	ordinary := func(c *cluster, actions ...string) {
		c.t.Helper()
		c.until("what the agent wrote", func() (bool, string) {
			r := c.sh("litsha22", "cat /run/class.log")
			for _, a := range actions {
				if !strings.Contains(r.out, a+" ") {
					return false, r.String()
				}
			}
			for line := range strings.Lines(r.out) {
				if !strings.HasSuffix(line, " 0 0\n") {
					c.t.Errorf("an agent inherits the class of the daemon or of the guard: %q", line)
				}
			}
			return true, ""
		})
	}
	c.sub("agents and clients are ordinary", func(t *testing.T, c *cluster) {
		ordinary(c, "start", "status")
		if r := c.sh("litsha22", "cat /run/client.class"); r.out != "0\n" {
			t.Errorf("policy of a client of ha.cf: %v", r)
		}
	})
	replaced := func(c *cluster, name string) {
		c.t.Helper()
		first := c.sh(name, "cat /var/run/heartbeat/guard.lock").out
		c.sh(name, "kill -9 "+first)
		c.until("another guard", func() (bool, string) {
			r := c.sh(name, "cat /var/run/heartbeat/guard.lock")
			return r.out != "" && r.out != first, r.String()
		})
	}
	c.sub("the guard is replaced after an upgrade", func(t *testing.T, c *cluster) {
		c.sh("litsha21", "rm /var/lib/quorate")
		replaced(c, "litsha21")
	})
	c.sub("a guard that cannot be started is named", func(t *testing.T, c *cluster) {
		c.sh("litsha21", "mount -t tmpfs none /proc; kill -9 $(cat /var/run/heartbeat/guard.lock)")
		c.says("litsha21", []string{"crm_mon", "-1"}, "Exclusion: not guaranteed: the guard cannot be started: ", "nobody lets go if the daemon dies")
		c.sh("litsha21", "umount /proc")
		c.until("a guard again", func() (bool, string) {
			r := c.run("litsha21", "crm_mon", "-1")
			return r.code == 0 && !strings.Contains(r.out, "the guard cannot"), r.String()
		})
	})
	c.sub("the guard is replaced", func(t *testing.T, c *cluster) {
		replaced(c, "litsha22")
		if r := c.sh("litsha22", "cat /run/class.log; test -e /run/class.state"); r.code != 0 || strings.Contains(r.out, "stop") {
			t.Errorf("what runs was touched: %v", r)
		}
		c.until("the class of the other guard", func() (bool, string) {
			got := policies("litsha22", c.pids("litsha22"))
			return got == "1 2\n2 2", got
		})
	})
	c.sub("what the guard executes", func(t *testing.T, c *cluster) {
		c.kill("litsha22")
		ordinary(c, "stop")
	})
	c.sub("commands at a stopped daemon", func(t *testing.T, c *cluster) {
		c.signal("litsha21", syscall.SIGSTOP) // it holds nothing, so that its guard lets it live
		var wg sync.WaitGroup
		for _, argv := range [][]string{{"crm_mon", "-1"}, {"cl_status", "hbstatus"}, {"crm_node", "-p"}, {"crmadmin", "-D"}, {"cibadmin", "-Q"},
			{"crm_attribute", "-n", "x", "-v", "y"}, {"quorate", "links"}, {"crm_resource", "-l"}} {
			wg.Go(func() {
				r := c.run("litsha21", argv...)
				if text := r.out + r.err; r.code == 0 || strings.Count(text, "\n") != 1 || !strings.Contains(text, "the cluster daemon on this node does not answer (pid ") && argv[0] != "cl_status" {
					t.Errorf("%v at a stopped daemon: %v", argv, r)
				}
			})
		}
		wg.Wait()
	})
}
