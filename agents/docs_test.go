package agents

import (
	"encoding/xml"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The table in docs/agents.md has every agent with every parameter.
func TestDocumentation(t *testing.T) {
	b, err := os.ReadFile("../docs/agents.md")
	must(t, err)
	rows := map[string]string{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, n := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			rows[n[1]] = cells[2]
		}
	}
	for _, typ := range Types() {
		a, _ := Lookup("ocf", "quorate", typ)
		var doc struct {
			Params []struct {
				Name     string `xml:"name,attr"`
				Required string `xml:"required,attr"`
			} `xml:"parameters>parameter"`
		}
		must(t, xml.Unmarshal([]byte(a.MetaData()), &doc))
		row, ok := rows[typ]
		if !ok {
			t.Errorf("%s is not in the table", typ)
			continue
		}
		delete(rows, typ)
		for _, p := range doc.Params {
			if !regexp.MustCompile(`\b` + p.Name + `\b`).MatchString(row) {
				t.Errorf("%s: parameter %s is missing", typ, p.Name)
			}
			if (p.Required == "1") != strings.Contains(row, "**"+p.Name+"**") {
				t.Errorf("%s: whether %s is required", typ, p.Name)
			}
		}
	}
	for n := range rows {
		t.Errorf("the table has %s, which is not built in", n)
	}
}
