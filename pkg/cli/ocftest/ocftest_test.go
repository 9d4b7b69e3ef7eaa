package ocftest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/cli"
)

// debian is the tool whose verdicts are those to give.
const debian = "/usr/sbin/ocf-tester"

const goodMeta = `<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="x" version="1.0"><version>1.0</version>
<longdesc lang="en">L</longdesc><shortdesc lang="en">S</shortdesc>
<parameters><parameter name="p" unique="1" required="0"><longdesc lang="en">l</longdesc><shortdesc lang="en">s</shortdesc><content type="string" default=""/></parameter></parameters>
<actions><action name="start" timeout="20s"/></actions></resource-agent>
`

// script is an agent with roles. The files "fault" (lines of ACTION NTH RC, NTH 0
// for every call) and "meta" in its directory say what it does wrong.
const script = `#!/bin/sh
D=%s
[ "$1" = meta-data ] && { cat $D/meta; exit; }
n=$(cat $D/n.$1 2>/dev/null || echo 0); n=$((n+1)); echo $n >$D/n.$1
while read a c rc; do if [ $a = $1 ]; then if [ $c = $n ] || [ $c = 0 ]; then exit $rc; fi; fi; done <$D/fault
case $1 in
start) [ -e $D/role ] || echo off >$D/role;; stop) rm -f $D/role;;
promote) echo on >$D/role;; demote) echo off >$D/role;;
monitor) [ -e $D/role ] || exit 7; [ $(cat $D/role) = off ] || exit 8;;
esac
exit 0
`

// agent writes the agent into a directory that everybody may look into.
func agent(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file = filepath.Join(dir, "agent")
	write(t, file, fmt.Sprintf(script, dir), 0o755)
	write(t, dir+"/meta", goodMeta, 0o644)
	write(t, dir+"/fault", "", 0o644)
	return dir, file
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// forget puts the agent into its first state.
func forget(t *testing.T, dir string) {
	t.Helper()
	list, err := filepath.Glob(dir + "/n.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(list, dir+"/role") {
		_ = os.Remove(f)
	}
}

func ours(args ...string) (int, string, string) {
	var out, said bytes.Buffer
	rc := Run(&cli.Env{Stdout: &out, Stderr: &said}, args)
	return rc, out.String(), said.String()
}

// A verdict for everything an agent can do wrong is the known tool's.
func TestVerdictsAreTheKnownTools(t *testing.T) {
	dir, file := agent(t)
	compare := func(faults string, options ...string) {
		t.Helper()
		write(t, dir+"/fault", faults, 0o644)
		args := append(options, "-n", "x", file)
		forget(t, dir)
		rc, out, _ := ours(args...)
		forget(t, dir)
		c := exec.Command(debian, args...)
		want, err := c.Output()
		if c.ProcessState == nil {
			t.Fatal(err)
		}
		if string(want) != out || c.ProcessState.ExitCode() != rc {
			t.Errorf("faults %q, options %q: %d\n%s\nbut Debian's tool: %d\n%s", faults, options, rc, out, c.ProcessState.ExitCode(), want)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root can call the agent as nobody, as the tool does")
	}
	if _, err := os.Stat(debian); err != nil {
		t.Skipf("SKIPPED: %s is not installed (apt-get install resource-agents)", debian)
	}
	compare("")
	compare("", "-q")
	compare("", "-v")
	compare("validate-all 0 1\n")
	compare("monitor 1 3\n")
	compare("promote 0 3\ndemote 0 3\nnotify 0 3\nreload 0 3\nmigrate_from 0 3\n")
	seed, err := strconv.ParseUint(os.Getenv("QUORATE_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("QUORATE_SEED=%d replays this", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	actions := []string{"start", "stop", "monitor", "monitor", "monitor", "promote", "demote", "notify", "reload", "migrate_to", "migrate_from", "validate-all"}
	for range 8 {
		var faults strings.Builder
		for range 1 + r.IntN(3) {
			nth := 1 + r.IntN(10)
			if r.IntN(4) == 0 {
				nth = 0
			}
			fmt.Fprintf(&faults, "%s %d %d\n", actions[r.IntN(len(actions))], nth, []int{0, 1, 3, 5, 7}[r.IntN(5)])
		}
		compare(faults.String())
		if t.Failed() {
			return
		}
	}
}

func TestUsageAndMissingAgents(t *testing.T) {
	_, file := agent(t)
	t.Setenv("OCF_RESOURCE_INSTANCE", "")
	for _, c := range []struct {
		args string
		rc   int
		said string
	}{
		{"", 1, "You must provide the full path"}, {file, 1, "You must give your resource a name"}, {"-h", 0, ""}, {"-Z", 1, "-Z"},
		{"-n x -o nonsense " + file, 1, `"nonsense" is not name=value`}, {"-n x " + file + " more", 1, "follows the agent"},
	} {
		rc, out, said := ours(strings.Fields(c.args)...)
		if rc != c.rc || !strings.Contains(said, c.said) || !strings.Contains(out, "Usage: ocf-tester [-hvqdX]") {
			t.Errorf("%q: %d %s%s", c.args, rc, out, said)
		}
	}
	if rc, out, _ := ours("-n", "x", "/nowhere/agent"); rc != 1 || !strings.HasSuffix(out, "* rc=127: Validation failed.  Did you supply enough options with -o ?\nAborting tests\n") {
		t.Errorf("%d %s", rc, out)
	}
	// Parameters and name reach the agent.
	write(t, file, "#!/bin/sh\n[ \"$1\" = validate-all ] && [ \"$OCF_RESKEY_a$OCF_RESKEY_b$OCF_RESOURCE_INSTANCE\" = \"1 2x\" ] && exit 42\nexit 0\n", 0o755)
	if _, out, _ := ours("-q", "-n", "x", "-o", "a=1", "-o", "b= 2", file); !strings.Contains(out, "rc=42") {
		t.Error(out)
	}
}

func TestCheckMetaData(t *testing.T) {
	if err := CheckMetaData(goodMeta); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		from, to string
		want     error
	}{
		{`name="start"`, `name="begin"`, ErrNotConforming}, {`timeout="20s"`, ``, ErrNotConforming}, {`type="string"`, `type="select"`, ErrNotConforming},
		{`<version>1.0</version>`, ``, ErrNotConforming}, {`unique="1"`, `unique="yes"`, ErrNotConforming}, {`unique="1"`, `reloadable="1"`, ErrNotConforming},
		{`<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">`, ``, ErrNotConforming}, {`<actions>`, `text<actions>`, ErrNotConforming},
		{`</actions>`, `</actions><actions/>`, ErrNotConforming}, {`<content`, `<contents`, ErrNotConforming}, {`</resource-agent>`, ``, ErrNotXML},
		{goodMeta, ``, ErrNotXML}, {`name="x"`, `name="x" x:y="1"`, ErrNotConforming},
	} {
		text := strings.Replace(goodMeta, c.from, c.to, 1)
		if err := CheckMetaData(text); !errors.Is(err, c.want) {
			t.Errorf("%q in place of %q: %v", c.to, c.from, err)
		}
		if _, err := exec.LookPath("xmllint"); err == nil && c.want == ErrNotConforming {
			const dtd = "/usr/share/resource-agents/ra-api-1.dtd"
			if _, err := os.Stat(dtd); err != nil || !strings.Contains(text, "DOCTYPE") {
				continue
			}
			x := exec.Command("xmllint", "--noout", "--dtdvalid", dtd, "-")
			x.Stdin = strings.NewReader(text)
			if x.Run() == nil {
				t.Errorf("xmllint takes %q in place of %q", c.to, c.from)
			}
		}
	}
	subset := strings.Replace(goodMeta, `.dtd">`, `.dtd" [<!ATTLIST parameter reloadable (1|0) "0">
<!ATTLIST action name (start|reload-agent) #REQUIRED>]>`, 1)
	for to, ok := range map[string]bool{`reloadable="1"`: true, `reloadable="2"`: false} {
		if err := CheckMetaData(strings.Replace(subset, `unique="1"`, to, 1)); (err == nil) != ok {
			t.Errorf("%s: %v", to, err)
		}
	}
	if err := CheckMetaData(strings.Replace(subset, `name="start"`, `name="reload-agent"`, 1)); err != nil {
		t.Error(err)
	}
}

func FuzzCheckMetaData(f *testing.F) {
	f.Add(goodMeta)
	f.Add("<a></a><b/>")
	f.Fuzz(func(t *testing.T, s string) {
		if err := CheckMetaData(s); err != nil && !errors.Is(err, ErrNotXML) && !errors.Is(err, ErrNotConforming) {
			t.Error(err)
		}
	})
}
