package agents

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// newDRBD makes the promotable agent of a replicated block device.
func newDRBD() *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: "drbd", shortdesc: "Manages a DRBD device as a promotable resource",
			longdesc: "Brings a DRBD resource up as secondary on every node of a clone, makes it primary where it is promoted, and sets promotion scores by what DRBD knows of the data.",
			params: []metaParam{
				{name: "drbd_resource", typ: "string", required: true, unique: true, shortdesc: "Name of the DRBD resource"},
				{name: "drbdconf", typ: "string", def: "/etc/drbd.conf", shortdesc: "Configuration file of DRBD"},
				{name: "adjust_master_score", typ: "string", def: "0 10 1000 10000", shortdesc: "Promotion scores", longdesc: "Four numbers that do not fall: the score with consistent data of unknown age; with good data on a peer only; with good local data while a peer is unknown; with good local data that is known to be the newest."},
				{name: "stop_outdates_secondary", typ: "boolean", def: "false", shortdesc: "Mark the data outdated on a stop", longdesc: "Whether the stop of a secondary marks its data as outdated while a peer is primary."},
				{name: "ignore_missing_notifications", typ: "boolean", def: "false", shortdesc: "Run without notifications", longdesc: "Accepted for compatibility: the agent needs no notifications."},
				{name: "wfc_timeout", typ: "integer", def: "5", shortdesc: "Seconds a start waits for peers"},
				{name: "remove_master_score_if_peer_primary", typ: "string", def: "false", shortdesc: "No score beside a primary", longdesc: "Whether a secondary has no promotion score while it is connected to a primary."},
				{name: "fail_promote_early_if_peer_primary", typ: "boolean", def: "false", shortdesc: "Fail at once beside a primary", longdesc: "Whether a promotion fails at once while it is connected to a primary."},
			},
			actions: []metaAction{
				{name: "start", timeout: "240s"}, {name: "stop", timeout: "100s"}, {name: "reload", timeout: "30s"},
				{name: "promote", timeout: "90s"}, {name: "demote", timeout: "90s"}, {name: "notify", timeout: "90s"},
				{name: "monitor", timeout: "20s", interval: "10s", role: "Promoted"}, {name: "monitor", timeout: "20s", interval: "20s", role: "Unpromoted"},
				{name: "validate-all", timeout: "20s"}, {name: "meta-data", timeout: "5s"},
			},
		},
		check: func(c *request) error {
			if r := c.str("drbd_resource"); strings.HasPrefix(r, "-") || strings.ContainsAny(r, "/ \t") {
				return badSpec("drbd_resource=%q is not the name of a DRBD resource", r)
			}
			_, err := drbdScores(c)
			return err
		},
		actions: map[string]action{
			"start": drbdStart, "stop": drbdStop, "promote": drbdPromote, "demote": drbdDemote, "monitor": drbdMonitor,
			"notify": func(ctx context.Context, c *request) error { _, _, err := drbdLook(ctx, c); return err },
			"reload": func(ctx context.Context, c *request) error { _, err := drbdadm(ctx, c, "adjust"); return err },
			"validate-all": func(ctx context.Context, c *request) error {
				_, err := drbdadm(ctx, c, "sh-dev")
				return err
			},
		},
	}
}

// drbdScores reads adjust_master_score.
func drbdScores(c *request) (out [4]string, err error) {
	w, last := strings.Fields(c.str("adjust_master_score")), -1
	if len(w) != 4 {
		return out, badSpec("adjust_master_score=%q is not four numbers", c.str("adjust_master_score"))
	}
	for i, x := range w {
		n, err := strconv.Atoi(x)
		if err != nil || n < last {
			return out, badSpec("adjust_master_score=%q is not four numbers that do not fall", c.str("adjust_master_score"))
		}
		if last = n; n > 0 {
			out[i] = x
		}
	}
	return out, nil
}

// drbdadm runs a command of the administrator's tool on the resource.
func drbdadm(ctx context.Context, c *request, args ...string) (string, error) {
	all := append([]string{"drbdadm", "-c", c.str("drbdconf")}, args...)
	return c.command(ctx, append(all, c.str("drbd_resource"))...)
}

// moduleDir is there while the kernel has DRBD.
var moduleDir = "/sys/module/drbd"

// Codes of drbdsetup: not known, and no module.
const (
	drbdUnknown  = 10
	drbdNoModule = 20
)

// noDRBD tells whether a command failed because the kernel has no DRBD loaded:
// nothing is configured then.
func noDRBD(err error) bool {
	_, gone := os.Stat(moduleDir)
	return exitCode(err) == drbdNoModule && gone != nil
}

// drbdLook asks DRBD for the state and sets the promotion score accordingly; up
// is false when the resource is not configured in the kernel.
func drbdLook(ctx context.Context, c *request) (s drbdState, up bool, err error) {
	out, err := c.command(ctx, "drbdsetup", "events2", "--now", c.str("drbd_resource"))
	if err != nil {
		if exitCode(err) == drbdUnknown || noDRBD(err) {
			err = nil
		}
		return s, false, err
	}
	s, up, err = parseDRBD(out, c.str("drbd_resource"))
	if err != nil || !up {
		return s, up, err
	}
	scores, err := drbdScores(c)
	score := ""
	if n := s.score(); n > 0 {
		score = scores[n-1]
	}
	if v := c.str("remove_master_score_if_peer_primary"); isTrue(v) && s.role != "Primary" && s.primaryPeer() {
		score = ""
	}
	c.promotionScore(score)
	return s, true, err
}

func drbdStart(ctx context.Context, c *request) error {
	_, up, err := drbdLook(ctx, c)
	if err != nil || up {
		return err
	}
	if _, err := drbdadm(ctx, c, "adjust"); err != nil {
		return err
	}
	var s drbdState
	connected := func() bool {
		s, up, err = drbdLook(ctx, c)
		for _, p := range s.peers {
			if p.connection != "Connected" {
				return err != nil
			}
		}
		return err != nil || up
	}
	until(ctx, time.Duration(c.num("wfc_timeout"))*time.Second, 50*time.Millisecond, connected)
	if err == nil && !up {
		err = fmt.Errorf("drbdadm adjust succeeded, but the kernel does not know %s", c.str("drbd_resource"))
	}
	return err
}

func drbdStop(ctx context.Context, c *request) error {
	if _, err := program("drbdsetup"); err != nil {
		return nil // where it is not installed it does not run
	}
	s, up, err := drbdLook(ctx, c)
	if err != nil || !up {
		return err
	}
	if s.role == "Primary" {
		if err := drbdDemote(ctx, c); err != nil {
			return err
		}
	} else if c.yes("stop_outdates_secondary") && s.primaryPeer() {
		if _, err := drbdadm(ctx, c, "disconnect"); err == nil {
			_, err = drbdadm(ctx, c, "outdate")
		}
		if err != nil {
			c.info("%v", err)
		}
	}
	if _, err := drbdadm(ctx, c, "down"); err != nil {
		return err
	}
	if _, up, err = drbdLook(ctx, c); err == nil && up {
		err = fmt.Errorf("drbdadm down succeeded, but the kernel knows %s still", c.str("drbd_resource"))
	}
	c.promotionScore("")
	return err
}

// drbdChange repeats a command that may fail for a while until the role is there.
func drbdChange(ctx context.Context, c *request, command, role string, give func(drbdState) error) error {
	var last error
	ok := until(ctx, c.opTimeout(90*time.Second)-5*time.Second, 100*time.Millisecond, func() bool {
		s, up, err := drbdLook(ctx, c)
		switch {
		case err != nil:
			last = err
			return false
		case !up:
			last = errNotRunning
			return true
		case s.role == role:
			last = nil
			return true
		}
		if give != nil {
			if last = give(s); last != nil {
				return true
			}
		}
		if _, last = drbdadm(ctx, c, command); last == nil {
			s, _, last = drbdLook(ctx, c)
			return last == nil && s.role == role
		}
		return false
	})
	if !ok && last == nil {
		last = fmt.Errorf("the role of %s has not become %s", c.str("drbd_resource"), role)
	}
	return last
}

func drbdPromote(ctx context.Context, c *request) error {
	return drbdChange(ctx, c, "primary", "Primary", func(s drbdState) error {
		if c.yes("fail_promote_early_if_peer_primary") && s.primaryPeer() {
			return fmt.Errorf("%s is primary on another node: it cannot be promoted here", c.str("drbd_resource"))
		}
		return nil
	})
}

func drbdDemote(ctx context.Context, c *request) error {
	return drbdChange(ctx, c, "secondary", "Secondary", nil)
}

func drbdMonitor(ctx context.Context, c *request) error {
	if _, err := program("drbdsetup"); err != nil && c.isProbe() {
		return errNotRunning
	}
	s, up, err := drbdLook(ctx, c)
	switch {
	case err != nil:
		return err
	case !up:
		return errNotRunning
	case s.role == "Primary":
		for _, d := range s.disks {
			if d == "Failed" {
				return fmt.Errorf("%s is primary, and its disk has failed", c.str("drbd_resource"))
			}
		}
		return errPromoted
	case s.role == "Secondary":
		return nil
	}
	return fmt.Errorf("DRBD calls the role of %s %s", c.str("drbd_resource"), s.role)
}

// newDRBDDisk makes the agent of v1 configurations: started is primary, stopped
// is secondary. DRBD itself is brought up by its init script.
func newDRBDDisk() *standard {
	role := func(ctx context.Context, c *request) (string, error) {
		out, err := c.command(ctx, "drbdadm", "role", c.str("resource"))
		role, _, _ := strings.Cut(strings.TrimSpace(out), "/")
		if err != nil && noDRBD(err) {
			return "Unconfigured", nil
		}
		return role, err
	}
	become := func(want string, tries int) action {
		return func(ctx context.Context, c *request) error {
			for try := 1; ; try++ {
				if now, err := role(ctx, c); err == nil && now == want {
					return nil
				} else if err == nil && now == "Unconfigured" && want == "Secondary" {
					return nil
				}
				_, err := c.command(ctx, "drbdadm", strings.ToLower(want), c.str("resource"))
				if err == nil {
					return nil
				}
				if try == tries || sleep(ctx, time.Second) != nil {
					return err
				}
			}
		}
	}
	return &standard{
		separate: true,
		meta: metaData{
			name: "drbddisk", shortdesc: "Makes a DRBD resource primary",
			longdesc: "Makes a DRBD resource, which the system has brought up, primary when started and secondary when stopped; for configurations in haresources. As a promotable resource use drbd.",
			params:   []metaParam{{name: "resource", typ: "string", required: true, unique: true, shortdesc: "Name of the DRBD resource, or all"}},
			actions:  usualActions("90s", "90s", "20s", "20s", metaAction{name: "status", timeout: "20s"}),
		},
		args: []string{"resource"},
		actions: map[string]action{
			"start": become("Primary", 6), "stop": become("Secondary", 3),
			"monitor": func(ctx context.Context, c *request) error {
				if _, err := program("drbdadm"); err != nil && c.isProbe() {
					return errNotRunning
				}
				now, err := role(ctx, c)
				if err != nil {
					return err
				}
				if now != "Primary" {
					return errNotRunning
				}
				return nil
			},
		},
	}
}
