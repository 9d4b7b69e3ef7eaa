// Package resource is the command crm_resource: queries about resources, their
// parameters, where they may run, cleaning up after failures, and acting on them
// beside the cluster.
//
// A [call] is one call of the command. What is asked of a document is answered
// from the policy engine's understanding of it ([pengine.Result]), so that no
// two commands can disagree.
package resource
