package agents

import (
	"os"
	"strings"
	"testing"
)

// drbdCommands know the resource r0. STATE holds its role, and further lines of
// drbdsetup's output.
var drbdCommands = map[string]string{
	"drbdsetup": `[ "$*" = "events2 --now r0" ] || exit 1
[ -e $STATE/role ] || { echo "r0: No such resource" >&2; exit 10; }
echo "exists resource name:r0 role:$(cat $STATE/role) suspended:no may_promote:no promotion_score:10101"
cat $STATE/more; echo "exists -"`,
	"drbdadm": `echo "$@" >>$STATE/log; [ "$1" = -c ] && shift 2
[ "$2" = r0 ] || { echo "'$2' not defined in your config" >&2; exit 1; }
case $1 in adjust|up) echo Secondary >$STATE/role;; down) [ "$(cat $STATE/role)" = Secondary ] || { echo "Device is held open" >&2; exit 11; }; rm $STATE/role;;
primary) if [ -e $STATE/refuse ]; then rm $STATE/refuse; echo "State change failed: (-1) Multiple primaries not allowed" >&2; exit 11; fi; echo Primary >$STATE/role;;
secondary) echo Secondary >$STATE/role;; role) if [ -e $STATE/role ]; then echo "$(cat $STATE/role)/Unknown"; else echo Unconfigured; fi;; sh-dev) echo /dev/drbd0;; esac`,
}

// Lines of drbdsetup for a local disk and a peer.
func drbdLines(disk, connection, peerRole, peerDisk string) string {
	return "exists connection name:r0 peer-node-id:1 conn-name:beta connection:" + connection + " role:" + peerRole + "\n" +
		"exists device name:r0 volume:0 minor:0 backing_dev:/dev/sda1 disk:" + disk + " client:no quorum:yes\n" +
		"exists peer-device name:r0 peer-node-id:1 conn-name:beta volume:0 replication:Established peer-disk:" + peerDisk + " resync-suspended:no\n"
}

func TestDRBD(t *testing.T) {
	dir := standIn(t, "the kernel has no DRBD", drbdCommands)
	var score []string
	p := map[string]string{"drbd_resource": "r0", "wfc_timeout": "0", "CRM_meta_timeout": "10000"}
	set := func(disk, connection, peerRole, peerDisk string) {
		must(t, os.MkdirAll(dir+"/state", 0o755))
		must(t, os.WriteFile(dir+"/state/more", []byte(drbdLines(disk, connection, peerRole, peerDisk)), 0o600))
	}
	a, _ := Lookup("ocf", "linbit", "drbd")
	do := func(action string, want int) string {
		t.Helper()
		var said strings.Builder
		rc := a.Run(t.Context(), action, Env{Instance: "r0:0", Params: p, RunDir: rundir(t), Stdout: &said, Stderr: &said,
			SetAttribute: func(n, v string) { score = append(score, n+"="+v) }})
		if rc != want {
			t.Fatalf("%s returned %d, want %d: %s", action, rc, want, said.String())
		}
		return said.String()
	}
	last := func(want string) {
		t.Helper()
		if len(score) == 0 || score[len(score)-1] != "master-r0:0="+want {
			t.Errorf("promotion scores %v, want %q at last", score, want)
		}
	}
	set("UpToDate", "Connected", "Secondary", "UpToDate")
	do("validate-all", 0)
	do("monitor", 7)
	do("stop", 0)
	do("start", 0)
	last("10000")
	do("start", 0)
	do("monitor", 0)
	do("notify", 0)
	must(t, os.WriteFile(dir+"/state/refuse", nil, 0o600)) // the first try fails
	do("promote", 0)
	do("monitor", 8)
	do("promote", 0)
	do("demote", 0)
	do("monitor", 0)
	set("UpToDate", "Connecting", "Unknown", "DUnknown")
	do("monitor", 0)
	last("1000")
	set("Inconsistent", "Connected", "Primary", "UpToDate")
	do("monitor", 0)
	last("10")
	set("Consistent", "Connecting", "Unknown", "DUnknown")
	do("monitor", 0)
	last("")
	p["remove_master_score_if_peer_primary"], p["fail_promote_early_if_peer_primary"] = "true", "true"
	set("UpToDate", "Connected", "Primary", "UpToDate")
	do("monitor", 0)
	last("")
	if said := do("promote", 1); !strings.Contains(said, "primary on another node") {
		t.Errorf("promote said %s", said)
	}
	p["fail_promote_early_if_peer_primary"] = "false"
	do("promote", 0)
	do("stop", 0) // demotes before
	do("monitor", 7)
	last("")
	if log := read(dir + "/state/log"); !strings.HasSuffix(log, "secondary r0\n-c /etc/drbd.conf down r0\n") {
		t.Errorf("drbdadm got\n%s", log)
	}
	p["adjust_master_score"] = "5 4 3 2"
	do("monitor", 6)
}

// A line of haresources with drbddisk.
func TestDRBDDisk(t *testing.T) {
	dir := standIn(t, "the kernel has no DRBD", drbdCommands)
	must(t, os.MkdirAll(dir+"/state", 0o755))
	must(t, os.WriteFile(dir+"/state/role", []byte("Secondary\n"), 0o600))
	p := map[string]string{"1": "r0"}
	must(t, os.WriteFile(dir+"/state/refuse", nil, 0o600)) // the peer lets go a second later
	life(t, "drbddisk", p, wholeLife[:10]...)
	if got := read(dir + "/state/role"); got != "Secondary\n" {
		t.Errorf("role is %q", got)
	}
	must(t, os.Remove(dir+"/state/role"))
	life(t, "drbddisk", p, step{"monitor", 7}, step{"stop", 0})
	life(t, "drbddisk", map[string]string{"1": "r9"}, step{"monitor", 1})
	standIn(t, "the kernel has no DRBD", map[string]string{"drbdadm": `echo "Failed to modprobe drbd" >&2; exit 20`})
	life(t, "drbddisk", p, step{"monitor", 7}, step{"stop", 0})
}

func FuzzParseDRBD(f *testing.F) {
	f.Add("exists resource name:r0 role:Primary\n" + drbdLines("UpToDate", "Connected", "Secondary", "UpToDate") + "exists -\n")
	f.Fuzz(func(t *testing.T, s string) {
		st, ok, err := parseDRBD(s, "r0")
		if n := st.score(); n < 0 || n > 4 || ok && err == nil && st.role == "" {
			t.Errorf("%+v", st)
		}
	})
}
