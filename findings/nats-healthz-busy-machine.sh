#!/usr/bin/env bash
# nats-server v2.15.2 embedded with DontListen, Go 1.26, Linux. Needs Go and the Go module proxy.
#
# Server.Healthz appears to check the state of the server and of JetStream, so it should be "ok" for a healthy server, however busy the
# host is. It is not: it first gives the server one millisecond of wall time to become ready. If a goroutine is not scheduled within
# that time, a healthy server returns an error with status 500, and streams are not checked. The error has two forms: "failed to be
# ready for connections after 1ms: " with nothing after the colon, and "…: startup did not complete" long after the startup. A program
# that restarts JetStream when Healthz fails does so without reason on a busy host. With Details, such an error has the type
# CONNECTION, and an error about a store another type.
#
# Output seen (the numbers vary):
#   on a busy machine: 10 of 8231 healthy answers are errors
#   failed to be ready for connections after 1ms: startup did not complete
#   all of type CONNECTION: true
#
# Exits non-zero when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init finding >/dev/null 2>&1
go get github.com/nats-io/nats-server/v2@v2.15.2 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	s, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: os.Args[1]})
	if err != nil {
		panic(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("not ready")
	}
	var idle atomic.Bool
	var busy, looking sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for !idle.Load() {
			}
		})
	}
	var looks, failed, others atomic.Int64
	var text atomic.Value
	end := time.Now().Add(60 * time.Second)
	for range 64 {
		looking.Go(func() {
			for time.Now().Before(end) && failed.Load() < 10 {
				looks.Add(1)
				h := s.Healthz(&server.HealthzOptions{Details: true})
				for _, e := range h.Errors {
					failed.Add(1)
					text.Store(e.Error)
					if e.Type != server.HealthzErrorConn {
						others.Add(1)
					}
				}
			}
		})
	}
	looking.Wait()
	idle.Store(true)
	busy.Wait()
	fmt.Printf("on a busy machine: %d of %d healthy answers are errors\n", failed.Load(), looks.Load())
	if failed.Load() == 0 {
		os.Exit(1)
	}
	fmt.Println(text.Load())
	fmt.Println("all of type CONNECTION:", others.Load() == 0)
	if others.Load() > 0 {
		os.Exit(1)
	}
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/store"
