package ocftest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"
	"syscall"
	"time"
)

// Return codes of OCF that the tests look for.
const (
	success       = 0
	unimplemented = 3
	notInstalled  = 5
	notRunning    = 7
)

// tester is one test of one agent.
type tester struct {
	out, err       io.Writer
	agent, name    string
	env            []string
	verbose, quiet bool
	// hidden hides the agent's output even from -v: it comes again.
	hidden   bool
	failures int
}

// aborted ends the tests from any depth.
type aborted struct{}

// say shows a step.
func (t *tester) say(format string, args ...any) {
	if t.verbose {
		fmt.Fprintf(t.out, format+"\n", args...)
	}
}

// note shows something that is no failure.
func (t *tester) note(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintf(t.out, "* "+format+"\n", args...)
	}
}

// fail counts and shows what is wrong.
func (t *tester) fail(rc int, what string) {
	t.failures++
	fmt.Fprintf(t.out, "* rc=%d: %s\n", rc, what)
}

// abort is fail, after which no further test would tell anything.
func (t *tester) abort(rc int, what string) {
	t.fail(rc, what)
	fmt.Fprintln(t.out, "Aborting tests")
	panic(aborted{})
}

// Surroundings of a call besides the usual ones.
const (
	noBinaries = "OCF_TESTER_FAIL_HAVE_BINARY=1"
	probe      = "OCF_RESKEY_CRM_meta_interval=0"
)

// call calls the agent and returns its code. What it says on its standard error is
// shown when it was not to say no, or with -v.
func (t *tester) call(action string, more ...string) (rc int, output string) {
	return t.callAs(nil, action, more...)
}

func (t *tester) callAs(who *syscall.Credential, action string, more ...string) (rc int, output string) {
	c := exec.Command(t.agent, action)
	c.Env = append(append(t.env[:len(t.env):len(t.env)], "OCF_RESKEY_CRM_meta_interval=10000", "__OCF_ACTION="+action), more...)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	c.WaitDelay = time.Second
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if t.verbose && !t.hidden {
		_, _ = io.Copy(t.out, bytes.NewReader(out.Bytes()))
	}
	var xe *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
	case errors.As(err, &xe):
		if rc = xe.ExitCode(); rc < 0 {
			rc = 128
			if ws, ok := xe.Sys().(syscall.WaitStatus); ok {
				rc += int(ws.Signal())
			}
		}
	default:
		if rc = 127; errors.Is(err, fs.ErrPermission) {
			rc = 126
		}
		fmt.Fprintf(&said, "%s: %v\n", t.agent, err)
	}
	if t.verbose || rc != success && rc != unimplemented && rc != notRunning {
		_, _ = io.Copy(t.err, &said)
	}
	return rc, out.String()
}

// must calls an action that has to return one of some codes.
func (t *tester) must(action, otherwise string, codes []int, more ...string) {
	t.say("Testing: %s", action)
	rc, _ := t.call(action, more...)
	for _, c := range codes {
		if rc == c {
			return
		}
	}
	t.fail(rc, otherwise)
}

var (
	ok      = []int{success}
	stopped = []int{notRunning}
)

// running and down are what a monitor has to say.
func (t *tester) running() { t.must("monitor", "Monitoring an active resource should return 0", ok) }
func (t *tester) down()    { t.must("monitor", "Monitoring a stopped resource should return 7", stopped) }

// needed calls an action without whose success nothing else can be tested.
func (t *tester) needed(action, otherwise string) {
	if rc, _ := t.call(action); rc != success {
		t.abort(rc, otherwise)
	}
}

// run carries all tests out.
func (t *tester) run() (code int) {
	if !t.quiet {
		fmt.Fprintf(t.out, "Beginning tests for %s...\n", t.agent)
	}
	defer func() {
		if p := recover(); p != nil {
			if _, is := p.(aborted); !is {
				panic(p)
			}
			code = 1
		}
	}()
	t.description()
	t.life()
	t.repetition()
	t.others()
	if t.failures > 0 {
		fmt.Fprintf(t.err, "Tests failed: %s failed %d tests\n", t.agent, t.failures)
		return 1
	}
	fmt.Fprintf(t.out, "%s passed all tests\n", t.agent)
	return 0
}

// description tests what needs no resource.
func (t *tester) description() {
	t.say("Testing permissions with uid nobody")
	t.hidden = true
	if who := nobody(); who != nil {
		if rc, _ := t.callAs(who, "meta-data"); rc != success {
			t.fail(rc, "Your agent has too restrictive permissions: should be 755")
		}
	} else {
		fmt.Fprintln(t.err, "ocf-tester: only root can test what others may do with the agent; left out")
	}
	t.say("Testing: meta-data")
	_, text := t.call("meta-data")
	t.hidden = false
	if err := CheckMetaData(text); err != nil {
		fmt.Fprintln(t.err, err)
		rc := 4
		if errors.Is(err, ErrNotXML) {
			rc = 1
		}
		t.fail(rc, "Your agent produces meta-data which does not conform to ra-api-1.dtd")
	}
	t.must("meta-data", "The meta-data action cannot fail and must return 0", ok, noBinaries)
	t.say("Testing: validate-all")
	switch rc, _ := t.call("validate-all"); rc {
	case success:
	case unimplemented:
		t.fail(rc, "Your agent does not support the validate-all action")
	default:
		t.abort(rc, "Validation failed.  Did you supply enough options with -o ?")
	}
}

// nobody is who has no rights, nil where this process cannot become another.
func nobody() *syscall.Credential {
	u, err := osuser.Lookup("nobody")
	if err != nil || os.Getuid() != 0 {
		return nil
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// life tests one start and stop, with the roles in between.
func (t *tester) life() {
	t.say("Checking current state")
	switch rc, _ := t.call("monitor"); rc {
	case notRunning:
	case unimplemented:
		t.abort(rc, "Your agent does not support the monitor action")
	default:
		t.needed("stop", "Your agent was active and could not be stopped")
	}
	t.down()
	t.must("monitor", "The initial probe for a stopped resource should return 7 or 5 even if all binaries are missing",
		[]int{notRunning, notInstalled}, noBinaries, probe)
	t.say("Testing: start")
	t.needed("start", "Start failed.  Did you supply enough options with -o ?")
	t.running()
	t.must("monitor", "Probing an active resource should return 0", ok, probe)
	t.say("Testing: notify")
	switch rc, _ := t.call("notify"); rc {
	case success:
	case unimplemented:
		t.note("Your agent does not support the notify action (optional)")
	default:
		t.fail(rc, "The notify action cannot fail and must return 0")
	}
	t.roles()
	t.say("Testing: stop")
	t.needed("stop", "Stop failed")
	t.down()
}

// roles tests promotion and demotion, of agents that have them.
func (t *tester) roles() {
	has := map[string]bool{}
	for _, a := range []string{"demote", "promote"} {
		t.say("Checking for %s action", a)
		rc, _ := t.call(a)
		if has[a] = rc != unimplemented; !has[a] {
			t.note("Your agent does not support the %s action (optional)", a)
		}
	}
	if !has["demote"] && !has["promote"] {
		t.note("Your agent does not support promotable clones (optional)")
		return
	}
	if !has["demote"] || !has["promote"] {
		t.failures++
		fmt.Fprintln(t.out, "* Your agent partially supports promotable clones")
		return
	}
	again := func(step, action, otherwise string) {
		t.say("Testing: %s", step)
		if rc, _ := t.call(action); rc != success {
			t.fail(rc, otherwise)
		}
	}
	again("demotion of started resource", "demote", "Demoting a start resource should not fail")
	again("promote", "promote", "Promote failed")
	t.say("Testing: demote")
	t.needed("demote", "Demote failed")
	again("demotion of demoted resource", "demote", "Demoting a demoted resource should not fail")
	t.say("Promoting resource")
	t.needed("promote", "Promote failed")
	again("promotion of promoted resource", "promote", "Promoting a promoted resource should not fail")
	t.say("Demoting resource")
	t.needed("demote", "Demote failed")
}

// repetition tests that nothing depends on what was there before.
func (t *tester) repetition() {
	t.say("Restarting resource...")
	t.needed("start", "Start failed")
	t.running()
	t.say("Testing: starting a started resource")
	if rc, _ := t.call("start"); rc != success {
		t.fail(rc, "Starting a running resource is required to succeed")
	}
	t.running()
	t.say("Stopping resource")
	t.needed("stop", "Stop could not clean up after multiple starts")
	t.down()
	t.say("Testing: stopping a stopped resource")
	if rc, _ := t.call("stop"); rc != success {
		t.fail(rc, "Stopping a stopped resource is required to succeed")
	}
	t.down()
}

// others looks for actions that an agent need not have.
func (t *tester) others() {
	t.say("Checking for migrate_to action")
	if rc, _ := t.call("migrate_to"); rc != unimplemented {
		t.say("Checking for migrate_from action")
		if rc, _ := t.call("migrate_from"); rc == unimplemented {
			t.note("Your agent does not support the migrate action (optional)")
		}
	}
	t.say("Checking for reload action")
	if rc, _ := t.call("reload"); rc == unimplemented {
		t.note("Your agent does not support the reload action (optional)")
	}
}
