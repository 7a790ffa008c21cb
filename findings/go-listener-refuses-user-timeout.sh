#!/usr/bin/env bash
# Go 1.26.8 (net), golang.org/x/sys v0.48.0, Linux 6.18 with net.mptcp.enabled=1 (the default). Needs Go and the Go module proxy.
#
# net.ListenConfig.Control is the documented place to set options of a listening socket, and TCP_USER_TIMEOUT is one that
# accepted connections inherit. One would expect it to work on a "tcp" listener. It doesn't: since Go 1.24 listeners are
# Multipath TCP sockets where the kernel has them, and those refuse TCP_USER_TIMEOUT with ENOPROTOOPT, though they take
# TCP_NOTSENT_LOWAT, and though the accepted connections are plain TCP for clients that speak no MPTCP. Sockets of
# net.Dialer are plain TCP. SetMultipathTCP(false) makes the option work. So does a Control that returns the error: Listen
# then tries once more with plain TCP and calls Control again. Only a server that ignores the error has no timeout, and
# doesn't notice.
#
# Output seen:
#   as it is:               TCP_USER_TIMEOUT: protocol not available
#   SetMultipathTCP(false): TCP_USER_TIMEOUT: <nil>
#   the error is returned:  TCP_USER_TIMEOUT: protocol not available, then <nil>
#
# Exits non-zero when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
[ "$(cat /proc/sys/net/mptcp/enabled)" = 1 ] || { echo "net.mptcp.enabled must be 1" >&2; exit 2; }
go mod init finding >/dev/null 2>&1
go get golang.org/x/sys@v0.48.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// set says what a listening socket answers to TCP_USER_TIMEOUT.
func set(c net.ListenConfig) (answer error) {
	c.Control = func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { answer = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30_000) })
	}
	l, err := c.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.Close()
	return answer
}

// returned says what a listening socket answers each time that Listen asks for it,
// when Control returns the answer.
func returned() (answers []error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (answer error) {
		err := raw.Control(func(fd uintptr) { answer = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30_000) })
		answers = append(answers, answer)
		return errors.Join(err, answer)
	}}
	l, err := c.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	l.Close()
	return answers
}

func main() {
	var asItIs, plain net.ListenConfig
	plain.SetMultipathTCP(false)
	refused, taken := set(asItIs), set(plain)
	fmt.Printf("as it is:               TCP_USER_TIMEOUT: %v\n", refused)
	fmt.Printf("SetMultipathTCP(false): TCP_USER_TIMEOUT: %v\n", taken)
	answers := returned()
	fmt.Printf("the error is returned:  TCP_USER_TIMEOUT: %v, then %v\n", answers[0], answers[len(answers)-1])
	if !errors.Is(refused, unix.ENOPROTOOPT) || taken != nil || len(answers) != 2 || !errors.Is(answers[0], unix.ENOPROTOOPT) || answers[1] != nil {
		fmt.Println("this has changed")
		os.Exit(1)
	}
}
GO
go run .
