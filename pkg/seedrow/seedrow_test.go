package seedrow

import (
	"os"
	"slices"
	"testing"
)

const document = "../../docs/seed-checklist.md"

// TestCurrent: the document tells of exactly the tests that name rows, and has
// every row.
func TestCurrent(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	told, ids := ParseDocument(string(text))
	if len(ids) != 296 {
		t.Errorf("%s has %d rows, not 296", document, len(ids))
	}
	named, err := Named("../..")
	if err != nil {
		t.Fatal(err)
	}
	for id, tests := range named {
		if !slices.Contains(ids, id) {
			t.Errorf("%v name the row %s, which does not exist", tests, id)
		}
		for _, x := range tests {
			if !slices.Contains(told[id], x) {
				t.Errorf("%s does not tell that %s shows %s: make seed-checklist", document, x, id)
			}
		}
	}
	for id, tests := range told {
		for _, x := range tests {
			if !slices.Contains(named[id], x) {
				t.Errorf("%s tells that %s shows %s; that test does not say so, or is gone: make seed-checklist", document, x, id)
			}
		}
	}
}

// TestRows: the list is read whole, and the document has it all.
func TestRows(t *testing.T) {
	const list = "../../../shared/reference/seed-checklist.md"
	text, err := os.ReadFile(list)
	if err != nil {
		t.Skipf("SKIPPED: the list of the articles is not here: %v", err)
	}
	rows, err := ParseRows(string(text))
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	passed, _ := ParseDocument(string(have))
	if got := Document(rows, passed, Remarks); got != string(have) {
		t.Errorf("%s is not what the list and its tests make: make seed-checklist", document)
	}
}

func FuzzParseRows(f *testing.F) {
	f.Add("| 000-001 | a.txt | file | `a \\| b` | x | ☐ |\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := ParseRows(text)
		if err == nil {
			Document(rows, nil, nil)
		}
	})
}
