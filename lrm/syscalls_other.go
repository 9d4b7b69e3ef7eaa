//go:build !amd64

package lrm

import "strconv"

// syscallName names a system call by its number, which differs between machines.
func syscallName(nr int) string { return "system call " + strconv.Itoa(nr) }
