package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// toolLinks are the commands that resource agents call. They get them as links
// to this program in a folder of their own, so that they reach this daemon
// whatever else is installed.
var toolLinks = []string{"attrd_updater", "cibadmin", "cl_status", "crm_attribute", "crm_failcount", "crm_master", "crm_mon", "crm_node", "crm_standby"}

// toolsDir makes the folder of the commands for agents in the run directory and
// returns its name, or "" when it cannot be made: then agents find what the
// system has.
func toolsDir(runDir string, log *slog.Logger) string {
	self, err := os.Executable()
	if err != nil {
		log.Warn(fmt.Sprintf("the folder of commands for agents is not made: %v; agents use those of the system", err))
		return ""
	}
	dir := filepath.Join(runDir, "bin")
	if err = os.MkdirAll(dir, 0o755); err == nil {
		for _, name := range toolLinks {
			link := filepath.Join(dir, name)
			if to, readErr := os.Readlink(link); readErr == nil && to == self {
				continue
			}
			_ = os.Remove(link)
			if err = os.Symlink(self, link); err != nil {
				break
			}
		}
	}
	if err != nil {
		log.Warn(fmt.Sprintf("the folder of commands for agents is not complete: %v; agents use those of the system", err))
		return ""
	}
	return dir
}
