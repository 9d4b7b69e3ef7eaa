// Command main makes docs/seed-checklist.md: from the list of the articles (its
// first argument, or the present document when that is not here) and from what
// tests wrote down (its second).
package main

import (
	"fmt"
	"os"

	"github.com/quorate/quorate/pkg/seedrow"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: main LIST RECORD DOCUMENT")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(list, record, document string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	rows, err := seedrow.ParseRows(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	text, err = os.ReadFile(record)
	if err != nil {
		return err
	}
	passed, err := seedrow.ParseRecord(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", record, err)
	}
	out := seedrow.Document(rows, passed, seedrow.Remarks)
	if err := os.WriteFile(document, []byte(out), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d rows, %d held by tests\n", document, len(rows), len(passed))
	return nil
}
