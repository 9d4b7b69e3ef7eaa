// Package ipvs is the model of a load-balancing director, and what carries it into
// the kernel.
//
// A [Table] holds services, a [Service] its destinations, as ip_vs has them. [Available]
// says whether the kernel has IPVS; where it has not, a table is carried out by
// nftables ([NFT]): destination NAT chosen by number or by a hash of the source. That
// is no IPVS, and [Approximations] says in which way: schedulers that count
// connections become rounds by weight, and direct routing and tunnels become NAT
// with the director as the source.
//
// A table is applied as a whole and in one step; connections that exist go on.
package ipvs
