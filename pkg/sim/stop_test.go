package sim

import (
	"slices"
	"strings"
	"testing"
)

// An orderly stop may take longer than the operator wanted the daemon to be down,
// for an agent is slow or a quorum has to be waited for: it is started again when it
// has ended, and so it is when the faults end meanwhile.
func TestSlowStopIsFollowedByAStart(t *testing.T) {
	for _, text := range []string{
		"nodes 3\nsteady\nresource ip start 1s stop 30s\nat 60s stop n1 for 5s\nend at 4m\n",
		"nodes 3\nsteady\nresource ip start 1s stop 30s\nat 60s stop n1 for 5s\nsettle at 67s\n",
		"nodes 3\nsteady\nresource ip start 1s stop 30s\nat 60s stop n1\nsettle at 62s\n",
	} {
		sc, err := Parse([]byte(text), "stop", nil)
		if err != nil {
			t.Fatal(err)
		}
		var story []string
		r, err := Run(sc, Options{Seed: 1, Tell: func(l string) { story = append(story, l) }})
		if err != nil {
			t.Fatal(err)
		}
		find := func(from int, what string) int {
			i := slices.IndexFunc(story[from:], func(l string) bool { return strings.Contains(l, what) })
			if i < 0 {
				t.Fatalf("%q does not happen\n%s\n%s", what, text, strings.Join(story, "\n"))
			}
			return from + i
		}
		stop := find(0, "* stop n1")
		if !slices.ContainsFunc(story[:stop], func(l string) bool { return strings.Contains(l, "n1 ip is active") }) {
			t.Fatalf("n1 has nothing to stop\n%s", strings.Join(story, "\n"))
		}
		find(find(stop, "n1 the daemon has ended"), "n1 the daemon starts")
		if r.Violation != nil {
			t.Errorf("%v\n%s", r.Violation, strings.Join(story, "\n"))
		}
	}
}
