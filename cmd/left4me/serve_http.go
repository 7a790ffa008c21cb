package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	shutdownWithin = 10 * time.Second
	bodyWithin     = 15 * time.Second
)

// serveHTTP serves until ctx ends or nobody can connect any more, and returns when no
// request is handled any more; requests in progress, streams among them, are told by
// their contexts.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, conn func(context.Context, net.Conn) context.Context,
	log *slog.Logger,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	srv := &http.Server{
		Handler: counted(&running, inTime(bodyWithin, h)), ConnContext: conn, ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close() // then also reading a body fails
		}
		running.Wait()
	})
	err := srv.Serve(l)
	cancel()
	<-stopped
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// strictTransport makes browsers come over https only, for half a year from each
// answer on, where that is how they find the panel (RFC 6797; they heed it over
// https only). Other names of the domain are none of its business.
func strictTransport(s settings, next http.Handler) http.Handler {
	if !s.https() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=15552000")
		next.ServeHTTP(w, r)
	})
}

// counted counts the requests that are being handled: a server's Close doesn't
// wait for them.
func counted(running *sync.WaitGroup, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		next.ServeHTTP(w, r)
	})
}

// inTime bounds how long the body of a request may take to come: whoever sends
// it byte by byte would hold a connection for ever. The server takes the deadline
// back when all of the body is there.
func inTime(within time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) // a connection has deadlines
		}
		next.ServeHTTP(w, r)
	})
}
