// Package verify is the command crm_verify: what is wrong in a CIB, by id and
// line: first what the schema forbids, then what the policy engine stumbles
// over. The closing texts and exit codes are those of Pacemaker 2.1.
package verify
