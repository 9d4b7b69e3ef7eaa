package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/authkeys"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/member"
	"github.com/quorate/quorate/pkg/version"
)

// DefaultArbiterDir is where an arbiter keeps what must survive.
const DefaultArbiterDir = "/var/lib/heartbeat/arbiter"

// RunArbiter is the third voter of two nodes: it promises views, keeps the
// configuration on its disk, confirms leases, and runs nothing. It returns when
// ctx has ended, or when it cannot start.
func RunArbiter(ctx context.Context, o Options, log *slog.Logger) error {
	s := new(settings)
	conf, remarks, err := hacf.Load(filepath.Join(o.ConfigDir, "ha.cf"), o.Self, hacf.Options{})
	report(log, remarks)
	if err != nil {
		return err
	}
	if s.conf = conf; !conf.HasArbiter(o.Self) {
		return fmt.Errorf("%s: %s is no arbiter; add on all nodes and here: arbiter %s", conf.File, o.Self, o.Self)
	}
	keys, remarks, err := authkeys.Load(filepath.Join(o.ConfigDir, "authkeys"))
	report(log, remarks)
	if err != nil {
		return err
	}
	s.keys = *keys
	timing, err := newTiming(conf)
	if err != nil {
		return err
	}
	life, end := context.WithCancel(context.Background())
	defer end()
	cc, err := ccmConfig(life, s, o, member.NewReplica(func() {}), timing, log)
	if err != nil {
		return err
	}
	enterRealtime(conf, timing, log.With("component", "heartbeat"))
	node, err := ccm.Start(life, cc)
	if err != nil {
		return err
	}
	log.Info(fmt.Sprintf("Starting arbiter %s of the cluster %s, version %s. %s", o.Self, conf.Cluster, version.Version, timing.Sentence()))
	for {
		select {
		case <-node.Receive(): // nothing is asked of it
			continue
		case <-node.Done():
			return fmt.Errorf("the membership layer of this arbiter has stopped: %w", node.Err())
		case <-ctx.Done():
		}
		break
	}
	closing, cancel := context.WithTimeout(context.Background(), leaveBound)
	defer cancel()
	if err := node.Leave(closing, true); err != nil {
		log.Warn(err.Error(), "component", "ccm")
	}
	if err := node.Close(); err != nil {
		return err
	}
	log.Info("Arbiter " + o.Self + " shutdown complete.")
	return nil
}

// NewArbiterCommand returns "quorate arbiter".
func NewArbiterCommand(env *cli.Env) *cobra.Command {
	var o Options
	c := &cobra.Command{
		Use:   "arbiter",
		Short: "a third voter for two nodes, which runs nothing, in the foreground",
		Long: `arbiter is the third voter of a cluster of two nodes: with it either node, or
either side of a cut, has a majority or has none, and exclusion is guaranteed
without fencing. It votes, keeps a copy of the configuration, and runs nothing.

Run it on a third machine with the nodes' ha.cf and authkeys: the line
"arbiter NAME" stands in ha.cf of all three (or hb_addnode --arbiter NAME adds
it while the cluster runs), and the links must reach it. Its log goes to
standard error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.foreground(env, cmd.Context(), func(ctx, _ context.Context, log *slog.Logger) error {
				return RunArbiter(ctx, o, log)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.ConfigDir, "config-dir", DefaultConfigDir, "directory of ha.cf and authkeys")
	f.StringVar(&o.StateDir, "state-dir", DefaultArbiterDir, "directory of its own store, cluster.db")
	f.StringVar(&o.Self, "node", "", "name of this arbiter (default: uname -n)")
	f.BoolVar(&o.Debug, "debug", false, "log more")
	return c
}
