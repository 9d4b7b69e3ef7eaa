package pengine

import "strconv"

// fenceOp returns the fencing action of a node. It is required only when
// fencing is possible.
func (s *scheduler) fenceOp(n *node, op string, optional bool, reason string, delay bool) *action {
	if op == "" {
		op = s.cfg.fenceAction
	}
	a := s.newGlobal("stonith-"+n.uname+"-"+op, tStonith, n, true)
	if len(a.extra) == 0 {
		a.extra = append(a.extra, Param{"CRM_meta_stonith_action", op})
		if op != "on" {
			n.fence = a
		}
		if s.unfencing && s.deviceDigests(a) {
			optional = false
		}
	}
	if s.cfg.priorityDelay > 0 {
		had := -1
		for i := range a.extra {
			if a.extra[i].Name == "CRM_meta_priority_fencing_delay" {
				had = i
			}
		}
		if delay || had >= 0 {
			v := strconv.FormatInt(s.priorityFencingDelay(n), 10)
			if had >= 0 {
				a.extra[had].Value = v
			} else {
				a.extra = append(a.extra, Param{"CRM_meta_priority_fencing_delay", v})
			}
		}
	}
	if !optional && s.canFence(n) {
		a.clear(aOptional)
		a.setReason(reason, false)
	} else if reason != "" && a.reason == "" {
		a.reason = reason
	}
	return a
}

// priorityFencingDelay is the delay in seconds before a lost node that runs the
// most important resources is fenced.
func (s *scheduler) priorityFencingDelay(n *node) int64 {
	if n.online {
		return 0
	}
	members, online := 0, 0
	top, low := 0, 0
	first := true
	for _, x := range s.nodes {
		if x.kind == "ping" || x.kind == "remote" {
			continue
		}
		members++
		if x.online {
			online++
		}
		if first {
			top, low, first = x.priority, x.priority, false
		}
		top, low = max(top, x.priority), min(low, x.priority)
	}
	if online > members/2 || low == top || n.priority < top {
		return 0
	}
	return s.cfg.priorityDelay / 1000
}
