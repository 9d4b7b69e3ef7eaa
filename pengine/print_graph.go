package pengine

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
)

// FeatureSet is the crm_feature_set whose rules the graph follows.
const FeatureSet = "3.16.1"

// WriteXML writes the graph in the form that Pacemaker's controller reads.
func (g *Graph) WriteXML(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	b.WriteString("<transition_graph")
	for _, p := range g.Params {
		writeAttr(b, p.Name, p.Value)
	}
	b.WriteString(">\n")
	for i, a := range g.Actions {
		b.WriteString("  <synapse id=\"" + strconv.Itoa(i) + "\"")
		if a.Priority > 0 {
			writeAttr(b, "priority", strconv.Itoa(int(a.Priority)))
		}
		b.WriteString(">\n    <action_set>\n      ")
		a.writeElement(b, true)
		b.WriteString("    </action_set>\n")
		if len(a.Inputs) == 0 {
			b.WriteString("    <inputs/>\n")
		} else {
			b.WriteString("    <inputs>\n")
			for _, in := range a.Inputs {
				b.WriteString("      <trigger>\n        ")
				g.Actions[in].writeElement(b, false)
				b.WriteString("      </trigger>\n")
			}
			b.WriteString("    </inputs>\n")
		}
		b.WriteString("  </synapse>\n")
	}
	b.WriteString("</transition_graph>\n")
	return b.Flush()
}

func (a *GraphAction) writeElement(b *bufio.Writer, full bool) {
	tag := "rsc_op"
	switch a.Kind {
	case PseudoEvent:
		tag = "pseudo_event"
	case CRMEvent:
		tag = "crm_event"
	}
	b.WriteString("<" + tag)
	if full && a.Mode != "" {
		writeAttr(b, "mode", a.Mode)
	}
	b.WriteString(" id=\"" + strconv.Itoa(a.ID) + "\"")
	writeAttr(b, "operation", a.Operation)
	writeAttr(b, "operation_key", a.Key)
	if a.InternalKey != "" {
		writeAttr(b, "internal_operation_key", a.InternalKey)
	}
	if a.Node != "" {
		writeAttr(b, "on_node", a.Node)
		writeAttr(b, "on_node_uuid", a.NodeID)
		if a.RouterNode != "" {
			writeAttr(b, "router_node", a.RouterNode)
		}
	}
	if !full {
		b.WriteString("/>\n")
		return
	}
	if a.ShutdownLock > 0 {
		writeAttr(b, lockAttr, strconv.FormatInt(a.ShutdownLock, 10))
	}
	b.WriteString(">\n")
	if p := a.Primitive; p != nil {
		b.WriteString("        <primitive")
		writeAttr(b, "id", p.ID)
		if p.LongID != "" {
			writeAttr(b, "long-id", p.LongID)
		}
		writeAttr(b, "class", p.Class)
		if p.Provider != "" {
			writeAttr(b, "provider", p.Provider)
		}
		writeAttr(b, "type", p.Type)
		b.WriteString("/>\n")
	}
	b.WriteString("        <attributes")
	var odd []Param
	for _, p := range a.Params {
		if !xmlName(p.Name) {
			odd = append(odd, p)
			continue
		}
		writeAttr(b, p.Name, p.Value)
	}
	writeAttr(b, "crm_feature_set", FeatureSet)
	if len(odd) == 0 {
		b.WriteString("/>\n")
	} else {
		b.WriteString(">\n")
		for _, p := range odd {
			b.WriteString("          <param")
			writeAttr(b, "name", p.Name)
			writeAttr(b, "value", p.Value)
			b.WriteString("/>\n")
		}
		b.WriteString("        </attributes>\n")
	}
	if len(a.Maintenance) > 0 {
		b.WriteString("        <maintenance>\n")
		for _, m := range a.Maintenance {
			on := "0"
			if m.On {
				on = "1"
			}
			b.WriteString("          <node")
			writeAttr(b, "id", m.ID)
			writeAttr(b, "node_in_maintenance", on)
			b.WriteString("/>\n")
		}
		b.WriteString("        </maintenance>\n")
	}
	if len(a.Downed) > 0 {
		b.WriteString("        <downed>\n")
		for _, d := range a.Downed {
			b.WriteString("          <node")
			writeAttr(b, "id", d)
			b.WriteString("/>\n")
		}
		b.WriteString("        </downed>\n")
	}
	b.WriteString("      </" + tag + ">\n")
}

// xmlName reports whether a parameter may be the name of an XML attribute.
func xmlName(n string) bool {
	for i := 0; i < len(n); i++ {
		c := n[i]
		ok := c == '_' || c == ':' && i > 0 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 ||
			i > 0 && (c == '-' || c == '.' || c >= '0' && c <= '9')
		if !ok {
			return false
		}
	}
	return n != ""
}

func writeAttr(b *bufio.Writer, name, value string) {
	b.WriteByte(' ')
	b.WriteString(name)
	b.WriteString(`="`)
	last := 0
	for i := 0; i < len(value); i++ {
		var e string
		switch value[i] {
		case '&':
			e = "&amp;"
		case '<':
			e = "&lt;"
		case '>':
			e = "&gt;"
		case '"':
			e = "&quot;"
		case '\n':
			e = "&#10;"
		case '\t':
			e = "&#9;"
		case '\r':
			e = "&#13;"
		default:
			continue
		}
		b.WriteString(value[last:i])
		b.WriteString(e)
		last = i + 1
	}
	b.WriteString(value[last:])
	b.WriteByte('"')
}

// XML returns the graph in the form that Pacemaker's controller reads.
func (g *Graph) XML() []byte {
	var b bytes.Buffer
	_ = g.WriteXML(&b) // a buffer does not fail
	return b.Bytes()
}
