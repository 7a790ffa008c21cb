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

// serveHTTP serves until ctx ends or the listener fails, and returns once all requests have ended. The
// contexts of requests in progress, including streams, are cancelled.
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
			srv.Close() // reading a request body then fails, too
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

// strictTransport sets Strict-Transport-Security for half a year (RFC 6797) if the public URL uses
// HTTPS. Browsers obey the header over HTTPS only. It does not include subdomains.
func strictTransport(s settings, next http.Handler) http.Handler {
	if !s.https() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=15552000")
		next.ServeHTTP(w, r)
	})
}

// counted counts the requests in progress, because closing the server does not wait for them.
func counted(running *sync.WaitGroup, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		next.ServeHTTP(w, r)
	})
}

// inTime limits the time to receive a request body: a client that sends it byte by byte could hold a
// connection forever. The server resets the deadline once the body is complete.
func inTime(within time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) // a connection supports deadlines
		}
		next.ServeHTTP(w, r)
	})
}
