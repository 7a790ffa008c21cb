package api

import (
	"context"
	"strconv"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// serverRoutes handles requests about servers.
type serverRoutes struct{ core *core }

// serverFor converts a server without its secrets, for every user who may see it.
func serverFor(who accounts.Actor, v servers.View) apitype.GameServer {
	st := v.Status
	s := apitype.GameServer{
		ID: v.ID, Name: v.Name, Host: v.Host, Port: v.Port, State: st.State, Reason: st.Reason, Since: st.Since,
		Map: st.Map, Hostname: st.Hostname, Players: st.Players, Bots: st.Bots, MaxPlayers: st.MaxPlayers,
		Blueprint: v.Blueprint, Overlays: refsOf(v.Overlays), Settings: v.Settings.Public(), Version: v.Version, PID: st.PID,
		Restarts:        st.Restarts,
		RestartRequired: v.RestartRequired, Build: st.Build, NewBuild: v.NewBuild, CreatedAt: v.CreatedAt,
		Autostart: v.Autostart, Wanted: v.Wanted, WantedBy: v.WantedBy, WantedAt: v.WantedAt, Held: v.Held,
		NameOnHost: v.HostName, Address: v.Address(), Mode: v.Mode(), StartedAt: st.StartedAt,
	}
	if st.Why != nil {
		s.Why = accounts.ConcealIn(who, v.Target(), st.Why).Rendered()
		s.Reason = s.Why.Text
	}
	if v.Place != (left4me.Place{}) {
		s.Place = &v.Place
	}
	s.StartedWith = append([]left4me.OverlayRef{}, st.Overlays...)
	s.NewContent = append([]left4me.OverlayChange{}, v.NewContent...)
	s.Warnings = []left4me.Warning{}
	s.Online = make([]apitype.Player, len(st.Online))
	for i, p := range st.Online {
		s.Online[i] = apitype.Player{Name: p.Name, Score: p.Score, Seconds: p.Duration.Seconds(), Bot: p.Bot}
	}
	if v.Job != nil {
		s.Job = &apitype.JobRef{ID: v.Job.ID, Kind: v.Job.Kind, State: v.Job.State}
	}
	if j := v.Failed; j != nil {
		why := *left4me.NewError(left4me.Unavailable, "job.interrupted")
		if j.Error != nil {
			told := *j
			told.Error = accounts.ConcealIn(who, v.Target(), j.Error)
			why = *told.Public().Error.Rendered()
		}
		s.FailedJob = &apitype.FailedJob{JobRef: apitype.JobRef{ID: j.ID, Kind: j.Kind, State: j.State}, Error: why}
	}
	return s
}

func (a serverRoutes) showServer(ctx context.Context, name left4me.Name, _ *none) (apitype.GameServer, error) {
	v, err := a.core.Servers.Get(ctx, name)
	return a.whole(ctx, v, err)
}

// whole converts a server, including the fields that only users with edit rights may see, and the
// warnings about its definition.
func (a serverRoutes) whole(ctx context.Context, v servers.View, err error) (apitype.GameServer, error) {
	if err != nil {
		return apitype.GameServer{}, err
	}
	s := serverFor(actorOf(ctx), v)
	s.Connect = v.ConnectionFor(actorOf(ctx)).Command()
	s.Settings = settingsFor(ctx, v.Target(), v.Settings)
	s.Warnings = append(s.Warnings, a.core.Servers.Warnings().Of(ctx, v.Name)...)
	return s, nil
}

// settingsFor returns the settings of a target, including the fields that only users who may read
// its secrets may see.
func settingsFor(ctx context.Context, target left4me.Target, s left4me.Settings) left4me.Settings {
	if !readsSecrets(ctx, target) {
		return s.Public()
	}
	return s
}

func (a serverRoutes) createServer(ctx context.Context, in *struct{ Body apitype.NewServer }) (apitype.GameServer, error) {
	b := in.Body
	port := 0 // 0: the next free port
	if b.Port != nil {
		if port = *b.Port; port == 0 {
			return apitype.GameServer{}, left4me.NewError(left4me.Invalid, "port.zero").InField("port")
		}
	}
	overlays, err := parseRefs("overlays", b.Overlays)
	if err != nil {
		return apitype.GameServer{}, err
	}
	if err := a.core.visibleParts(ctx, b.Blueprint, overlays, left4me.Server{}); err != nil {
		return apitype.GameServer{}, err
	}
	v, err := a.core.Servers.Create(ctx, actorOf(ctx).Cause(), left4me.Server{
		Name: left4me.Name(b.Name), Host: left4me.Name(b.Host), Port: port, Blueprint: left4me.Name(b.Blueprint), Overlays: overlays,
		Settings:  b.Settings,
		Autostart: left4me.Autostart(b.Autostart),
	})
	return a.whole(ctx, v, err)
}

func (a creationRoutes) duplicateServer(ctx context.Context, name left4me.Name, in *struct{ Body apitype.ServerCopy }) (
	apitype.GameServer, error,
) {
	if err := accounts.Allow(actorOf(ctx), manage, left4me.Target{Kind: left4me.ServerTarget}); err != nil {
		return apitype.GameServer{}, err
	}
	if in.Body.Passwords {
		if err := accounts.Allow(actorOf(ctx), configure, left4me.OnServer(name)); err != nil {
			return apitype.GameServer{}, err
		}
	}
	as := servers.Copy{Name: left4me.Name(in.Body.Name), Passwords: in.Body.Passwords}
	if in.Body.Port != nil {
		if as.Port = *in.Body.Port; as.Port == 0 {
			return apitype.GameServer{}, left4me.NewError(left4me.Invalid, "port.zero").InField("port")
		}
	}
	v, err := a.core.Servers.Creation().Duplicate(ctx, actorOf(ctx).Cause(), name, as)
	return serverRoutes(a).whole(ctx, v, err)
}

func (a serverRoutes) startServer(ctx context.Context, name left4me.Name, _ *none) (apitype.Job, error) {
	return a.act(ctx, left4me.StartServer, name)
}

func (a serverRoutes) stopServer(ctx context.Context, name left4me.Name, _ *none) (apitype.Job, error) {
	return a.act(ctx, left4me.StopServer, name)
}

func (a serverRoutes) restartServer(ctx context.Context, name left4me.Name, _ *none) (apitype.Job, error) {
	return a.act(ctx, left4me.RestartServer, name)
}

func (a serverRoutes) resetServer(ctx context.Context, name left4me.Name, _ *none) (apitype.Job, error) {
	return a.act(ctx, left4me.ResetServer, name)
}

func (a serverRoutes) deleteServer(ctx context.Context, name left4me.Name, _ *none) (apitype.Job, error) {
	return a.act(ctx, left4me.DeleteServer, name)
}

func (a serverRoutes) act(ctx context.Context, kind left4me.JobKind, name left4me.Name) (apitype.Job, error) {
	v, err := a.core.Servers.Act(ctx, actorOf(ctx).Cause(), kind, name)
	return jobFor(ctx, v), err
}

type crashesInput struct {
	Limit int    `query:"limit" default:"20" minimum:"1" maximum:"100"`
	After string `query:"after" maxLength:"1000" doc:"Value of after from the Link header of the previous page"`
}

func (in crashesInput) page() ListInput { return ListInput(in) }

// maxCrashes is larger than the number of crashes stored for a server.
const maxCrashes = 1000

// byTimeOfCrash orders crashes newest first.
var byTimeOfCrash = order[apitype.Crash]{
	key:  func(v apitype.Crash) string { return strconv.FormatInt(v.At.UnixMilli(), 10) },
	down: true,
}

func (a serverRoutes) listCrashes(ctx context.Context, name left4me.Name, in *crashesInput) ([]apitype.Crash, error) {
	if _, err := a.core.Servers.Get(ctx, name); err != nil {
		return nil, err
	}
	most := in.Limit + 1
	if in.After != "" {
		most = maxCrashes
	}
	found, err := a.core.Servers.Crashes(ctx, name, most)
	if err != nil {
		return nil, err
	}
	all := make([]apitype.Crash, len(found))
	shown := shownTo(ctx, left4me.OnServer(name))
	for i, c := range found {
		for n, l := range c.Lines {
			c.Lines[n] = shown(l)
		}
		all[i] = apitype.Crash{At: c.At, Exit: c.Exit, UptimeSeconds: c.Uptime.Seconds(), Lines: c.Lines}
		if c.Lines == nil {
			all[i].Lines = []string{}
		}
	}
	return all, nil
}

func (a serverRoutes) reachServer(ctx context.Context, name left4me.Name, _ *none) (apitype.ServerReach, error) {
	checks, err := servers.ReachFor(ctx, a.core.Servers, actorOf(ctx), name)
	r := apitype.ServerReach{Server: name, Joinable: left4me.Healthy(checks), Checks: orNone(checks)}
	if first, ok := left4me.FirstWrong(checks); ok {
		r.First = &first
	}
	return r, err
}
