package agents

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// httpdConf is what the agent has to know of a configuration of Apache.
type httpdConf struct {
	root, pidFile string
	// listen are the ports, in the order of the files.
	listen []string
	// status tells that the module of server-status is configured.
	status bool
}

// maxIncludes bounds files that include each other.
const maxIncludes = 500

// readHTTPD reads a configuration with the files it includes; variables come from
// env. Sections are read whether they apply or not, but for the directives
// wanted here nobody hides them in one.
func readHTTPD(file string, env map[string]string) (httpdConf, error) {
	var c httpdConf
	n := 0
	var read func(file string) error
	read = func(file string) error {
		if n++; n > maxIncludes {
			return fmt.Errorf("%s: more than %d files are included", file, maxIncludes)
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			w := strings.Fields(sc.Text())
			if len(w) < 2 || strings.HasPrefix(w[0], "#") {
				continue
			}
			value := expand(strings.Trim(strings.Join(w[1:], " "), `"'`), env)
			switch strings.ToLower(w[0]) {
			case "define":
				if len(w) > 2 {
					env[w[1]] = expand(w[2], env)
				}
			case "serverroot":
				c.root = value
			case "pidfile":
				c.pidFile = value
			case "listen":
				c.listen = append(c.listen, strings.Fields(value)[0])
			case "sethandler":
				c.status = c.status || value == "server-status"
			case "include", "includeoptional":
				list, err := filepath.Glob(c.path(value))
				if err != nil {
					return fmt.Errorf("%s: Include %s: %w", file, value, err)
				}
				for _, x := range list {
					if st, err := os.Stat(x); err == nil && !st.IsDir() {
						if err := read(x); err != nil {
							return err
						}
					}
				}
			}
		}
		return sc.Err()
	}
	c.root = filepath.Dir(file)
	err := read(file)
	if c.pidFile == "" {
		c.pidFile = "logs/httpd.pid"
	}
	c.pidFile = c.path(c.pidFile)
	return c, err
}

// path makes a relative path one below the server's root.
func (c *httpdConf) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.root, p)
}

// expand replaces ${NAME} by variables that are known; others stay.
func expand(s string, env map[string]string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		j := strings.IndexByte(s[max(i, 0):], '}')
		if i < 0 || j < 0 {
			return b.String() + s
		}
		j += i
		b.WriteString(s[:i])
		if v, ok := env[s[i+2:j]]; ok {
			b.WriteString(v)
		} else {
			b.WriteString(s[i : j+1])
		}
		s = s[j+1:]
	}
}

// address is the first address to which the server listens, as a client on this
// machine reaches it.
func (c *httpdConf) address(v6 bool) string {
	if len(c.listen) == 0 {
		return ""
	}
	l := c.listen[0]
	local := "127.0.0.1"
	if v6 {
		local = "[::1]"
	}
	i := strings.LastIndexByte(l, ':')
	if i < 0 {
		return local + ":" + l
	}
	switch host := l[:i]; host {
	case "*", "0.0.0.0", "[::]", "":
		return local + l[i:]
	default:
		return host + l[i:]
	}
}
