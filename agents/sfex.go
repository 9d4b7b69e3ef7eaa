package agents

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quorate/quorate/pkg/realtime"
)

// holdAction is the action by which a start leaves the renewing of its lock to a
// process of its own.
const holdAction = "hold"

// newSfex makes the agent of a lock on a shared disk: what follows in its group
// runs on one node only, even where the nodes do not hear each other.
func newSfex() *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: "sfex", shortdesc: "Keeps a lock on a shared disk",
			longdesc: "Takes a lock on a disk that all nodes see, and renews it until it is stopped: while one node renews it, it cannot be started on another. It is made for the beginning of a group with a filesystem. The disk is prepared by sfex_init once.",
			params: []metaParam{
				{name: "device", typ: "string", required: true, shortdesc: "Block device that holds the locks"},
				{name: "index", typ: "integer", def: "1", shortdesc: "Number of the lock on the device, 1 the first"},
				{name: "collision_timeout", typ: "integer", def: "1", shortdesc: "Seconds to wait for others that take the lock", longdesc: "Seconds after which a lock that was written is read again: longer than a write to the disk ever takes."},
				{name: "monitor_interval", typ: "integer", def: "10", shortdesc: "Seconds between renewals"},
				{name: "lock_timeout", typ: "integer", def: "100", shortdesc: "Seconds without renewal after which a lock is free", longdesc: "Seconds without renewal after which a lock is free. All nodes have to have the same value, longer than several renewals and than a disk may hang."},
			},
			actions: usualActions("120s", "20s", "10s", "10s"),
		},
		check: func(c *request) error {
			switch {
			case c.num("index") < 1:
				return badSpec("index=%d: the first lock is 1", c.num("index"))
			case c.num("monitor_interval") < 1:
				return badSpec("monitor_interval has to be a second at least")
			case c.num("lock_timeout") <= c.num("monitor_interval"):
				return badSpec("lock_timeout=%d has to be longer than monitor_interval=%d", c.num("lock_timeout"), c.num("monitor_interval"))
			}
			return nil
		},
		actions: map[string]action{
			"start": sfexStart, "stop": sfexStop, "monitor": sfexMonitor, holdAction: sfexHold,
			"validate-all": func(_ context.Context, c *request) error {
				d, err := openLockDisk(c.str("device"))
				if err == nil {
					_, err = d.get(c.num("index"))
					d.close()
				}
				return err
			},
		},
	}
}

// nodeName is who this node is on the disk.
var nodeName = os.Hostname

// bootID tells one life of this node from the next.
func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// sfexFile holds the taking and the process that renews it: NONCE PID.
func sfexFile(c *request) string { return stateFileIn(c, "sfex") }

// mine reads what this node knows of its lock.
func (c *request) mine() (nonce uint64, pid int, err error) {
	text, _, err := readState(sfexFile(c))
	if err != nil {
		return 0, 0, err
	}
	_, _ = fmt.Sscan(text, &nonce, &pid) // an empty or foreign file says nothing
	return nonce, pid, nil
}

// holderRuns tells whether the process that renews runs.
func holderRuns(c *request, pid int) bool {
	if pid <= 1 {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasSuffix(string(b), "\x00sfex\x00"+holdAction+"\x00") && !isZombie(pid)
}

func sfexStart(ctx context.Context, c *request) error {
	if err := sfexMonitor(ctx, c); err == nil {
		return nil
	}
	me, err := nodeName()
	if err != nil {
		return err
	}
	d, err := openLockDisk(c.str("device"))
	if err != nil {
		return err
	}
	defer d.close()
	index := c.num("index")
	now, err := d.get(index)
	if err != nil {
		return err
	}
	// What this node took before it was started again, or before the process that
	// renewed ended, needs no waiting.
	if now.locked && now.owner != me {
		if now, err = sfexWait(ctx, c, d, now); err != nil {
			return err
		}
	}
	own := lockState{locked: true, owner: me, boot: bootID(), nonce: rand.Uint64(), count: now.count + 1}
	if err := d.put(index, own); err != nil {
		return err
	}
	// Another node may have read the lock before this one wrote it, and have written
	// it afterwards: the last one has it.
	if err := sleep(ctx, time.Duration(c.num("collision_timeout"))*time.Second); err != nil {
		return err
	}
	now, err = d.get(index)
	if err != nil {
		return err
	}
	if now.nonce != own.nonce {
		return fmt.Errorf("%s took lock %d of %s at the same time", now.owner, index, c.str("device"))
	}
	own.count++
	if err := d.put(index, own); err != nil {
		return err
	}
	pid, err := c.detachHolder(own.nonce)
	if err != nil {
		return err
	}
	c.info("lock %d of %s is taken; process %d renews it", index, c.str("device"), pid)
	return nil
}

// sfexWait waits until a lock has not been renewed for lock_timeout.
func sfexWait(ctx context.Context, c *request, d *lockDisk, old lockState) (lockState, error) {
	c.info("%s has lock %d of %s; waiting whether it renews it", old.owner, c.num("index"), c.str("device"))
	end := time.Now().Add(time.Duration(c.num("lock_timeout")) * time.Second)
	for {
		if err := sleep(ctx, min(time.Second, time.Until(end))); err != nil {
			return old, fmt.Errorf("%s has the lock, and whether it renews it is not known yet: %w; the timeout of the start has to be longer than lock_timeout", old.owner, err)
		}
		now, err := d.get(c.num("index"))
		switch {
		case err != nil:
			return now, err
		case !now.locked:
			return now, nil
		case now.nonce != old.nonce || now.count != old.count:
			return now, fmt.Errorf("%s has lock %d of %s and renews it", now.owner, c.num("index"), c.str("device"))
		case !time.Now().Before(end):
			c.info("%s has not renewed its lock for %d s", now.owner, c.num("lock_timeout"))
			return now, nil
		}
	}
}

// detachHolder starts the process that renews the lock.
func (c *request) detachHolder(nonce uint64) (int, error) {
	if err := writeState(sfexFile(c), fmt.Sprintln(nonce, 0)); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, "ocf", "quorate", "sfex", holdAction)
	cmd.Env = []string{"OCF_RESOURCE_INSTANCE=" + c.Instance, "HA_RSCTMP=" + c.runDir(), "PATH=" + os.Getenv("PATH")}
	for _, n := range []string{"device", "index", "monitor_interval", "lock_timeout"} {
		cmd.Env = append(cmd.Env, "OCF_RESKEY_"+n+"="+c.str(n))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := realtime.Start(cmd); err != nil {
		return 0, err
	}
	pid := cmd.Process.Pid
	if err := writeState(sfexFile(c), fmt.Sprintln(nonce, pid)); err != nil {
		_ = cmd.Process.Kill()
		return 0, err
	}
	return pid, cmd.Process.Release()
}

// errLost indicates that somebody else has the lock.
var errLost = errors.New("the lock was taken by somebody else")

// sfexHold renews the lock until it is told to end, or has lost it.
func sfexHold(ctx context.Context, c *request) error {
	d, err := openLockDisk(c.str("device"))
	if err != nil {
		return err
	}
	defer d.close()
	nonce, _, err := c.mine()
	if err != nil {
		return err
	}
	interval := time.Duration(c.num("monitor_interval")) * time.Second
	for last := time.Now(); ; last = time.Now() {
		now, err := d.get(c.num("index"))
		if err != nil {
			return err
		}
		if !now.locked || now.nonce != nonce {
			return errLost
		}
		// One that slept for too long may not write over who took the lock since.
		if time.Since(last) > time.Duration(c.num("lock_timeout"))*time.Second/2 {
			return errors.New("the lock was read too late to be renewed")
		}
		now.count++
		if err := d.put(c.num("index"), now); err != nil {
			return err
		}
		if sleep(ctx, interval) != nil {
			return nil
		}
	}
}

func sfexMonitor(_ context.Context, c *request) error {
	nonce, pid, err := c.mine()
	if err != nil {
		return err
	}
	if nonce == 0 {
		return errNotRunning
	}
	d, err := openLockDisk(c.str("device"))
	if err != nil {
		return err
	}
	defer d.close()
	now, err := d.get(c.num("index"))
	switch {
	case err != nil:
		return err
	case !now.locked || now.nonce != nonce:
		return fmt.Errorf("lock %d of %s was lost to %s", c.num("index"), c.str("device"), strconv.Quote(now.owner))
	case !holderRuns(c, pid):
		return fmt.Errorf("the process that renews lock %d of %s has ended", c.num("index"), c.str("device"))
	}
	return nil
}

func sfexStop(ctx context.Context, c *request) error {
	nonce, pid, err := c.mine()
	if err != nil || nonce == 0 {
		return err
	}
	if holderRuns(c, pid) {
		if err := endProcess(ctx, c, pid, 5*time.Second); err != nil {
			return err
		}
	}
	d, err := openLockDisk(c.str("device"))
	if err != nil {
		return err
	}
	defer d.close()
	now, err := d.get(c.num("index"))
	if err != nil {
		return err
	}
	if now.locked && now.nonce == nonce {
		now.locked = false
		if err := d.put(c.num("index"), now); err != nil {
			return err
		}
	}
	return dropState(sfexFile(c))
}
