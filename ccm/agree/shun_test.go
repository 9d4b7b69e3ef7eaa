package agree

import (
	"slices"
	"testing"
)

// A node that does not do its part is left out only where the others are a
// quorum, and no longer than they are one.
func TestNobodyIsLeftOutWhereItIsNeededForQuorum(t *testing.T) {
	shun := func(s *sim, who, whom string) {
		n := s.node(who)
		n.m.Shun(n.local(), whom, 100_000*msec)
		n.pump()
	}
	view := func(s *sim, name string) (names []string) {
		if v := s.node(name).m.view; v.Quorum {
			for _, x := range v.Members {
				names = append(names, x.Name)
			}
		}
		return names
	}
	t.Run("two of three", func(t *testing.T) {
		s := directed(t, 3, 0)
		s.node("c").up = false
		s.run(s.now + 1000*msec)
		opens := s.opens
		shun(s, "a", "b")
		s.run(s.now + 2000*msec)
		if got := view(s, "a"); !slices.Equal(got, []string{"a", "b"}) || s.opens != opens {
			t.Errorf("the view of a has %v after %d more views\n%s", got, s.opens-opens, s.story(t))
		}
	})
	t.Run("three, and then two", func(t *testing.T) {
		s := directed(t, 3, 0)
		shun(s, "a", "c")
		s.run(s.now + 1000*msec)
		if got := view(s, "a"); !slices.Equal(got, []string{"a", "b"}) {
			t.Fatalf("c is not left out: the view of a has %v\n%s", got, s.story(t))
		}
		s.node("b").up = false
		s.run(s.now + 3000*msec)
		if got := view(s, "a"); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("c is needed for the quorum, and the view of a has %v\n%s", got, s.story(t))
		}
	})
}
