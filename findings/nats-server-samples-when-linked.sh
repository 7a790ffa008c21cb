#!/usr/bin/env bash
# nats-server v2.15.2 as a module, Go 1.26, Linux. Needs Go and the Go module proxy.
#
# A program with several roles often links a server that only one of the roles starts. One would expect a package that is
# linked and never called to do nothing. nats-server's package pse begins a goroutine in its init function which opens and reads
# /proc/PID/stat each second, for the processor time in the monitoring of a server, for as long as the process lives, whether
# a server is started or not; nothing in the module ends it. In a process that otherwise sleeps that is most of what it does.
#
# Output seen (calls of read(2) by a program that sleeps for 5 s; Go itself reads the limits of its cgroup now and then):
#   without nats-server: 1
#   nats-server linked:  15
#
# Exits non-zero when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init finding >/dev/null 2>&1
go get github.com/nats-io/nats-server/v2@v2.15.2 >/dev/null 2>&1
mkdir without linked
cat >without/main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// reads is how often this process has called read(2).
func reads() (n int) {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(b), "syscr: ")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		panic(err)
	}
	return n
}

func main() {
	reads()
	first := reads()
	own := reads() - first // what asking costs
	before := reads()
	time.Sleep(5 * time.Second)
	fmt.Println(reads() - before - own)
}
GO
cp without/main.go linked/main.go
cat >linked/server.go <<'GO'
package main

import _ "github.com/nats-io/nats-server/v2/server"
GO
go mod tidy >/dev/null 2>&1
go build -o plain ./without
go build -o with ./linked
without=$(./plain)
linked=$(./with)
echo "without nats-server: $without"
echo "nats-server linked:  $linked"
[ "$without" -le 3 ] && [ $((linked - without)) -ge 5 ]
