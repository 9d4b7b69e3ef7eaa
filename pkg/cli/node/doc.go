// Package node holds the commands about nodes: cl_status, crm_node and
// crm_standby.
package node
