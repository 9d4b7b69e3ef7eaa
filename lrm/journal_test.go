package lrm

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestRestartedDaemonKnowsWhatIsLeft(t *testing.T) {
	r := newRig(t, nil)
	r.script("svc", `case $1 in
start) [ $OCF_RESOURCE_INSTANCE = slow ] && { echo $$ > $HA_RSCTMP/slow.pid; sleep 300; }; exit 0;;
esac; exit 0`)
	mk := func(resource, name string) Op {
		o := op("svc", name)
		o.Resource, o.Params = resource, map[string]string{"p": resource}
		return o
	}
	for _, n := range []string{"one", "two", "three"} {
		r.do(mk(n, "start"))
	}
	r.do(mk("two", "stop"))
	slow := mk("slow", "start")
	slow.Timeout = time.Hour
	r.Execute(slow)
	pidFile := filepath.Join(r.run, "slow.pid")
	var pid int
	eventually(t, "the slow start runs", func() bool {
		b, err := os.ReadFile(pidFile)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
		return err == nil
	})
	// The daemon dies here: what it would have written at its end is not there.
	file := JournalFile(r.run)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	crashed := t.TempDir()
	torn := append(append([]byte{}, b...), `{"active":"torn","o`...)
	if err := os.WriteFile(JournalFile(crashed), torn, 0o600); err != nil {
		t.Fatal(err)
	}
	next := New(Config{OCFRoot: r.root, RunDir: crashed})
	defer next.Close()
	want := []Leftover{
		{Op: slow, InFlight: true, Active: true},
		{Op: mk("one", "start"), Active: true},
		{Op: mk("three", "start"), Active: true},
	}
	if got := next.Leftovers(); !reflect.DeepEqual(got, want) {
		t.Errorf("leftovers:\n%+v\nwant:\n%+v", got, want)
	}
	if got := next.Active(); !reflect.DeepEqual(got, []string{"one", "three", "slow"}) {
		t.Errorf("active: %v", got)
	}
	eventually(t, "the start in flight is killed", func() bool { return !alive(pid) })
	// A probe that finds nothing ends the belief, for the next restart as well.
	probe := mk("slow", "monitor")
	r.script("svc", "exit 7")
	next.Execute(probe)
	<-next.Results()
	left, err := ReadJournal(JournalFile(crashed))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 || left[0].Op.Resource != "one" || left[1].Op.Resource != "three" {
		t.Errorf("journal: %+v", left)
	}
}

func TestJournalOfAnotherBootSaysNothing(t *testing.T) {
	file := JournalFile(t.TempDir())
	text := `{"boot":"another"}` + "\n" + `{"active":"a","op":{"Resource":"a"}}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if left, err := ReadJournal(file); err != nil || len(left) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
}

func TestJournalStaysSmall(t *testing.T) {
	j, _, err := openJournal(JournalFile(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	o := Op{Resource: "keep", Params: map[string]string{"text": strings.Repeat("x", 500)}}
	j.write(journalLine{Active: "keep", Op: &o})
	for i := range 10000 {
		j.write(journalLine{Begin: i + 1, Op: &o})
		j.write(journalLine{End: i + 1})
	}
	st, err := os.Stat(j.file)
	if err != nil {
		t.Fatal(err)
	}
	if st.Size() > journalLimit+4096 {
		t.Errorf("the journal has %d bytes", st.Size())
	}
	left, err := ReadJournal(j.file)
	if err != nil || len(left) != 1 || !reflect.DeepEqual(left[0].Op, o) {
		t.Errorf("%+v, %v", left, err)
	}
}

func TestWithoutAJournalItWorks(t *testing.T) {
	r := newRig(t, func(c *Config) { c.RunDir = "/proc/nowhere" })
	r.script("svc", "exit 0")
	if res := r.do(op("svc", "start")); res.RC != 0 {
		t.Errorf("%+v", res)
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add([]byte(`{"boot":"x"}` + "\n" + `{"active":"a","op":{}}` + "\n" + `{"begin":1,"group":-1}`))
	f.Add([]byte("\x00\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := JournalFile(t.TempDir())
		if err := os.WriteFile(file, append([]byte(`{"boot":"`+bootID()+`"}`+"\n"), b...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadJournal(file); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzParseStat(f *testing.F) {
	f.Add("12 (a (b) c) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0")
	f.Add(") (")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parseStat(s); err == nil && !strings.Contains(s, "("+p.name+")") {
			t.Errorf("name %q of %q", p.name, s)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add("a\nocf-exit-reason:b\n", 3)
	f.Add(strings.Repeat("x", 3000)+"\ny", 7)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		if cut < 1 || cut > 4096 {
			return
		}
		var whole, parts []string
		w := &lines{each: func(l string) { whole = append(whole, l) }}
		_, _ = w.Write([]byte(s))
		w.end()
		p := &lines{each: func(l string) { parts = append(parts, l) }}
		for b := []byte(s); len(b) > 0; {
			n := min(cut, len(b))
			_, _ = p.Write(b[:n])
			b = b[n:]
		}
		p.end()
		if !reflect.DeepEqual(whole, parts) {
			t.Errorf("%q cut at %d: %q and %q", s, cut, whole, parts)
		}
		for _, l := range whole {
			if len(l) > lineLimit {
				t.Errorf("a line of %d bytes", len(l))
			}
		}
	})
}

func TestCgroupFilesAreUnderstood(t *testing.T) {
	mounts := "30 24 0:26 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro\n31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n"
	if m, root := cgroup2Mount(mounts); m != "/sys/fs/cgroup/unified" || root != "/" {
		t.Errorf("%q %q", m, root)
	}
	if m, _ := cgroup2Mount("31 30 0:27 / /x rw - cgroup cgroup rw\n"); m != "" {
		t.Errorf("%q", m)
	}
	if g, ok := ownCgroup("5:cpu:/a\n0::/system.slice/quorate.service\n"); !ok || g != "/system.slice/quorate.service" {
		t.Errorf("%q %v", g, ok)
	}
}
