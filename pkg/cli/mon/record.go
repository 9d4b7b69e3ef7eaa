package mon

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// record is one operation of the history.
type record struct {
	e        *cib.Element
	task     string
	interval time.Duration
	rc       int
	target   int // -1 unknown
	status   int
	call     int
	change   int64
}

func (r record) probe() bool { return r.task == "monitor" && r.interval == 0 }

func newRecord(e *cib.Element) record {
	num := func(name string, def int) int {
		if n, err := strconv.Atoi(e.Get(name)); err == nil {
			return n
		}
		return def
	}
	r := record{e: e, task: e.Get("operation"), rc: num("rc-code", -1), status: num("op-status", 0), call: num("call-id", -1), target: -1}
	r.interval = time.Duration(num("interval", 0)) * time.Millisecond
	// action:transition:target:uuid
	if parts := strings.SplitN(e.Get("transition-key"), ":", 4); len(parts) == 4 {
		if n, err := strconv.Atoi(parts[2]); err == nil {
			r.target = n
		}
	}
	r.change, _ = strconv.ParseInt(e.Get("last-rc-change"), 10, 64)
	return r
}

func sortRecords(recs []record) {
	slices.SortStableFunc(recs, func(a, b record) int {
		if p, q := a.call < 0, b.call < 0; p != q {
			if p {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.change, b.change))
	})
}

// opName is the resource that an operation names.
func opName(rec record, id string) string {
	key := rec.e.Get("operation_key")
	if key == "" {
		key = rec.e.ID()
	}
	if i := strings.LastIndexByte(key, '_'); i > 0 {
		if name, ok := strings.CutSuffix(key[:i], "_"+rec.task); ok && name != "" {
			return name
		}
	}
	return id
}
