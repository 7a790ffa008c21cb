#!/usr/bin/env bash
# nats-server v2.15.2 (embedded, not clustered, file store), nats.go v1.55.0, Go 1.26, Linux. Needs Go and the Go module
# proxy.
#
# A work queue of 20 messages, all delivered to a durable consumer but not acknowledged, is damaged while the server is down. The
# server should refuse to start, or StreamInfo (state.lost) and Healthz should report the damage. Instead:
#   - Block file truncated to half: the server starts, Healthz is "ok", state.lost is null; half of the messages are lost.
#   - meta.sum deleted: the server starts, and Healthz reports that the stream could not be recovered. If an application creates the
#     stream again at its start with the same configuration, it is not empty: it contains the 20 old messages and remembers their
#     ids. A consumer created under the old name has the old position and delivers nothing before its AckWait.
#   - The consumer's o.dat overwritten: the server starts, Healthz is "ok", and the consumer can neither be created (error 10012)
#     nor deleted (10014).
# The server's log warns in each case, but a block file that is read again after kill -9 causes the same warning.
#
# Output seen:
#   cut: health "ok", 10 messages of 20, lost <nil>
#   no meta.sum: health "unavailable: JetStream stream '$G > S' could not be recovered", stream not found: true
#   created again: 20 messages, duplicate true, consumer has 20 pending, delivered in 1 s: 0
#   junk in o.dat: health "ok", create: 10012, delete: 10014
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
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	stream   = jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Retention: jetstream.WorkQueuePolicy, Duplicates: time.Hour}
	consumer = jetstream.ConsumerConfig{Durable: "C", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second}
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// open runs f on a server with its store in dir.
func open(dir string, f func(ctx context.Context, s *server.Server, js jetstream.JetStream)) {
	s, err := server.NewServer(&server.Options{ServerName: "x", DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir})
	must(err)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("not ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	must(err)
	js, err := jetstream.New(nc)
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	f(ctx, s, js)
	nc.Close()
	s.Shutdown()
	s.WaitForShutdown()
}

// used returns a store whose 20 messages are delivered to a consumer but not acknowledged.
func used() string {
	dir, err := os.MkdirTemp(".", "store")
	must(err)
	open(dir, func(ctx context.Context, _ *server.Server, js jetstream.JetStream) {
		_, err := js.CreateStream(ctx, stream)
		must(err)
		for i := range 20 {
			_, err := js.Publish(ctx, "s.a", []byte("some text"), jetstream.WithMsgID(fmt.Sprint(i)))
			must(err)
		}
		c, err := js.CreateConsumer(ctx, "S", consumer)
		must(err)
		n := 0
		batch, err := c.Fetch(20)
		must(err)
		for range batch.Messages() {
			n++
		}
		check(n == 20, "%d messages in hands", n)
	})
	return dir
}

func check(ok bool, format string, v ...any) {
	if !ok {
		panic(fmt.Sprintf("it changed: "+format, v...))
	}
}

func health(s *server.Server) string {
	h := s.Healthz(&server.HealthzOptions{})
	if h.Error != "" {
		return h.Status + ": " + h.Error
	}
	return h.Status
}

func code(err error) jetstream.ErrorCode {
	var e *jetstream.APIError
	if !errors.As(err, &e) {
		return 0
	}
	return e.ErrorCode
}

func main() {
	in := "jetstream/$G/streams/S/"
	dir := used()
	block := filepath.Join(dir, in+"msgs/1.blk")
	st, err := os.Stat(block)
	must(err)
	must(os.Truncate(block, st.Size()/2))
	open(dir, func(ctx context.Context, s *server.Server, js jetstream.JetStream) {
		st, err := js.Stream(ctx, "S")
		must(err)
		state := st.CachedInfo().State
		fmt.Printf("cut: health %q, %d messages of 20, lost %v\n", health(s), state.Msgs, state.Lost)
		check(health(s) == "ok" && state.Msgs == 10 && state.Lost == nil, "cut")
	})

	dir = used()
	must(os.Remove(filepath.Join(dir, in+"meta.sum")))
	open(dir, func(ctx context.Context, s *server.Server, js jetstream.JetStream) {
		_, err := js.Stream(ctx, "S")
		fmt.Printf("no meta.sum: health %q, stream not found: %t\n", health(s), errors.Is(err, jetstream.ErrStreamNotFound))
		check(health(s) != "ok" && errors.Is(err, jetstream.ErrStreamNotFound), "no meta.sum")
		st, err := js.CreateStream(ctx, stream)
		must(err)
		ack, err := js.Publish(ctx, "s.a", []byte("some text"), jetstream.WithMsgID("7"))
		must(err)
		c, err := js.CreateConsumer(ctx, "S", consumer)
		must(err)
		got := 0
		batch, err := c.Fetch(20, jetstream.FetchMaxWait(time.Second))
		must(err)
		for range batch.Messages() {
			got++
		}
		msgs, pending := st.CachedInfo().State.Msgs, c.CachedInfo().NumAckPending
		fmt.Printf("created again: %d messages, duplicate %t, consumer has %d pending, delivered in 1 s: %d\n", msgs, ack.Duplicate, pending, got)
		check(msgs == 20 && ack.Duplicate && pending == 20 && got == 0, "created again")
	})

	dir = used()
	must(os.WriteFile(filepath.Join(dir, in+"obs/C/o.dat"), []byte("junk that is no state of a consumer"), 0o600))
	open(dir, func(ctx context.Context, s *server.Server, js jetstream.JetStream) {
		_, cerr := js.CreateConsumer(ctx, "S", consumer)
		derr := js.DeleteConsumer(ctx, "S", "C")
		fmt.Printf("junk in o.dat: health %q, create: %d, delete: %d\n", health(s), code(cerr), code(derr))
		check(health(s) == "ok" && code(cerr) == 10012 && code(derr) == 10014, "junk in o.dat")
	})
}
GO
go mod tidy >/dev/null 2>&1
go run .
