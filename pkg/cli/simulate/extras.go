package simulate

import (
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli/mon"
)

// extras are the sections about node attributes and failures that --show-attrs
// and --show-failcounts ask for.
func (o *options) extras(root *cib.Element, now time.Time) string {
	if !o.attrs && !o.fails {
		return ""
	}
	var b strings.Builder
	all := monSections(root, now)
	show := func(title string) {
		b.WriteString("\n  * " + title + ":\n")
		for _, l := range all[title] {
			b.WriteString("  " + l + "\n")
		}
	}
	if o.attrs && len(all["Node Attributes"]) > 0 {
		show("Node Attributes")
	}
	if o.fails {
		b.WriteString("\n  * Migration Summary:\n") // crm_simulate lists failures only
		if len(all["Failed Resource Actions"]) > 0 {
			show("Failed Resource Actions")
		}
	}
	return b.String()
}

// monSections cuts crm_mon's text into its sections.
func monSections(root *cib.Element, now time.Time) map[string][]string {
	out := make(map[string][]string)
	for _, detail := range []bool{false, true} { // ids of nodes are not shown, details of failures are
		title := ""
		text := mon.Render(root, mon.Options{Attributes: true, Failcounts: true, HideHeaders: true, Detail: detail, Now: now})
		for _, l := range strings.Split(text, "\n") {
			switch {
			case l == "":
			case l[0] != ' ':
				title = strings.TrimSuffix(l, ":")
				if detail != (title == "Failed Resource Actions") {
					title = ""
				}
			case title != "":
				out[title] = append(out[title], l)
			}
		}
	}
	return out
}
