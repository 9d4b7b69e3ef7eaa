package agents

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// installed makes a tree of agents as "make install" does, of links to this
// program, into which everybody may look.
func installed(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "resource.d", "quorate")
	must(t, os.MkdirAll(dir, 0o755))
	for _, d := range []string{root, filepath.Dir(root)} {
		must(t, os.Chmod(d, 0o755))
	}
	self, err := os.Open("/proc/self/exe")
	must(t, err)
	defer self.Close()
	prog, err := os.OpenFile(filepath.Join(root, "program"), os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(prog, self)
	must(t, err)
	must(t, prog.Close())
	for _, typ := range Types() {
		must(t, os.Symlink("../../program", filepath.Join(dir, typ)))
	}
	return dir
}

// Debian's ocf-tester passes on the built-in agents. nfsserver is left out: it needs
// a kernel with the NFS server.
func TestDebiansTesterPassesOnBuiltInAgents(t *testing.T) {
	const tester = "/usr/sbin/ocf-tester"
	if _, err := os.Stat(tester); err != nil {
		t.Skipf("SKIPPED: %s is not installed (apt-get install resource-agents)", tester)
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: the tool becomes nobody, which only root can")
	}
	ownMounts(t)
	pair(t, "qagent-a", "qagent-b", "192.168.10.1/24", "fd00:a::1/64")
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	must(t, netlink.RouteAdd(&netlink.Route{Dst: mustNet(t, "0.0.0.0/0"), Gw: []byte{192, 168, 10, 9}}))
	dir := installed(t)
	standIn(t, "no cluster, DRBD or device mapper is here, and no mail is to be sent", map[string]string{
		"attrd_updater": attrd, "mail": "cat >/dev/null", "drbdadm": drbdCommands["drbdadm"], "drbdsetup": drbdCommands["drbdsetup"],
		"vgs": lvmCommands["vgs"], "lvs": lvmCommands["lvs"], "vgchange": lvmCommands["vgchange"],
	})
	disk, mnt, run := lockFile(t), t.TempDir(), t.TempDir()
	lines := []string{
		"Dummy state=" + run + "/d", "Stateful state=" + run + "/s", "Delay startdelay=0", "Filesystem device=tmpfs directory=" + mnt + " fstype=tmpfs",
		"IPaddr ip=192.168.10.51", "IPaddr2 ip=192.168.10.52 cidr_netmask=24", "IPaddr2 ip=fd00:a::52", "SendArp ip=192.168.10.51 nic=qagent-a",
		"Route destination=10.7.0.0/16 gateway=192.168.10.9", "IPsrcaddr ipaddress=192.168.10.1", "anything binfile=/bin/sleep cmdline_options=77",
		"ping host_list=127.0.0.1", "MailTo email=root", "portblock protocol=tcp portno=7 action=block", "portblock protocol=tcp portno=8 action=unblock",
		"LVM volgrpname=data", "drbd drbd_resource=r0 wfc_timeout=0", "drbddisk resource=r0",
		"sfex device=" + disk + " collision_timeout=0 monitor_interval=1 lock_timeout=3",
	}
	if _, err := exec.LookPath("apache2"); err == nil {
		_, p := webServer(t)
		lines = append(lines, "apache configfile="+p["configfile"]+" envfiles="+strings.Fields(p["envfiles"])[0])
	} else {
		t.Log("SKIPPED: apache2 is not installed")
	}
	for _, line := range lines {
		w := strings.Fields(line)
		args := []string{"-n", "res"}
		for _, p := range w[1:] {
			args = append(args, "-o", p)
		}
		out, err := exec.Command(tester, append(args, filepath.Join(dir, w[0]))...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), w[0]+" passed all tests\n") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}
