package agents

import (
	"os"
	"strings"
	"testing"
)

func TestMySQL(t *testing.T) {
	dir := standIn(t, "no database server is installed", map[string]string{
		"mysqld_safe": `for a; do case $a in --pid-file=*) P=${a#*=};; --socket=*) S=${a#*=};; --fail) exit 4;; esac; done
echo "$@" >$STATE/args; echo $$ >$P; : >$S; trap 'rm -f $P $S; exit 0' TERM; while :; do sleep 0.02; done`,
		"mysql":            `echo "$MYSQL_PWD $*" >$STATE/query; [ ! -e $STATE/broken ]`,
		"mysql_install_db": `for a; do case $a in --datadir=*) mkdir ${a#*=}/mysql;; esac; done`,
	})
	d := t.TempDir()
	must(t, os.WriteFile(d+"/my.cnf", nil, 0o600))
	must(t, os.Mkdir(d+"/data", 0o700))
	p := map[string]string{"binary": dir + "/mysqld_safe", "config": d + "/my.cnf", "datadir": d + "/data", "user": "root", "log": d + "/log/error",
		"pid": d + "/run/pid", "socket": d + "/run/sock", "test_passwd": "secret", "additional_parameters": "--skip-networking"}
	if rc, said := call(t, "mysql", "start", p); rc != 1 || !strings.Contains(said, "holds no databases") {
		t.Errorf("an empty data directory: %d %s", rc, said)
	}
	p["enable_creation"] = "yes"
	life(t, "mysql", p, wholeLife...)
	if got := read(dir + "/state/args"); !strings.HasPrefix(got, "--defaults-file="+d+"/my.cnf ") || !strings.HasSuffix(got, " --skip-networking\n") {
		t.Errorf("the server got %q", got)
	}
	life(t, "mysql", p, step{"start", 0})
	a, _ := Lookup("ocf", "quorate", "mysql")
	monitor := func() int {
		return a.Run(t.Context(), "monitor", Env{Params: p, CheckLevel: 10, Stderr: t.Output(), RunDir: rundir(t)})
	}
	if rc := monitor(); rc != 0 {
		t.Errorf("monitor of level 10 returned %d", rc)
	}
	if got := read(dir + "/state/query"); !strings.HasPrefix(got, "secret --user=root --socket=") || !strings.Contains(got, "SELECT COUNT(*) FROM mysql.user") {
		t.Errorf("the client got %q", got)
	}
	must(t, os.WriteFile(dir+"/state/broken", nil, 0o600))
	if rc := monitor(); rc != 1 {
		t.Errorf("monitor of a broken table returned %d", rc)
	}
	life(t, "mysql", p, step{"monitor", 0}, step{"stop", 0}, step{"monitor", 7})
	p["additional_parameters"] = "--fail"
	if rc, said := call(t, "mysql", "start", p); rc != 1 || !strings.Contains(said, "exit status 4") {
		t.Errorf("a server that ends at once: %d %s", rc, said)
	}
	p["test_table"] = "x; DROP TABLE y"
	if rc, _ := call(t, "mysql", "monitor", p); rc != 6 {
		t.Errorf("a table's name with a command in it returned %d", rc)
	}
	if rc, _ := call(t, "mysql", "start", map[string]string{"binary": "/nowhere/mysqld"}); rc != 5 {
		t.Errorf("without a server it returned %d", rc)
	}
}
