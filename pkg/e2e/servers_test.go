package e2e

import (
	"os"
	"strings"
	"testing"
)

// serversCIB runs three servers by Debian's agents, where the constraints let
// them.
const serversCIB = `<configuration>` + executorOptions + `<resources>
<primitive id="web" class="ocf" provider="heartbeat" type="nginx">
 <instance_attributes id="web-p"><nvpair id="web-c" name="configfile" value="/var/lib/servers/nginx.conf"/></instance_attributes>
 <operations><op id="web-s" name="start" interval="0" timeout="60s"/><op id="web-m" name="monitor" interval="1s" timeout="30s"/></operations>
</primitive>
<primitive id="site" class="ocf" provider="heartbeat" type="apache">
 <instance_attributes id="site-p"><nvpair id="site-c" name="configfile" value="/var/lib/servers/apache.conf"/>
 <nvpair id="site-h" name="httpd" value="/usr/sbin/apache2"/><nvpair id="site-u" name="statusurl" value="http://127.0.0.1:8082/server-status"/></instance_attributes>
 <operations><op id="site-s" name="start" interval="0" timeout="60s"/><op id="site-m" name="monitor" interval="1s" timeout="30s"/></operations>
</primitive>
<primitive id="db" class="ocf" provider="heartbeat" type="pgsql">
 <instance_attributes id="db-p"><nvpair id="db-d" name="pgdata" value="/var/lib/servers/pg"/><nvpair id="db-b" name="pgctl" value="/usr/lib/postgresql/15/bin/pg_ctl"/>
 <nvpair id="db-q" name="psql" value="/usr/lib/postgresql/15/bin/psql"/><nvpair id="db-s" name="socketdir" value="/tmp"/><nvpair id="db-l" name="logfile" value="/tmp/pg.log"/></instance_attributes>
 <operations><op id="db-st" name="start" interval="0" timeout="60s"/><op id="db-m" name="monitor" interval="1s" timeout="30s"/></operations>
</primitive>
</resources><constraints>
<rsc_location id="l-web" rsc="web" node="litsha21" score="100"/><rsc_location id="l-site" rsc="site" node="litsha21" score="100"/><rsc_location id="l-db" rsc="db" node="litsha21" score="100"/>
</constraints></configuration>`

const nginxConf = `user root;
pid /run/nginx.pid;
error_log /dev/null;
events {}
http { access_log off; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
 server { listen 8081; location / { return 200 "from nginx"; } } }
`

const apacheConf = `ServerName localhost
ServerRoot /usr/lib/apache2
PidFile /run/apache2.pid
DefaultRuntimeDir /run
ErrorLog /dev/null
Listen 8082
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule status_module modules/mod_status.so
User www-data
Group www-data
<Location /server-status>
SetHandler server-status
</Location>
`

// TestServers starts, monitors, kills, recovers and moves real servers by
// Debian's agents unmodified, on nodes with namespaces of their own.
func TestServers(t *testing.T) {
	for _, file := range []string{"/usr/sbin/nginx", "/usr/sbin/apache2", "/usr/lib/postgresql/15/bin/initdb", "/usr/lib/ocf/resource.d/heartbeat/pgsql"} {
		if _, err := os.Stat(file); err != nil {
			t.Skipf("SKIPPED: nginx, apache2, postgresql-15 and resource-agents are needed: %v", err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: the servers change their accounts, which needs root")
	}
	t.Parallel()
	c := newCluster(t, "litsha21", "litsha22")
	for _, name := range []string{"litsha21", "litsha22"} {
		c.write(name, "/var/lib/servers/nginx.conf", nginxConf, 0o644)
		c.write(name, "/var/lib/servers/apache.conf", apacheConf, 0o644)
		c.ok(name, "sh", "-ec", `ip link set lo up; mkdir -p /var/lib/servers/pg /var/log/nginx /var/lib/nginx; chown postgres /var/lib/servers/pg; chmod 700 /var/lib/servers/pg
cd /; setpriv --reuid postgres --regid postgres --clear-groups /usr/lib/postgresql/15/bin/initdb -D /var/lib/servers/pg -N -A trust >/dev/null
echo "unix_socket_directories = '/tmp'" >> /var/lib/servers/pg/postgresql.conf; touch /tmp/pg.log; chown postgres /tmp/pg.log`)
	}
	c.form()
	c.replace("litsha22", serversCIB)
	all := func(node string) []string {
		return []string{"web\t(ocf:heartbeat:nginx):\t Started " + node, "site\t(ocf:heartbeat:apache):\t Started " + node, "db\t(ocf:heartbeat:pgsql):\t Started " + node}
	}
	serve := func(t *testing.T, c *cluster, node string) {
		t.Helper()
		c.until("all servers answer on "+node, func() (bool, string) {
			r := c.sh(node, `curl -sf http://127.0.0.1:8081/ && curl -sf "http://127.0.0.1:8082/server-status?auto" | grep -q Uptime && psql -h /tmp -U postgres -Atc "select 'from the database'"`)
			return r.code == 0 && strings.Contains(r.out, "from nginx") && strings.Contains(r.out, "from the database"), r.String() + c.run("litsha22", "crm_mon", "-1", "-f").String() + c.run(node, "cat", "/tmp/pg.log").String()
		})
	}
	c.sub("started", func(t *testing.T, c *cluster) {
		serve(t, c, "litsha21")
		c.says("litsha22", []string{"crm_mon", "-1"}, all("litsha21")...)
	})
	c.sub("killed", func(t *testing.T, c *cluster) {
		c.sh("litsha21", `for p in /run/nginx.pid /run/apache2.pid /var/lib/servers/pg/postmaster.pid; do kill -9 $(head -1 $p); done; for x in nginx apache2 postgres; do for d in /proc/[0-9]*; do [ "$(cat $d/comm)" = $x ] && kill -9 ${d#/proc/}; done; done`)
		c.says("litsha22", []string{"crm_mon", "-1", "-f"}, "web: migration-threshold=1000000 fail-count=", "site: migration-threshold=1000000 fail-count=", "db: migration-threshold=1000000 fail-count=")
		serve(t, c, "litsha21")
	})
	c.sub("moved", func(t *testing.T, c *cluster) {
		c.ok("litsha22", "crm_standby", "-v", "on", "-N", "litsha21")
		serve(t, c, "litsha22")
		c.says("litsha22", []string{"crm_mon", "-1"}, all("litsha22")...)
		if out := c.sh("litsha21", "cat /proc/[0-9]*/comm").out; strings.Contains(out, "nginx") || strings.Contains(out, "apache2") || strings.Contains(out, "postgres") {
			t.Errorf("still running on litsha21:\n%s", out)
		}
	})
}
