package agents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Where an NFS server has its parts. Tests have others.
var (
	nfsThreads = "/proc/fs/nfsd/threads"
	nfsInfo    = "/var/lib/nfs"
	nfsScripts = []string{"/etc/init.d/nfs-kernel-server", "/etc/init.d/nfs-server", "/etc/init.d/nfs"}
	systemdRun = "/run/systemd/system"
)

// newNFSServer makes the agent of the kernel's NFS server with a state directory
// that moves with it.
func newNFSServer() *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: "nfsserver", shortdesc: "Manages an NFS server",
			longdesc: "Starts the kernel's NFS server, with what it remembers of its clients in a directory on a disk that moves with it, and tells the clients of its restart.",
			params: []metaParam{
				{name: "nfs_init_script", typ: "string", shortdesc: "Init script of the server", longdesc: "Init script of the server. By default systemd's nfs-server, the system's script, or the server's programs themselves."},
				{name: "nfsv4_only", typ: "boolean", def: "false", shortdesc: "Serve NFSv4 only"},
				{name: "nfs_no_notify", typ: "boolean", def: "false", shortdesc: "Do not tell NFSv3 clients of the restart"},
				{name: "nfs_notify_foreground", typ: "boolean", def: "false", shortdesc: "Wait for the telling"},
				{name: "nfs_smnotify_retry_time", typ: "integer", shortdesc: "Minutes the telling is repeated"},
				{name: "nfs_ip", typ: "string", shortdesc: "Addresses of the server", longdesc: "Floating addresses of the server, separated by commas, by which the clients know it."},
				{name: "nfs_shared_infodir", typ: "string", shortdesc: "Directory for what the server remembers", longdesc: "Directory on the disk that moves with the server; it is mounted at /var/lib/nfs."},
				{name: "rpcpipefs_dir", typ: "string", def: "/var/lib/nfs/rpc_pipefs", shortdesc: "Mount point of the RPC filesystem"},
			},
			actions: usualActions("40s", "20s", "20s", "10s"),
		},
		check: func(c *request) error {
			if d := c.str("nfs_shared_infodir"); d != "" && !filepath.IsAbs(d) {
				return badSpec("nfs_shared_infodir=%q is not an absolute path", d)
			}
			return nil
		},
		actions: map[string]action{"start": nfsStart, "stop": nfsStop, "monitor": nfsMonitor, "validate-all": func(_ context.Context, c *request) error {
			if s := c.str("nfs_init_script"); s != "" {
				_, err := program(s)
				return err
			}
			return nil
		}},
	}
}

func nfsMonitor(context.Context, *request) error {
	b, err := os.ReadFile(nfsThreads)
	if errors.Is(err, fs.ErrNotExist) {
		return errNotRunning
	}
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err != nil || n < 1 {
		return errNotRunning
	}
	return nil
}

// nfsService starts or stops the server the way this node does it.
func nfsService(ctx context.Context, c *request, verb string) error {
	script := c.str("nfs_init_script")
	for _, s := range nfsScripts {
		if st, err := os.Stat(s); script == "" && err == nil && st.Mode()&0o111 != 0 {
			script = s
		}
	}
	_, err := os.Stat(systemdRun)
	switch {
	case c.str("nfs_init_script") == "" && err == nil:
		_, err = c.command(ctx, "systemctl", verb, "nfs-server")
		return err
	case script != "":
		_, err = c.command(ctx, script, verb)
		return err
	case verb == "start":
		steps := [][]string{{"exportfs", "-r"}, {"rpc.nfsd", "8"}, {"rpc.mountd"}}
		if c.yes("nfsv4_only") {
			steps = [][]string{{"exportfs", "-r"}, {"rpc.nfsd", "-N", "2", "-N", "3", "8"}, {"rpc.mountd", "-N", "2", "-N", "3"}}
		}
		for _, s := range steps {
			if _, err := c.command(ctx, s...); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := c.command(ctx, "rpc.nfsd", "0"); err != nil {
		return err
	}
	_, err = c.command(ctx, "exportfs", "-au")
	return err
}

// nfsBind mounts the shared directory where the server looks for it.
func nfsBind(c *request) error {
	dir := c.str("nfs_shared_infodir")
	if dir == "" {
		return nil
	}
	for _, sub := range []string{"", "sm", "sm.bak", "v4recovery", "nfsdcld", "rpc_pipefs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	for _, f := range []string{"etab", "rmtab", "xtab"} {
		w, err := os.OpenFile(filepath.Join(dir, f), os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_ = w.Close() // nothing was written
	}
	on, err := isMounted(nfsInfo)
	if err != nil || on {
		return err
	}
	if err := os.MkdirAll(nfsInfo, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(dir, nfsInfo, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", dir, nfsInfo, err)
	}
	return nil
}

func nfsStart(ctx context.Context, c *request) error {
	if nfsMonitor(ctx, c) == nil {
		return nil
	}
	if err := nfsBind(c); err != nil {
		return err
	}
	if err := nfsService(ctx, c, "start"); err != nil {
		return fmt.Errorf("starting the NFS server: %w", err)
	}
	if !until(ctx, c.opTimeout(40*time.Second)-time.Second, 50*time.Millisecond, func() bool { return nfsMonitor(ctx, c) == nil }) {
		return errors.New("the NFS server was started, but the kernel runs none of its threads")
	}
	if err := nfsNotify(ctx, c); err != nil {
		c.info("clients were not told of the restart: %v", err)
	}
	return nil
}

// nfsNotify tells the clients that held locks to claim them again.
func nfsNotify(ctx context.Context, c *request) error {
	if c.yes("nfs_no_notify") || c.yes("nfsv4_only") {
		return nil
	}
	args := []string{"sm-notify", "-f"}
	if c.yes("nfs_notify_foreground") {
		args = append(args, "-d")
	}
	if m := c.num("nfs_smnotify_retry_time"); m > 0 {
		args = append(args, "-m", strconv.Itoa(m))
	}
	ips := strings.FieldsFunc(c.str("nfs_ip"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(ips) == 0 {
		_, err := c.command(ctx, args...)
		return err
	}
	var err error
	for _, ip := range ips {
		_, e := c.command(ctx, append(args[:len(args):len(args)], "-v", ip)...)
		err = errors.Join(err, e)
	}
	return err
}

func nfsStop(ctx context.Context, c *request) error {
	if nfsMonitor(ctx, c) == nil {
		if err := nfsService(ctx, c, "stop"); err != nil {
			return fmt.Errorf("stopping the NFS server: %w", err)
		}
		if !until(ctx, c.stopPatience(20*time.Second), 50*time.Millisecond, func() bool { return nfsMonitor(ctx, c) == errNotRunning }) {
			return errors.New("the NFS server was stopped, but its threads run still")
		}
	}
	// Only what was mounted from there: the machine may have its own mount.
	if dir := c.str("nfs_shared_infodir"); dir == "" || !sameDevice(dir, nfsInfo) {
		return nil
	}
	list, err := mountsBelow(nfsInfo)
	for _, m := range list {
		if err == nil {
			err = unmount(ctx, c, m, "true", false)
		}
	}
	return err
}
