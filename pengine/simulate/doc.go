// Package simulate carries a transition graph out on a model of the cluster:
// every action has its expected result (or one that the caller injects) at
// once. The outcome is the text of the events and a CIB with the new status,
// which can be scheduled again.
package simulate
