package api

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
)

// ServerDefinition is what a server is changed to.
type ServerDefinition struct {
	Version   int              `json:"version,omitempty" doc:"That was looked at: when it was changed since, the answer is 409. Without it nobody's change is minded"`
	Port      int              `json:"port,omitempty" doc:"Without it: the one it has. It changes only while the server is down"`
	Blueprint string           `json:"blueprint,omitempty" doc:"Without it: default"`
	Overlays  []string         `json:"overlays,omitempty" doc:"All of its own, as when it is created"`
	Settings  left4me.Settings `json:"settings,omitempty"`
	Autostart string           `json:"autostart,omitempty" enum:"last,always,never" doc:"Without it: the one it has"`
}

func (a *api) updateServer(ctx context.Context, in *struct {
	ByName
	Body ServerDefinition
},
) (GameServer, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return GameServer{}, err
	}
	overlays, err := parseRefs("overlays", in.Body.Overlays)
	if err != nil {
		return GameServer{}, err
	}
	v, err := a.Servers.Update(ctx, actorOf(ctx).Name, left4me.Server{
		Name: name, Version: in.Body.Version, Port: in.Body.Port, Blueprint: left4me.Name(in.Body.Blueprint), Overlays: overlays,
		Settings:  in.Body.Settings,
		Autostart: left4me.Autostart(in.Body.Autostart),
	})
	return a.whole(ctx, v, err)
}

// ConfigDiff is how the files that are generated for a server would change.
type ConfigDiff struct {
	Changed bool         `json:"changed" doc:"A restart would change something"`
	Files   []ConfigFile `json:"files"`
}

// ConfigFile is a generated file.
type ConfigFile struct {
	Path    string `json:"path" doc:"In the game's directory; command line and layers are what a start decides besides files"`
	Running string `json:"running" doc:"As it was generated last; empty when there is none"`
	Next    string `json:"next" doc:"As the next start would generate it. Passwords are hidden"`
}

func (a *api) serverConfig(ctx context.Context, in *ByName) (ConfigDiff, error) {
	d := ConfigDiff{Files: []ConfigFile{}}
	name, err := pathName(in.Name)
	if err != nil {
		return d, err
	}
	files, err := a.Servers.ConfigDiff(ctx, name)
	if err != nil {
		return d, err
	}
	for _, f := range files {
		d.Changed = d.Changed || f.Running != f.Next
		d.Files = append(d.Files, ConfigFile{f.Path, f.Running, f.Next})
	}
	return d, nil
}
