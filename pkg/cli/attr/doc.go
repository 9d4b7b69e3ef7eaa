// Package attr holds the commands that query and change options of the cluster
// and attributes of nodes: crm_attribute, crm_master, crm_failcount and
// attrd_updater.
//
// A [place] is where named values live: an option set of the configuration, the
// permanent attributes of a node, or its transient ones. Those of a running
// cluster are changed by the attribute manager of their node, which dampens and
// repeats them; everything else, and everything in a file (CIB_file), is an edit
// of the document.
package attr
