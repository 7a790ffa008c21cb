package api

import (
	"context"
	"strconv"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// ConsoleChunk is a piece of a console: whole lines, each ended by a line feed.
// The id of its event is the position behind it, for Last-Event-ID.
type ConsoleChunk struct {
	Text string `json:"text"`
	Lost int64  `json:"lost" doc:"Bytes before this text that are gone"`
}

type consoleInput struct {
	ByName
	After string `header:"Last-Event-ID" doc:"Resume behind this event; without it, recent history comes first"`
}

func (a *api) followConsole(ctx context.Context, in *consoleInput) (feed, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return nil, err
	}
	after := servers.RecentHistory
	if in.After != "" {
		if after, err = position(in.After); err != nil {
			return nil, err
		}
	}
	chunks, err := a.Servers.Console(ctx, name, after)
	if err != nil {
		return nil, err
	}
	shown := shownTo(ctx)
	return func(send func(event)) error {
		for c, err := range chunks {
			if err != nil {
				return err
			}
			send(event{id: strconv.FormatInt(c.Position, 10), name: "console", data: ConsoleChunk{Text: shown(c.Text), Lost: c.Lost}})
		}
		return nil
	}, nil
}

// ConsoleTail is the end of what a server printed.
type ConsoleTail struct {
	Text     string `json:"text" doc:"Whole lines"`
	Position int64  `json:"position" doc:"Behind the text; as Last-Event-ID it continues the stream without a gap. Negative: there is nothing to continue"`
}

func (a *api) tailConsole(ctx context.Context, in *ByName) (ConsoleTail, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return ConsoleTail{}, err
	}
	c, err := a.Servers.Recent(ctx, name)
	return ConsoleTail{Text: shownTo(ctx)(c.Text), Position: c.Position}, err
}

// Command is a console command.
type Command struct {
	Command string `json:"command" doc:"One line"`
}

// CommandOutput is what a command printed.
type CommandOutput struct {
	Output string `json:"output"`
}

func (a *api) runCommand(ctx context.Context, in *struct {
	ByName
	Body Command
},
) (CommandOutput, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return CommandOutput{}, err
	}
	out, err := a.Servers.Command(ctx, actorOf(ctx).Name, name, in.Body.Command)
	return CommandOutput{Output: out}, err
}

// Change says that there is something new about a server.
type Change struct {
	Server left4me.Name `json:"server"`
}

func (a *api) followServers(ctx context.Context, _ *none) (feed, error) {
	changes := a.Servers.Watch(ctx)
	return func(send func(event)) error {
		for name := range changes {
			send(event{name: "server", data: Change{Server: name}})
		}
		return nil
	}, nil
}
