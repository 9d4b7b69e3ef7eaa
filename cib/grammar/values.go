package grammar

import (
	"strings"

	"github.com/quorate/quorate/cib/internal/xmlname"
)

// values is what the value of an attribute may be: any of several literals and
// datatypes, without the exceptions.
type values struct {
	// alts are the alternatives in the order of the source.
	alts []value
	// source is the text in the tables, which makes equal ones equal.
	source string
}

// value is one alternative: a literal, or a datatype.
type value struct {
	literal string
	// typ is "" for a literal, otherwise string, ID, IDREF, integer,
	// nonNegativeInteger, positiveInteger, boolean, or pattern.
	typ string
	// chars describes a pattern: a list of one or more words, separated by commas
	// if list is set, of these characters.
	chars charset
	list  bool
	// regexp is the same for RELAX NG.
	regexp string
	// except are the strings which a string must not be.
	except []string
}

// charset is a set of ASCII characters.
type charset [2]uint64

func (c *charset) add(from, to byte) {
	for b := int(from); b <= int(to); b++ {
		c[b/64] |= 1 << (b % 64)
	}
}

func (c *charset) has(b byte) bool { return b < 128 && c[b/64]&(1<<(b%64)) != 0 }

// match reports whether the value s is allowed, and whether as an id or as a
// reference to one.
func (v *values) match(s string) (ok, id, ref bool) {
	for i := range v.alts {
		a := &v.alts[i]
		if a.match(s) {
			return true, a.typ == "ID", a.typ == "IDREF"
		}
	}
	return false, false, false
}

// collapse is s without white space around it, as XML Schema's datatypes
// compare; white space inside is left, since no type allows it.
func collapse(s string) string {
	return strings.Trim(s, " \t\r\n")
}

func (v *value) match(s string) bool {
	switch v.typ {
	case "":
		return collapse(s) == v.literal
	case "string":
		for _, e := range v.except {
			if collapse(s) == e {
				return false
			}
		}
		return true
	case "ID", "IDREF":
		return xmlname.Valid(collapse(s))
	case "boolean":
		s = collapse(s)
		return s == "true" || s == "false" || s == "1" || s == "0"
	case "integer", "nonNegativeInteger", "positiveInteger":
		return isInteger(collapse(s), v.typ)
	}
	if s == "" {
		return false
	}
	word := 0
	for i := range len(s) {
		switch {
		case v.chars.has(s[i]):
			word++
		case v.list && s[i] == ',' && word > 0:
			word = 0
		default:
			return false
		}
	}
	return word > 0
}

// maxDigits is the number of digits that a number may have in common tools.
const maxDigits = 24

func isInteger(s, typ string) bool {
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	digits = strings.TrimLeft(digits, "0")
	switch {
	case len(digits) > maxDigits:
		return false
	case typ == "integer" || digits == "" && typ != "positiveInteger":
		return true
	}
	return digits != "" && s[0] != '-'
}
