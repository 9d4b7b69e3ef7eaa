package pengine

import "strconv"

type opKey struct {
	task     string
	interval int64
}

// Operation names.
const (
	tStart       = "start"
	tStop        = "stop"
	tRunning     = "running"
	tStopped     = "stopped"
	tMonitor     = "monitor"
	tPromote     = "promote"
	tPromoted    = "promoted"
	tDemote      = "demote"
	tDemoted     = "demoted"
	tMigrateTo   = "migrate_to"
	tMigrateFrom = "migrate_from"
	tNotify      = "notify"
	tNotified    = "notified"
	tCancel      = "cancel"
	tDelete      = "delete"
	tReload      = "reload"
	tReloadAgent = "reload-agent"
	tStonith     = "stonith"
	tShutdown    = "do_shutdown"
	tClearFail   = "clear_failcount"
	tRefresh     = "lrm_refresh"
)

func opKeyString(rsc, task string, interval int64) string {
	return rsc + "_" + task + "_" + strconv.FormatInt(interval, 10)
}
