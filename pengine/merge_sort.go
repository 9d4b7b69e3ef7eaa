package pengine

// mergeSort sorts a list stably by a comparison that need not be transitive:
// then the result depends on the algorithm, and on this one Pacemaker's results
// rest.
func mergeSort[T any](list []T, compare func(a, b T) int) {
	mergeSortIn(list, make([]T, len(list)), compare)
}

func mergeSortIn[T any](list, tmp []T, compare func(a, b T) int) {
	if len(list) < 2 {
		return
	}
	half := len(list) / 2
	mergeSortIn(list[:half], tmp, compare)
	mergeSortIn(list[half:], tmp, compare)
	a, b, out := list[:half], list[half:], tmp[:0]
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	out = append(append(out, a...), b...)
	copy(list, out)
}
