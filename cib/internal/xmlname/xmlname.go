// Package xmlname knows which characters make a name in XML 1.0, fifth edition
// (productions 4 and 4a).
package xmlname

import "unicode/utf8"

// Rune reports whether a character may stand in a name, at its start if start
// is set.
func Rune(r rune, start bool) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == ':':
		return true
	case r >= '0' && r <= '9', r == '-', r == '.':
		return !start
	}
	for _, w := range ranges {
		if r >= w[0] && r <= w[1] {
			return true
		}
	}
	return !start && (r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040)
}

var ranges = [][2]rune{
	{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF}, {0x200C, 0x200D},
	{0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
}

// Valid reports whether s is a name without a colon, as an id must be.
func Valid(s string) bool {
	for i, r := range s {
		if r == ':' || !Rune(r, i == 0) {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}
