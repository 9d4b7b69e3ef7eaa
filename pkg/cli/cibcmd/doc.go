// Package cibcmd is the command "quorate cib": the memory of the configuration
// (log, show, diff, rollback) and changes that are looked at before they are made
// (plan, apply).
package cibcmd
