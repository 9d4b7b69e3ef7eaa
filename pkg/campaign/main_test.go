package campaign

import (
	"fmt"
	"os"
	"testing"

	"github.com/quorate/quorate/pkg/lab"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == lab.InitArg {
		os.Exit(lab.InitMain(os.Args[2:]))
	}
	inside, code, err := lab.Enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "SKIPPED ALL OF pkg/campaign:", err)
		os.Exit(0)
	}
	if !inside {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
