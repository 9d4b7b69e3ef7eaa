// Package daemon is the thin shell around the cores: it reads the files of the
// administrator, opens the links, owns the goroutine that feeds the controller,
// carries out what the controller asks for, and serves the commands on a Unix
// socket. "quorate run" is this package.
package daemon
