package pengine

import (
	"fmt"
	"slices"
	"strings"
)

// at returns the entry of a node, or nil.
func (w *Why) at(node string) *NodeWhy {
	for i := range w.Scores {
		if w.Scores[i].Node == node {
			return &w.Scores[i]
		}
	}
	return nil
}

// can reports whether the resource could be placed there.
func (n *NodeWhy) can() bool { return n.State == "" && n.Score >= 0 }

// rival returns the node against which a choice is explained: the one that the
// resource leaves, otherwise the best other one.
func (w *Why) rival(chosen *NodeWhy) *NodeWhy {
	for _, name := range w.Running {
		if n := w.at(name); n != nil && n != chosen && !slices.Contains(w.Running, chosen.Node) {
			return n
		}
	}
	var best *NodeWhy
	for i := range w.Scores {
		n := &w.Scores[i]
		if n == chosen {
			continue
		}
		if best == nil || n.can() != best.can() && n.can() || n.can() == best.can() && n.Score > best.Score {
			best = n
		}
	}
	return best
}

// margin is what one cause gives to one node more than to another.
type margin struct {
	Contribution
	node  string
	value Score
}

// margins returns what speaks for a and what speaks for b, strongest first.
func margins(a, b *NodeWhy) (forA, forB []margin) {
	type key struct{ kind, id, option string }
	var order []key
	sums := map[key]*[2]Score{}
	first := map[key]*[2]*Contribution{}
	for i, n := range []*NodeWhy{a, b} {
		for j := range n.Contributions {
			c := &n.Contributions[j]
			k := key{c.Kind, c.ID, c.Option}
			if sums[k] == nil {
				sums[k], first[k] = &[2]Score{}, &[2]*Contribution{}
				order = append(order, k)
			}
			sums[k][i] = addScores(sums[k][i], c.Value)
			if first[k][i] == nil {
				first[k][i] = c
			}
		}
	}
	for _, k := range order {
		d := sums[k][0] - sums[k][1]
		if d == 0 {
			continue
		}
		// The cause is named where it stands: with the node that it favours
		// if it adds there, otherwise with the one that it harms.
		m := margin{value: max(d, -d)}
		win, lose := 0, 1
		if d < 0 {
			win, lose = 1, 0
		}
		nodes := [2]*NodeWhy{a, b}
		if c := first[k][win]; c != nil && sums[k][win] > 0 {
			m.Contribution, m.node = *c, nodes[win].Node
			m.Value = sums[k][win]
		} else if c := first[k][lose]; c != nil {
			m.Contribution, m.node = *c, nodes[lose].Node
			m.Value = sums[k][lose]
		} else {
			m.Contribution, m.node = *first[k][win], nodes[win].Node
			m.Value = sums[k][win]
		}
		if d > 0 {
			forA = append(forA, m)
		} else {
			forB = append(forB, m)
		}
	}
	strongest := func(x, y margin) int { return int(y.value - x.value) }
	slices.SortStableFunc(forA, strongest)
	slices.SortStableFunc(forB, strongest)
	return forA, forB
}

// ban returns the contribution that made a score negative, or nil.
func (n *NodeWhy) ban() *Contribution {
	var worst *Contribution
	for i := range n.Contributions {
		c := &n.Contributions[i]
		if c.Value <= -Infinity {
			return c
		}
		if c.Value < 0 && (worst == nil || c.Value < worst.Value) {
			worst = c
		}
	}
	return worst
}

// against says in a few words why a node cannot have the resource.
func (n *NodeWhy) against() string {
	if n.State != "" {
		return n.State
	}
	if c := n.ban(); c != nil {
		return c.phrase()
	}
	return "its score is " + n.Score.String()
}

// decide fills in the sentences and the deciding contributions of w.
func (s *scheduler) decide(r *resource, w *Why) {
	for i := range w.Scores {
		s.decideNode(r, w, &w.Scores[i])
	}
	switch r.variant {
	case groupVariant:
		if lead := w.Members; len(lead) > 0 {
			w.Deciding = lead[0].Deciding
			w.Sentence = s.groupSentence(r, w)
		}
		return
	case cloneVariant, bundleVariant:
		w.Sentence = s.cloneSentence(r.id, w)
		return
	}
	w.Sentence, w.Deciding = s.decision(r, w)
}

// decideNode explains one node: why it was chosen, or why it was not.
func (s *scheduler) decideNode(r *resource, w *Why, n *NodeWhy) {
	if n.Chosen {
		rival := w.rival(n)
		if rival != nil && rival.can() {
			if f, _ := margins(n, rival); len(f) > 0 && n.Score > rival.Score {
				n.Deciding = &Deciding{f[0].node, f[0].Contribution}
			}
		}
		n.Sentence = fmt.Sprintf("%s is to run on %s: %s", r.id, n.Node, s.prefer(w, n, rival))
		return
	}
	subject := fmt.Sprintf("%s does not run on %s", r.id, n.Node)
	switch {
	case n.State != "":
		n.Sentence = fmt.Sprintf("%s: the node is %s", subject, n.State)
	case n.Score < 0:
		if c := n.ban(); c != nil {
			n.Deciding = &Deciding{n.Node, *c}
		}
		n.Sentence = fmt.Sprintf("%s: %s", subject, n.against())
	case r.variant == primitiveVariant && len(w.Nodes) == 1:
		chosen := w.at(w.Nodes[0])
		if chosen == nil || !r.is(rManaged) {
			n.Sentence = subject + ": " + s.unscored(r)
			return
		}
		if f, _ := margins(chosen, n); len(f) > 0 && chosen.Score > n.Score {
			n.Deciding = &Deciding{f[0].node, f[0].Contribution}
		}
		n.Sentence = fmt.Sprintf("%s, but on %s: %s", subject, chosen.Node, s.prefer(w, chosen, n))
	case r.variant == primitiveVariant:
		n.Sentence = subject + ": " + s.unscored(r)
	case len(w.Nodes) == 0:
		n.Sentence = subject + ": it runs nowhere"
	default:
		n.Sentence = fmt.Sprintf("%s, but on %s", subject, strings.Join(w.Nodes, ", "))
	}
}

// prefer says why a node was preferred to another one.
func (s *scheduler) prefer(w *Why, n, rival *NodeWhy) string {
	switch {
	case rival == nil:
		return "no other node is considered"
	case !rival.can():
		if len(w.Scores) > 2 {
			return "no other node may have it (" + w.exclusions(n.Node) + ")"
		}
		return rival.Node + " may not have it (" + rival.against() + ")"
	case n.Score > rival.Score:
		forN, forRival := margins(n, rival)
		switch {
		case len(forN) == 0:
			return fmt.Sprintf("its score %s is above the %s of %s", n.Score, rival.Score, rival.Node)
		case forN[0].node == n.Node && len(forRival) > 0:
			return fmt.Sprintf("%s outweighs %s", forN[0].phrase(), forRival[0].phraseOn())
		case forN[0].node == n.Node:
			return fmt.Sprintf("%s; %s has %s", forN[0].phrase(), rival.Node, rival.Score)
		case len(forRival) > 0:
			return fmt.Sprintf("%s against %s outweighs %s", forN[0].phrase(), rival.Node, forRival[0].phraseOn())
		}
		return fmt.Sprintf("%s against %s", forN[0].phrase(), rival.Node)
	case n.Score < rival.Score:
		return fmt.Sprintf("although %s has the higher score %s", rival.Node, rival.Score)
	case s.cfg.placement == placeBalanced && compareAmounts(n.Capacity, rival.Capacity) < 0:
		return fmt.Sprintf("the scores are equal (%s), and it has more capacity left than %s (%s, not %s)", n.Score, rival.Node,
			amounts(n.Capacity).list(), amounts(rival.Capacity).list())
	case n.Load < rival.Load && s.cfg.placement != "minimal":
		return fmt.Sprintf("the scores are equal (%s), and it has fewer resources than %s (%d, not %d)", n.Score, rival.Node, n.Load, rival.Load)
	case slices.Contains(w.Running, n.Node):
		return fmt.Sprintf("the scores are equal (%s), and it runs there already", n.Score)
	}
	return fmt.Sprintf("the scores are equal (%s), and it comes before %s", n.Score, rival.Node)
}

// exclusions lists why the nodes other than one cannot have the resource.
func (w *Why) exclusions(but string) string {
	var out []string
	for i := range w.Scores {
		if n := &w.Scores[i]; n.Node != but && !n.can() {
			if len(out) == 4 {
				out = append(out, "…")
				break
			}
			out = append(out, n.Node+": "+n.against())
		}
	}
	return strings.Join(out, "; ")
}

// phraseOn is phrase with the node that the cause speaks for.
func (m *margin) phraseOn() string {
	if m.Value > 0 {
		return m.possessive() + " for " + m.node
	}
	return m.possessive() + " against " + m.node
}

// phrase names a contribution with its value: "stickiness 200".
func (c *Contribution) phrase() string {
	switch {
	case c.Kind == kindTicket, c.Kind == kindCapacity:
		return c.name() // it is minus infinity always
	case c.Kind == kindLocation, c.Kind == kindColocation, c.Kind == kindColocated:
		return c.name() + " (" + c.Value.String() + ")"
	}
	return c.name() + " " + c.Value.String()
}

// possessive names a contribution with its value: "location loc-1's 100".
func (c *Contribution) possessive() string {
	if c.Kind == kindLocation || c.Kind == kindColocation || c.Kind == kindColocated {
		return c.name() + "'s " + c.Value.String()
	}
	return c.phrase()
}

func (c *Contribution) name() string {
	switch c.Kind {
	case kindLocation:
		if c.ID == healthID {
			return "health of the node"
		}
		return "location " + c.ID
	case kindColocation, kindColocated:
		verb := " with "
		if c.Kind == kindColocated {
			verb = " of "
		}
		if c.With == "" {
			return strings.TrimSpace("colocation " + c.ID)
		}
		return strings.TrimSpace("colocation "+c.ID) + verb + c.With
	case kindCapacity:
		return "not enough capacity left for it and what has to be with it"
	case kindTicket:
		return "ticket " + c.Option + " (" + c.ID + ")"
	case kindGroup:
		return "group " + c.ID + " with " + c.With
	case kindClone:
		return strings.TrimSpace("clone " + c.ID)
	case kindThreshold:
		return "migration-threshold reached:"
	case kindTargetRole:
		if c.Option != kindTargetRole {
			return c.Option + ":"
		}
		return "target-role:"
	}
	return c.Kind
}
