// Package simulate is the command crm_simulate, and ptest under its old name:
// what the cluster would do, and what would come of it.
package simulate
