// Package demo is the command "quorate demo": three directors, a router and a
// client in a lab on this computer, from a haresources file to a running
// cluster, through the death of nodes and back.
//
// [Run] builds the network of the well-known article on three LVS directors,
// starts real daemons, and then makes six faults: the node with the floating
// address dies, the next one dies and takes the quorum with it, one returns,
// the preferred one returns, its daemon alone is killed, its daemon alone hangs.
// A client asks the address for an echo all along, and a sampler watches which
// nodes hold it. The result is a [Report].
//
// Nothing waits for a time to pass; everything waits for a state, and says what
// it saw instead when the state does not come.
package demo
