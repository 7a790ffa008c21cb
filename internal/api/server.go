package api

import (
	"cmp"
	"context"
	"net"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// GameServer is a server with what it is doing.
type GameServer struct {
	Name            left4me.Name            `json:"name"`
	Host            left4me.Name            `json:"host"`
	Port            int                     `json:"port"`
	State           left4me.ServerState     `json:"state" enum:"stopped,starting,running,unresponsive,stopping,failed,unknown"`
	Reason          string                  `json:"reason" doc:"Why it failed or does not answer"`
	Since           time.Time               `json:"since,omitzero" doc:"Of this state"`
	Map             string                  `json:"map" doc:"As the server answers; empty while it does not run"`
	Hostname        string                  `json:"hostname"`
	Players         int                     `json:"players" doc:"Humans"`
	Bots            int                     `json:"bots"`
	MaxPlayers      int                     `json:"max_players"`
	Address         string                  `json:"address,omitempty" doc:"Where players connect, as LEFT4ME_PUBLIC_ADDRESS says with the port; left out of lists and where that is not set"`
	Online          []Player                `json:"online" doc:"Who plays"`
	Blueprint       left4me.Name            `json:"blueprint"`
	Overlays        []string                `json:"overlays" doc:"Of its own, over those of the blueprint; top of the stack first"`
	Settings        left4me.Settings        `json:"settings" doc:"Its own; they go over those of the blueprint. Passwords are left out of lists, and of what people see who may change nothing"`
	Version         int                     `json:"version" doc:"Counts changes of its definition"`
	PID             int                     `json:"pid" doc:"0 when there is no process"`
	Restarts        int                     `json:"restarts" doc:"After crashes and ends by itself, since it was started"`
	RestartRequired bool                    `json:"restart_required" doc:"It runs with other settings than it has now"`
	Build           int64                   `json:"build" doc:"Of the game that it runs on; 0 when that isn't known"`
	NewBuild        int64                   `json:"new_build" doc:"That a restart would change it to; 0 when it would not"`
	StartedWith     []left4me.OverlayRef    `json:"started_with" doc:"The revisions that it was started with, top first: maps@3"`
	NewContent      []left4me.OverlayChange `json:"new_content" doc:"Overlays that a restart would change"`
	Warnings        []left4me.Warning       `json:"warnings" doc:"What will probably keep it from starting as it is defined now; left out of lists"`
	Job             *JobRef                 `json:"job,omitempty" doc:"The job that is queued or running"`
	FailedJob       *FailedJob              `json:"failed_job,omitempty" doc:"The newest job, when it failed and nothing has made up for it"`
	Autostart       left4me.Autostart       `json:"autostart" enum:"last,always,never" doc:"When left4me starts it unasked. last: when it is wanted to run and has no process when left4me starts; always: also at each boot, even when it was last asked to stop; never: like last, but not at a boot"`
	Wanted          left4me.Wanted          `json:"wanted" enum:"running,stopped" doc:"What was last asked of it"`
	WantedBy        string                  `json:"wanted_by" doc:"Who asked for it; empty when nobody did"`
	WantedAt        time.Time               `json:"wanted_at,omitzero"`
	Held            left4me.Held            `json:"held" enum:",crashed,boot,restored" doc:"Why it is not started until somebody starts it: it gave up after crashes, its host booted and its autostart is never, or it comes from a backup. Empty when nothing holds it"`
	CreatedAt       time.Time               `json:"created_at"`
}

// Player is somebody on a server.
type Player struct {
	Name    string  `json:"name"`
	Score   int     `json:"score"`
	Seconds float64 `json:"seconds" doc:"Since the player joined"`
	Bot     bool    `json:"bot" doc:"As far as can be told: the game does not say"`
}

// JobRef names a job.
type JobRef struct {
	ID    left4me.JobID    `json:"id"`
	Kind  left4me.JobKind  `json:"kind"`
	State left4me.JobState `json:"state"`
}

// FailedJob is a job that failed, and why.
type FailedJob struct {
	JobRef
	Error left4me.Error `json:"error"`
}

func serverOf(v servers.View) GameServer {
	st := v.Status
	s := GameServer{
		Name: v.Name, Host: v.Host, Port: v.Port, State: st.State, Reason: st.Reason, Since: st.Since,
		Map: st.Map, Hostname: st.Hostname, Players: st.Players, Bots: st.Bots, MaxPlayers: st.MaxPlayers,
		Blueprint: v.Blueprint, Overlays: refsOf(v.Overlays), Settings: v.Settings.Public(), Version: v.Version, PID: st.PID,
		Restarts:        st.Restarts,
		RestartRequired: v.RestartRequired, Build: st.Build, NewBuild: v.NewBuild, CreatedAt: v.CreatedAt,
		Autostart: v.Autostart, Wanted: v.Wanted, WantedBy: v.WantedBy, WantedAt: v.WantedAt, Held: v.Held,
	}
	s.StartedWith = append([]left4me.OverlayRef{}, st.Overlays...)
	s.NewContent = append([]left4me.OverlayChange{}, v.NewContent...)
	s.Warnings = []left4me.Warning{}
	s.Online = make([]Player, len(st.Online))
	for i, p := range st.Online {
		s.Online[i] = Player{Name: p.Name, Score: p.Score, Seconds: p.Duration.Seconds(), Bot: p.Bot}
	}
	if v.Job != nil {
		s.Job = &JobRef{ID: v.Job.ID, Kind: v.Job.Kind, State: v.Job.State}
	}
	if j := v.Failed; j != nil {
		why := left4me.Error{Kind: left4me.Unavailable, Text: "it was interrupted"}
		if j.Error != nil {
			why = *j.Public().Error
		}
		s.FailedJob = &FailedJob{JobRef{ID: j.ID, Kind: j.Kind, State: j.State}, why}
	}
	return s
}

// ByName is the name in a path. It is exported because huma overlooks what is
// embedded otherwise.
type ByName struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *api) showServer(ctx context.Context, in *ByName) (GameServer, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return GameServer{}, err
	}
	v, err := a.Servers.Get(ctx, name)
	return a.whole(ctx, v, err)
}

// whole is a server with what only people see who may change it, and with what is
// wrong with its definition.
func (a *api) whole(ctx context.Context, v servers.View, err error) (GameServer, error) {
	if err != nil {
		return GameServer{}, err
	}
	s := serverOf(v)
	if a.PublicAddress != "" {
		s.Address = net.JoinHostPort(a.PublicAddress, strconv.Itoa(cmp.Or(v.Status.Port, v.Port)))
	}
	s.Settings = settingsFor(ctx, v.Settings)
	s.Warnings = append(s.Warnings, a.Servers.Warnings(ctx, v.Name)...)
	return s, nil
}

func settingsFor(ctx context.Context, s left4me.Settings) left4me.Settings {
	if accounts.Allow(actorOf(ctx), accounts.Act) != nil {
		return s.Public()
	}
	return s
}

// NewServer is what a server is created from.
type NewServer struct {
	Name      string           `json:"name" doc:"1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit"`
	Host      string           `json:"host,omitempty" doc:"Without it: local"`
	Port      *int             `json:"port,omitempty" doc:"Without it: the next free one"`
	Blueprint string           `json:"blueprint,omitempty" doc:"Without it: default"`
	Overlays  []string         `json:"overlays,omitempty" doc:"Of its own, over those of the blueprint; top of the stack first: maps, or maps@3 to stay at a revision"`
	Settings  left4me.Settings `json:"settings,omitempty"`
	Autostart string           `json:"autostart,omitempty" enum:"last,always,never" doc:"Without it: last"`
}

func (a *api) createServer(ctx context.Context, in *struct{ Body NewServer }) (GameServer, error) {
	b := in.Body
	port := 0 // the next free one
	if b.Port != nil {
		if port = *b.Port; port == 0 {
			return GameServer{}, &left4me.Error{
				Kind:  left4me.Invalid,
				Field: "port",
				Text:  "port 0 is out of range",
				Hint:  "leave it out for the next free one",
			}
		}
	}
	overlays, err := parseRefs("overlays", b.Overlays)
	if err != nil {
		return GameServer{}, err
	}
	v, err := a.Servers.Create(ctx, left4me.Server{
		Name: left4me.Name(b.Name), Host: left4me.Name(b.Host), Port: port, Blueprint: left4me.Name(b.Blueprint), Overlays: overlays,
		Settings:  b.Settings,
		Autostart: left4me.Autostart(b.Autostart),
	})
	return a.whole(ctx, v, err)
}

func (a *api) startServer(ctx context.Context, in *ByName) (Job, error) {
	return a.act(ctx, left4me.StartServer, in)
}

func (a *api) stopServer(ctx context.Context, in *ByName) (Job, error) {
	return a.act(ctx, left4me.StopServer, in)
}

func (a *api) restartServer(ctx context.Context, in *ByName) (Job, error) {
	return a.act(ctx, left4me.RestartServer, in)
}

func (a *api) resetServer(ctx context.Context, in *ByName) (Job, error) {
	return a.act(ctx, left4me.ResetServer, in)
}

func (a *api) deleteServer(ctx context.Context, in *ByName) (Job, error) {
	return a.act(ctx, left4me.DeleteServer, in)
}

func (a *api) act(ctx context.Context, kind left4me.JobKind, in *ByName) (Job, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return Job{}, err
	}
	v, err := a.Servers.Act(ctx, actorOf(ctx).Name, kind, name)
	return jobOf(v), err
}

// Crash is a death of a server that nobody asked for.
type Crash struct {
	At            time.Time `json:"at"`
	Exit          string    `json:"exit"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Lines         []string  `json:"lines" doc:"The last that it printed"`
}

type crashesInput struct {
	ByName
	Limit int `query:"limit" default:"20" minimum:"1" maximum:"100"`
}

func (a *api) listCrashes(ctx context.Context, in *crashesInput) ([]Crash, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return nil, err
	}
	if _, err := a.Servers.Get(ctx, name); err != nil {
		return nil, err
	}
	found, err := a.Servers.Crashes(ctx, name, in.Limit)
	if err != nil {
		return nil, err
	}
	all := make([]Crash, len(found))
	shown := shownTo(ctx)
	for i, c := range found {
		for n, l := range c.Lines {
			c.Lines[n] = shown(l)
		}
		all[i] = Crash{At: c.At, Exit: c.Exit, UptimeSeconds: c.Uptime.Seconds(), Lines: c.Lines}
		if c.Lines == nil {
			all[i].Lines = []string{}
		}
	}
	return all, nil
}
