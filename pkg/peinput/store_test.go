package peinput

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

const text = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="7" num_updates="0" admin_epoch="0" have-quorum="1">
 <configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/>%s</cluster_property_set></crm_config>
 <nodes><node id="1" uname="n1"/></nodes>
 <resources><primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/></resources><constraints/></configuration>
 <status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`

func document(t *testing.T, options string) *cib.Element {
	t.Helper()
	root, err := cib.Parse(fmt.Appendf(nil, text, options), "test")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestSavedInputGivesTheSameGraph(t *testing.T) {
	now := time.Unix(1700000000, 0)
	root := document(t, "")
	path, err := NewStore(filepath.Join(t.TempDir(), "pengine")).Save(Input, root, now, 4000)
	if err != nil || filepath.Base(path) != "pe-input-0.bz2" {
		t.Fatal(path, err)
	}
	again, _, err := cib.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Get("execution-date"); got != "1700000000" {
		t.Errorf("execution-date is %q", got)
	}
	graph := func(r *cib.Element) string {
		res, err := pengine.Schedule(r, now, pengine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := res.Graph.WriteXML(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if a, b := graph(root), graph(again); a != b || !strings.Contains(a, "a_start_0") {
		t.Errorf("the graphs differ:\n%s\n%s", a, b)
	}
	tool, err := exec.LookPath("crm_simulate")
	if err != nil {
		t.Skip("NOT TESTED with Pacemaker: crm_simulate is not installed")
	}
	cmd := exec.Command(tool, "-x", path, "-S")
	cmd.Env = append(os.Environ(), "CIB_file=", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Using the original execution date of: 2023-11-14 22:13:20Z") || !strings.Contains(string(out), "Start      a") {
		t.Errorf("crm_simulate: %v\n%s", err, out)
	}
}

func TestSeriesWrapsAndIsLimitedByTheDocument(t *testing.T) {
	dir := t.TempDir()
	s := NewStore(dir)
	root := document(t, `<nvpair id="o2" name="pe-warn-series-max" value="3"/>`)
	if Limit(root, Input) != 4000 || Limit(root, Warn) != 3 || Limit(root, Error) != -1 || Limit(document(t, ""), Warn) != 5000 {
		t.Error("limits are not those of the options and their defaults")
	}
	var names []string
	for range 5 {
		path, err := s.Save(Warn, root, time.Unix(1, 0), Limit(root, Warn))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".bz2"))
	}
	if got := strings.Join(names, " "); got != "pe-warn-0 pe-warn-1 pe-warn-2 pe-warn-0 pe-warn-1" {
		t.Errorf("written: %s", got)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "pe-warn.last")); strings.TrimSpace(string(b)) != "2" {
		t.Errorf("counter %q", b)
	}
	if path, err := s.Save(Input, root, time.Unix(1, 0), 0); path != "" || err != nil {
		t.Errorf("limit 0 wrote %q, %v", path, err)
	}
	// A lost or damaged counter overwrites nothing.
	for _, damage := range []func() error{
		func() error { return os.Remove(filepath.Join(dir, "pe-warn.last")) },
		func() error { return os.WriteFile(filepath.Join(dir, "pe-warn.last"), []byte("x"), 0o600) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		before := count(t, dir)
		if _, err := s.Save(Warn, root, time.Unix(1, 0), -1); err != nil {
			t.Fatal(err)
		}
		if after := count(t, dir); after != before+1 {
			t.Errorf("%d inputs before, %d after", before, after)
		}
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "pe-*.bz2"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestUnwritableDiskIsSaidOnceAndSurvived(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pengine")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	var log bytes.Buffer
	r := NewRecorder(dir, slog.New(slog.NewTextHandler(&log, nil)))
	root := document(t, "")
	for i := range 3 {
		if !r.Save(Job{root, time.Unix(1, 0), i, Input}) {
			t.Fatal("not taken")
		}
	}
	go r.Run()
	r.Close(context.Background())
	if n := strings.Count(log.String(), "cannot be stored"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}

	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	r = NewRecorder(dir, slog.New(slog.NewTextHandler(&log, nil)))
	for i := range backlog + 2 {
		if took := r.Save(Job{root, time.Unix(1, 0), i, Warn}); took != (i < backlog) {
			t.Errorf("input %d of a backlog of %d: taken %t", i, backlog, took)
		}
	}
	go r.Run()
	r.Close(context.Background())
	want := fmt.Sprintf("process_pe_message: Transition 1: WARNINGs found during PE processing. PEngine Input stored in: %s/pe-warn-1.bz2", dir)
	if !strings.Contains(log.String(), want) || count(t, dir) != backlog {
		t.Errorf("%d files; log:\n%s", count(t, dir), log.String())
	}
}
