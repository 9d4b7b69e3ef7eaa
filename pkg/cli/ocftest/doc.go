// Package ocftest is the command ocf-tester: it calls an OCF resource agent in
// every way a cluster does, in the order and with the verdicts of the tool of that
// name, and says what the agent does wrong.
//
// The meta-data is compared with the document type ra-api-1.dtd by this package
// itself ([CheckMetaData]). What OCF 1.1 added passes where the document's internal
// subset declares it.
package ocftest
