package sim

// event is something that happens at a virtual time.
type event struct {
	at  int64
	seq uint64 // order among those of one time
	f   func()
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

// queue is a binary heap of events. It is written out rather than taken from
// container/heap because it is what a simulation does most.
type queue struct {
	list []event
	seq  uint64
}

func (q *queue) push(at int64, f func()) {
	q.seq++
	q.list = append(q.list, event{at, q.seq, f})
	i := len(q.list) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !q.list[i].before(&q.list[up]) {
			break
		}
		q.list[i], q.list[up] = q.list[up], q.list[i]
		i = up
	}
}

func (q *queue) pop() event {
	top := q.list[0]
	last := len(q.list) - 1
	q.list[0], q.list[last] = q.list[last], event{}
	q.list = q.list[:last]
	for i := 0; ; {
		low := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if q.list[c].before(&q.list[low]) {
				low = c
			}
		}
		if low == i {
			return top
		}
		q.list[i], q.list[low] = q.list[low], q.list[i]
		i = low
	}
}
