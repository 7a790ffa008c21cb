package api

import (
	"context"
	"strconv"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

type consoleInput struct {
	After string `header:"Last-Event-ID" doc:"Resume after this event; absent: start with recent output"`
}

func (a serverRoutes) followConsole(ctx context.Context, name left4me.Name, in *consoleInput) (feed, error) {
	after := servers.RecentHistory
	if in.After != "" {
		var err error
		if after, err = position(in.After); err != nil {
			return nil, err
		}
	}
	chunks, err := a.core.Servers.Consoles().Follow(ctx, name, after)
	if err != nil {
		return nil, err
	}
	shown := shownTo(ctx, left4me.OnServer(name))
	return func(send func(event)) error {
		for c, err := range chunks {
			if err != nil {
				return err
			}
			send(event{
				id:   strconv.FormatInt(c.Position, 10),
				name: "console",
				data: apitype.ConsoleChunk{Text: shown(c.Text), Lost: c.Lost},
			})
		}
		return nil
	}, nil
}

func (a serverRoutes) tailConsole(ctx context.Context, name left4me.Name, _ *none) (apitype.ConsoleTail, error) {
	c, err := a.core.Servers.Consoles().Recent(ctx, name)
	return apitype.ConsoleTail{Text: shownTo(ctx, left4me.OnServer(name))(c.Text), Position: c.Position}, err
}

func (a serverRoutes) runCommand(ctx context.Context, name left4me.Name, in *struct {
	Body apitype.Command
},
) (apitype.CommandOutput, error) {
	out, err := a.core.Servers.Consoles().Command(ctx, actorOf(ctx).Cause(), name, in.Body.Command)
	return apitype.CommandOutput{Output: shownTo(ctx, left4me.OnServer(name))(out)}, err
}

func (a serverRoutes) followServers(ctx context.Context, _ *none) (feed, error) {
	changes := a.core.Servers.Watch(ctx)
	return func(send func(event)) error {
		for name := range changes {
			ok, err := a.core.visible(ctx, left4me.ServerTarget, name)
			if err != nil {
				return err
			}
			if ok {
				send(event{name: "server", data: apitype.Change{Server: name}})
			}
		}
		return nil
	}, nil
}
