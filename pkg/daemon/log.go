package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/halog"
)

// handler writes log lines in the shape of Heartbeat's log files:
// ENTITY[PID]: YYYY/MM/DD_HH:MM:SS LEVEL: text.
type handler struct {
	mu    *sync.Mutex
	w     io.Writer
	level slog.Leveler
	attrs []slog.Attr
	out   *outlets // nil: none
}

// outlets are the places of ha.cf for the log, once it is read.
type outlets struct {
	halog.Switch
	level slog.LevelVar
}

// open turns the outlets of ha.cf on.
func (o *outlets) open(conf *hacf.Config, stateDir string, log *slog.Logger) {
	if o == nil {
		return
	}
	if conf.Log.DebugFile != "" || conf.Log.Debug > 0 {
		o.level.Set(slog.LevelDebug)
	}
	o.Turn(halog.Open(conf.Log, halog.Options{Syslog: os.Getenv("HA_SYSLOG_SOCKET"), Logd: filepath.Join(stateDir, halog.LogdSocketName),
		Say: func(level, text string) {
			switch level {
			case "ERROR":
				log.Error(text)
			case "WARN":
				log.Warn(text)
			default:
				log.Info(text)
			}
		}}))
}

// NewLogger returns a logger that writes lines of that shape. An attribute
// "component" names the entity; all others follow the text as key=value.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger { return newLogger(w, level, nil) }

func newLogger(w io.Writer, level slog.Leveler, out *outlets) *slog.Logger {
	return slog.New(&handler{mu: new(sync.Mutex), w: w, level: level, out: out})
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= h.level.Level() || h.out != nil && l >= h.out.level.Level()
}

func (h *handler) WithAttrs(as []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], as...)
	return &c
}

func (h *handler) WithGroup(string) slog.Handler { return h }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	entity := "heartbeat"
	var rest strings.Builder
	add := func(a slog.Attr) bool {
		if a.Key == "component" {
			entity = a.Value.String()
		} else {
			fmt.Fprintf(&rest, " %s=%v", a.Key, a.Value)
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	if h.out != nil && r.Level >= h.out.level.Level() {
		h.out.Put(halog.Record{Time: r.Time, Entity: entity, PID: os.Getpid(), Level: r.Level, Text: r.Message + rest.String()})
	}
	if r.Level < h.level.Level() {
		return nil
	}
	line := fmt.Sprintf("%s[%d]: %s %s: %s%s\n", entity, os.Getpid(),
		r.Time.Format("2006/01/02_15:04:05.000"), halog.LevelName(r.Level), r.Message, rest.String())
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line)
	return err
}
