package oraclefuzz

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/quorate/quorate/cib"
)

// Cached remembers the outcomes of an engine on disk, so that a second campaign
// over the same documents costs the other engine alone. It is for the oracle,
// which does not change.
type Cached struct {
	// Command is the engine.
	Command *Command
	// Dir is the directory of the outcomes; it exists.
	Dir string
}

// kept is one outcome on disk.
type kept struct {
	Graph, Scores, Summary, Messages, Err string
}

// Run implements Engine. Outcomes that timed out, and parts of outcomes, are
// not remembered.
func (c *Cached) Run(root *cib.Element, what What) *Outcome {
	if what != WantGraph|WantSummary { // the many questions of the minimiser
		return c.Command.Run(root, what)
	}
	sum := sha256.Sum256(append(cib.Print(root), byte(what)))
	file := filepath.Join(c.Dir, hex.EncodeToString(sum[:12])+".json")
	if data, err := os.ReadFile(file); err == nil {
		var k kept
		if json.Unmarshal(data, &k) == nil && (k.Graph != "" || !strings.Contains(k.Err, invalidTransition)) {
			o := &Outcome{Scores: k.Scores, Summary: k.Summary, Messages: k.Messages}
			if k.Err != "" {
				o.Err = errors.New(k.Err)
				o.forgive()
			}
			if o.Err == nil && what&WantGraph != 0 {
				o.Graph, o.Err = ReadGraph([]byte(k.Graph))
			}
			return o
		}
	}
	o := c.Command.Run(root, what)
	if errors.Is(o.Err, ErrTimeout) || errors.Is(o.Err, os.ErrNotExist) {
		return o
	}
	k := kept{Graph: string(c.Command.graph), Scores: o.Scores, Summary: o.Summary, Messages: o.Messages}
	switch {
	case o.Err != nil:
		k.Err = o.Err.Error()
	case o.Stuck:
		k.Err = invalidTransition
	}
	if data, err := json.Marshal(k); err == nil {
		// Without the file the next campaign asks the oracle again.
		_ = os.WriteFile(file, data, 0o644)
	}
	return o
}
