package mon

import (
	"fmt"
	"html"
	"strings"

	"github.com/quorate/quorate/cib"
)

// HTML returns the picture as a page; a stylesheet and a title are optional.
func HTML(root *cib.Element, o Options, title, stylesheet string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>%s</title>\n<meta charset=\"utf-8\">\n", html.EscapeString(or(title, "Cluster Status")))
	if stylesheet != "" {
		fmt.Fprintf(&b, "<link rel=\"stylesheet\" href=\"%s\">\n", html.EscapeString(stylesheet))
	}
	b.WriteString("<style>.bold { font-weight: bold }\n.good { color: green }\n.bad { color: red }\n.idle { color: blue }</style>\n</head>\n<body>\n")
	depth := 0
	level := func(n int) {
		for ; depth < n; depth++ {
			b.WriteString("<ul>\n")
		}
		for ; depth > n; depth-- {
			b.WriteString("</ul>\n")
		}
	}
	for line := range strings.Lines(Render(root, o)) {
		line = strings.TrimRight(line, "\n")
		text := strings.TrimLeft(line, " ")
		switch item, is := strings.CutPrefix(text, "* "); {
		case text == "":
		case is:
			level((len(line) - len(text)) / 2)
			fmt.Fprintf(&b, "<li><span%s>%s</span></li>\n", class(item), html.EscapeString(strings.ReplaceAll(item, "\t", " ")))
		case line == text && strings.HasSuffix(text, ":"):
			level(0)
			fmt.Fprintf(&b, "<h2>%s</h2>\n", html.EscapeString(strings.TrimSuffix(text, ":")))
		default:
			level(0)
			fmt.Fprintf(&b, "<p class=\"bold\">%s</p>\n", html.EscapeString(text))
		}
	}
	level(0)
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

// class is the attribute that colours a line.
func class(item string) string {
	switch tone(item) {
	case bad:
		return ` class="bad"`
	case good:
		return ` class="good"`
	case idle:
		return ` class="idle"`
	}
	return ""
}

// Tones of a line.
const (
	neutral = iota
	good
	bad
	idle
)

// tone judges a line by its words.
func tone(item string) int {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(item, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("FAILED", "OFFLINE", "UNCLEAN", "WITHOUT quorum", "DISABLED", "BLOCKED", " returned '", "could not be executed", "Connectivity is", "Current DC: NONE"):
		return bad
	case has("standby", "maintenance", "unmanaged", "pending", "Stopped"):
		return idle
	case has("Online: ", "Started", "Promoted", "Unpromoted", ": online"):
		return good
	}
	return neutral
}
