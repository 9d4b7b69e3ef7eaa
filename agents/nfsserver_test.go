package agents

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// An NFS server whose state moves with a disk.
func TestNFSServer(t *testing.T) {
	seedrow.Shows(t, "002-007")
	ownMounts(t)
	root := t.TempDir()
	old := []string{nfsThreads, nfsInfo, systemdRun}
	scripts := nfsScripts
	nfsThreads, nfsInfo, systemdRun, nfsScripts = root+"/threads", root+"/lib", root+"/none", nil
	defer func() { nfsThreads, nfsInfo, systemdRun, nfsScripts = old[0], old[1], old[2], scripts }()
	dir := standIn(t, "the kernel has no NFS server", map[string]string{
		"exportfs": `echo exportfs "$@" >>$STATE/log`, "rpc.mountd": `echo rpc.mountd "$@" >>$STATE/log`,
		"rpc.nfsd":  `echo rpc.nfsd "$@" >>$STATE/log; for n; do :; done; echo $n >` + nfsThreads,
		"sm-notify": `echo sm-notify "$@" >>$STATE/log`,
		"nfs":       `echo script "$@" >>$STATE/log; case $1 in start) echo 4 >` + nfsThreads + `;; stop) echo 0 >` + nfsThreads + `;; esac`,
	})
	shared := root + "/shared"
	p := map[string]string{"nfs_shared_infodir": shared, "nfs_ip": "10.0.0.1,10.0.0.2"}
	life(t, "nfsserver", p, wholeLife...)
	life(t, "nfsserver", p, step{"start", 0})
	must(t, os.WriteFile(nfsInfo+"/sm/client", nil, 0o600))
	if _, err := os.Stat(shared + "/sm/client"); err != nil {
		t.Errorf("what the server remembers is not on the disk that moves: %v", err)
	}
	life(t, "nfsserver", p, step{"stop", 0})
	if list, err := filepath.Glob(nfsInfo + "/*"); err != nil || len(list) > 0 {
		t.Errorf("%s holds %v after the stop", nfsInfo, list)
	}
	want := "exportfs -r\nrpc.nfsd 8\nrpc.mountd\nsm-notify -f -v 10.0.0.1\nsm-notify -f -v 10.0.0.2\nrpc.nfsd 0\nexportfs -au\n"
	if got := read(dir + "/state/log"); got != want+want {
		t.Errorf("log:\n%s", got)
	}
	must(t, os.Remove(dir+"/state/log"))
	p = map[string]string{"nfs_init_script": dir + "/nfs", "nfs_no_notify": "true"}
	life(t, "nfsserver", p, wholeLife...)
	if got := strings.ReplaceAll(read(dir+"/state/log"), "\n", " "); got != "script start script stop " {
		t.Errorf("log: %s", got)
	}
}
