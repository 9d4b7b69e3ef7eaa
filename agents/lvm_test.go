package agents

import (
	"os"
	"strings"
	"testing"
)

// lvmCommands know one group, data, of two volumes.
var lvmCommands = map[string]string{
	"vgs": `case "$*" in *" data") cat $STATE/tags 2>/dev/null; echo;; *) echo "  Volume group not found" >&2; exit 5;; esac`,
	"lvs": `case "$*" in *" data") ;; *) exit 5;; esac
if [ -e $STATE/half ]; then echo "  active"; echo; elif [ -e $STATE/on ]; then echo "  active"; echo "  active"; else echo; echo; fi`,
	"vgchange": `echo "$@" >>$STATE/log
case "$*" in *--addtag*) printf %s $2 >$STATE/tags;; *--deltag*) rm $STATE/tags;; "-a y"*) : >$STATE/on;; "-a n"*) [ -e $STATE/busy ] || rm -f $STATE/on;; esac`,
}

func TestLVM(t *testing.T) {
	dir := standIn(t, "the kernel has no device mapper", lvmCommands)
	p := map[string]string{"volgrpname": "data"}
	life(t, "LVM", p, wholeLife...)
	life(t, "LVM", map[string]string{"1": "data"}, wholeLife...)
	p["exclusive"] = "true"
	life(t, "LVM", p, step{"start", 0})
	if got := read(dir + "/state/tags"); got != "pacemaker" {
		t.Errorf("tags are %q", got)
	}
	if got := read(dir + "/state/log"); !strings.Contains(got, `volume_list = [ "@pacemaker" ]`) {
		t.Errorf("vgchange got %q", got)
	}
	life(t, "LVM", p, step{"stop", 0})
	if got := read(dir + "/state/tags"); got != "" {
		t.Errorf("tags are %q after the stop", got)
	}
	must(t, os.WriteFile(dir+"/state/tags", []byte("other"), 0o600))
	if rc, said := call(t, "LVM", "start", p); rc != 1 || !strings.Contains(said, "carries the tag other") {
		t.Errorf("another cluster's group: %d %s", rc, said)
	}
	must(t, os.Remove(dir+"/state/tags"))
	must(t, os.WriteFile(dir+"/state/half", nil, 0o600))
	if rc, said := call(t, "LVM", "monitor", p); rc != 1 || !strings.Contains(said, "1 of 2 volumes") {
		t.Errorf("half a group: %d %s", rc, said)
	}
	if rc, said := call(t, "LVM", "stop", p); rc != 1 || !strings.Contains(said, "active still") {
		t.Errorf("a group that stays active: %d %s", rc, said)
	}
	none := map[string]string{"volgrpname": "none"}
	life(t, "LVM", none, step{"validate-all", 5}, step{"start", 5}, step{"monitor", 7}, step{"stop", 0})
}
