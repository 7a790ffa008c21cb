package servers

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// Mistakes returns everything that prevents a definition from being saved, all fields at once;
// fresh means that the server is new. Errors: left4me.Fields of left4me.Invalid and
// left4me.Conflict; left4me.Unavailable if only the host could tell.
func (s *Servers) Mistakes(ctx context.Context, v left4me.Server, fresh bool) error {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	var f fields
	var have *left4me.Server
	i := slices.IndexFunc(snap.servers, func(o left4me.Server) bool { return o.Name == v.Name })
	switch {
	case i >= 0 && fresh:
		f = append(f,
			left4me.NewError(left4me.Conflict, "server.exists", "server", v.Name).InField("name"))
	case i >= 0:
		have = &snap.servers[i]
		v.Host = cmp.Or(v.Host, have.Host)
	}
	v.Host, v.Blueprint, v.Settings = cmp.Or(v.Host, s.hosts.Default()), cmp.Or(v.Blueprint, left4me.DefaultBlueprint), v.Settings.Normal()
	if err := Check(v); err != nil {
		var wrong left4me.Fields
		if !errors.As(err, &wrong) {
			return err
		}
		f = append(f, wrong...)
	}
	f.hostAndPort(v, have, snap.servers, s.hosts.All(), s.status.portInUse)
	blueprints, err := blueprintsByName(ctx, s.storage)
	if err != nil {
		return err
	}
	if _, ok := blueprints[v.Blueprint]; !ok && v.Blueprint.Valid() {
		f.add("blueprint", left4me.NewError(left4me.Invalid, "blueprint.unknown", "blueprint", v.Blueprint))
	}
	var wrong left4me.Fields
	switch err := s.checkStack(ctx, v.Overlays); {
	case errors.As(err, &wrong):
		f = append(f, wrong...)
	case err != nil && len(f) == 0:
		return err
	}
	return f.err()
}

// portInUse returns the port that a server uses now, or 0 if it is not running.
func (l *statuses) portInUse(v left4me.Server) int {
	if st := l.get(v); st.State.Up() {
		return st.Port
	}
	return 0
}

// hostAndPort checks the host and the port of a definition. have is the existing server or nil, and
// inUse returns the port that a running server uses: one whose port was changed keeps the old one until
// its next start.
func (f *fields) hostAndPort(v left4me.Server, have *left4me.Server, all []left4me.Server, hosts []left4me.Name,
	inUse func(left4me.Server) int,
) {
	for _, o := range all {
		if o.Name != v.Name && o.Host == v.Host && v.Port != 0 && (o.Port == v.Port || inUse(o) == v.Port) {
			*f = append(*f, left4me.NewError(left4me.Conflict, "port.in_use", "port", v.Port, "server", o.Name).InField("port"))
		}
	}
	switch {
	case have == nil && !slices.Contains(hosts, v.Host) && v.Host.Valid():
		// A server on an unknown host could neither be started nor deleted.
		f.add("host", left4me.NewError(left4me.Invalid, "host.not_here", "host", v.Host, "known", left4me.JoinNames(hosts)))
	case have != nil && v.Host != have.Host:
		f.add("host", left4me.NewError(left4me.Invalid, "server.stays_on_host", "server", v.Name, "host", have.Host))
	}
}
