package member

import (
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/controller"
)

// ActionLimit returns node-action-limit, how many operations a node executes at
// a time; 0 leaves it to the node.
func ActionLimit(root *cib.Element) int {
	n, err := strconv.Atoi(controller.Option(root, "node-action-limit"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// LoadThreshold returns load-threshold as a fraction, 0 where it is not
// configured; "0%" looks at no load, which is negative.
func LoadThreshold(root *cib.Element) float64 {
	s := controller.Option(root, "load-threshold")
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), "%"), 64)
	switch {
	case s == "" || err != nil:
		return 0
	case v <= 0:
		return -1
	}
	return v / 100
}
