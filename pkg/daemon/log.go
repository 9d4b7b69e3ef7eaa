package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// handler writes log lines in the shape of Heartbeat's log files:
// ENTITY[PID]: YYYY/MM/DD_HH:MM:SS LEVEL: text.
type handler struct {
	mu    *sync.Mutex
	w     io.Writer
	level slog.Leveler
	attrs []slog.Attr
}

// NewLogger returns a logger that writes lines of that shape. An attribute
// "component" names the entity; all others follow the text as key=value.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(&handler{mu: new(sync.Mutex), w: w, level: level})
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

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
	line := fmt.Sprintf("%s[%d]: %s %s: %s%s\n", entity, os.Getpid(),
		r.Time.Format("2006/01/02_15:04:05.000"), levelName(r.Level), r.Message, rest.String())
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line)
	return err
}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARN"
	case l >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}
