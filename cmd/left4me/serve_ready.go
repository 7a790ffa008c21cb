package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/host/agent"
	"github.com/left4me/left4me/internal/host/running/memtrim"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

const (
	tellWithin  = 30 * time.Second
	settleAfter = 2 * time.Second // then what only the start needed is given back
)

// announce says that left4me serves, with attributes for the log, once it does; then
// it gives back memory.
func announce(ctx context.Context, agent *agent.Agent, srv *servers.Servers, log *slog.Logger, attrs ...any) error {
	if !told(ctx, agent, srv, log) {
		return nil
	}
	systemd.Ready()
	log.Info("left4me serves", append(attrs, "version", programVersion())...)
	if sleep.For(ctx, settleAfter) == nil {
		memtrim.Process()
	}
	return nil
}

// told waits until this machine's agent answers and has told what it has: then
// left4me is ready. False: ctx has ended.
func told(ctx context.Context, agent *agent.Agent, srv *servers.Servers, log *slog.Logger) bool {
	select {
	case <-agent.Ready():
	case <-ctx.Done():
		return false
	}
	within, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := srv.Told(within, left4me.LocalHost); err != nil && ctx.Err() == nil {
		log.Warn("this host answers, but could not say yet what its servers do", "host", left4me.LocalHost)
	}
	return ctx.Err() == nil
}
