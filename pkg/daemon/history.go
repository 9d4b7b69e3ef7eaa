package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/history"
)

// memory is the history of the configuration on this node. Without it the
// daemon works as well; store is nil then, and err says why.
type memory struct {
	store    *history.Store
	recorder *history.Recorder
	err      error
}

func openMemory(stateDir string, log *slog.Logger) *memory {
	log = log.With("component", "cib")
	s, err := history.Open(filepath.Join(stateDir, "crm"))
	if err != nil {
		log.Error(fmt.Sprintf("%v; old versions of the configuration cannot be shown", err))
		return &memory{err: err}
	}
	return &memory{store: s, recorder: history.NewRecorder(s, func(err error) {
		if err != nil {
			log.Error(fmt.Sprintf("%v; the cluster's own copy is not affected", err))
		} else {
			log.Info("the memory of the configuration is written again")
		}
	})}
}

// record notes a configuration.
func (m *memory) record(root *cib.Element, why string) {
	if m.recorder != nil {
		m.recorder.Record(history.Change{Root: root, Why: why})
	}
}

func (m *memory) close() {
	if m.recorder != nil {
		_ = m.recorder.Close() // what was not written is missing at the next start, and nothing else
	}
}

// remembered serves VerbHistory and VerbVersion, from any goroutine; see is what
// the caller may see of a document.
func (d *Daemon) remembered(req *client.Request, see func(*cib.Element) *cib.Element) *client.Response {
	if d.memory.store == nil {
		return &client.Response{Code: cli.ExitUnavailable, Error: d.memory.err.Error()}
	}
	if req.Verb == client.VerbHistory {
		list, err := d.memory.store.List()
		if err != nil {
			return &client.Response{Code: cli.ExitIOErr, Error: err.Error()}
		}
		return &client.Response{History: list}
	}
	v, err := cib.ParseVersion(req.Version)
	if err != nil {
		return &client.Response{Code: cli.ExitUsage, Error: err.Error()}
	}
	root, err := d.memory.store.Document(v)
	switch {
	case errors.Is(err, history.ErrUnknown):
		return &client.Response{Code: cli.ExitNoSuchObject, Error: err.Error() + "; quorate cib log lists those that are"}
	case err != nil:
		return &client.Response{Code: cli.ExitIOErr, Error: err.Error()}
	}
	return document(see(root))
}
