// Package mon renders the state of a cluster as crm_mon shows it.
//
// [Render] is a pure function of a CIB document: nodes, resources, failed
// actions and what else the options ask for, as text in the form of Pacemaker
// 2.1's crm_mon. [Live] redraws it on a terminal.
//
// What a resource does is read from the history in the status section, by the
// rules of the page "Resource operation history" of Pacemaker Explained: the
// operations of one resource on one node are replayed in the order of their
// call ids.
//
// Caveats. Sets of attributes with rules are not evaluated. Bundles are named,
// their replicas are not shown.
package mon
