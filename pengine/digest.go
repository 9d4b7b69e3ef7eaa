package pengine

import (
	"crypto/md5"
	"encoding/hex"
	"sort"
	"strings"

	"github.com/quorate/quorate/cib"
)

type digestResult uint8

const (
	digestSame digestResult = iota
	digestRestart
	digestAll
	digestUnknown
)

// digestSkip are parameters that no digest covers.
var digestSkip = map[string]bool{"id": true, "crm_feature_set": true, "op-digest": true, "on_node": true,
	"on_node_uuid": true, "pcmk_external_ip": true}

// paramDigest is the digest of a sorted parameters element.
func paramDigest(params []Param) string {
	var b strings.Builder
	b.WriteString(" <parameters")
	for _, p := range params {
		b.WriteByte(' ')
		b.WriteString(p.Name)
		b.WriteString(`="`)
		escapeDigest(&b, p.Value)
		b.WriteByte('"')
	}
	b.WriteString("/>\n")
	sum := md5.Sum([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

func escapeDigest(b *strings.Builder, v string) {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; c {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '"':
			b.WriteString("&quot;")
		case '\'':
			b.WriteString("&apos;")
		case '\n': // peculiar, as crm_resource --digests shows
			b.WriteString(`\n`)
		case '\t':
			b.WriteString("    ")
		case '\r':
			b.WriteString(`\r`)
		default:
			b.WriteByte(c)
		}
	}
}

// OpDigest is the op-digest of an operation that was executed with the given
// parameters, those of a graph's action: what a later run of the policy engine
// compares the configuration with.
func OpDigest(params map[string]string, recurring bool) string {
	list := make([]Param, 0, len(params))
	for k, v := range params {
		switch {
		case digestSkip[k], strings.HasPrefix(k, "CRM_meta_") && !(recurring && k == "CRM_meta_timeout"):
		default:
			list = append(list, Param{k, v})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return paramDigest(list)
}

// digestParams returns what the digest of an operation covers.
func (s *scheduler) digestParams(r *resource, n *node, task string, interval int64) []Param {
	m := r.withAddress(s.parameters(r, n))
	o := s.operation(r, task, interval)
	out := make([]Param, 0, len(m)+1)
	for k, v := range m {
		if _, over := o.params[k]; !over && !digestSkip[k] && !strings.HasPrefix(k, "CRM_meta_") {
			out = append(out, Param{k, v})
		}
	}
	for k, v := range o.params {
		if !digestSkip[k] {
			out = append(out, Param{k, v})
		}
	}
	if interval > 0 {
		out = append(out, Param{"CRM_meta_timeout", o.meta["timeout"]})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// privateOnly reports whether the parameters of an operation of the history
// differ from those of now in private ones at most.
func (s *scheduler) privateOnly(r *resource, n *node, op *cib.Element) bool {
	secure, ok := op.Lookup("op-secure-digest")
	if !ok {
		return false
	}
	list := op.Get("op-secure-params")
	var public []Param
	for _, p := range s.digestParams(r, n, op.Get("operation"), parseInt(op.Get("interval"))) {
		fencing := r.class == "stonith" && (strings.HasPrefix(p.Name, "pcmk_") || p.Name == "provides" || p.Name == "stonith-timeout")
		if !fencing && !strings.Contains(list, " "+p.Name+" ") && !strings.HasPrefix(p.Name, "CRM_meta_") {
			public = append(public, p)
		}
	}
	return paramDigest(public) == secure
}

// digestCompare tells how the parameters of an operation of the history differ
// from those of now.
func (s *scheduler) digestCompare(r *resource, n *node, op *cib.Element) digestResult {
	return s.digestCompareAs(r, n, op, false)
}

// digestKey names what was executed on a node.
type digestKey struct {
	r *resource
	n *node
	opKey
}

// digestBasis is what the first operation of a key says about restarts: whether
// it has a digest of the parameters that force one, and their list; without
// list all of them do.
type digestBasis struct {
	restart, listed bool
	list            string
}

// digestCompareAs compares an operation; what is void counts as executed with
// parameters that force a restart. Several operations of a history may have the
// same key: whether, and by which parameters, a restart is forced follows from
// the first of them that was compared.
func (s *scheduler) digestCompareAs(r *resource, n *node, op *cib.Element, void bool) digestResult {
	task, interval := op.Get("operation"), parseInt(op.Get("interval"))
	all, hasAll := op.Lookup("op-digest")
	restart, hasRestart := op.Lookup("op-restart-digest")
	if void {
		hasRestart, restart = true, ""
	}
	k := digestKey{r, n, opKey{task, interval}}
	first, known := s.digests[k]
	if !known {
		list, listed := op.Lookup("op-force-restart")
		first = digestBasis{hasRestart, listed, list}
		if s.digests == nil {
			s.digests = map[digestKey]digestBasis{}
		}
		s.digests[k] = first
	}
	if !hasAll && !hasRestart {
		return digestUnknown
	}
	params := s.digestParams(r, n, task, interval)
	if hasRestart && first.restart {
		sub := params
		if first.listed {
			sub = nil
			for _, p := range params {
				if strings.Contains(first.list, " "+p.Name+" ") {
					sub = append(sub, p)
				}
			}
		}
		if paramDigest(sub) != restart {
			return digestRestart
		}
	}
	if !hasAll {
		return digestUnknown
	}
	if paramDigest(params) != all {
		if interval == 0 && len(s.operation(r, task, interval).params) > 0 {
			return digestRestart
		}
		return digestAll
	}
	return digestSame
}
