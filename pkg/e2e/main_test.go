package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/quorate/quorate/pkg/lab"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == lab.InitArg {
		os.Exit(lab.InitMain(os.Args[2:]))
	}
	if len(os.Args) > 2 && filepath.Base(os.Args[0]) == floodArg {
		if err := floodMain(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && filepath.Base(os.Args[0]) == pageArg {
		os.Exit(pageMain(os.Args[1:]))
	}
	inside, code, err := lab.Enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "SKIPPED ALL OF pkg/e2e:", err)
		os.Exit(0)
	}
	if !inside {
		os.Exit(code)
	}
	code = m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// raced in the environment has the program built with the race detector.
const raced = "QUORATE_E2E_RACE"

// built is the program under test and the names it has in a node.
var built struct {
	once  sync.Once
	dir   string
	files map[string]string
	err   error
}

// program builds the program once and returns the files that every node gets:
// the program and its commands as an installation has them.
func program(t *testing.T) map[string]string {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short; real daemons take seconds")
	}
	built.once.Do(func() { built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.files
}

func build() error {
	dir, err := os.MkdirTemp("", "quorate-e2e-")
	if err != nil {
		return err
	}
	built.dir = dir
	// Another account must be able to run it.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	bin := filepath.Join(dir, "quorate")
	flags, env := []string{"build", "-o", bin}, "CGO_ENABLED=0"
	if os.Getenv(raced) != "" {
		flags, env = append(flags, "-race"), "CGO_ENABLED=1"
	}
	cmd := exec.Command("go", append(flags, "github.com/quorate/quorate/cmd/quorate")...)
	cmd.Env = append(os.Environ(), env)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	list, err := exec.Command(bin, "--list").Output()
	if err != nil {
		return fmt.Errorf("quorate --list: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	built.files = map[string]string{"/lab/bin/quorate": bin, "/lab/bin/" + floodArg: self, "/lab/bin/" + pageArg: self}
	for _, name := range strings.Fields(string(list)) {
		built.files["/lab/bin/"+name] = bin
	}
	return nil
}
