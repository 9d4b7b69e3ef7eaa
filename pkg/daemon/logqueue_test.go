package daemon

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// valve is a writer that can be shut.
type valve struct {
	open chan struct{}
	b    bytes.Buffer
}

func (v *valve) Write(p []byte) (int, error) {
	<-v.open
	return v.b.Write(p)
}

// TestBlockedLog: nobody waits for a log that nobody reads; later all that fits
// is there, in order, and what was lost is told.
func TestBlockedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &valve{open: make(chan struct{})}
		q := newLogQueue(v)
		log := NewLogger(q, slog.LevelInfo)
		const lines = 40000
		for i := range lines {
			log.Info(fmt.Sprintf("line %d of a log that nobody reads", i))
		}
		begin := time.Now()
		q2 := newLogQueue(&valve{open: make(chan struct{})})
		q2.Write([]byte("never taken\n"))
		q2.close(time.Second)
		if d := time.Since(begin); d != time.Second {
			t.Errorf("closing a blocked log took %v, want a second", d)
		}
		close(v.open)
		synctest.Wait()
		log.Info("the end")
		q.close(time.Second)
		text := v.b.String()
		n := strings.Count(text, " of a log that nobody reads")
		var lost int
		if _, rest, found := strings.Cut(text, "heartbeat: "); !found || n >= lines {
			t.Fatalf("nothing is lost: %d lines", n)
		} else if _, err := fmt.Sscanf(rest, "%d lines of the log are lost", &lost); err != nil || n+lost != lines {
			t.Errorf("%d lines are there and %d lost, of %d: %v", n, lost, lines, err)
		}
		if !strings.HasSuffix(text, "the end\n") {
			t.Error("the end is missing")
		}
		close(q2.w.(*valve).open) // lets its goroutine end
	})
}
