package lrm

import "errors"

// Sentinel errors of this package.
var (
	// ErrName indicates a resource or agent name that could lead out of the
	// agents' folders.
	ErrName = errors.New("name is empty or holds a slash, two dots or a control character")
	// ErrNotFound indicates that there is neither a script nor a built-in agent.
	ErrNotFound = errors.New("agent is not installed")
	// ErrClass indicates a class of agents that cannot be executed.
	ErrClass = errors.New("class of agents is not supported")
	// ErrSystemd indicates that systemd could not be asked.
	ErrSystemd = errors.New("systemd")
	// ErrClosed indicates that the resource manager was closed.
	ErrClosed = errors.New("local resource manager is closed")
	// errTimeout ends an operation whose time is over.
	errTimeout = errors.New("timed out")
	// errCut ends an operation because everything is being released.
	errCut = errors.New("ended because all resources are being released")
)
