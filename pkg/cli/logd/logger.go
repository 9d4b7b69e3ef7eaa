package logd

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/halog"
)

// NewLogger returns the command ha_logger.
func NewLogger(env *cli.Env) *cobra.Command {
	tag, kind, state := "", "ha-log", ""
	c := &cobra.Command{
		Use:   "ha_logger [-D ha-log|ha-debug] [-t TAG] TEXT...",
		Short: "write a line through the logging daemon",
		Long: `ha_logger writes a line through ha_logd: to its log file and syslog, or with
-D ha-debug to its debug file. It ends with 1 when ha_logd does not run.`,
		RunE: func(_ *cobra.Command, args []string) error {
			level := slog.LevelInfo
			switch kind {
			case "ha-log":
			case "ha-debug":
				level = slog.LevelDebug
			default:
				return cli.Exitf(1, "ha_logger: -D is ha-log or ha-debug, not %q", kind)
			}
			if tag == "" {
				tag = os.Getenv("USER")
			}
			if tag == "" {
				tag = "root"
			}
			r := halog.Record{Time: time.Now(), Entity: tag, PID: os.Getpid(), Level: level, Text: strings.Join(args, " ")}
			if err := halog.SendLogd(filepath.Join(state, halog.LogdSocketName), r); err != nil {
				fmt.Fprint(env.Stderr, "logd is not running")
				return &cli.Exit{Code: 1}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&kind, "destination", "D", "ha-log", "ha-log or ha-debug")
	f.StringVarP(&tag, "tag", "t", "", "what the line begins with (default: the user)")
	f.StringVar(&state, "state-dir", stateDir, "directory of the socket")
	return c
}
