package lrm

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/quorate/quorate/agents"
)

// inNamespace tells the test process that the network is its own.
const inNamespace = "QLRM_NAMESPACE"

// TestMain runs the tests in a network namespace of their own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "ocf" {
		os.Exit(agents.Main(os.Args[2:], os.Environ(), os.Stdout, os.Stderr))
	}
	if os.Getenv(inNamespace) != "" {
		os.Exit(m.Run())
	}
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Env = append(os.Environ(), inNamespace+"=1")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err := c.Run()
	if c.ProcessState == nil {
		fmt.Fprintf(os.Stderr, "no network namespace can be made (%v): the tests that need one are SKIPPED\n", err)
		os.Exit(m.Run())
	}
	os.Exit(c.ProcessState.ExitCode())
}

// needNetwork skips a test without a network of its own.
func needNetwork(t *testing.T) {
	t.Helper()
	if os.Getenv(inNamespace) == "" {
		t.Skip("SKIPPED: this test changes addresses and no network namespace could be made")
	}
}
