#!/usr/bin/env bash
# nats.go v1.55.0 (package jetstream), nats-server v2.15.2 embedded, Go 1.26, Linux. Needs Go and the Go module proxy.
#
# jetstream.ConsumeContext.Closed is documented as "a channel that is closed when the consuming is fully stopped/drained.
# When the channel is closed, no more messages will be received and processing is complete." So `c.Stop(); …; <-c.Closed()` should
# wait for a running handler. It does not: Stop unsubscribes in the background, and Closed, if called after that, returns a
# channel that is already closed. Immediately after Stop, the result depends on which is faster. Only a channel obtained before
# Stop is certain to be closed after the handler has returned.
#
# Output seen:
#   asked for before Stop:         closed while the handler runs: false
#   asked for a moment after Stop: closed while the handler runs: true
#
# Exits non-zero when this changes.
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
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	s, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: os.Args[1]})
	must(err)
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("not ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	must(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	must(err)
	before := try(ctx, js, func(c jetstream.ConsumeContext) <-chan struct{} {
		closed := c.Closed()
		c.Stop()
		return closed
	})
	after := try(ctx, js, func(c jetstream.ConsumeContext) <-chan struct{} {
		c.Stop()
		time.Sleep(200 * time.Millisecond) // until Stop has unsubscribed
		return c.Closed()
	})
	fmt.Println("asked for before Stop:         closed while the handler runs:", before)
	fmt.Println("asked for a moment after Stop: closed while the handler runs:", after)
	if before || !after {
		os.Exit(1)
	}
}

// try stops a consumer while its handler runs.
func try(ctx context.Context, js jetstream.JetStream, stop func(jetstream.ConsumeContext) <-chan struct{}) (early bool) {
	consumer, err := js.CreateConsumer(ctx, "S", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverNewPolicy})
	must(err)
	entered, leave := make(chan struct{}), make(chan struct{})
	c, err := consumer.Consume(func(jetstream.Msg) { close(entered); <-leave })
	must(err)
	_, err = js.Publish(ctx, "s", nil)
	must(err)
	<-entered
	closed := stop(c)
	select {
	case <-closed:
		early = true
	case <-time.After(time.Second):
	}
	close(leave)
	<-closed
	return early
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
GO
go mod tidy >/dev/null 2>&1
go run . "$dir/store"
