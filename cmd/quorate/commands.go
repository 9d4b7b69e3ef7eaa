package main

import (
	"log/slog"
	"os"
	"sort"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/attr"
	"github.com/quorate/quorate/pkg/cli/cibadmin"
	"github.com/quorate/quorate/pkg/cli/cibcmd"
	"github.com/quorate/quorate/pkg/cli/codes"
	"github.com/quorate/quorate/pkg/cli/diff"
	"github.com/quorate/quorate/pkg/cli/h2ccmd"
	"github.com/quorate/quorate/pkg/cli/logd"
	"github.com/quorate/quorate/pkg/cli/node"
	"github.com/quorate/quorate/pkg/cli/ocftest"
	"github.com/quorate/quorate/pkg/cli/pages"
	"github.com/quorate/quorate/pkg/cli/resource"
	"github.com/quorate/quorate/pkg/cli/setup"
	"github.com/quorate/quorate/pkg/cli/shadow"
	"github.com/quorate/quorate/pkg/cli/simulate"
	"github.com/quorate/quorate/pkg/cli/standin"
	"github.com/quorate/quorate/pkg/cli/stonith"
	"github.com/quorate/quorate/pkg/cli/ticket"
	"github.com/quorate/quorate/pkg/cli/times"
	"github.com/quorate/quorate/pkg/cli/verify"
	"github.com/quorate/quorate/pkg/cli/why"
	"github.com/quorate/quorate/pkg/daemon"
	"github.com/quorate/quorate/pkg/demo"
	"github.com/quorate/quorate/pkg/guard"
	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/labrun"
	"github.com/quorate/quorate/pkg/sim"
)

// commands maps each name to its command, one line a command.
func commands() map[string]command {
	return map[string]command{
		"crm_simulate":  oneShot(simulate.Run),
		"ptest":         oneShot(fromCobra(simulate.NewPtest)),
		"cl_status":     fromCobra(node.NewClStatus),
		"crm_mon":       fromCobra(newMon),
		"attrd_updater": fromCobra(attr.NewAttrdUpdater),
		"crm_attribute": fromCobra(attr.NewCrmAttribute),
		"crm_failcount": fromCobra(attr.NewCrmFailcount),
		"crm_master":    fromCobra(attr.NewCrmMaster),
		"cib":           fromCobra(cibcmd.New),
		"crm_diff":      fromCobra(diff.New),
		"crm_verify":    fromCobra(verify.New),
		"crm_node":      fromCobra(node.NewCrmNode),
		"crmadmin":      fromCobra(node.NewCrmAdmin),
		"hb_standby":    fromCobra(node.NewHbStandby),
		"hb_takeover":   fromCobra(node.NewHbTakeover),
		"completion": func(env *cli.Env, args []string) int {
			return cli.Run(env, pages.NewCompletion(env, documented()), args)
		},
		"man":                  func(env *cli.Env, args []string) int { return cli.Run(env, pages.NewMan(env, documented()), args) },
		"ha_logd":              fromCobra(logd.NewDaemon),
		"ha_logger":            fromCobra(logd.NewLogger),
		"heartbeat":            fromCobra(daemon.NewHeartbeat),
		"hb_addnode":           fromCobra(node.NewAddNode),
		"hb_delnode":           fromCobra(node.NewDelNode),
		"arbiter":              fromCobra(daemon.NewArbiterCommand),
		"crm_standby":          fromCobra(node.NewCrmStandby),
		"reload":               fromCobra(node.NewReload),
		"init":                 fromCobra(setup.NewInit),
		"join":                 fromCobra(setup.NewJoin),
		"links":                fromCobra(node.NewLinks),
		"demo":                 fromCobra(demo.NewCommand),
		"why":                  fromCobra(why.New),
		"why-not":              fromCobra(why.NewNot),
		"cibadmin":             fromCobra(cibadmin.New),
		"crm_resource":         fromCobra(resource.New),
		"pacemaker-based":      fromCobra(standin.New("based")),
		"pacemaker-controld":   fromCobra(standin.New("controld")),
		"pacemaker-fenced":     fromCobra(standin.New("fenced")),
		"pacemaker-schedulerd": fromCobra(standin.New("schedulerd")),
		"crm_error":            fromCobra(codes.New),
		"crm_rule":             fromCobra(times.NewRule),
		"iso8601":              fromCobra(times.NewISO8601),
		"stonith_admin":        fromCobra(stonith.New),
		"crm_report":           fromCobra(newReport),
		"crm_shadow":           fromCobra(shadow.New),
		"crm_ticket":           fromCobra(ticket.New),
		"haresources2cib":      fromCobra(h2ccmd.New),
		guard.Command: func(env *cli.Env, args []string) int {
			return guard.Main(args, daemon.NewLogger(env.Stderr, slog.LevelInfo).With("component", "guard"))
		},
		"ocf": func(env *cli.Env, args []string) int {
			return agents.Main(args, os.Environ(), env.Stdout, env.Stderr)
		},
		"ocf-tester": ocftest.Run,
		"sfex_init":  func(env *cli.Env, args []string) int { return agents.SfexInit(args, env.Stdout, env.Stderr) },
		"sfex_stat":  func(env *cli.Env, args []string) int { return agents.SfexStat(args, env.Stdout, env.Stderr) },
		"remote":     fromCobra(daemon.NewRemoteCommand),
		"run":        fromCobra(daemon.NewCommand),
		"lab":        fromCobra(labrun.NewCommand),
		"sim":        fromCobra(sim.NewCommand),
		"restart":    fromCobra(node.NewRestart),
		"timing":     fromCobra(daemon.NewTimingCommand),
		lab.InitArg:  func(_ *cli.Env, args []string) int { return lab.InitMain(args) },
	}
}

// hidden commands are for the program itself.
var hidden = map[string]bool{"lab-init": true, guard.Command: true}

// own commands have no link of their own: they are only called by
// "quorate NAME".
var own = map[string]bool{"cib": true, "completion": true, "man": true, "arbiter": true, "why": true, "why-not": true, "run": true, "sim": true, "lab": true, "reload": true, "restart": true, "timing": true, "init": true, "join": true, "links": true, "demo": true, "ocf": true, "lab-init": true, guard.Command: true}

// linkNames are the commands that "make install" links to the binary.
func linkNames() []string {
	var out []string
	for n := range commands() {
		if !own[n] {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

// documented are the commands with man pages and completion.
func documented() pages.Commands {
	return pages.Commands{
		"attrd_updater": attr.NewAttrdUpdater, "cibadmin": cibadmin.New, "cl_status": node.NewClStatus, "crm_attribute": attr.NewCrmAttribute,
		"crm_diff": diff.New, "crm_error": codes.New, "crm_failcount": attr.NewCrmFailcount, "crm_master": attr.NewCrmMaster, "crm_mon": newMon,
		"crm_node": node.NewCrmNode, "crm_report": newReport, "crm_resource": resource.New, "crm_rule": times.NewRule, "crm_shadow": shadow.New, "crm_simulate": simulate.New,
		"crm_standby": node.NewCrmStandby, "crm_ticket": ticket.New, "crm_verify": verify.New, "crmadmin": node.NewCrmAdmin,
		"haresources2cib": h2ccmd.New, "heartbeat": daemon.NewHeartbeat, "hb_addnode": node.NewAddNode, "ha_logd": logd.NewDaemon, "ha_logger": logd.NewLogger, "hb_delnode": node.NewDelNode, "hb_standby": node.NewHbStandby,
		"hb_takeover": node.NewHbTakeover, "iso8601": times.NewISO8601, "stonith_admin": stonith.New,
	}
}
