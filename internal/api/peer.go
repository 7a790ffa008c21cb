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

// PeerContext is for http.Server.ConnContext of a unix socket: a peer that the
// kernel says is root or our own user is an administrator, unless it is a process
// of our own user in a sandbox, as a game without systemd is. Any other
// connection stays as it is and needs a token.
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

// outside reports whether a peer that runs as our own user is in no sandbox of
// ours. Games, scripts and SteamCMD without systemd are in mount namespaces of
// their own; unless left4me is root in user namespaces too, and there is no way
// back from one. So a peer in our mount namespace is none of them, nor, where
// left4me isn't root, is one in our user namespace: a command in a unit with
// PrivateTmp=, or in a shell where left4me itself runs in such a unit.
//
// A process may connect and end, so that its number becomes another's. The
// descriptor of SO_PEERPIDFD, Linux 6.5 and later, is of the process that
// connected; before that it is of whoever has the number now.
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
	// While the process lives nobody else had its number.
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
