package cib

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestApplyOpAgreesWithCibadmin gives random edits to us and to Debian's
// cibadmin working on a file, and compares the documents and exit codes.
// QUORATE_SEED replays a run; QUORATE_LONG=1 makes it long.
func TestApplyOpAgreesWithCibadmin(t *testing.T) {
	tool, err := exec.LookPath("cibadmin")
	if err != nil {
		t.Skip("SKIPPED: cibadmin is absent (Debian: pacemaker-cli-utils)")
	}
	seed := uint64(os.Getpid())
	if s := os.Getenv("QUORATE_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("QUORATE_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	rounds := 40
	if os.Getenv("QUORATE_LONG") != "" {
		rounds = 1500
	}
	file := filepath.Join(t.TempDir(), "cib.xml")
	// Comments in an edit become elements there.
	start := strings.Replace(sample, "<!-- first -->", "", 1)
	root := mustParse(start)
	same := 0
	for n := range rounds {
		op := randomOp(root, rng)
		if err := os.WriteFile(file, Print(root), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool, opArgs(op)...)
		cmd.Env = append(os.Environ(), "CIB_file="+file)
		runErr := cmd.Run()
		theirs := cmd.ProcessState.ExitCode()
		out, err := ApplyOp(root, op)
		ours := ExitCode(err)
		data, readErr := os.ReadFile(file)
		if readErr != nil {
			t.Fatal(readErr)
		}
		after, parseErr := Parse(data, file)
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		if theirs != 0 {
			after = root
		}
		if err != nil {
			out = root
		}
		if !knownDifference(op, err, theirs) && (ours != theirs || !Equal(out.First("configuration"), after.First("configuration")) || !Equal(out.First("status"), after.First("status"))) {
			t.Errorf("step %d: %s\nours %d (%v), theirs %d (%v)", n, EncodeOp(op), ours, err, theirs, runErr)
			for _, d := range Diff(after, out) {
				t.Errorf("  theirs to ours: %s", d)
			}
			continue
		}
		same++
		if err == nil && VersionOf(out).Epoch < 1000 {
			root = out
		}
		if len(root.String()) > 20000 || root.Path("configuration", "resources", "primitive") == nil {
			root = mustParse(start)
		}
	}
	t.Logf("%d of %d edits agree or differ as is known", same, rounds)
}

func opArgs(op Op) []string {
	args := []string{"--" + string(op.Verb)}
	if op.Scope != "" {
		args = append(args, "--scope", op.Scope)
	}
	if op.XPath != "" {
		args = append(args, "--xpath", op.XPath)
	}
	if op.AllowCreate {
		args = append(args, "--allow-create")
	}
	if op.XML != nil {
		args = append(args, "--xml-text", op.XML.String())
	}
	return append(args, "--force")
}

// knownDifference lists where we differ on purpose. Without a section cibadmin
// takes create for modify; and what it puts into a place where it cannot be is
// found not valid afterwards (78), which we refuse naming the place (105).
// Attributes of a section that is given to create are not ignored here, and the
// status section is emptied and not removed.
func knownDifference(op Op, err error, theirs int) bool {
	return op.Verb == VerbCreate && (op.Scope == "" || op.Scope == op.XML.Name && len(op.XML.Attrs) > 0) ||
		op.Verb == VerbDelete && op.XML.Name == "status" || errors.Is(err, ErrNoSuchObject) && theirs == 78
}

// randomOp makes an edit that concerns the document, mostly.
func randomOp(root *Element, rng *rand.Rand) Op {
	var all []*Element
	root.Walk(func(e *Element) bool {
		if e.Name != "cib" {
			all = append(all, e)
		}
		return true
	})
	e := all[rng.IntN(len(all))]
	op := Op{Verb: []Verb{VerbModify, VerbCreate, VerbReplace, VerbDelete}[rng.IntN(4)]}
	scopes := []string{"", "", "resources", "constraints", "crm_config", "nodes", "status", "configuration"}
	op.Scope = scopes[rng.IntN(len(scopes))]
	x := e
	switch rng.IntN(5) {
	case 0: // the element itself without children
		x = x.WithChildren()
	case 1: // with an attribute changed
		if len(x.Attrs) > 0 {
			a := x.Attrs[rng.IntN(len(x.Attrs))]
			x = x.WithAttr(a.Name, []string{"true", "5", "fresh", "b"}[rng.IntN(4)])
		}
	case 2: // with an attribute more
		x = x.WithAttr("description", "d"+itoa(rng.IntN(9)))
	case 3: // something new
		id := "new" + itoa(rng.IntN(30))
		x = []*Element{
			New("primitive", "id", id, "class", "lsb", "type", "x").WithChild(New("meta_attributes", "id", id+"-m").WithChild(New("nvpair", "id", id+"-n", "name", "x", "value", "y"))),
			New("rsc_location", "id", id, "rsc", "a", "node", "n1", "score", "5"),
			New("rsc_order", "id", id, "first", "a", "then", "b"),
			New("node", "id", id, "uname", id),
			New("nvpair", "id", id, "name", id, "value", "1"),
		}[rng.IntN(5)]
	}
	if op.Verb == VerbDelete && rng.IntN(2) == 0 {
		x = New(e.Name)
		if len(e.Attrs) > 0 {
			a := e.Attrs[rng.IntN(len(e.Attrs))]
			x = x.WithAttr(a.Name, a.Value)
		}
	}
	op.XML = x
	op.AllowCreate = op.Verb == VerbModify && rng.IntN(3) == 0
	return op
}
