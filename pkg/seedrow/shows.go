package seedrow

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// RecordEnv names the file that takes what was shown; without it nothing is
// written.
const RecordEnv = "QUORATE_SEED_ROWS"

var rowID = regexp.MustCompile(`^00[0-4]-\d{3}$`)

// Shows says that a test shows these rows. They count when the test, with its
// parts, has passed.
func Shows(t testing.TB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if !rowID.MatchString(id) {
			t.Errorf("%q is no id of a row", id)
		}
	}
	path := os.Getenv(RecordEnv)
	if path == "" {
		return
	}
	_, file, _, _ := runtime.Caller(1)
	name, _, _ := strings.Cut(t.Name(), "/")
	test := filepath.Base(filepath.Dir(file)) + "." + name
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Errorf("%s: %v", RecordEnv, err)
			return
		}
		defer f.Close()
		var b strings.Builder
		for _, id := range ids {
			fmt.Fprintf(&b, "%s\t%s\n", id, test)
		}
		if _, err := f.WriteString(b.String()); err != nil {
			t.Errorf("%s: %v", RecordEnv, err)
		}
	})
}
