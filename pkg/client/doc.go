// Package client speaks to the daemon of this node over its Unix socket.
//
// The wire is one JSON document a line: a [Request], then one or more
// [Response]s. A watch goes on answering until the client closes. The server
// half lives in package daemon.
package client
