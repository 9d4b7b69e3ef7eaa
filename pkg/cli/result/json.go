package result

import (
	"encoding/json"
	"io"

	"github.com/quorate/quorate/cib"
)

// JSON writes a document of the XML form as JSON. An element is an object: its
// attributes are strings under their names, its children are arrays of objects
// under their tags (with "_list" behind the tag where an attribute has that name),
// and its text is the string "text". An element of text alone is that string.
func JSON(w io.Writer, e *cib.Element) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(object(e))
}

func object(e *cib.Element) any {
	out := make(map[string]any, len(e.Attrs)+len(e.Children))
	for _, a := range e.Attrs {
		out[a.Name] = a.Value
	}
	text := ""
	for _, c := range e.Children {
		if !c.IsElement() {
			text += c.Text
			continue
		}
		key := c.Name
		if _, taken := e.Lookup(key); taken {
			key += "_list"
		}
		list, _ := out[key].([]any)
		out[key] = append(list, object(c))
	}
	if text == "" {
		return out
	}
	if len(out) == 0 {
		return text
	}
	out["text"] = text
	return out
}
