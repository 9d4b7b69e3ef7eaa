// Package alert calls the alert agents of the configuration: programs that hear
// of nodes that come and go, of fencing, of results of resources and of
// attributes, through variables of their environment (CRM_alert_*).
//
// The nouns: an [Agent] is one program for one recipient, made by [Parse] from
// the section alerts; an [Event] is what happened; a [Runner] calls every agent
// that selects an event, as the account hacluster, with a timeout.
//
// Resource events are told on the node where the operation ran, attributes where
// they are set, nodes on every node, fencing on the DC. Rules in attribute sets
// are not evaluated: a set with a rule is left out, and said so.
package alert
