#!/usr/bin/env bash
# nats-server v2.15.2 as a module, Go 1.26, Linux. Needs Go and the Go module proxy.
#
# A program with several roles often links a server that only one of the roles starts. A linked package that is never called should do
# nothing. The init function of nats-server's package pse starts a goroutine that opens and reads /proc/PID/stat each second, for the
# server's monitoring of processor time, for the whole lifetime of the process, whether or not a server is started; nothing in the
# module stops it. In an otherwise idle process, this is most of the work.
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

// reads returns the number of calls of read(2) by this process.
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
	own := reads() - first // cost of the measurement
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
