package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostile are agents that misbehave in start; all stop as they should. What they
// leave running is marked by the number of seconds it would sleep.
var hostile = map[string]struct {
	body string
	// says is part of what crm_mon tells of the failure.
	says string
}{
	"hangs":   {`echo "about to hang"; sleep 7001`, "Timed Out"},
	"forks":   {`setsid sh -c 'sleep 7002 & setsid sleep 7003 & wait' & sleep 7004 & wait`, "Timed Out"},
	"floods":  {`head -c 1000000000 /dev/zero | tr '\0' x; exit 1`, "error"},
	"deaf":    {`trap "" TERM INT HUP QUIT; while :; do sleep 7005; done`, "Timed Out"},
	"odd":     {`exit 255`, "unknown"},
	"nuls":    {`head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2; echo "ocf-exit-reason:a$(printf '\001\033')b" >&2; exit 1`, "ab"},
	"suicide": {`rm -f "$0"; exit 1`, "not installed"}, // its stop
}

// agents puts agents of provider test beside the ones of the host, on a node.
func (c *cluster) agents(node string, scripts map[string]string) {
	c.t.Helper()
	c.ok(node, "sh", "-ec", `mkdir -p /run/ocf; mount --bind /usr/lib/ocf/resource.d /run/ocf; mount -t tmpfs test /usr/lib/ocf/resource.d
cd /usr/lib/ocf/resource.d; mkdir heartbeat pacemaker test; for p in heartbeat pacemaker; do mount --bind /run/ocf/$p $p; done`)
	for name, body := range scripts {
		text := "#!/bin/sh\ncase $1 in meta-data) exit 3;; monitor) [ -e /run/$OCF_RESOURCE_INSTANCE ] && exit 0; exit 7;; stop) rm -f /run/$OCF_RESOURCE_INSTANCE; exit 0;; start) :;; *) exit 3;; esac\n" + body + "\n"
		c.write(node, "/var/lib/test-"+name, text, 0o755)
		c.ok(node, "cp", "/var/lib/test-"+name, "/usr/lib/ocf/resource.d/test/"+name)
	}
}

// replace makes a text the configuration; NODES stands for the nodes.
func (c *cluster) replace(node, text string) {
	c.t.Helper()
	c.until("all nodes in the configuration", func() (bool, string) {
		out := c.ok(node, "cibadmin", "-Q", "-o", "nodes")
		return strings.Count(out, "<node ") == len(c.members()), out
	})
	c.write(node, "/var/lib/replace.xml", strings.Replace(text, "NODES", c.ok(node, "cibadmin", "-Q", "-o", "nodes"), 1), 0o600)
	c.ok(node, "cibadmin", "-R", "-o", "configuration", "-x", "/var/lib/replace.xml")
}

const executorOptions = `<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="opt-stonith" name="stonith-enabled" value="false"/>
<nvpair id="opt-load" name="load-threshold" value="0%"/><nvpair id="opt-jobs" name="node-action-limit" value="8"/></cluster_property_set></crm_config>
NODES
`

// TestHostileAgents: whatever an agent does, its operation ends in time, its
// failure is told, nothing of it is left running and the daemon stays small.
func TestHostileAgents(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "litsha21", "litsha22")
	scripts := map[string]string{}
	var cib strings.Builder
	cib.WriteString("<configuration>" + executorOptions + "<resources>\n")
	constraints := ""
	for name, h := range hostile {
		scripts[name] = h.body
		fmt.Fprintf(&cib, `<primitive id="r-%[1]s" class="ocf" provider="test" type="%[1]s"><operations><op id="r-%[1]s-s" name="start" interval="0" timeout="TIMEOUT"/></operations></primitive>`+"\n",
			name)
		constraints += fmt.Sprintf(`<rsc_location id="l-%[1]s" rsc="r-%[1]s" node="litsha22" score="-INFINITY"/>`, name)
	}
	cib.WriteString("</resources><constraints>" + constraints + "</constraints></configuration>")
	text := strings.ReplaceAll(cib.String(), "TIMEOUT", "1s")
	// The flood takes its time and is no case for a timeout.
	text = strings.Replace(text, `<op id="r-floods-s" name="start" interval="0" timeout="1s"/>`, `<op id="r-floods-s" name="start" interval="0" timeout="60s"/>`, 1)
	for _, name := range []string{"litsha21", "litsha22"} {
		c.agents(name, scripts)
	}
	c.form()
	c.replace("litsha22", text)
	most := int64(0)
	c.until("all failures are told", func() (bool, string) {
		if rss := c.daemonRSS("litsha21"); rss > most {
			most = rss
		}
		r := c.run("litsha22", "crm_mon", "-1", "-f")
		for name, h := range hostile {
			found := false
			for line := range strings.Lines(r.out) {
				found = found || strings.Contains(line, "* r-"+name+" st") && strings.Contains(line, h.says)
			}
			if !found {
				return false, name + " with " + h.says + " is missing\n" + r.String()
			}
		}
		return true, ""
	})
	t.Logf("the daemon used %.1f MB at most", float64(most)/(1<<20))
	if most > 50<<20 {
		t.Errorf("the daemon used %d bytes", most)
	}
	c.until("nothing is left running", func() (bool, string) {
		out := c.sh("litsha21", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").out
		return !strings.Contains(out, "sleep 700"), out
	})
	c.logged("litsha21", "r-hangs", "sleep 7001 [", "about to hang")
}

// daemonRSS returns the resident memory of the daemon on a node, in bytes.
func (c *cluster) daemonRSS(node string) int64 {
	c.t.Helper()
	var kb int64
	out := c.sh(node, `for p in /proc/[0-9]*; do [ "$(tr '\0' ' ' < $p/cmdline)" = "/lab/bin/quorate run " ] && grep VmRSS $p/status; done`).out
	for line := range strings.Lines(out) {
		var v int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &v); err == nil {
			kb = max(kb, v)
		}
	}
	return kb << 10
}

// executorCIB has a start of three minutes beside an application that fails, an
// agent with a parameter that needs no restart, and an alert agent.
const executorCIB = `<configuration>` + executorOptions + `<resources>
<primitive id="slow" class="ocf" provider="test" type="slow"><operations><op id="slow-s" name="start" interval="0" timeout="200s"/></operations></primitive>
<primitive id="app" class="ocf" provider="pacemaker" type="Dummy">
 <instance_attributes id="app-p"><nvpair id="app-state" name="state" value="/run/app.state"/><nvpair id="app-fake" name="fake" value="one"/></instance_attributes>
 <operations><op id="app-m" name="monitor" interval="500ms" timeout="10s"/></operations>
</primitive>
</resources><constraints>
<rsc_location id="l-slow" rsc="slow" node="litsha22" score="100"/><rsc_location id="l-app" rsc="app" node="litsha21" score="100"/>
</constraints>
<alerts><alert id="tell" path="/var/lib/tell"><recipient id="tell-1" value="/tmp/told"/></alert></alerts>
</configuration>`

// TestExecutor: what is unrelated waits for nobody, what can be reloaded is, an
// alert agent hears of it, and a daemon that comes back finds what it left.
func TestExecutor(t *testing.T) {
	if _, err := os.Stat("/usr/lib/ocf/resource.d/pacemaker/Dummy"); err != nil {
		t.Skipf("SKIPPED: pacemaker-resource-agents is not installed: %v", err)
	}
	t.Parallel()
	c := newCluster(t)
	for _, name := range directors {
		c.agents(name, map[string]string{"slow": `sleep 180; touch /run/$OCF_RESOURCE_INSTANCE; exit 0`})
		c.write(name, "/var/lib/tell", "#!/bin/sh\necho \"$CRM_alert_kind $CRM_alert_node $CRM_alert_rsc $CRM_alert_task $CRM_alert_desc by $(id -un)\" >> $CRM_alert_recipient\n", 0o755)
	}
	c.form()
	c.replace("litsha23", executorCIB)
	c.says("litsha23", []string{"crm_mon", "-1"}, "app\t(ocf:pacemaker:Dummy):\t Started litsha21")
	c.logged("litsha22", "Performing op=slow_start_0")

	c.sub("a failure beside a slow start", func(t *testing.T, c *cluster) {
		began := time.Now()
		c.ok("litsha21", "rm", "/run/app.state")
		c.until("the application runs again", func() (bool, string) {
			r := c.run("litsha21", "test", "-e", "/run/app.state")
			return r.code == 0, r.String()
		})
		t.Logf("recovered after %v while slow was starting", time.Since(began).Round(10*time.Millisecond))
		c.says("litsha23", []string{"crm_mon", "-1"}, "app\t(ocf:pacemaker:Dummy):\t Started litsha21")
	})
	c.sub("reload", func(t *testing.T, c *cluster) {
		c.ok("litsha23", "crm_resource", "-r", "app", "--set-parameter", "fake", "--parameter-value", "two")
		c.logged("litsha21", "LRM operation app_reload-agent_0", "rc=0")
		c.ok("litsha23", "crm_resource", "-r", "app", "--set-parameter", "state", "--parameter-value", "/run/other.state")
		c.until("restarted with the other state file", func() (bool, string) {
			r := c.sh("litsha21", "test -e /run/other.state && ! test -e /run/app.state")
			return r.code == 0, r.String()
		})
		if n := len(matching(c.log("litsha21"), "Performing op=app_start_0")); n != 3 {
			t.Errorf("app was started %d times, want 3", n)
		}
	})
	c.sub("alerts", func(t *testing.T, c *cluster) {
		c.says("litsha21", []string{"cat", "/tmp/told"}, "resource litsha21 app start ok by hacluster", "resource litsha21 app monitor not running by hacluster")
	})
	c.sub("the daemon restarts", func(t *testing.T, c *cluster) {
		dc := c.dc(directors...)
		c.signal("litsha22", syscall.SIGKILL)
		c.ended("litsha22")
		c.until("slow's start was ended with its daemon", func() (bool, string) {
			out := c.sh("litsha22", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").out
			return !strings.Contains(out, "sleep 180"), out
		})
		t.Logf("the DC was %s", dc)
		c.start("litsha22")
		c.formed(directors...)
		c.says("litsha23", []string{"crm_mon", "-1"}, "app\t(ocf:pacemaker:Dummy):\t Started litsha21")
		c.until("slow is started anew, on one node", func() (bool, string) {
			var on []string
			for _, name := range directors {
				if strings.Contains(c.sh(name, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").out, "sleep 180") {
					on = append(on, name)
				}
			}
			return len(on) == 1, fmt.Sprint(on)
		})
		c.says("litsha21", []string{"cat", "/tmp/told"}, "node litsha22   lost by hacluster", "node litsha22   member by hacluster")
	})
}
