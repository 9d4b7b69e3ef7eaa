package logd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/halog"
)

// config is logd.cf.
type config struct {
	entity string
	log    hacf.Log
}

// readConfig reads logd.cf; without one the defaults hold.
func readConfig(path string) (*config, error) {
	no := false
	c := &config{entity: "logd", log: hacf.Log{File: "/var/log/ha-log", DebugFile: "/var/log/ha-debug", Facility: "daemon", UseLogd: &no}}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path == defaultConfig:
		return c, nil
	case err != nil:
		return nil, cli.Exitf(1, "ha_logd: %w", err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		fail := func(format string, a ...any) error {
			return cli.Exitf(1, "%s:%d: %s", path, i+1, fmt.Sprintf(format, a...))
		}
		if len(w) != 2 {
			return nil, fail("[%s] is not a directive and its value", strings.TrimSpace(line))
		}
		switch w[0] {
		case "logfile", "debugfile":
			if !strings.HasPrefix(w[1], "/") {
				return nil, fail("%s [%s] is not an absolute path", w[0], w[1])
			}
			if w[0] == "logfile" {
				c.log.File = w[1]
			} else {
				c.log.DebugFile = w[1]
			}
		case "logfacility":
			name := strings.ToLower(w[1])
			if _, known := halog.Facilities[name]; !known && name != "none" {
				return nil, fail("Log facility(%s) not valid", w[1])
			}
			c.log.Facility = name
		case "entity":
			c.entity = w[1]
		case "syslogmsgfmt":
			v := strings.ToLower(w[1])
			c.log.SyslogFormat = v == "true" || v == "on" || v == "yes" || v == "y" || v == "1"
		case "useapphbd", "sendqlen", "recvqlen", "syslogprefix": // mechanisms that this program does not have
		default:
			return nil, fail("Illegal directive [%s]", w[0])
		}
	}
	return c, nil
}
