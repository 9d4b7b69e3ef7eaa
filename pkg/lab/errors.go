package lab

import "errors"

var (
	// ErrForbidden says that this kernel, or this account on it, may not make
	// namespaces; the wrapping error says which setting forbids it.
	ErrForbidden = errors.New("namespaces are forbidden here")
	// ErrDown is returned by everything that needs a node which is powered off,
	// and by processes whose node went down under them.
	ErrDown = errors.New("the node is down")
	// ErrUp is returned by Boot for a node that runs.
	ErrUp = errors.New("the node is up already")
	// ErrClosed is returned by a lab after Close.
	ErrClosed = errors.New("the lab is closed")
	// ErrUnknownLink names a link that the node does not have.
	ErrUnknownLink = errors.New("no such link")
)
