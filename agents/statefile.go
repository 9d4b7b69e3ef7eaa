package agents

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stateFile is the file by which an agent without a process remembers that it runs.
func stateFile(env *Env, typ string) string {
	if f := env.Params["state"]; f != "" {
		return f
	}
	return filepath.Join(env.runDir(), typ+"-"+strings.ReplaceAll(env.Instance, "/", "_")+".state")
}

// writeState creates or replaces the file in one step.
func writeState(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

// readState returns the file's text, "" and false when there is none.
func readState(file string) (string, bool, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return strings.TrimSpace(string(b)), err == nil, err
}

// dropState removes the file; that there is none is no error.
func dropState(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
