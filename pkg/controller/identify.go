package controller

import (
	"time"

	"github.com/quorate/quorate/cib"
)

// Options that the DC writes by itself, so that crm_mon and other tools know
// which program, and in which version, decides.
const (
	optionStack   = "cluster-infrastructure"
	optionVersion = "dc-version"
)

// bootstrap is the set in which tools expect the options of the cluster itself.
const bootstrap = "cib-bootstrap-options"

// identifyRetry is how long the DC waits before it writes again what was not
// written, or was overwritten.
const identifyRetry = 3 * time.Second

// identify asks to write which program the DC is, where the configuration says
// something else. It is called at rest, or beside a slow operation: no
// fail-over waits for this.
func (m *Machine) identify() {
	if m.cfg.Version == "" || m.now.Sub(m.dc.identified) < identifyRetry {
		return
	}
	sets := map[string]*cib.Element{}
	var order []string
	for _, o := range [][2]string{{optionStack, m.cfg.Stack}, {optionVersion, m.cfg.Version}} {
		set, id, value := findOption(m.config, o[0])
		if value == o[1] {
			continue
		}
		if sets[set] == nil {
			sets[set] = cib.New("cluster_property_set", "id", set)
			order = append(order, set)
		}
		sets[set] = sets[set].WithChild(cib.New("nvpair", "id", id, "name", o[0], "value", o[1]))
	}
	if len(order) == 0 {
		return
	}
	m.dc.identified = m.now
	e := Identify{cib.New("crm_config")}
	for _, set := range order {
		e.Config = e.Config.WithChild(sets[set])
	}
	m.do(e)
}

// findOption returns where a cluster option stands, or where it belongs.
func findOption(root *cib.Element, name string) (set, id, value string) {
	for _, s := range root.Path("configuration", "crm_config").All("cluster_property_set") {
		for _, nv := range s.All("nvpair") {
			if nv.Get("name") == name {
				return s.ID(), nv.ID(), nv.Get("value")
			}
		}
	}
	return bootstrap, bootstrap + "-" + name, ""
}

// ownOption reports whether an option is one that the DC writes by itself.
func ownOption(nv *cib.Element) bool {
	return nv.Get("name") == optionStack || nv.Get("name") == optionVersion
}
