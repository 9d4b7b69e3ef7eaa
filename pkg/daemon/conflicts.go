package daemon

import (
	"fmt"
	"path/filepath"

	"github.com/quorate/quorate/ccm"
)

// conflicts has a sentence for each configuration that lost against the one of
// the other half of a pair and that nobody has looked at yet.
func (d *Daemon) conflicts() (out []string) {
	files, _ := filepath.Glob(filepath.Join(d.opts.StateDir, ccm.ConflictDir, "*.xml")) // the pattern is sound
	for _, f := range files {
		out = append(out, fmt.Sprintf("both halves of the cluster changed the configuration while they were apart: the one of this node was not used and is kept in %s; make what is missing again with cibadmin, then remove the file", f))
	}
	return out
}
