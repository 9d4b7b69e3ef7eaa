package agents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"
)

// testTable is what may be asked for: a table or database and table.
var testTable = regexp.MustCompile(`^[A-Za-z0-9_$]+(\.[A-Za-z0-9_$]+)?$`)

// newMySQL makes the agent of a MySQL or MariaDB server.
func newMySQL() *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: "mysql", shortdesc: "Manages a MySQL or MariaDB database instance",
			longdesc: "Starts a database server on a data directory, asks it, and ends it. Replication is not managed: for a promotable database use an agent made for that.",
			params: []metaParam{
				{name: "binary", typ: "string", def: "/usr/bin/mysqld_safe", shortdesc: "Server program", longdesc: "Server program; where the default is missing, mariadbd-safe."},
				{name: "client_binary", typ: "string", def: "mysql", shortdesc: "Client program"},
				{name: "config", typ: "string", def: "/etc/mysql/my.cnf", shortdesc: "Configuration file"},
				{name: "datadir", typ: "string", def: "/var/lib/mysql", shortdesc: "Directory of the databases"},
				{name: "user", typ: "string", def: "mysql", shortdesc: "User of the server"},
				{name: "group", typ: "string", def: "mysql", shortdesc: "Group of the server's files"},
				{name: "log", typ: "string", def: "/var/log/mysql/error.log", shortdesc: "Log file"},
				{name: "pid", typ: "string", def: "/var/run/mysqld/mysqld.pid", shortdesc: "PID file"},
				{name: "socket", typ: "string", def: "/var/run/mysqld/mysqld.sock", shortdesc: "Socket"},
				{name: "test_table", typ: "string", def: "mysql.user", shortdesc: "Table that a monitor of level 10 reads"},
				{name: "test_user", typ: "string", def: "root", shortdesc: "User of that monitor"},
				{name: "test_passwd", typ: "string", shortdesc: "Password of that user"},
				{name: "enable_creation", typ: "boolean", def: "0", shortdesc: "Create the databases", longdesc: "Whether an empty data directory is filled by mysql_install_db."},
				{name: "additional_parameters", typ: "string", shortdesc: "Additional parameters of the server"},
			},
			actions: usualActions("120s", "120s", "30s", "20s", metaAction{name: "status", timeout: "60s"}),
		},
		check: func(c *request) error {
			if t := c.str("test_table"); !testTable.MatchString(t) {
				return badSpec("test_table=%q is not the name of a table", t)
			}
			return nil
		},
		actions: map[string]action{"start": mysqlStart, "stop": mysqlStop, "monitor": mysqlMonitor, "validate-all": func(_ context.Context, c *request) error {
			_, err := mysqlProgram(c)
			return err
		}},
	}
}

// mysqlProgram finds the server.
func mysqlProgram(c *request) (string, error) {
	file, err := program(c.str("binary"))
	if err != nil && c.Params["binary"] == "" {
		if other, e := program("mariadbd-safe"); e == nil {
			file, err = other, nil
		}
	}
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(c.str("config")); err != nil {
		return "", notInstalled("config: %v", err)
	}
	if st, err := os.Stat(c.str("datadir")); err != nil || !st.IsDir() {
		return "", notInstalled("datadir=%q is not a directory on this node", c.str("datadir"))
	}
	return file, nil
}

func mysqlStart(ctx context.Context, c *request) error {
	if pid, err := pidOf(c.str("pid")); err != nil || pid > 0 {
		return err
	}
	file, err := mysqlProgram(c)
	if err != nil {
		return err
	}
	for _, n := range []string{"pid", "socket", "log"} {
		if err := makeDir(c.str(n), c.str("user")); err != nil {
			return err
		}
	}
	if err := mysqlCreate(ctx, c); err != nil {
		return err
	}
	args := []string{file, "--defaults-file=" + c.str("config"), "--log-error=" + c.str("log"), "--pid-file=" + c.str("pid"), "--socket=" + c.str("socket"),
		"--datadir=" + c.str("datadir"), "--user=" + c.str("user")}
	b := background{args: append(args, strings.Fields(c.str("additional_parameters"))...)}
	pid, err := b.start(ctx)
	if err != nil {
		return err
	}
	var last error
	ok := until(ctx, c.opTimeout(120*time.Second)-time.Second, 50*time.Millisecond, func() bool {
		last = mysqlMonitor(ctx, c)
		if last == errNotRunning && isZombie(pid) {
			last = fmt.Errorf("the server ended during its start; %s tells why", c.str("log"))
			return true
		}
		return last == nil
	})
	if ok && last == nil {
		return nil
	}
	if last == errNotRunning {
		last = errors.New("it is not up in time")
	}
	return fmt.Errorf("starting the database: %w", last)
}

// mysqlCreate fills an empty data directory.
func mysqlCreate(ctx context.Context, c *request) error {
	dir := c.str("datadir")
	if _, err := os.Stat(dir + "/mysql"); err == nil {
		return nil
	}
	if !c.yes("enable_creation") {
		return fmt.Errorf("datadir %s holds no databases; enable_creation=yes has them created", dir)
	}
	_, err := c.command(ctx, "mysql_install_db", "--datadir="+dir, "--user="+c.str("user"))
	return err
}

func mysqlStop(ctx context.Context, c *request) error {
	pid, err := pidOf(c.str("pid"))
	if err != nil {
		return err
	}
	if pid > 0 {
		if err := endProcess(ctx, c, pid, c.stopPatience(120*time.Second)); err != nil {
			return err
		}
	}
	for _, n := range []string{"pid", "socket"} {
		if err := os.Remove(c.str(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func mysqlMonitor(ctx context.Context, c *request) error {
	pid, err := pidOf(c.str("pid"))
	if err != nil {
		return err
	}
	if pid == 0 {
		return errNotRunning
	}
	if _, err := os.Stat(c.str("socket")); err != nil {
		return fmt.Errorf("the database server runs (process %d), but its socket is not there: %w", pid, err)
	}
	if c.CheckLevel < 10 {
		return nil
	}
	v := invocation{args: []string{c.str("client_binary"), "--user=" + c.str("test_user"), "--socket=" + c.str("socket"), "--connect-timeout=10",
		"-e", "SELECT COUNT(*) FROM " + c.str("test_table")}, env: os.Environ()}
	if pw := c.str("test_passwd"); pw != "" {
		v.env = append(v.env, "MYSQL_PWD="+pw) // a command line is for all to see
	}
	if _, err := c.invoke(ctx, v); err != nil {
		return fmt.Errorf("the database server runs, but %s cannot be read: %w", c.str("test_table"), err)
	}
	return nil
}
