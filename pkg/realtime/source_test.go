package realtime

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNobodyElseStarts: what can be part of the daemon or its guard starts
// programs by this package alone.
func TestNobodyElseStarts(t *testing.T) {
	root := filepath.Join("..", "..")
	// Programs of their own: none of them is real-time.
	apart := []string{"pkg/realtime", "pkg/lab", "pkg/labrun", "pkg/campaign", "pkg/demo", "pkg/e2e", "pkg/cli", "pengine/oraclefuzz", "cmd"}
	// An agent that is executed as a script.
	scripts := map[string]bool{"agents/main.go": true}
	users := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		for _, a := range apart {
			if rel == a {
				return filepath.SkipDir
			}
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || scripts[rel] {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, src, 0)
		if err != nil {
			return err
		}
		executes := false
		for _, i := range file.Imports {
			executes = executes || i.Path.Value == `"os/exec"`
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := sel.X.(*ast.Ident)
			name := sel.Sel.Name
			switch {
			case pkg != nil && pkg.Name == "realtime" && len(call.Args) == 1:
				users++
			case name == "ForkExec" || name == "StartProcess",
				executes && len(call.Args) == 0 && (name == "Start" || name == "Run" || name == "Output" || name == "CombinedOutput"):
				t.Errorf("%v: %s hands the real-time class on to the program: use realtime.Start", set.Position(call.Pos()), name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if users < 5 {
		t.Errorf("only %d calls of this package found: does the test look in the right place?", users)
	}
}
