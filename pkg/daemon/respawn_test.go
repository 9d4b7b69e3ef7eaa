package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// TestRespawn: a client that dies is started again, as the account it has, until
// it ends with 100.
func TestRespawn(t *testing.T) {
	seedrow.Shows(t, "002-060", "002-061")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	calls, script := filepath.Join(dir, "calls"), filepath.Join(dir, "client")
	text := "#!/bin/sh\necho \"$1 $(id -u) $HA_CURHOST\" >> " + calls + "\n[ $(wc -l < " + calls + ") -lt 3 ] && exit 7\nexit 100\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var running sync.Map
	respawn(context.Background(), NewLogger(&out, slog.LevelInfo), &running, me.Username, script, []string{"-d"}, append(os.Environ(), "HA_CURHOST=slave6"))
	b, err := os.ReadFile(calls)
	if want := strings.Repeat("-d "+me.Uid+" slave6\n", 3); err != nil || string(b) != want {
		t.Errorf("called %q, %v; want %q", b, err, want)
	}
	for _, line := range []string{"Starting child client \"" + script + " -d\" (" + me.Uid, "Client " + script + " -d exited with return code 7.", "Respawning client \"" + script + " -d\":", "exited with return code 100."} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no %q in\n%s", line, out.String())
		}
	}
}
