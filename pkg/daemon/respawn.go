package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/quorate/quorate/pkg/realtime"
)

// noRespawn is the exit code with which a client says "do not start me again".
const noRespawn = 100

// A client that dies more than tooFastDeaths times in a row, each time within
// tooFastLife of its start, is given up.
const (
	tooFastDeaths = 10
	tooFastLife   = 30 * time.Second
)

// respawn runs one client of ha.cf until ctx ends, and starts it again when it
// ends with another code than noRespawn.
func respawn(ctx context.Context, log *slog.Logger, running *sync.Map, userName, path string, args []string, env []string) {
	name := strings.Join(append([]string{path}, args...), " ")
	for quick := 0; ctx.Err() == nil; {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Env = env
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
		cmd.WaitDelay = 5 * time.Second
		cred, err := credential(userName)
		if err != nil {
			log.Error(fmt.Sprintf("client %q is not started: %v", name, err))
			return
		}
		cmd.SysProcAttr.Credential = cred
		log.Info(fmt.Sprintf("Starting child client %q (%d,%d)", name, cred.Uid, cred.Gid))
		begun := time.Now()
		if err = realtime.Start(cmd); err == nil {
			running.Store(path, true)
			err = cmd.Wait()
			running.Delete(path)
		}
		if ctx.Err() != nil {
			return
		}
		var exit *exec.ExitError
		switch {
		case err == nil:
			log.Warn(fmt.Sprintf("Client %s exited with return code 0.", name))
		case errors.As(err, &exit) && exit.Exited():
			log.Warn(fmt.Sprintf("Client %s exited with return code %d.", name, exit.ExitCode()))
			if exit.ExitCode() == noRespawn {
				return
			}
		default:
			log.Warn(fmt.Sprintf("Client %s ended: %v", name, err))
		}
		if time.Since(begun) < tooFastLife {
			quick++
		} else {
			quick = 0
		}
		if quick > tooFastDeaths {
			log.Error(fmt.Sprintf("Client %s \"respawning too fast\": given up", name))
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
			log.Info(fmt.Sprintf("Respawning client %q:", name))
		}
	}
}

func credential(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
