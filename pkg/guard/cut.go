package guard

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quorate/quorate/lrm"
)

// cutName is the file in the run directory that tells the next daemon what was
// cut short.
const cutName = "guard.cut"

// Cut tells of a resource that was not simply stopped when the right to run it
// had ended.
type Cut struct {
	Resource string    `json:"resource"`
	At       time.Time `json:"at"`
	// How is [lrm.ReleasedByForce] or [lrm.NotReleased].
	How    string `json:"how"`
	Reason string `json:"reason"`
	// By is "the guard", or "" for the daemon itself.
	By string `json:"by,omitempty"`
}

// String is the sentence of the status.
func (c Cut) String() string {
	by, at := "", c.At.Format("15:04:05")
	if c.By != "" {
		by = " by " + c.By
	}
	if c.How == lrm.ReleasedByForce {
		return fmt.Sprintf("%s was taken away by force%s at %s when the right to run it had ended: %s", c.Resource, by, at, c.Reason)
	}
	return fmt.Sprintf("%s was not released in time%s at %s and may still be active here: %s", c.Resource, by, at, c.Reason)
}

// noteCuts appends to the file for the next daemon. A failure is logged: the log
// has told what was cut.
func noteCuts(runDir string, cuts []Cut, log *slog.Logger) {
	if len(cuts) == 0 {
		return
	}
	f, err := os.OpenFile(filepath.Join(runDir, cutName), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		log.Error(fmt.Sprintf("what was cut short is not told in the status: %v", err))
		return
	}
	defer f.Close()
	for _, c := range cuts {
		if b, err := json.Marshal(c); err == nil {
			_, _ = f.Write(append(b, '\n'))
		}
	}
}

// TakeCuts returns what guards have cut short since it was last asked.
func TakeCuts(runDir string) (out []Cut) {
	path := filepath.Join(runDir, cutName)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	_ = os.Remove(path)
	for _, line := range strings.Split(string(b), "\n") {
		var c Cut
		if json.Unmarshal([]byte(line), &c) == nil && c.Resource != "" {
			out = append(out, c)
		}
	}
	return out
}
