// Package report is the command crm_report: one archive of what is needed to
// understand what a cluster did in a period of time.
//
// Each node gathers its own part, with the secrets masked before anything leaves
// the node: ha.cf, the CIB, the versions of the configuration, the inputs of the
// policy engine, the logs, the state. The node where the command was called gets
// the parts of the others over ssh (or what -e names), as a tar stream. A node
// that could not be asked is named in the report with the reason, and so is a
// file that could not be read. The authentication keys are never part of it.
package report
