// Package client speaks to the daemon of this node over its Unix socket.
//
// The wire is one JSON document a line: a [Request], then one or more
// [Response]s. A watch goes on answering until the client closes. The server
// half lives in package daemon.
//
// A program that wants to know what happens uses [Client.Subscribe]: it gets the
// CIB and the state of the nodes, and then what changes of them as patches of a
// few hundred bytes. docs/examples/other_state is a whole program of 70 lines:
//
//	go run ./docs/examples/other_state -f NODE
//
// Who may connect: root, hacluster, members of the group haclient, and whom
// apiauth lines of ha.cf name. With the cluster option enable-acl all but root
// and hacluster see and change what their roles allow; a request that is not
// allowed ends with exit code 4.
package client
