package pengine

import (
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// baseID is the id of a resource without the number of an instance.
func baseID(id string) string {
	i := strings.LastIndexByte(id, ':')
	if i < 0 || i+1 == len(id) {
		return id
	}
	for _, c := range id[i+1:] {
		if c < '0' || c > '9' {
			return id
		}
	}
	return id[:i]
}

// failAttr reports whether the node attribute name, which starts with prefix,
// belongs to the resource.
func (s *scheduler) failAttr(r *resource, prefix, name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return false
	}
	id := r.historyID()
	unique := r.is(rUnique)
	if !unique {
		id = baseID(id)
	}
	rest, ok = strings.CutPrefix(rest, id)
	if !ok {
		return false
	}
	if !unique && strings.HasPrefix(rest, ":") {
		i := 1
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
		}
		if i == 1 {
			return false
		}
		rest = rest[i:]
	}
	if compareVersions(s.featureSet, "3.0.13") < 0 {
		return rest == ""
	}
	if !strings.HasPrefix(rest, "#") {
		return false
	}
	i := strings.LastIndexByte(rest, '_')
	if i < 2 || i+1 == len(rest) {
		return false
	}
	for _, c := range rest[i+1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// failCount returns the fail count of a resource on a node and the time of the
// last failure; with effective, expired failures do not count.
func (s *scheduler) failCount(n *node, r *resource, effective bool, op *cib.Element) (count Score, last time.Time) {
	if n.failNames == 0 {
		n.failNames = 1
		for k := range n.attrs {
			if strings.HasPrefix(k, "fail-count-") {
				n.failNames = 2
			}
		}
	}
	if n.failNames == 1 {
		return 0, last
	}
	var lastSec int64
	for k, v := range n.attrs {
		if s.failAttr(r, "fail-count-", k) {
			count = addScores(count, parseScore(v))
		} else if s.failAttr(r, "last-failure-", k) {
			lastSec = max(lastSec, parseInt(v))
		}
	}
	if lastSec > 0 {
		last = time.Unix(lastSec, 0)
	}
	if count > 0 && r.failureTimeout > 0 && s.failureBlocks(n, r, op) {
		s.warnf("resource %s: failure-timeout is ignored because on-fail=block contradicts it", r.id)
		r.failureTimeout = 0
	}
	if effective && count > 0 && lastSec > 0 && r.failureTimeout > 0 && s.now.After(last.Add(r.failureTimeout)) {
		count = 0
	}
	return count, last
}

// failureBlocks reports whether the failure op, or any failure in the history
// of the node, has on-fail=block.
func (s *scheduler) failureBlocks(n *node, r *resource, op *cib.Element) bool {
	for _, conf := range r.opsXML {
		if conf.Get("on-fail") != "block" {
			continue
		}
		if op != nil {
			if failureOf(r, conf, op) {
				return true
			}
			continue
		}
		for _, h := range s.historyOf(n, baseID(r.id)).All("lrm_rsc_op") {
			if failureOf(r, conf, h) {
				return true
			}
		}
	}
	return false
}

func failureOf(r *resource, conf, op *cib.Element) bool {
	if conf.Get("name") != op.Get("operation") || parseInterval(conf) != parseInt(op.Get("interval")) {
		return false
	}
	id := baseID(r.id)
	if strings.HasPrefix(op.ID(), id+"_last_failure_") {
		return true
	}
	_, _, _, target, ok := transitionKey(op)
	rc := int(parseInt(op.Get("rc-code")))
	return op.ID() == opKeyString(id, op.Get("operation"), parseInterval(conf)) && ok && rc != target
}

// clearFailCount plans to clear the fail count of a resource on a node.
func (s *scheduler) clearFailCount(r *resource, n *node, reason string) *action {
	a := s.newAction(r, tClearFail, 0, n, false)
	if len(a.extra) == 0 {
		a.extra = append(a.extra, Param{"CRM_meta_op_no_wait", "true"})
	}
	a.cause = "the fail count is cleared because " + reason
	return a
}

// failLimit reports whether failures force a resource away from a node, and
// which resource is banned.
func (s *scheduler) failLimit(r *resource, n *node) (*resource, bool) {
	if r.migrationThreshold == 0 || r.is(rFailureIgnored) {
		return nil, false
	}
	count, _ := s.failCount(n, r, true, nil)
	for _, f := range r.fillers {
		if !r.bundled() {
			c, _ := s.failCount(n, f, true, nil)
			count = addScores(count, c)
		}
	}
	if count <= 0 || r.migrationThreshold-count > 0 {
		return nil, false
	}
	if !r.is(rUnique) {
		r = r.top()
	}
	return r, true
}
