#!/usr/bin/env bash
# Go 1.26.8 (net), golang.org/x/sys v0.48.0, Linux 6.18 with net.mptcp.enabled=1 (the default). Needs Go and the Go module proxy.
#
# net.ListenConfig.Control is the documented place to set options of a listening socket, and accepted connections inherit
# TCP_USER_TIMEOUT. It should therefore work on a "tcp" listener, but does not: since Go 1.24, listeners are Multipath TCP
# sockets where the kernel supports them. These refuse TCP_USER_TIMEOUT with ENOPROTOOPT, although they accept
# TCP_NOTSENT_LOWAT, and although accepted connections are plain TCP for clients without MPTCP. Sockets of net.Dialer are plain
# TCP. SetMultipathTCP(false) makes the option work. So does a Control that returns the error: Listen then retries with plain
# TCP and calls Control again. Only a server that ignores the error silently has no timeout.
#
# Output seen:
#   default:                TCP_USER_TIMEOUT: protocol not available
#   SetMultipathTCP(false): TCP_USER_TIMEOUT: <nil>
#   Control returns error:  TCP_USER_TIMEOUT: protocol not available, then <nil>
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

// set returns the result of setting TCP_USER_TIMEOUT on a listening socket.
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

// returned returns the results of all attempts of Listen if Control returns the error.
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
	var byDefault, plain net.ListenConfig
	plain.SetMultipathTCP(false)
	refused, taken := set(byDefault), set(plain)
	fmt.Printf("default:                TCP_USER_TIMEOUT: %v\n", refused)
	fmt.Printf("SetMultipathTCP(false): TCP_USER_TIMEOUT: %v\n", taken)
	answers := returned()
	fmt.Printf("Control returns error:  TCP_USER_TIMEOUT: %v, then %v\n", answers[0], answers[len(answers)-1])
	if !errors.Is(refused, unix.ENOPROTOOPT) || taken != nil || len(answers) != 2 || !errors.Is(answers[0], unix.ENOPROTOOPT) || answers[1] != nil {
		fmt.Println("the behaviour has changed")
		os.Exit(1)
	}
}
GO
go run .
