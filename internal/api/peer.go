package api

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/control/accounts"
)

type strangerKey struct{}

// PeerContext implements http.Server.ConnContext for a Unix socket. A peer that the kernel reports
// as root or as left4me's own user is an administrator, unless it is a sandboxed process of that
// user, such as a game without systemd. All other connections need a token.
func PeerContext(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return ctx
	}
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			return
		}
		name := "local"
		if cred.Uid == 0 {
			name = "root"
		}
		switch {
		case int(cred.Uid) == os.Geteuid() && !outside(int(fd), cred):
			ctx = context.WithValue(ctx, strangerKey{}, true)
		case int(cred.Uid) == os.Geteuid() || cred.Uid == 0:
			ctx = WithActor(ctx, accounts.Actor{Name: name, Admin: true})
		}
	})
	return ctx
}

// outside reports whether a peer that runs as left4me's own user is not in one of left4me's
// sandboxes. Games, scripts and SteamCMD without systemd run in mount namespaces of their own and,
// unless left4me is root, in user namespaces of their own, and cannot return from them. So a peer
// in left4me's mount namespace is not sandboxed. If left4me is not root, neither is a peer in
// left4me's user namespace: it may run in a unit with PrivateTmp=, or in a shell while left4me
// itself runs in such a unit.
//
// A process may connect and exit, so that another process gets its PID. The descriptor of
// SO_PEERPIDFD (Linux 6.5 and later) refers to the process that connected; on older kernels it
// refers to the process that has the PID now.
func outside(fd int, cred *unix.Ucred) bool {
	peer, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if errors.Is(err, unix.ENOPROTOOPT) {
		peer, err = unix.PidfdOpen(int(cred.Pid), 0)
	}
	if err != nil {
		return false
	}
	defer unix.Close(peer)
	ours := sharesNamespace(cred.Pid, "mnt") || os.Geteuid() != 0 && sharesNamespace(cred.Pid, "user")
	// While the process is alive, no other process can have its PID.
	ended := []unix.PollFd{{Fd: int32(peer), Events: unix.POLLIN}}
	n, err := unix.Poll(ended, 0)
	return ours && err == nil && n == 0
}

func sharesNamespace(pid int32, kind string) bool {
	own, err := os.Readlink("/proc/self/ns/" + kind)
	if err != nil {
		return false
	}
	theirs, err := os.Readlink("/proc/" + strconv.Itoa(int(pid)) + "/ns/" + kind)
	return err == nil && own == theirs
}
