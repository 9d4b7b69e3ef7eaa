package h2c

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

const optionSet = "cib-bootstrap-options"

func (c *converter) document() *cib.Element {
	stickiness := c.o.Stickiness
	if stickiness == "" {
		stickiness = "0"
	}
	root := cib.New("cib")
	if c.o.Dialect == Current {
		root = cib.New("cib", "validate-with", Schema)
	}
	for _, n := range []string{"admin_epoch", "epoch", "num_updates"} {
		root = root.WithAttr(n, "0")
	}
	conf := cib.New("configuration").WithChildren(
		cib.New("crm_config").WithChild(c.options(stickiness)),
		cib.New("nodes"),
		cib.New("resources").WithChildren(c.resources...),
		cib.New("constraints").WithChildren(c.constraints...))
	if c.o.Dialect == Current {
		conf = conf.WithChild(cib.New("rsc_defaults").WithChild(
			cib.New("meta_attributes", "id", "rsc-options").WithChild(
				cib.New("nvpair", "id", "rsc-options-resource-stickiness", "name", "resource-stickiness", "value", stickiness))))
	}
	return root.WithChildren(conf, cib.New("status"))
}

// options are the cluster's options. Those that say nothing today are left out
// of today's form.
func (c *converter) options(stickiness string) *cib.Element {
	stonith := strconv.FormatBool(c.stonith)
	list := [][2]string{
		{"symmetric-cluster", "true"},
		{"no-quorum-policy", "stop"},
		{"stonith-enabled", stonith},
		{"stonith-action", "reboot"},
		{"stop-orphan-resources", "true"},
		{"stop-orphan-actions", "true"},
	}
	if c.o.Dialect == Heartbeat {
		list = [][2]string{
			{"symmetric_cluster", "true"},
			{"no_quorum_policy", "stop"},
			{"default_resource_stickiness", stickiness},
			{"default_resource_failure_stickiness", "0"},
			{"stonith_enabled", stonith},
			{"stonith_action", "reboot"},
			{"stop_orphan_resources", "true"},
			{"stop_orphan_actions", "true"},
			{"remove_after_stop", "false"},
			{"short_resource_names", "true"},
			{"transition_idle_timeout", "5min"},
			{"default_action_timeout", "5s"},
			{"is_managed_default", "true"},
		}
	}
	var pairs []*cib.Element
	for _, o := range list {
		pairs = append(pairs, cib.New("nvpair", "id", optionSet+"-"+o[0], "name", o[0], "value", o[1]))
	}
	return c.wrap(cib.New("cluster_property_set", "id", optionSet), pairs)
}
