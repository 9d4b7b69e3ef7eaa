package simulate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrOpSpec tells that a text is not an operation with a result.
var ErrOpSpec = errors.New("not of the form RESOURCE_TASK_INTERVALms@NODE=RC")

// OpSpec is an operation of a resource on a node and its result.
type OpSpec struct {
	// Text is what the user wrote.
	Text string
	// Resource may be an instance of a clone, NAME:NUMBER.
	Resource, Task string
	// Interval is in milliseconds.
	Interval int
	Node     string
	// RC is the code that the agent returns.
	RC int
}

// Key is the operation key, RESOURCE_TASK_INTERVAL.
func (o OpSpec) Key() string {
	return o.Resource + "_" + o.Task + "_" + strconv.Itoa(o.Interval)
}

// ParseOpSpec reads RESOURCE_TASK_INTERVAL@NODE=RC. Its errors wrap ErrOpSpec.
func ParseOpSpec(s string) (OpSpec, error) {
	o := OpSpec{Text: s}
	key, rest, ok := strings.Cut(s, "@")
	node, rc, ok2 := strings.Cut(rest, "=")
	if !ok || !ok2 || node == "" {
		return o, fmt.Errorf("operation %q: %w", s, ErrOpSpec)
	}
	code, err := strconv.Atoi(rc)
	if err != nil || code < 0 {
		return o, fmt.Errorf("operation %q: the return code %q is not a number: %w", s, rc, ErrOpSpec)
	}
	if o.Resource, o.Task, o.Interval, ok = splitKey(key); !ok {
		return o, fmt.Errorf("operation %q: the part %q: %w", s, key, ErrOpSpec)
	}
	o.Node, o.RC = node, code
	return o, nil
}

// twoWords are the tasks whose names hold an underscore themselves.
var twoWords = []string{"migrate_to", "migrate_from"}

// splitKey takes RESOURCE_TASK_INTERVAL apart; a resource may hold underscores.
func splitKey(key string) (rsc, task string, interval int, ok bool) {
	i := strings.LastIndexByte(key, '_')
	if i <= 0 {
		return "", "", 0, false
	}
	interval, err := strconv.Atoi(key[i+1:])
	if err != nil || interval < 0 {
		return "", "", 0, false
	}
	key = key[:i]
	for _, w := range twoWords {
		if r, found := strings.CutSuffix(key, "_"+w); found && r != "" {
			return r, w, interval, true
		}
	}
	j := strings.LastIndexByte(key, '_')
	if j <= 0 || j == len(key)-1 {
		return "", "", 0, false
	}
	rsc, task = key[:j], key[j+1:]
	// The notifications of a resource are RESOURCE_pre_notify_TASK and the like.
	for _, w := range []string{"_pre_notify", "_post_notify", "_confirmed-pre_notify", "_confirmed-post_notify"} {
		if r, found := strings.CutSuffix(rsc, w); found && r != "" {
			return r, w[1:] + "_" + task, interval, true
		}
	}
	return rsc, task, interval, true
}
