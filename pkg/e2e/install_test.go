package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// TestInstall: make install puts programs, agents, unit, documents and samples
// below PREFIX, and what is there runs.
func TestInstall(t *testing.T) {
	seedrow.Shows(t, "001-003", "004-003")
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("SKIPPED: make is needed")
	}
	bin := program(t)["/lab/bin/quorate"]
	dest := t.TempDir()
	const prefix = "/opt/ha"
	// The program is the one under test: it is not built again.
	cmd := exec.Command("make", "-C", "../..", "-o", "build", "install", "BIN="+bin, "DESTDIR="+dest, "PREFIX="+prefix)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	root := filepath.Join(dest, prefix)
	for file, text := range map[string]string{"share/doc/quorate/examples/ha.cf": "keepalive", "share/doc/quorate/examples/haresources": "haresources",
		"share/doc/quorate/examples/heartbeat.init": "chkconfig:", "share/doc/quorate/v1.md": "haresources", "share/doc/quorate/README.md": "Quorate",
		"lib/systemd/system/quorate.service": "ExecStart=" + prefix + "/bin/quorate run"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil || !strings.Contains(string(b), text) {
			t.Errorf("%s: %v, want %q in it", file, err, text)
		}
	}
	keys, err := os.Stat(filepath.Join(root, "share/doc/quorate/examples/authkeys"))
	if err != nil || keys.Mode().Perm() != 0o600 {
		t.Errorf("the sample of authkeys: %v %v", keys, err)
	}
	for _, argv := range [][]string{{"bin/quorate", "--version"}, {"bin/cl_status", "--help"}, {"bin/haresources2cib", "--help"}, {"lib/ocf/resource.d/quorate/IPaddr", "meta-data"}} {
		out, err := exec.Command(filepath.Join(root, argv[0]), argv[1:]...).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("%q: %v\n%s", argv, err, out)
		}
	}
	if list, err := filepath.Glob(filepath.Join(root, "share/pacemaker/*.rng")); err != nil || len(list) == 0 {
		t.Errorf("no grammars: %v", err)
	}
}

// TestAccountsAreMade: make accounts makes the group and the account, with the
// numbers asked for, once.
func TestAccountsAreMade(t *testing.T) {
	seedrow.Shows(t, "004-002")
	t.Parallel()
	for _, tool := range []string{"make", "useradd", "groupadd", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: %s is needed", tool)
		}
	}
	if ids, err := os.ReadFile("/proc/self/uid_map"); err != nil || !strings.Contains(string(ids), "4294967295") {
		t.Skipf("SKIPPED: accounts are made by the true root only: %v %s", err, ids)
	}
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// The accounts of this machine stay as they are: another /etc is put in their place.
	cmd := exec.Command("unshare", "-m", "sh", "-ec", `mount --make-rprivate /
for f in passwd group shadow gshadow login.defs nsswitch.conf; do
	if [ -e /etc/$f ]; then grep -v -e hacluster -e haclient /etc/$f > $0/$f; fi
done
mount --bind $0 /etc
for again in 1 2; do make -s -C $1 accounts HAGID=970 HAUID=971 >&2; done
getent group haclient
getent passwd hacluster`, t.TempDir(), here)
	var warned strings.Builder
	cmd.Stderr = &warned
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, warned.String())
	}
	if got := string(out); !strings.Contains(got, "haclient:x:970:") || !strings.Contains(got, "hacluster:x:971:970:") {
		t.Errorf("%s%s", got, warned.String())
	}
}
