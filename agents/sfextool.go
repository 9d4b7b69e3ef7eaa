package agents

import (
	"flag"
	"fmt"
	"io"
)

// SfexInit is the command sfex_init: it prepares a device for the locks of the
// agent sfex. It returns an exit code.
func SfexInit(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("sfex_init", flag.ContinueOnError)
	f.SetOutput(stderr)
	n := f.Int("n", 1, "number of locks")
	if err := f.Parse(args); err != nil || f.NArg() != 1 {
		fmt.Fprintln(stderr, "usage: sfex_init [-n LOCKS] DEVICE; what DEVICE holds is destroyed")
		return 3
	}
	if err := initLockDisk(f.Arg(0), *n); err != nil {
		fmt.Fprintln(stderr, "sfex_init:", err)
		return 3
	}
	fmt.Fprintf(stdout, "%s is prepared for %d locks\n", f.Arg(0), *n)
	return 0
}

// SfexStat is the command sfex_stat: it shows a lock. It returns 0 when the lock
// is taken by this node, 2 when it is not, and 3 for an error.
func SfexStat(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("sfex_stat", flag.ContinueOnError)
	f.SetOutput(stderr)
	i := f.Int("i", 1, "number of the lock")
	if err := f.Parse(args); err != nil || f.NArg() != 1 {
		fmt.Fprintln(stderr, "usage: sfex_stat [-i INDEX] DEVICE")
		return 3
	}
	d, err := openLockDisk(f.Arg(0))
	if err != nil {
		fmt.Fprintln(stderr, "sfex_stat:", err)
		return 3
	}
	defer d.close()
	s, err := d.get(*i)
	if err != nil {
		fmt.Fprintln(stderr, "sfex_stat:", err)
		return 3
	}
	state := "unlock"
	if s.locked {
		state = "lock"
	}
	fmt.Fprintf(stdout, "locks:     %d\nindex:     %d\nstatus:    %s\ncount:     %d\nnode name: %s\n", d.locks, *i, state, s.count, s.owner)
	if me, err := nodeName(); err != nil || !s.locked || s.owner != me {
		return 2
	}
	return 0
}
