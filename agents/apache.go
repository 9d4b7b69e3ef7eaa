package agents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// newApache makes the agent of the Apache web server, under that name and as httpd.
func newApache(name string) *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: name, shortdesc: "Manages an Apache web server instance",
			longdesc: "Starts, stops and asks a web server of the configuration file given.",
			params: []metaParam{
				{name: "configfile", typ: "string", unique: true, def: "/etc/apache2/apache2.conf", shortdesc: "Configuration file", longdesc: "Configuration file; where the default is missing, /etc/httpd/conf/httpd.conf."},
				{name: "httpd", typ: "string", def: "/usr/sbin/httpd", shortdesc: "Path of the server program", longdesc: "Path of the server program; where the default is missing, apache2."},
				{name: "port", typ: "integer", shortdesc: "Port to ask", longdesc: "Port to ask; by default the first of the configuration."},
				{name: "statusurl", typ: "string", shortdesc: "URL a monitor asks", longdesc: "URL a monitor asks, and which has to match testregex. By default /server-status if it is configured; else that the server answers at all is enough."},
				{name: "testregex", typ: "string", def: `</ *html *>`, shortdesc: "What statusurl has to match", longdesc: "Regular expression without regard to upper and lower case."},
				{name: "client", typ: "string", shortdesc: "HTTP client", longdesc: "Accepted for compatibility and not needed: the agent asks by itself."},
				{name: "testurl", typ: "string", shortdesc: "URL of the monitor of level 10", longdesc: "URL of the monitor of level 10, or its path on this server."},
				{name: "testregex10", typ: "string", shortdesc: "What testurl has to match"},
				{name: "testconffile", typ: "string", shortdesc: "File with tests", longdesc: "Accepted for compatibility, but refused when set: use testurl and testregex10."},
				{name: "testname", typ: "string", shortdesc: "Test in testconffile"},
				{name: "options", typ: "string", shortdesc: "Command line options"},
				{name: "envfiles", typ: "string", def: "/etc/apache2/envvars", shortdesc: "Files with environment settings", longdesc: "Shell files, separated by blanks, that set the server's environment. Missing ones are skipped."},
				{name: "use_ipv6", typ: "boolean", def: "false", shortdesc: "Ask by IPv6"},
			},
			actions: usualActions("40s", "60s", "20s", "10s", metaAction{name: "status", timeout: "30s"}),
		},
		args: []string{"configfile"},
		check: func(c *request) error {
			if c.str("testconffile") != "" {
				return badSpec("testconffile is not supported: give testurl and testregex10")
			}
			for _, n := range []string{"testregex", "testregex10"} {
				if _, err := regexp.Compile("(?is)" + c.str(n)); err != nil {
					return badSpec("%s=%q: %v", n, c.str(n), err)
				}
			}
			return nil
		},
		actions: map[string]action{
			"start": apacheStart, "stop": apacheStop, "monitor": apacheMonitor,
			"validate-all": func(ctx context.Context, c *request) error {
				s, err := findApache(ctx, c)
				if err == nil {
					_, err = s.run(ctx, c, "-t")
				}
				return err
			},
		},
	}
}

// apacheServer is one server as configured and found on this node.
type apacheServer struct {
	program, file string
	env           []string
	conf          httpdConf
}

// findApache looks for program and configuration and reads the latter.
func findApache(ctx context.Context, c *request) (*apacheServer, error) {
	s := &apacheServer{file: c.str("configfile")}
	if _, err := os.Stat(s.file); err != nil && c.Params["configfile"] == "" {
		s.file = "/etc/httpd/conf/httpd.conf"
	}
	if _, err := os.Stat(s.file); err != nil {
		return nil, notInstalled("configfile: %v", err)
	}
	var err error
	if s.program, err = program(c.str("httpd")); err != nil {
		if c.Params["httpd"] != "" {
			return nil, err
		}
		if s.program, err = exec.LookPath("apache2"); err != nil {
			return nil, notInstalled("neither %s nor apache2 is installed on this node", c.str("httpd"))
		}
	}
	if s.env, err = shellEnv(ctx, c, strings.Fields(c.str("envfiles"))); err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for _, kv := range s.env {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	if s.conf, err = readHTTPD(s.file, vars); err != nil {
		return nil, &specError{rc: ocfErrConfigured, msg: fmt.Sprintf("configuration: %v", err)}
	}
	return s, nil
}

// shellEnv is the environment that shell files leave behind.
func shellEnv(ctx context.Context, c *request, files []string) ([]string, error) {
	script := ""
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			script += ". " + shellQuote(f) + "\n"
		}
	}
	if script == "" {
		return os.Environ(), nil
	}
	out, err := c.command(ctx, "sh", "-c", "set -a\n"+script+"env -0")
	if err != nil {
		return nil, fmt.Errorf("envfiles: %w", err)
	}
	return strings.FieldsFunc(out, func(r rune) bool { return r == 0 }), nil
}

// run runs the server's program with its configuration.
func (s *apacheServer) run(ctx context.Context, c *request, args ...string) (string, error) {
	all := append([]string{s.program, "-f", s.file}, args...)
	shown := strings.TrimSpace(strings.Join(all, " ") + " " + c.str("options"))
	all = append([]string{"sh", "-c", `exec "$@" ` + c.str("options"), "sh"}, all...)
	return c.invoke(ctx, invocation{args: all, env: s.env, shown: shown})
}

func apacheStart(ctx context.Context, c *request) error {
	s, err := findApache(ctx, c)
	if err != nil {
		return err
	}
	if pid, err := pidOf(s.conf.pidFile); err != nil || pid > 0 {
		return err
	}
	if err := makeDir(s.conf.pidFile, ""); err != nil {
		return err
	}
	for _, kv := range s.env { // Debian's configuration wants it to exist
		if dir, ok := strings.CutPrefix(kv, "APACHE_RUN_DIR="); ok && dir != "" {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
	}
	if _, err := s.run(ctx, c, "-k", "start"); err != nil {
		return err
	}
	var last error
	ok := until(ctx, c.opTimeout(40*time.Second)-time.Second, 30*time.Millisecond, func() bool {
		last = s.ask(ctx, c)
		return last == nil
	})
	if !ok {
		if last == errNotRunning {
			last = errors.New("it runs no more, see its error log")
		}
		return fmt.Errorf("the web server was started, but does not answer: %w", last)
	}
	return nil
}

func apacheStop(ctx context.Context, c *request) error {
	s, err := findApache(ctx, c)
	if err != nil {
		if se := (*specError)(nil); errors.As(err, &se) && se.rc == ocfErrInstalled {
			return nil // where it is not installed it does not run
		}
		return err
	}
	pid, err := pidOf(s.conf.pidFile)
	if err != nil {
		return err
	}
	if pid > 0 {
		if err := endProcess(ctx, c, pid, c.stopPatience(60*time.Second)); err != nil {
			return err
		}
	}
	// Children that survive a killed parent hold its port.
	text, _ := os.ReadFile(s.conf.pidFile) // without one there is nobody to look for
	if group, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && group > 1 {
		s.killGroup(ctx, group)
	}
	if err := os.Remove(s.conf.pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// killGroup kills what is left of a process group that runs this server's program,
// and waits until it is gone.
func (s *apacheServer) killGroup(ctx context.Context, group int) {
	members := func() (out []int) {
		exe, err := filepath.EvalSymlinks(s.program)
		if err != nil {
			return nil
		}
		procs, _ := filepath.Glob("/proc/[0-9]*")
		for _, p := range procs {
			pid, err := strconv.Atoi(filepath.Base(p))
			if err != nil {
				continue
			}
			if g, err := unix.Getpgid(pid); err != nil || g != group {
				continue
			}
			if f, err := os.Readlink(p + "/exe"); err == nil && strings.TrimSuffix(f, " (deleted)") == exe {
				out = append(out, pid)
			}
		}
		return out
	}
	until(ctx, 5*time.Second, 20*time.Millisecond, func() bool {
		left := members()
		for _, pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL) // gone already is as good
		}
		return len(left) == 0
	})
}

func apacheMonitor(ctx context.Context, c *request) error {
	s, err := findApache(ctx, c)
	if err != nil {
		if se := (*specError)(nil); errors.As(err, &se) && se.rc == ocfErrInstalled && c.isProbe() {
			return errNotRunning
		}
		return err
	}
	if err := s.ask(ctx, c); err != nil {
		return err
	}
	if c.CheckLevel < 10 {
		return nil
	}
	if c.str("testurl") == "" && c.str("testregex10") == "" {
		return badSpec("a monitor of level 10 needs testurl and testregex10")
	}
	return s.get(ctx, c, s.url(c, cmp.Or(c.str("testurl"), "/")), c.str("testregex10"))
}

// url completes a path to a URL of this server.
func (s *apacheServer) url(c *request, path string) string {
	if strings.Contains(path, "://") {
		return path
	}
	at := s.conf.address(c.yes("use_ipv6"))
	if p := c.num("port"); p > 0 {
		at = fmt.Sprintf("127.0.0.1:%d", p)
		if c.yes("use_ipv6") {
			at = fmt.Sprintf("[::1]:%d", p)
		}
	}
	return "http://" + at + path
}

// ask tells whether the server runs and answers.
func (s *apacheServer) ask(ctx context.Context, c *request) error {
	pid, err := pidOf(s.conf.pidFile)
	if err != nil {
		return err
	}
	if pid == 0 {
		return errNotRunning
	}
	switch {
	case c.str("statusurl") != "":
		return s.get(ctx, c, s.url(c, c.str("statusurl")), c.str("testregex"))
	case s.conf.status:
		return s.get(ctx, c, s.url(c, "/server-status"), c.str("testregex"))
	case len(s.conf.listen) == 0 && c.num("port") == 0:
		return nil // nothing is known to ask
	}
	return s.get(ctx, c, s.url(c, "/"), "")
}

// get asks for a page; without a pattern any answer will do.
func (s *apacheServer) get(ctx context.Context, c *request, url, pattern string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return badSpec("%v", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the web server runs but does not answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if pattern == "" {
		return nil
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	if !regexp.MustCompile("(?is)" + pattern).Match(body) { // checked before
		return fmt.Errorf("%s does not match %q", url, pattern)
	}
	return nil
}
