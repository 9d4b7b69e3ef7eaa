package ccm

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/quorate/quorate/ccm/agree"
)

// ConflictDir is the directory beside cluster.db of states that lost against
// the one of the other half of a pair: the user decides what becomes of them.
const ConflictDir = "conflicts"

// keepConflict writes such a state to a file of its own, before it is replaced.
func (s *store) keepConflict(c *agree.Conflict) error {
	dir := filepath.Join(filepath.Dir(s.path), ConflictDir)
	name := filepath.Join(dir, fmt.Sprintf("cib-view%d-change%d.xml", c.Stamped.Number, c.Seq))
	err := os.MkdirAll(dir, 0o750)
	if err == nil {
		err = writeSynced(name, c.App)
	}
	if err != nil {
		return fmt.Errorf("the state that is about to be replaced cannot be kept: %w", err)
	}
	return nil
}

// writeSynced writes a file that is on disk, under its name, when it returns.
func writeSynced(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
