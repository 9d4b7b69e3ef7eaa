package daemon

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

// Options are the command line of the daemon.
type Options struct {
	// Self is the node's name, lower case; default: the host name.
	Self string
	// ConfigDir holds ha.cf, authkeys and haresources.
	ConfigDir string
	// StateDir holds what must survive: crm/cib.xml, cluster.db, hb_uuid.
	StateDir string
	// RunDir holds the socket and volatile state of resources.
	RunDir string
	// OCFRoot is the tree of OCF agents.
	OCFRoot string
	// NoWatchdog does without the watchdog of ha.cf, here and now.
	NoWatchdog bool
	// Debug logs more.
	Debug bool

	// outlets are where the log goes beside standard error; nil: nowhere.
	outlets *outlets
}

// Defaults of Options.
const (
	DefaultConfigDir = "/etc/ha.d"
	DefaultStateDir  = "/var/lib/heartbeat"
	DefaultRunDir    = "/var/run/heartbeat"
	DefaultOCFRoot   = "/usr/lib/ocf"
)

// nodeUUID reads the id of this node from hb_uuid (16 raw bytes), or makes one.
func nodeUUID(stateDir string) (string, error) {
	path := filepath.Join(stateDir, "hb_uuid")
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		id, err := uuid.FromBytes(b)
		if err != nil {
			return "", fmt.Errorf("%s: must be exactly 16 bytes, is %d; remove it and the node gets a new id", path, len(b))
		}
		return id.String(), nil
	case !os.IsNotExist(err):
		return "", err
	}
	id, err := uuid.NewRandomFromReader(rand.Reader)
	if err != nil {
		return "", err
	}
	return id.String(), os.WriteFile(path, id[:], 0o600)
}
