package history_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/history"
)

func doc(t *testing.T, epoch int, value string) *cib.Element {
	t.Helper()
	root, err := cib.Parse([]byte(fmt.Sprintf(`<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="%d" num_updates="0" cib-last-written="Sat Nov 21 03:00:%02d 2026" `+
		`update-user="root" update-client="cibadmin" update-origin="n1"><configuration><crm_config><cluster_property_set id="o"><nvpair id="v" name="v" value="%s"/>`+
		`</cluster_property_set></crm_config><nodes/><resources/><constraints/></configuration></cib>`, epoch, epoch%60, value)), "test")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func open(t *testing.T, dir string) *history.Store {
	t.Helper()
	s, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func value(t *testing.T, s *history.Store, epoch int) string {
	t.Helper()
	root, err := s.Document(cib.Version{Epoch: epoch})
	if err != nil {
		t.Fatalf("version %d: %v", epoch, err)
	}
	if v := cib.VersionOf(root).Epoch; v != epoch {
		t.Fatalf("asked for epoch %d, got %d", epoch, v)
	}
	return root.Path("configuration", "crm_config", "cluster_property_set", "nvpair").Get("value")
}

func epochs(t *testing.T, s *history.Store) (out []int) {
	t.Helper()
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, e.Version.Epoch)
	}
	return out
}

// TestVersions remembers every version over lives of the store, with a step
// where one was missed, and forgets what was never agreed.
func TestVersions(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := 1; i <= 5; i++ {
		if err := s.Add(history.Change{Root: doc(t, i, fmt.Sprint("v", i)), Why: fmt.Sprint("reason ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	// The same again, as after a start, then the next, then one after a gap.
	if err := s.Add(history.Change{Root: doc(t, 5, "v5")}, history.Change{Root: doc(t, 6, "v6")}, history.Change{Root: doc(t, 9, "v9")}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(epochs(t, s)); got != "[1 2 3 4 5 6 9]" {
		t.Error(got)
	}
	for _, i := range []int{1, 2, 5, 6, 9} {
		if v := value(t, s, i); v != fmt.Sprint("v", i) {
			t.Errorf("version %d has %s", i, v)
		}
	}
	list, _ := s.List()
	if e := list[1]; e.Why != "reason 2" || e.User != "root" || e.Client != "cibadmin" || e.Origin != "n1" || e.Time.Second() != 2 {
		t.Errorf("%+v", e)
	}
	if _, err := s.Document(cib.Version{Epoch: 7}); !errors.Is(err, history.ErrUnknown) {
		t.Error(err)
	}
	// The cluster agreed on another version 6.
	if err := s.Add(history.Change{Root: doc(t, 6, "other")}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(epochs(t, s)); got != "[1 2 3 4 5 6]" || value(t, s, 6) != "other" {
		t.Errorf("%s, version 6 has %s", got, value(t, s, 6))
	}
}

// TestForgets keeps a bounded number of versions, each of them readable.
func TestForgets(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	var all []history.Change
	total := history.MaxEntries + 3*history.MaxChain
	for i := 1; i <= total; i++ {
		all = append(all, history.Change{Root: doc(t, i, fmt.Sprint("v", i))})
	}
	for len(all) > 0 {
		n := min(150, len(all))
		if err := s.Add(all[:n]...); err != nil {
			t.Fatal(err)
		}
		all = all[n:]
	}
	list := epochs(t, s)
	if len(list) > history.MaxEntries+history.MaxChain+1 || len(list) < history.MaxEntries-history.MaxChain {
		t.Errorf("%d versions are kept", len(list))
	}
	for _, i := range []int{list[0], list[1], list[len(list)/2], total} {
		if v := value(t, s, i); v != fmt.Sprint("v", i) {
			t.Errorf("version %d has %s", i, v)
		}
	}
}

// TestRecorder writes what was noted before the end.
func TestRecorder(t *testing.T) {
	dir := t.TempDir()
	r := history.NewRecorder(open(t, dir), func(err error) { t.Error(err) })
	for i := 1; i <= 50; i++ {
		r.Record(history.Change{Root: doc(t, i, fmt.Sprint("v", i))})
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer s.Close()
	if n := len(epochs(t, s)); n != 50 || value(t, s, 33) != "v33" {
		t.Errorf("%d versions", n)
	}
}
