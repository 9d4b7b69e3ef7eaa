package mon

import (
	"fmt"
	"strings"
)

// clean makes an agent's words fit for a terminal: one line, no control
// characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func zeroMS(s string) string {
	if s == "" {
		return "0ms"
	}
	return s
}

// milliseconds prints a duration as 332ms, 10s, 60s, 2m59.014s. A unit is used
// when there is more than one of it.
func milliseconds(n int) string {
	if n <= 1000 {
		return fmt.Sprintf("%dms", n)
	}
	var b strings.Builder
	for _, u := range []struct {
		ms   int
		name string
	}{{24 * 3600 * 1000, "d"}, {3600 * 1000, "h"}, {60 * 1000, "m"}} {
		if n > u.ms {
			fmt.Fprintf(&b, "%d%s", n/u.ms, u.name)
			n %= u.ms
		}
	}
	switch {
	case n%1000 > 0:
		fmt.Fprintf(&b, "%d.%03ds", n/1000, n%1000)
	case n > 0:
		fmt.Fprintf(&b, "%ds", n/1000)
	}
	return b.String()
}

var rcWords = map[int]string{
	0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature", 4: "insufficient privileges", 5: "not installed",
	6: "not configured", 7: "not running", 8: "promoted", 9: "promoted (failed)", 190: "OCF_DEGRADED", 191: "OCF_DEGRADED_PROMOTED",
	193: "pending",
}

func rcWord(rc int) string {
	if w, ok := rcWords[rc]; ok {
		return w
	}
	return "unknown"
}

func statusWord(s int) string {
	words := map[int]string{-1: "pending", 0: "complete", 1: "Cancelled", 2: "Timed Out", 3: "NOT SUPPORTED", 4: "Error", 5: "Hard error",
		6: "Fatal error", 7: "Not installed", 8: "Internal communication failure", 9: "Device not connected", 10: "Fencing driver not found", 11: "Aborted by signal"}
	if w, ok := words[s]; ok {
		return w
	}
	return "UNKNOWN!"
}
