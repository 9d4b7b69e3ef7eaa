package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// debian are agents as the distribution has them: what they are given, how to see
// on a node that they run, and how to break what they run. Break "" means that
// there is nothing to break.
var debian = []struct {
	id, provider, typ string
	params            map[string]string
	alive, kill       string
}{
	{"dummy", "heartbeat", "Dummy", map[string]string{"state": "/run/dummy.state"}, "test -e /run/dummy.state", "rm /run/dummy.state"},
	{"delay", "heartbeat", "Delay", map[string]string{"startdelay": "0", "stopdelay": "0", "mondelay": "0"}, `find /run /var/run/heartbeat -name "Delay_delay" | grep -q .`, `find /run /var/run/heartbeat -name "Delay_delay" -delete`},
	{"ip2", "heartbeat", "IPaddr2", map[string]string{"ip": "192.168.71.211", "nic": "eth0", "cidr_netmask": "24"}, "ip -4 addr show dev eth0 | grep -q 192.168.71.211/", "ip addr del 192.168.71.211/24 dev eth0"},
	// ocf:heartbeat:IPaddr is the built-in one, so the script has another provider here.
	{"ip1", "debian", "IPaddr", map[string]string{"ip": "192.168.71.212", "nic": "eth0", "cidr_netmask": "24"}, "ip -4 addr show dev eth0 | grep -q 192.168.71.212/", "ip addr del 192.168.71.212/24 dev eth0"},
	{"tmpfs", "heartbeat", "Filesystem", map[string]string{"device": "tmpfs", "directory": "/srv/tmpfs", "fstype": "tmpfs"}, "mountpoint -q /srv/tmpfs", "umount /srv/tmpfs"},
	{"bind", "heartbeat", "Filesystem", map[string]string{"device": "/var/lib/bound", "directory": "/srv/bind", "fstype": "none", "options": "bind"}, "test -e /srv/bind/here", "umount /srv/bind"},
	{"ext4", "heartbeat", "Filesystem", map[string]string{"device": "/var/lib/ext4.img", "directory": "/srv/ext4", "fstype": "ext4", "options": "loop"}, "grep -q ' /srv/ext4 ext4 ' /proc/mounts && touch /srv/ext4/x", "umount /srv/ext4"},
	{"any", "heartbeat", "anything", map[string]string{"binfile": "/bin/sleep", "cmdline_options": "100000", "pidfile": "/run/any.pid"}, "kill -0 $(cat /run/any.pid)", "kill -9 $(cat /run/any.pid)"},
	{"route", "heartbeat", "Route", map[string]string{"destination": "10.99.0.0/24", "device": "eth0"}, "ip route show 10.99.0.0/24 | grep -q eth0", "ip route del 10.99.0.0/24"},
	{"link", "heartbeat", "symlink", map[string]string{"link": "/run/link", "target": "/etc/hosts"}, "test -L /run/link", "rm /run/link"},
	{"pdummy", "pacemaker", "Dummy", map[string]string{"state": "/run/pdummy.state"}, "test -e /run/pdummy.state", "rm /run/pdummy.state"},
	{"state", "pacemaker", "Stateful", map[string]string{"state": "/run/stateful.state"}, "test -e /run/stateful.state", "rm /run/stateful.state"},
	{"ping", "pacemaker", "ping", map[string]string{"host_list": "192.168.71.1", "name": "reach", "dampen": "0s", "timeout": "1", "attempts": "1", "pidfile": "/run/ping.state"}, "test -e /run/ping.state && attrd_updater -Q -n reach | grep -q 'value=\"1\"'", "rm /run/ping.state"},
	{"attr", "pacemaker", "attribute", map[string]string{"state": "/run/attr.state", "name": "wanted", "active_value": "yes", "inactive_value": "no"}, "attrd_updater -Q -n wanted | grep -q 'value=\"yes\"'", "attrd_updater -n wanted -U no -d 0"},
}

// Debian's agents, unmodified, each started, monitored, broken, recovered and
// moved to the other node.
func TestEveryDebianAgent(t *testing.T) {
	const agents = "/usr/lib/ocf/resource.d/"
	for _, a := range debian {
		provider := strings.Replace(a.provider, "debian", "heartbeat", 1)
		if _, err := os.Stat(agents + provider + "/" + a.typ); err != nil {
			t.Skipf("SKIPPED: resource-agents and pacemaker-resource-agents are needed: %v", err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: mounts need root")
	}
	for _, tool := range []string{"ifconfig", "mkfs.ext4", "ping"} {
		if found, _ := filepath.Glob("/*bin/" + tool); len(found) == 0 {
			if found, _ = filepath.Glob("/usr/*bin/" + tool); len(found) == 0 {
				t.Skipf("SKIPPED: %s is needed (net-tools, e2fsprogs, iputils-ping)", tool)
			}
		}
	}
	loops, _ := filepath.Glob("/dev/loop[0-9]*")
	list := debian
	if _, err := os.Stat("/dev/loop-control"); err != nil || len(loops) == 0 {
		t.Log("NOT TESTED: ext4 on a loop device; this machine has none")
		list = nil
		for _, a := range debian {
			if a.id != "ext4" {
				list = append(list, a)
			}
		}
	}
	t.Parallel()
	const first, second = "litsha21", "litsha22"
	c := newCluster(t, first, second)
	for _, n := range []string{first, second} {
		c.agents(n, nil)
		c.ok(n, "sh", "-ec", `ip link set lo up; mkdir /usr/lib/ocf/resource.d/debian; cp /usr/lib/ocf/resource.d/heartbeat/IPaddr /usr/lib/ocf/resource.d/debian/
mkdir -p /srv/tmpfs /srv/bind /srv/ext4 /var/lib/bound; touch /var/lib/bound/here
for i in 0 1 2 3 4 5 6 7; do test -e /dev/loop$i || mknod /dev/loop$i b 7 $i || :; done; test -e /dev/loop-control || mknod /dev/loop-control c 10 237 || :
truncate -s 8M /var/lib/ext4.img; mkfs.ext4 -q -F /var/lib/ext4.img`)
	}
	c.form()
	for _, n := range []string{first, second} {
		// Filesystem asks for modprobe; that of the lab loads nothing.
		c.ok(n, "sh", "-c", `printf '#!/bin/sh\nexit 0\n' >/var/run/heartbeat/bin/modprobe; chmod 755 /var/run/heartbeat/bin/modprobe`)
	}
	var cib, constraints strings.Builder
	for _, a := range list {
		fmt.Fprintf(&cib, `<primitive id="%s" class="ocf" provider="%s" type="%s"><instance_attributes id="%[1]s-p">`, a.id, a.provider, a.typ)
		for name, value := range a.params {
			fmt.Fprintf(&cib, `<nvpair id="%s-%s" name="%[2]s" value="%s"/>`, a.id, name, value)
		}
		fmt.Fprintf(&cib, `</instance_attributes><operations><op id="%[1]s-s" name="start" interval="0" timeout="60s"/><op id="%[1]s-m" name="monitor" interval="1s" timeout="60s"/></operations></primitive>`, a.id)
		fmt.Fprintf(&constraints, `<rsc_location id="l-%[1]s" rsc="%[1]s" node="%[2]s" score="100"/>`, a.id, first)
	}
	c.replace(second, `<configuration>`+executorOptions+`<resources>`+cib.String()+`</resources><constraints>`+constraints.String()+`</constraints></configuration>`)
	run := func(c *cluster, node string) {
		c.t.Helper()
		for _, a := range list {
			c.until(a.id+" on "+node, func() (bool, string) {
				r := c.sh(node, a.alive)
				return r.code == 0, r.String() + c.run(second, "crm_mon", "-1", "-f").String() + strings.Join(matching(c.log(node), a.id), "")
			})
			c.says(second, []string{"crm_mon", "-1"}, fmt.Sprintf("%s\t(ocf:%s:%s):\t Started %s", a.id, a.provider, a.typ, node))
		}
	}
	c.sub("started", func(t *testing.T, c *cluster) { run(c, first) })
	c.sub("broken and recovered", func(t *testing.T, c *cluster) {
		for _, a := range list {
			if r := c.sh(first, a.kill); r.code != 0 {
				t.Errorf("%s: %v", a.id, r)
			}
		}
		for _, a := range list {
			c.says(second, []string{"crm_mon", "-1", "-f"}, a.id+": migration-threshold=1000000 fail-count=1 ", a.id+" 1000ms-interval monitor on "+first+" returned '")
		}
		run(c, first)
	})
	c.sub("moved", func(t *testing.T, c *cluster) {
		c.ok(second, "crm_standby", "-v", "on", "-N", first)
		run(c, second)
		for _, a := range list {
			if r := c.sh(first, a.alive); r.code == 0 {
				t.Errorf("%s still runs on %s: %v", a.id, first, r)
			}
		}
	})
	if left := c.sh(first, "cat /proc/mounts").out; strings.Contains(left, " /srv/") {
		t.Errorf("still mounted:\n%s", left)
	}
}
