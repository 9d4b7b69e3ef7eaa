// Package node holds the commands about nodes: cl_status, crm_node,
// crmadmin, crm_standby, hb_addnode and hb_delnode.
package node
