package agents

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ScriptName tells whether a program was called as an OCF agent, by a path such as
// /usr/lib/ocf/resource.d/quorate/IPaddr2, and as which.
func ScriptName(arg0 string) (provider, typ string, ok bool) {
	dir, typ := filepath.Split(arg0)
	if dir = filepath.Clean(dir); filepath.Base(filepath.Dir(dir)) != "resource.d" {
		return "", "", false
	}
	provider = filepath.Base(dir)
	if _, known := Lookup("ocf", provider, typ); !known {
		provider = "quorate"
	}
	_, ok = Lookup("ocf", provider, typ)
	return provider, typ, ok
}

// Types returns the names of the built-in agents, sorted.
func Types() (out []string) {
	for _, s := range All() {
		if s.Class == "ocf" && s.Provider == "quorate" {
			out = append(out, s.Type)
		}
	}
	return out
}

// announceAction is the action by which a script-mode start leaves the rest of
// its announcements to a process of its own.
const announceAction = "announce"

// Main runs a built-in agent as an OCF script: args are PROVIDER TYPE ACTION, or
// TYPE ACTION for provider quorate; environ is the environment with OCF_RESKEY_*
// and the like. It returns the exit code.
func Main(args, environ []string, stdout, stderr io.Writer) int {
	if len(args) == 2 {
		args = append([]string{"quorate"}, args...)
	}
	if len(args) != 3 {
		fmt.Fprintln(stderr, "usage: quorate ocf [PROVIDER] TYPE ACTION; parameters are read from OCF_RESKEY_NAME in the environment")
		return ocfErrArgs
	}
	provider, typ, action := args[0], args[1], args[2]
	a, ok := Lookup("ocf", provider, typ)
	if !ok {
		fmt.Fprintf(stderr, "%sthere is no built-in agent ocf:%s:%s\n", ExitReasonPrefix, provider, typ)
		return ocfErrInstalled
	}
	env := Env{Instance: "default", Params: map[string]string{}, Stdout: stdout, Stderr: stderr}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "OCF_RESOURCE_INSTANCE":
			env.Instance = value
		case "HA_RSCTMP":
			env.RunDir = value
		case "OCF_CHECK_LEVEL":
			n, err := strconv.Atoi(value)
			if err != nil {
				return env.fail(ocfErrConfigured, "OCF_CHECK_LEVEL=%q is not a number", value)
			}
			env.CheckLevel = n
		default:
			if p, ok := strings.CutPrefix(name, "OCF_RESKEY_"); ok {
				env.Params[p] = value
			}
		}
	}
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer cancel()
	env.SetAttribute = func(name, value string) {
		if err := updateAttribute(ctx, name, value, ""); err != nil {
			env.info("%v", err)
		}
	}
	rc := a.Run(ctx, action, env)
	if action == "start" && anyUnderWay() {
		// This process ends now; another one repeats the announcements.
		if err := detach(provider, typ, environ); err != nil {
			env.info("announcing in the background: %v", err)
		}
	}
	return rc
}

func anyUnderWay() bool {
	running.Lock()
	defer running.Unlock()
	return len(running.m) > 0
}

// detach starts this program again, in a session of its own, for [announceAction].
func detach(provider, typ string, environ []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(self, "ocf", provider, typ, announceAction)
	c.Env = environ
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	return c.Process.Release()
}
