package lrm

import (
	"strconv"
	"time"
)

// OpKey returns RESOURCE_OPERATION_INTERVAL with the interval in milliseconds,
// the name of an operation in histories and graphs.
func OpKey(resource, op string, interval time.Duration) string {
	return resource + "_" + op + "_" + strconv.FormatInt(interval.Milliseconds(), 10)
}
