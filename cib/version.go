package cib

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is the version of a document. The three numbers count in this order:
// a higher AdminEpoch wins over everything.
type Version struct {
	// AdminEpoch is raised by the administrator only.
	AdminEpoch int
	// Epoch counts changes of the configuration.
	Epoch int
	// NumUpdates counts changes of the status since the last of those.
	NumUpdates int
}

// VersionOf returns the version of a root; what is missing or no number is 0.
func VersionOf(root *Element) Version {
	n := func(name string) int {
		v, err := strconv.Atoi(root.Get(name))
		if err != nil || v < 0 {
			return 0
		}
		return v
	}
	return Version{n("admin_epoch"), n("epoch"), n("num_updates")}
}

// Compare returns -1, 0 or 1.
func (v Version) Compare(w Version) int {
	for _, p := range [][2]int{{v.AdminEpoch, w.AdminEpoch}, {v.Epoch, w.Epoch}, {v.NumUpdates, w.NumUpdates}} {
		if p[0] < p[1] {
			return -1
		}
		if p[0] > p[1] {
			return 1
		}
	}
	return 0
}

// String returns "admin_epoch.epoch.num_updates".
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.AdminEpoch, v.Epoch, v.NumUpdates)
}

// Configuration returns "admin_epoch.epoch", which names the configuration and
// leaves the status out.
func (v Version) Configuration() string { return fmt.Sprintf("%d.%d", v.AdminEpoch, v.Epoch) }

// ParseVersion reads "admin_epoch.epoch.num_updates" or the first two. Errors
// wrap ErrValue.
func ParseVersion(s string) (Version, error) {
	var n [3]int
	parts := strings.Split(s, ".")
	ok := len(parts) == 2 || len(parts) == 3
	for i := 0; ok && i < len(parts); i++ {
		var err error
		n[i], err = strconv.Atoi(parts[i])
		ok = err == nil && n[i] >= 0
	}
	if !ok {
		return Version{}, fmt.Errorf("%w: %q is no version: 0.17 or 0.17.0 is one", ErrValue, s)
	}
	return Version{n[0], n[1], n[2]}, nil
}

// WithVersion returns a copy of a root with the version set.
func WithVersion(root *Element, v Version) *Element {
	return root.WithAttr("admin_epoch", strconv.Itoa(v.AdminEpoch)).
		WithAttr("epoch", strconv.Itoa(v.Epoch)).
		WithAttr("num_updates", strconv.Itoa(v.NumUpdates))
}

// Empty returns an empty document of the given schema ("" means the newest).
func Empty(schema string) *Element {
	if schema == "" {
		schema = hb2Schema
	}
	return New("cib", "crm_feature_set", FeatureSet, "validate-with", schema, "epoch", "1", "num_updates", "0", "admin_epoch", "0").WithChildren(
		New("configuration").WithChildren(New("crm_config"), New("nodes"), New("resources"), New("constraints")),
		New("status"))
}

// FeatureSet is the value of crm_feature_set that new documents declare: that
// of Pacemaker 2.1.5, whose schema is used here.
const FeatureSet = "3.16.1"
