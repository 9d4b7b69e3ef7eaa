// Package h2c turns haresources and ha.cf into a CIB: the converter known as
// haresources2cib.
//
// [Convert] is pure: what it needs to know of the machine (which scripts
// exist) comes through [Options]. Ids, operations and constraints are those of
// Heartbeat 2.0.7, so that a converted cluster has the names that documents
// and habits expect; even "prefered_location" is spelt its way.
//
// Two dialects: today's, which is the default, and Heartbeat 2's. Differences
// from the old tool are on purpose: a remark behind the resources is no
// resource, a mask written with dots is a mask, and ids that would occur twice
// are told apart; each of these is reported.
package h2c
