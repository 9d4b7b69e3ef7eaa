// Package mon renders the state of a cluster as crm_mon shows it.
//
// [Render] is a pure function of a CIB document: nodes, resources, failed
// actions and what else the options ask for, as text in the form of Pacemaker
// 2.1's crm_mon; [XML] returns the same as elements by Pacemaker's schema, [HTML] as
// a page. [New] is the command, which redraws the picture on a terminal.
//
// What a resource does is what the policy engine understands of the history
// ([pengine.Result]); nothing is worked out here a second time.
//
// Caveat. Bundles are not shown.
package mon
