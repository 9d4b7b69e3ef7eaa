package simulate

import (
	"container/heap"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// Failure makes an operation fail with a return code.
type Failure struct {
	Resource, Task string
	IntervalMS     int64
	Node           string
	RC             int
}

// ParseFailure reads RESOURCE_TASK_INTERVALMS@NODE=RC.
func ParseFailure(spec string) (Failure, error) {
	var f Failure
	bad := func() (Failure, error) {
		return f, fmt.Errorf("%q is not an operation specification; write RESOURCE_TASK_INTERVALMS@NODE=RC", spec)
	}
	key, rest, ok := strings.Cut(spec, "@")
	if !ok {
		return bad()
	}
	i := strings.LastIndexByte(rest, '=')
	if i < 0 {
		return bad()
	}
	rc, err := strconv.Atoi(rest[i+1:])
	if err != nil {
		return bad()
	}
	f.Node, f.RC = rest[:i], rc
	k := strings.LastIndexByte(key, '_')
	if k < 0 {
		return bad()
	}
	ms, err := strconv.ParseInt(key[k+1:], 10, 64)
	if err != nil {
		return bad()
	}
	f.IntervalMS, key = ms, key[:k]
	for _, t := range []string{"migrate_to", "migrate_from"} {
		if r, ok := strings.CutSuffix(key, "_"+t); ok {
			f.Resource, f.Task = r, t
			return f, nil
		}
	}
	k = strings.LastIndexByte(key, '_')
	if k <= 0 {
		return bad()
	}
	f.Resource, f.Task = key[:k], key[k+1:]
	return f, nil
}

// ready orders the actions that can be done: passes over the graph, in its
// order.
type ready []struct{ pass, id int }

func (r ready) Len() int { return len(r) }
func (r ready) Less(i, j int) bool {
	return r[i].pass < r[j].pass || r[i].pass == r[j].pass && r[i].id < r[j].id
}
func (r ready) Swap(i, j int) { r[i], r[j] = r[j], r[i] }
func (r *ready) Push(x any)   { *r = append(*r, x.(struct{ pass, id int })) }
func (r *ready) Pop() any {
	old := *r
	x := old[len(old)-1]
	*r = old[:len(old)-1]
	return x
}

// Options tell how a graph is carried out.
type Options struct {
	// Now is written as the time of the operations.
	Now time.Time
	// Failures are operations that fail.
	Failures []Failure
	// Quiet suppresses the text of the events.
	Quiet bool
}

// Execute carries out a graph that was made from root, writes one line per
// event to w and returns the CIB with the new status. Actions whose inputs never
// complete are left out; then complete is false.
func Execute(root *cib.Element, g *pengine.Graph, w io.Writer, opts Options) (after *cib.Element, complete bool) {
	m := newModel(root, opts.Now)
	after1 := make([][]int, len(g.Actions))
	waits := make([]int, len(g.Actions))
	for i, a := range g.Actions {
		waits[i] = len(a.Inputs)
		for _, in := range a.Inputs {
			after1[in] = append(after1[in], i)
		}
	}
	var q ready
	for i := range g.Actions {
		if waits[i] == 0 {
			q = append(q, struct{ pass, id int }{0, i})
		}
	}
	heap.Init(&q)
	done, aborted := 0, false
	abortPass := -1
	for q.Len() > 0 {
		x := heap.Pop(&q).(struct{ pass, id int })
		a := g.Actions[x.id]
		if aborted && x.pass > abortPass && a.Priority < pengine.Infinity {
			continue
		}
		ok := m.do(a, w, opts)
		if !ok {
			aborted, abortPass = true, x.pass
			continue
		}
		done++
		for _, t := range after1[x.id] {
			if waits[t]--; waits[t] == 0 {
				p := x.pass
				if t < x.id {
					p++
				}
				heap.Push(&q, struct{ pass, id int }{p, t})
			}
		}
	}
	return m.cib(), done == len(g.Actions)
}
