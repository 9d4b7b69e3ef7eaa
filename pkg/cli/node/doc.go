// Package node holds the commands about nodes: cl_status, crm_node,
// crmadmin, crm_standby, hb_addnode, hb_delnode, hb_standby and hb_takeover.
package node
