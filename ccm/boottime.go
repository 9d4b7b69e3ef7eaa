package ccm

import "golang.org/x/sys/unix"

// Boottime returns nanoseconds of CLOCK_BOOTTIME: monotonic, and it counts
// suspend, so that a machine that slept finds its lease expired.
func Boottime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("ccm: CLOCK_BOOTTIME is missing in this kernel: " + err.Error())
	}
	return ts.Nano()
}
