package controller

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

func ptr(s string) *string { return &s }

func itoa64(n int64) string { return strconv.FormatInt(n, 10) }

// versionOf returns admin_epoch.epoch.num_updates of a document.
func versionOf(root *cib.Element) string {
	v := version(root)
	return strconv.Itoa(v[0]) + "." + strconv.Itoa(v[1]) + "." + strconv.Itoa(v[2])
}

func version(root *cib.Element) (v [3]int) {
	for i, name := range []string{"admin_epoch", "epoch", "num_updates"} {
		v[i], _ = strconv.Atoi(root.Get(name))
	}
	return v
}

// older reports whether a's version is below b's.
func older(a, b *cib.Element) bool {
	va, vb := version(a), version(b)
	for i := range va {
		if va[i] != vb[i] {
			return va[i] < vb[i]
		}
	}
	return false
}

// OptionHaresources is the cluster option of a configuration that was made from
// haresources, with "crm no".
const OptionHaresources = "haresources-digest"

// fromHaresources reports whether a document was made from haresources: with "crm
// yes" any other takes its place.
func fromHaresources(root *cib.Element) bool {
	_, _, value := findOption(root, OptionHaresources)
	return value != ""
}

// isEmpty reports whether a document configures nothing but nodes and what the
// DC says of itself: what a new cluster starts with.
func isEmpty(root *cib.Element) bool {
	conf := root.First("configuration")
	for _, s := range []string{"crm_config", "resources", "constraints", "rsc_defaults", "op_defaults"} {
		if sec := conf.First(s); sec != nil {
			for _, c := range sec.Children {
				if c.IsElement() && !identity(c) {
					return false
				}
			}
		}
	}
	return true
}

// identity reports whether a set of options holds only what a DC has written.
func identity(set *cib.Element) bool {
	for _, c := range set.Children {
		if c.IsElement() && !ownOption(c) {
			return false
		}
	}
	return set.Name == "cluster_property_set"
}

func compact(e *cib.Element) string { return string(cib.PrintCompact(e)) }
