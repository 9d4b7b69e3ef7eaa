package pengine

import "slices"

// Pacemaker keeps the candidates of a resource in hash tables of GLib. Where it
// compares them and several are equal, or where its comparison is no order (the
// capacities of balanced placement), the order of the table decides. What is
// here is that order, so that the decision is the same.

// hashMods are the moduli for tables of 1, 2, 4, … places.
var hashMods = [...]uint32{1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521}

// hashOf is the hash of a name.
func hashOf(name string) uint32 {
	h := uint32(0)
	for i := 0; i < len(name); i++ {
		h = h*31 + uint32(int8(name[i]))
	}
	return max(h, 2)
}

// hashOrder returns the places of names in a table into which they were put one
// after another.
func hashOrder(names []string) []int {
	shift := 3
	at := func(i int) int { return int(hashOf(names[i]) * 11 % hashMods[shift]) }
	table := emptySlots(1 << shift)
	for i := range names {
		place := at(i)
		for step := 1; table[place] >= 0; step++ {
			place = (place + step) & (len(table) - 1)
		}
		table[place] = i
		if used := i + 1; len(table) <= used+used/16 && shift+1 < len(hashMods) {
			shift = 0
			for n := used * 4 / 3; n > 0; n >>= 1 {
				shift++
			}
			shift = min(max(shift, 3), len(hashMods)-1)
			table = rehash(table, 1<<shift, at)
		}
	}
	return slices.DeleteFunc(table, func(i int) bool { return i < 0 })
}

func emptySlots(n int) []int {
	t := make([]int, n)
	for i := range t {
		t[i] = -1
	}
	return t
}

// rehash moves a table to a larger one in place: what stands in the way of an
// entry is moved next.
func rehash(old []int, size int, at func(int) int) []int {
	table := append(slices.Clone(old), emptySlots(size-len(old))...)
	settled := make([]bool, size)
	for i := range old {
		x := table[i]
		if x < 0 || settled[i] {
			continue
		}
		for table[i] = -1; x >= 0; {
			place := at(x)
			for step := 1; settled[place]; step++ {
				place = (place + step) & (size - 1)
			}
			settled[place] = true
			x, table[place] = table[place], x
		}
	}
	return table
}

// nodesByHash returns the nodes as they stand in the table of candidates.
func (s *scheduler) nodesByHash() []*node {
	if s.hashed == nil {
		ids := make([]string, len(s.nodes))
		for i, n := range s.nodes {
			ids[i] = n.id
		}
		for _, i := range hashOrder(ids) {
			s.hashed = append(s.hashed, s.nodes[i])
		}
	}
	return s.hashed
}
