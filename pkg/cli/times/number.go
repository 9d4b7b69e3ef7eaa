package times

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// atoi reads a number; what is none is 0.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
