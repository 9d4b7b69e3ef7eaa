package attrd

import (
	"fmt"
	"strconv"
	"strings"
)

// infinity is the score nothing outweighs.
const infinity = 1000000

// expand returns the value an update means: one that ends in "++" adds one to the
// old value, one with "+=N" at its end adds N; anything else is taken as it is.
func expand(old, value string) (string, error) {
	add := 0
	if strings.HasSuffix(value, "++") && len(value) > 2 {
		add = 1
	} else if _, n, ok := strings.Cut(value, "+="); ok && n != "" {
		var err error
		if add, err = score(n); err != nil {
			return "", fmt.Errorf("value %q: what follows += is not a number", value)
		}
	} else {
		return value, nil
	}
	was := 0
	if old != "" {
		var err error
		if was, err = score(old); err != nil {
			return "", fmt.Errorf("value %q: the present value %q is not a number to add to", value, old)
		}
	}
	switch sum := was + add; {
	case was == infinity || sum >= infinity:
		return "INFINITY", nil
	case was == -infinity || sum <= -infinity:
		return "-INFINITY", nil
	default:
		return strconv.Itoa(sum), nil
	}
}

// score reads a whole number or INFINITY, and bounds it.
func score(s string) (int, error) {
	switch s {
	case "INFINITY", "+INFINITY":
		return infinity, nil
	case "-INFINITY":
		return -infinity, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, err
	}
	return max(-infinity, min(infinity, n)), nil
}
