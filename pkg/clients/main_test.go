package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tools is a directory with a link to our program for each command, and program
// the program itself.
var tools, program string

func TestMain(m *testing.M) {
	code, err := setUp(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func setUp(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "clients")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "quorate")
	build := exec.Command("go", "build", "-o", program, "github.com/quorate/quorate/cmd/quorate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("the program does not build: %w\n%s", err, out)
	}
	list, err := exec.Command(program, "--list").Output()
	if err != nil {
		return 1, err
	}
	tools = filepath.Join(dir, "bin")
	if err := os.Mkdir(tools, 0o755); err != nil {
		return 1, err
	}
	for _, name := range fields(string(list)) {
		if err := os.Symlink(program, filepath.Join(tools, name)); err != nil {
			return 1, err
		}
	}
	return m.Run(), nil
}
