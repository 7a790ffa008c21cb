package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/agent"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/host/running/memtrim"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/internal/store"
)

const (
	databaseName = "left4me.db"
	busName      = "bus"
)

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "Run the panel, the API and the agent of this host", Args: noArguments,
		Long: "Run the panel, the API and the agent of this host until SIGINT or SIGTERM. Game\n" +
			"servers keep running afterwards. Every flag can also be set in the environment.",
	}
	getenv := addSettings(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		systemd.OutliveLog()
		s, err := readSettings(getenv)
		if err != nil {
			return left4me.NewError(left4me.Invalid, "usage.wrong", "reason", err.Error()).Because(err)
		}
		return serve(c.Context(), s)
	}
	return c
}

// serve runs the panel, the API and the agent of this host until ctx ends. Game servers continue to
// run.
func serve(ctx context.Context, s settings) error {
	log := newLog()
	if err := accounts.CheckSecret(s.secretKey); err != nil {
		return secretError(s.root, remedy.Here(), err)
	}
	// Listen first: an address in use is the most common mistake, and nothing has been started yet.
	public, err := listenPublic(s)
	if err != nil {
		return fmt.Errorf("LEFT4ME_LISTEN: %w", err)
	}
	defer public.Close()
	unlock, err := prepareRoot(s)
	if err != nil {
		return err
	}
	defer unlock()
	data, err := openData(ctx, s, log)
	if err != nil {
		return err
	}
	defer data.close()
	machine, group, err := supervisor(ctx, s, log)
	if err != nil {
		return err
	}
	if closer, ok := machine.(interface{ Close() }); ok { // a connection to systemd
		defer closer.Close()
	}
	agent, err := newAgent(s, data, machine, group, log)
	if err != nil {
		return err
	}
	if err := hideFromGame(group); err != nil {
		return err
	}
	if err := shareSockets(s.run, group); err != nil {
		return err
	}
	local, err := localListener(s)
	if err != nil {
		return err
	}
	defer local.Close()
	control := newControl(s, data, log)
	program := control.api()
	people := strictTransport(s, routes(program, control.panel(group >= 0)))

	// Stages start from the last to the first and end from the first to the last. Afterwards the bus is
	// closed, then the store.
	err = lifecycle.Run(ctx,
		lifecycle.Stage{ // answers users and programs
			{Run: func(ctx context.Context) error { return serveHTTP(ctx, public, people, nil, log) }},
			{Run: func(ctx context.Context) error { return serveHTTP(ctx, local, program, api.PeerContext, log) }},
			{Run: func(ctx context.Context) error {
				return announce(ctx, agent, control.servers, log, "address", "http://"+public.Addr().String(), "root", s.root)
			}},
		},
		lifecycle.Stage{{Run: agent.Run}}, // does the work
		control.stage(),                   // decides, and stores what the agent reports
		lifecycle.Stage{{Run: data.bus.Run}, {Run: data.reserve.Run}},
	)
	if s.ended != nil {
		s.ended()
	}
	if err == ctx.Err() { // not errors.Is: an error of the shutdown may wrap it, too
		err = nil // the usual end
	}
	log.InfoContext(ctx, "left4me exits; game servers keep running")
	return err
}

// listenPublic opens the listener for connections from outside.
func listenPublic(s settings) (net.Listener, error) {
	l, err := listenTCP(s.listen, unreadWithin)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	unlock, held := lockRoot(s.root)
	if errors.Is(held, left4me.Conflict) { // held by the left4me that serves here
		return nil, held
	}
	if held == nil {
		unlock()
	}
	return nil, left4me.NewError(left4me.Conflict, "listen.address_in_use", "address", s.listen)
}

// data contains the stores that all parts write to.
type data struct {
	reserve *disk.Reserve
	store   *store.Store
	bus     *bus.Bus
}

// openData opens the database and the bus, even on a full disk. Both release the emergency reserve when
// they find the disk full.
func openData(ctx context.Context, s settings, log *slog.Logger) (data, error) {
	d := data{reserve: disk.NewReserve(s.root, s.reserve, log)}
	// Release the reserve first: on a full disk even existing data cannot be read.
	d.reserve.Release()
	var err error
	if d.store, err = store.Open(ctx, filepath.Join(s.root, databaseName)); err != nil {
		return data{}, err
	}
	d.store.OnFull(d.reserve.Release)
	if why := d.store.Full(); why != nil {
		log.ErrorContext(ctx, "left4me cannot save changes until disk space is free", "err", why)
	}
	site, err := d.store.Site().ID(ctx)
	if err == nil {
		d.bus, err = bus.OpenFor(ctx, filepath.Join(s.root, busName), site, log)
	}
	if err != nil {
		d.store.Close()
		return data{}, err
	}
	d.bus.OnFull(d.reserve.Release)
	return d, nil
}

func (d data) close() {
	d.bus.Close()
	d.store.Close()
}

// full returns an error that describes what left4me cannot do because a disk is full, or nil.
func (d data) full() *left4me.Error {
	if why := d.store.Full(); why != nil {
		return left4me.NewError(left4me.DiskFull, "disk.full_for_changes", "error", why)
	}
	if why := d.bus.Full(); why != nil {
		return left4me.NewError(left4me.DiskFull, "disk.full_for_queue", "error", why)
	}
	return nil
}

// announce logs that left4me is ready, with the given attributes, and later releases memory.
func announce(ctx context.Context, agent *agent.Agent, srv *servers.Servers, log *slog.Logger, attrs ...any) error {
	if !waitForStatus(ctx, agent, srv, log) {
		return nil
	}
	systemd.Ready()
	log.InfoContext(ctx, "left4me serves", append(attrs, "version", programVersion())...)
	if sleep.For(ctx, settleAfter) == nil {
		memtrim.Process()
	}
	return nil
}

// waitForStatus waits until the agent of this host answers and has reported the state of its servers. It returns
// false if ctx ends.
func waitForStatus(ctx context.Context, agent *agent.Agent, srv *servers.Servers, log *slog.Logger) bool {
	select {
	case <-agent.Ready():
	case <-ctx.Done():
		return false
	}
	within, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := srv.WaitListed(within, left4me.LocalHost); err != nil && ctx.Err() == nil {
		log.WarnContext(ctx, "this host answers, but has not reported the state of its servers yet", "host", left4me.LocalHost)
	}
	return ctx.Err() == nil
}

const (
	tellWithin  = 30 * time.Second
	settleAfter = 2 * time.Second // afterwards the memory used by the start is released
)
