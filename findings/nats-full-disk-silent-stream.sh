#!/usr/bin/env bash
# nats-server v2.15.2 (embedded, not clustered, file store), nats.go v1.55.0, Go 1.26, Linux. Needs Go, user namespaces
# and the Go module proxy.
#
# The disk is full for a moment while messages are published to a JetStream stream. Each publish should return an error, and
# publishing should work again once there is space, or JetStream should shut down with a notification. Instead:
#   - the publish that met ENOSPC gets no answer at all: the client waits until its own deadline;
#   - JetStreamEnabled() stays true and no advisory $JS.EVENT.ADVISORY.SERVER.OUT_OF_STORAGE is sent;
#   - the stream permanently refuses messages, regardless of free space; other streams accept them;
#   - only Healthz reports it: "JetStream stream '$G > S' write error: write …: no space left on device";
#   - ShutdownJetStream() and EnableJetStream(config) restore it with all acknowledged messages.
# (In a cluster, the same error shuts JetStream down: handleOutOfSpace in server/jetstream.go.)
#
# Output seen:
#   full: context deadline exceeded; enabled true; advisories 0
#   room again: context deadline exceeded
#   healthz: JetStream stream '$G > S' write error: … no space left on device
#   enabled again: <nil>, lost 0
#
# Exits non-zero when any of this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init finding >/dev/null 2>&1
go get github.com/nats-io/nats-server/v2@v2.15.2 github.com/nats-io/nats.go@v1.55.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	dir := os.Args[1]
	s, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
		JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: 1 << 20})
	must(err)
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("not ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	must(err)
	defer nc.Close()
	told, err := nc.SubscribeSync("$JS.EVENT.ADVISORY.SERVER.>")
	must(err)
	js, err := jetstream.New(nc)
	must(err)
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	must(err)
	stored := 0
	publish := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_, err := js.Publish(ctx, "s", make([]byte, 1000))
		if err == nil {
			stored++
		}
		return err
	}
	must(publish())

	var st syscall.Statfs_t
	must(syscall.Statfs(dir, &st))
	must(os.WriteFile(dir+"/filler", make([]byte, int64(st.Bavail)*st.Bsize), 0o600))
	var full error
	for i := 0; i < 100 && full == nil; i++ {
		full = publish()
	}
	advisories, _, _ := told.Pending()
	enabled := s.JetStreamEnabled()
	fmt.Printf("full: %v; enabled %v; advisories %d\n", full, enabled, advisories)
	must(os.Remove(dir + "/filler"))
	again := publish()
	fmt.Printf("room again: %v\n", again)
	health := s.Healthz(&server.HealthzOptions{}).Error
	fmt.Printf("healthz: %s\n", health)

	config := *s.JetStreamConfig()
	config.StoreDir = dir
	must(s.ShutdownJetStream())
	must(s.EnableJetStream(&config))
	after := publish()
	stream, err := js.Stream(context.Background(), "S")
	must(err)
	lost := stored - int(stream.CachedInfo().State.Msgs)
	fmt.Printf("enabled again: %v, lost %d\n", after, lost)
	if !errors.Is(full, context.DeadlineExceeded) || !enabled || advisories != 0 || !errors.Is(again, context.DeadlineExceeded) ||
		!strings.Contains(health, "no space left") || after != nil || lost != 0 {
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
GO
CGO_ENABLED=0 go build -o finding .
mkdir disk
unshare -rm sh -ec 'mount -t tmpfs -o size=2m tmpfs disk; exec ./finding disk'
