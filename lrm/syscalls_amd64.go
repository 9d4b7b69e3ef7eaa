package lrm

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// waiting are the system calls in which processes use to wait.
var waiting = map[int]string{
	unix.SYS_READ: "read", unix.SYS_WRITE: "write", unix.SYS_READV: "readv", unix.SYS_WRITEV: "writev", unix.SYS_PREAD64: "pread", unix.SYS_PWRITE64: "pwrite",
	unix.SYS_OPEN: "open", unix.SYS_OPENAT: "openat", unix.SYS_CLOSE: "close", unix.SYS_STAT: "stat", unix.SYS_NEWFSTATAT: "fstatat", unix.SYS_STATX: "statx",
	unix.SYS_STATFS: "statfs", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync", unix.SYS_SYNC: "sync", unix.SYS_SYNCFS: "syncfs",
	unix.SYS_POLL: "poll", unix.SYS_PPOLL: "ppoll", unix.SYS_SELECT: "select", unix.SYS_PSELECT6: "pselect", unix.SYS_EPOLL_WAIT: "epoll_wait", unix.SYS_EPOLL_PWAIT: "epoll_wait",
	unix.SYS_WAIT4: "wait", unix.SYS_WAITID: "waitid", unix.SYS_NANOSLEEP: "nanosleep", unix.SYS_CLOCK_NANOSLEEP: "nanosleep", unix.SYS_PAUSE: "pause",
	unix.SYS_FUTEX: "futex", unix.SYS_FLOCK: "flock", unix.SYS_FCNTL: "fcntl", unix.SYS_IOCTL: "ioctl", unix.SYS_RT_SIGSUSPEND: "sigsuspend", unix.SYS_RT_SIGTIMEDWAIT: "sigwait",
	unix.SYS_CONNECT: "connect", unix.SYS_ACCEPT: "accept", unix.SYS_ACCEPT4: "accept", unix.SYS_RECVFROM: "recv", unix.SYS_RECVMSG: "recvmsg", unix.SYS_SENDTO: "send", unix.SYS_SENDMSG: "sendmsg",
	unix.SYS_MOUNT: "mount", unix.SYS_UMOUNT2: "umount", unix.SYS_UNLINK: "unlink", unix.SYS_UNLINKAT: "unlink", unix.SYS_MKDIR: "mkdir", unix.SYS_GETDENTS64: "readdir",
	unix.SYS_RESTART_SYSCALL: "restart_syscall", unix.SYS_VFORK: "vfork", unix.SYS_EXECVE: "execve",
}

// syscallName names a system call by its number.
func syscallName(nr int) string {
	if s := waiting[nr]; s != "" {
		return s
	}
	return "system call " + strconv.Itoa(nr)
}
