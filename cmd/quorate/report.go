package main

import (
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/report"
	"github.com/quorate/quorate/pkg/cli/verify"
	"github.com/quorate/quorate/pkg/daemon"
)

// newReport joins crm_report to the commands whose output belongs to a report.
func newReport(env *cli.Env) *cobra.Command {
	return report.New(env, report.Setup{CrmMon: newMon, CrmVerify: verify.New, ConfigDir: daemon.DefaultConfigDir, StateDir: daemon.DefaultStateDir})
}
