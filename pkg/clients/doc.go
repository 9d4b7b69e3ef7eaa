// Package clients holds tests that unmodified clients of others, and the
// commands they were written for, are the judges of: Debian's pacemaker-cli-utils,
// crmsh, pcs and prometheus-hacluster-exporter are run beside ours, and exit codes,
// texts and resulting configurations must be equal. Where one of them is not
// installed, its test says so and is skipped.
package clients
