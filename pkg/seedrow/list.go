package seedrow

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Row is one row of the list of the articles.
type Row struct{ ID, Kind, Item, Works string }

var tableLine = regexp.MustCompile(`^\| (00[0-4]-\d{3}) \| [^|]* \| ([^|]*) \| (.*) \|[^|]*\|\s*$`)

// ParseRows reads the list: a table with id, article, kind, item, when it works and
// a last column.
func ParseRows(text string) (rows []Row, err error) {
	seen := map[string]bool{}
	for n, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "| 00") {
			continue
		}
		m := tableLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d: not a row of the list: %s", n+1, line)
		}
		// A bar within code is written with a backslash.
		rest := strings.ReplaceAll(m[3], `\|`, "\x00")
		item, works, ok := strings.Cut(rest, " | ")
		if !ok || seen[m[1]] {
			return nil, fmt.Errorf("line %d: row %s is incomplete, or there twice", n+1, m[1])
		}
		seen[m[1]] = true
		bar := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\x00", `\|`)) }
		rows = append(rows, Row{m[1], strings.TrimSpace(m[2]), bar(item), bar(works)})
	}
	return rows, nil
}

// Named finds the calls of Shows in the tests below root: the tests by row.
func Named(root string) (map[string][]string, error) {
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Test") {
				continue
			}
			test := filepath.Base(filepath.Dir(path)) + "." + fn.Name.Name
			ast.Inspect(fn, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || sel.Sel.Name != "Shows" {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "seedrow" {
					return true
				}
				for _, a := range call.Args[1:] {
					if lit, ok := a.(*ast.BasicLit); ok {
						if id, err := strconv.Unquote(lit.Value); err == nil && !slices.Contains(out[id], test) {
							out[id] = append(out[id], test)
						}
					}
				}
				return true
			})
		}
		return nil
	})
	for _, tests := range out {
		slices.Sort(tests)
	}
	return out, err
}

// ParseRecord reads what tests wrote down: the tests by row.
func ParseRecord(text string) (map[string][]string, error) {
	out := map[string][]string{}
	for line := range strings.Lines(text) {
		id, test, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || !rowID.MatchString(id) {
			return nil, fmt.Errorf("%q is no record of a test", line)
		}
		if !slices.Contains(out[id], test) {
			out[id] = append(out[id], test)
		}
	}
	for _, tests := range out {
		slices.Sort(tests)
	}
	return out, nil
}

// articles are their titles, by the first part of an id.
var articles = map[string]string{
	"000": "LDAP primary and replica with Heartbeat 1, serial and Ethernet",
	"001": "Two virtual machines, a virtual serial cable, Apache",
	"002": "Heartbeat: basics and operation",
	"003": "LVS directors with Heartbeat 2",
	"004": "Heartbeat 2.1.3 from source, two nodes with a database",
}

// Document makes docs/seed-checklist.md. remarks say why a row has no test.
func Document(rows []Row, passed map[string][]string, remarks map[string]string) string {
	var b strings.Builder
	holds := map[string]int{}
	all := map[string]int{}
	for _, r := range rows {
		all[r.ID[:3]]++
		if len(passed[r.ID]) > 0 {
			holds[r.ID[:3]]++
		}
	}
	b.WriteString("# What the articles mention, and the tests that show it\n\nMade by `make seed-checklist`: a row holds when a test that names it ran and passed.\n\n| article | rows | held by a test |\n|---|---|---|\n")
	total, held := 0, 0
	for _, a := range []string{"000", "001", "002", "003", "004"} {
		fmt.Fprintf(&b, "| %s %s | %d | %d |\n", a, articles[a], all[a], holds[a])
		total, held = total+all[a], held+holds[a]
	}
	fmt.Fprintf(&b, "| all | %d | %d |\n", total, held)
	last := ""
	for _, r := range rows {
		if a := r.ID[:3]; a != last {
			last = a
			fmt.Fprintf(&b, "\n## %s: %s\n\n| row | kind | item | works when | test | holds |\n|---|---|---|---|---|---|\n", a, articles[a])
		}
		test, verdict := strings.Join(passed[r.ID], ", "), "yes"
		if test == "" {
			test, verdict = remarks[r.ID], "not shown"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.ID, r.Kind, r.Item, r.Works, test, verdict)
	}
	return b.String()
}

var documentLine = regexp.MustCompile(`^\| (00[0-4]-\d{3}) \|.*\| ([^|]*) \| (yes|not shown) \|$`)

// ParseDocument reads the tests of each row that holds, and all ids, from the
// document.
func ParseDocument(text string) (passed map[string][]string, ids []string) {
	passed = map[string][]string{}
	for _, line := range strings.Split(text, "\n") {
		m := documentLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		ids = append(ids, m[1])
		if m[3] == "yes" {
			passed[m[1]] = strings.Split(m[2], ", ")
		}
	}
	return passed, ids
}
