package lrm

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/quorate/quorate/agents"
)

// agentPath is PATH for agents; nothing of the daemon's own environment is passed on.
const agentPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// checkLevel is the operation attribute passed on as a variable of its own.
const checkLevel = "OCF_CHECK_LEVEL"

// params returns what an agent gets as parameters: those of the operation and
// the CRM_meta_* entries the executor knows better.
func (l *LRM) params(op *Op) map[string]string {
	p := make(map[string]string, len(op.Params)+5)
	for k, v := range op.Params {
		if strings.HasPrefix(k, "CRM_meta_") {
			k = strings.ReplaceAll(k, "-", "_")
		}
		if k != checkLevel {
			p[k] = v
		}
	}
	p["crm_feature_set"] = l.cfg.FeatureSet
	p["CRM_meta_interval"] = fmt.Sprint(op.Interval.Milliseconds())
	if op.Timeout > 0 {
		p["CRM_meta_timeout"] = fmt.Sprint(op.Timeout.Milliseconds())
	}
	if p["CRM_meta_name"] == "" {
		p["CRM_meta_name"] = op.Name
	}
	if l.cfg.Self != "" && p["CRM_meta_on_node"] == "" {
		p["CRM_meta_on_node"] = l.cfg.Self
	}
	return p
}

// levelOf returns OCF_CHECK_LEVEL of the operation, "" when it has none.
func levelOf(op *Op) string {
	if v := op.Params[checkLevel]; v != "" {
		return v
	}
	return op.Params["CRM_meta_"+checkLevel]
}

// environ returns the whole environment of a script.
func (l *LRM) environ(op *Op) []string {
	path := agentPath
	if l.cfg.ToolsDir != "" {
		path = l.cfg.ToolsDir + ":" + path
	}
	env := []string{
		"PATH=" + path,
		"HA_RSCTMP=" + l.cfg.RunDir,
		"HA_debug=0", "HA_LOGFACILITY=" + l.cfg.LogFacility, "HA_logfacility=" + l.cfg.LogFacility,
		"PCMK_logfacility=" + l.cfg.LogFacility, "PCMK_service=pacemaker-execd",
	}
	if l.cfg.ToolsDir != "" {
		env = append(env, "HA_SBIN_DIR="+l.cfg.ToolsDir)
	}
	if op.Class == "ocf" {
		env = append(env,
			"OCF_ROOT="+l.cfg.OCFRoot,
			"OCF_RA_VERSION_MAJOR=1", "OCF_RA_VERSION_MINOR=1",
			"OCF_RESOURCE_INSTANCE="+op.Resource,
			"OCF_RESOURCE_CLASS="+op.Class, "OCF_RESOURCE_PROVIDER="+op.Provider, "OCF_RESOURCE_TYPE="+op.Type,
			"OCF_EXIT_REASON_PREFIX="+agents.ExitReasonPrefix, "OCF_OUTPUT_FORMAT=text",
		)
		if lv := levelOf(op); lv != "" {
			env = append(env, checkLevel+"="+lv)
		}
		p := l.params(op)
		names := make([]string, 0, len(p))
		for n := range p {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			env = append(env, "OCF_RESKEY_"+n+"="+p[n])
		}
	}
	return append(env, l.cfg.ExtraEnv...)
}

// checkNames refuses names that could lead out of the agents' folders, and
// parameters that an environment cannot hold.
func checkNames(op *Op) error {
	for _, n := range []struct{ what, name string }{
		{"resource", op.Resource}, {"class", op.Class}, {"provider", op.Provider}, {"type", op.Type}, {"operation", op.Name},
	} {
		if n.what == "provider" && n.name == "" && op.Class != "ocf" {
			continue
		}
		if n.name == "" || strings.Contains(n.name, "..") || strings.ContainsFunc(n.name, func(r rune) bool { return r == '/' || r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%s %q: %w", n.what, n.name, ErrName)
		}
	}
	for k, v := range op.Params {
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.ContainsRune(v, 0) {
			return fmt.Errorf("parameter %q of %s cannot be passed to an agent: its name holds '=' or its value a NUL", k, op.Resource)
		}
	}
	return nil
}

// script returns the program of an operation's agent and its arguments.
func (l *LRM) script(op *Op) (file string, args []string, err error) {
	action := op.Name
	status := action
	if action == "monitor" {
		status = "status"
	}
	switch op.Class {
	case "ocf":
		file = filepath.Join(l.cfg.OCFRoot, "resource.d", op.Provider, op.Type)
		return file, []string{action}, executable(file)
	case "lsb":
		file = filepath.Join(l.cfg.LSBDir, op.Type)
		return file, []string{status}, executable(file)
	case "heartbeat":
		file = filepath.Join(l.cfg.HeartbeatDir, op.Type)
		if executable(file) != nil {
			if other := filepath.Join(l.cfg.LSBDir, op.Type); executable(other) == nil {
				file = other
			}
		}
		return file, append(positional(op.Params), status), executable(file)
	}
	return "", nil, fmt.Errorf("%s:%s: %w: %s", op.Class, op.Type, ErrClass, op.Class)
}

// positional returns the parameters "1", "2", … in order.
func positional(params map[string]string) []string {
	var args []string
	for i := 1; ; i++ {
		v, ok := params[fmt.Sprint(i)]
		if !ok {
			return args
		}
		args = append(args, v)
	}
}
