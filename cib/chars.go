package cib

import (
	"strings"
	"unicode/utf8"

	"github.com/quorate/quorate/cib/internal/xmlname"
)

// Classes of bytes for the inner loops of the reader.
const (
	nameStart = 1 << iota
	nameChar
	// valueStop marks bytes at which an attribute value needs a closer look.
	valueStop
	// suspect marks control characters and bytes beyond ASCII.
	suspect
)

var charClass = func() (t [256]byte) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == ':':
			t[c] = nameStart | nameChar
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = nameChar
		case c >= utf8.RuneSelf:
			t[c] = nameStart | suspect
		case c == '"', c == '\'', c == '<', c == '&', c == '\t', c == '\n', c == '\r':
			t[c] = valueStop
		case c < ' ':
			t[c] = suspect
		}
	}
	return t
}()

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// isChar tells whether XML 1.0 allows a character (production 2, "Char").
func isChar(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0xD800 && r <= 0xDFFF, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return r <= utf8.MaxRune
}

// isNameRune tells whether a character beyond ASCII may stand in a name
// (XML 1.0, fifth edition, productions 4 and 4a).
func isNameRune(r rune, start bool) bool {
	if r < utf8.RuneSelf {
		c := charClass[r]
		return c&nameStart != 0 || !start && c&nameChar != 0
	}
	return xmlname.Rune(r, start)
}

// checkChars refuses what may stand nowhere in a document: bytes that are not
// UTF-8, and characters that XML forbids.
func (p *parser) checkChars() {
	if strings.HasPrefix(p.src, "\xff\xfe") || strings.HasPrefix(p.src, "\xfe\xff") {
		p.certain = true
		p.fail(0, "the document is in UTF-16, only UTF-8 is read: convert it, for instance with iconv -f UTF-16 -t UTF-8")
	}
	for i := 0; i < len(p.src); {
		c := p.src[i]
		if charClass[c]&suspect == 0 {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(p.src[i:])
		if r == utf8.RuneError && n == 1 {
			p.certain = len(p.src)-i >= utf8.UTFMax
			p.fail(i, "the byte %#02x is not UTF-8 text", c)
		}
		if !isChar(r) {
			p.certain = true
			p.fail(i, "the character %U is not allowed in XML, not even escaped", r)
		}
		i += n
	}
}

// ValidName reports whether s can be the name of an element or attribute.
func ValidName(s string) bool { return xmlname.Valid(s) }

// nameCache returns one string for equal names: names then compare by pointer,
// and the common ones do not keep a document's text alive. It is a small
// direct-mapped table per reader, so documents full of odd names cost nothing.
type nameCache [256]string

func (c *nameCache) intern(s string) string {
	h := (uint(len(s))*7 + uint(s[0])*31 + uint(s[len(s)-1])*131 + uint(s[len(s)/2])*17) & 255
	if c[h] == s {
		return c[h]
	}
	n, ok := commonNames[s]
	if !ok {
		n = s
	}
	c[h] = n
	return n
}

var commonNames = func() map[string]string {
	m := map[string]string{}
	for _, s := range strings.Fields(`cib configuration crm_config nodes resources constraints status
		cluster_property_set nvpair node primitive group clone master template bundle operations op
		instance_attributes meta_attributes utilization rule expression date_expression date_spec duration
		rsc_location rsc_colocation rsc_order rsc_ticket resource_set resource_ref node_state
		transient_attributes lrm lrm_resources lrm_resource lrm_rsc_op rsc_defaults op_defaults
		fencing-topology fencing-level alerts alert acls tags tag obj_ref attributes master_slave
		id name value type class provider uname interval timeout role score rsc with-rsc first then
		operation attribute node_state in_ccm crmd join expected crm-debug-origin operation_key
		crm_feature_set transition-key transition-magic exit-reason on_node call-id rc-code op-status
		last-run last-rc-change exec-time queue-time op-digest op-force-restart op-restart-digest
		op-secure-params op-secure-digest boolean-op score-attribute id-ref kind symmetrical`) {
		m[s] = s
	}
	return m
}()
