// Command serve runs the simulated Steam Web API for scripts and demos, and serves the archive of a
// simulated SteamCMD:
//
//	serve [-listen 127.0.0.1:0] [-version 550=2243] [-server IP:PORT]... [-archive FILE] [-workshop [-rate BYTES] [-scale 1]]
//
// It prints its address, accepts a new state on POST /sim, and serves the archive (created by
// sim/steamcmd pack) as /steamcmd_linux.tar.gz, for LEFT4ME_STEAMCMD_URL. With -workshop it serves the
// items of steamapi.Workshop. SIGTERM ends it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/left4me/left4me/sim/steamapi"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run() error {
	state := steamapi.State{Versions: map[int]int{}}
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	archive := flag.String("archive", "", "archive of a simulated SteamCMD")
	flag.Func("version", "APP=VERSION, the newest version of an app", func(text string) error {
		app, version, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(app)
		if err == nil {
			state.Versions[n], err = strconv.Atoi(version)
		}
		return err
	})
	flag.Func("server", "IP:PORT of a server known to Steam", func(text string) error {
		state.Servers = append(state.Servers, text)
		return nil
	})
	workshop := flag.Bool("workshop", false, "serve a small workshop")
	rate := flag.Int64("rate", 0, "bytes per second for each workshop file; 0 means no limit")
	scale := flag.Float64("scale", 1, "factor for the sizes of workshop files")
	flag.Parse()
	if *workshop {
		state.Items = steamapi.Workshop(*rate, *scale)
	}
	mux := http.NewServeMux()
	mux.Handle("/", steamapi.New(state))
	mux.HandleFunc("GET /steamcmd_linux.tar.gz", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, *archive) })
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}
