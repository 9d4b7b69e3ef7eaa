package lrm

import (
	"log/slog"
	"path/filepath"
	"runtime"

	"github.com/quorate/quorate/agents"
)

// Config says what a local resource manager works with. The zero value of each
// field but Registry is usable.
type Config struct {
	// Self is the name of this node.
	Self string
	// OCFRoot holds resource.d/PROVIDER/TYPE; default /usr/lib/ocf.
	OCFRoot string
	// LSBDir holds init scripts, default /etc/init.d; HeartbeatDir holds scripts
	// of class heartbeat, default /etc/ha.d/resource.d.
	LSBDir, HeartbeatDir string
	// RunDir is HA_RSCTMP: agents keep state there, and this package its
	// journal. Default /run/resource-agents. It must not survive a reboot.
	RunDir string
	// SystemBus is the address of the bus on which systemd answers; default the
	// system's. SystemdDir is where the units that the cluster controls get their
	// overrides, default /run/systemd/system.
	SystemBus, SystemdDir string
	// ToolsDir is where agents find crm_attribute and the like (HA_SBIN_DIR, and
	// first in PATH); "" leaves the system's folders.
	ToolsDir string
	// ExtraEnv is added to the environment of every agent, as NAME=VALUE.
	ExtraEnv []string
	// Registry returns built-in agents; default [agents.Lookup].
	Registry func(class, provider, typ string) (agents.Agent, bool)
	// FeatureSet is given to agents as crm_feature_set; default 3.16.2.
	FeatureSet string
	// LogFacility is given to agents; default daemon.
	LogFacility string
	Logger      *slog.Logger
	// MaxParallel bounds the operations executed at one time
	// (node-action-limit); default twice the number of processors, at least 4.
	MaxParallel int
	// LoadThreshold is the load of a processor beyond which fewer operations run
	// (load-threshold); 0 is 0.8, a negative value looks at no load.
	LoadThreshold float64
	// Gate is asked at the moment of execution of operations that make a
	// resource active here (start, promote, migrate_from). An error refuses.
	// It is called from several goroutines.
	Gate func(op Op) error
	// Requires returns the resources which must be active while the given one
	// is; StopAll then waits for nothing else. nil: one that was started
	// after another had started is taken to need it. It is called with names
	// without the number of an instance, and answers with such.
	Requires func(resource string) []string
	// Managed tells whether StopAll may stop the resource; nil: all.
	Managed func(resource string) bool
	// Demotes tells of a resource that StopAll demotes only, and leaves where it
	// is not promoted; nil: none.
	Demotes func(resource string) bool
	// Before is called just before an operation that changes the state of a
	// resource (not a monitor) is executed here, After with what came of any
	// operation. Both are called from several goroutines and hold the operation
	// up.
	Before func(op Op)
	After  func(r Result)
	// Lifetime is what built-in agents are told of how long an address may last
	// without this process; see [agents.Env].
	Lifetime func() (seconds int, may bool)
	// SetAttribute sets a transient attribute of this node for built-in agents.
	SetAttribute func(name, value string)
}

func (c Config) withDefaults() Config {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&c.OCFRoot, "/usr/lib/ocf")
	def(&c.LSBDir, "/etc/init.d")
	def(&c.HeartbeatDir, "/etc/ha.d/resource.d")
	def(&c.RunDir, agents.DefaultRunDir)
	def(&c.SystemdDir, "/run/systemd/system")
	def(&c.FeatureSet, "3.16.2")
	def(&c.LogFacility, "daemon")
	if c.Registry == nil {
		c.Registry = agents.Lookup
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.LoadThreshold == 0 {
		c.LoadThreshold = defaultThreshold
	}
	if c.MaxParallel <= 0 {
		c.MaxParallel = max(4, 2*runtime.NumCPU())
	}
	return c
}

func (c *Config) releaseRules() ReleaseRules {
	return ReleaseRules{Managed: c.Managed, Requires: c.Requires, Demotes: c.Demotes}
}

// JournalFile is where the journal of a resource manager with this RunDir is.
func JournalFile(runDir string) string { return filepath.Join(runDir, "quorate-lrm.journal") }
