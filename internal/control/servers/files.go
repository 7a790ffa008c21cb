package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// readWithin limits how long a host may read layers for one request.
const readWithin = 30 * time.Second

// maxPaths is the maximum number of files in one request.
const maxPaths = 1000

// Spec returns what a server would be started with now, and its host. Errors: left4me.NotFound.
func (s *Servers) Spec(ctx context.Context, name left4me.Name) (left4me.Spec, left4me.Name, error) {
	d, err := s.defined(ctx, name)
	return d.Spec, d.host, err
}

// defined holds what a server would be started with, and the host's names of its overlays. Both are
// read in one transaction: an overlay renamed in between would appear to be missing.
type defined struct {
	left4me.Spec
	host  left4me.Name
	names left4me.OverlayNames
}

// specOnHost returns the spec with the host's names of overlays.
func (d defined) specOnHost() left4me.Spec { return d.names.SpecOnHost(d.Spec) }

func (s *Servers) defined(ctx context.Context, name left4me.Name) (d defined, err error) {
	err = s.storage.Read(ctx, func(now *store.Store) error {
		v, err := now.Servers().Get(ctx, name)
		if err != nil {
			return err
		}
		blueprints, err := blueprintsByName(ctx, now)
		if err != nil {
			return err
		}
		cfg, err := now.Overlays().Cfg(ctx)
		if err != nil {
			return err
		}
		d.Spec, d.host = left4me.SpecOf(v, blueprints[v.Blueprint], cfg), v.Host
		d.names, err = now.Overlays().Names(ctx)
		return err
	})
	return d, err
}

// Files accesses the files that servers see and write. It is safe for concurrent use.
type Files struct{ servers *Servers }

// Files returns access to files; the value may be copied.
func (s *Servers) Files() Files { return Files{s} }

// List returns a page of the files that a server would see: its merged layers with its writable
// layer on top. Errors: left4me.NotFound, left4me.Invalid, left4me.Unavailable.
func (s Files) List(ctx context.Context, name left4me.Name, f left4me.Filter) (page left4me.Page[left4me.TreeFile], err error) {
	d, err := s.servers.defined(ctx, name)
	if err != nil {
		return page, err
	}
	err = s.servers.askHost(ctx, d.host, bus.VerbStack,
		bus.StackRequest{V: bus.Version, Spec: d.specOnHost().OnHost(), Written: true, Filter: f}, &page)
	return page, err
}

// Get returns the contents of a file as the server would see it. Errors are those of List.
func (s Files) Get(ctx context.Context, name left4me.Name, path, inside string) (a bus.FileAnswer, err error) {
	d, err := s.servers.defined(ctx, name)
	if err != nil {
		return a, err
	}
	err = s.servers.askHost(ctx, d.host, bus.VerbStackFile,
		bus.StackRequest{V: bus.Version, Spec: d.specOnHost().OnHost(), Written: true, Path: path, Inside: inside}, &a)
	return a, err
}

// Written returns a page of the files in a server's writable layer. Errors are those of List.
func (s Files) Written(ctx context.Context, name left4me.Name, f left4me.Filter) (page left4me.Page[left4me.TreeFile], err error) {
	v, err := s.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return page, err
	}
	err = s.servers.askHost(ctx, v.Host, bus.VerbUpper, bus.UpperRequest{V: bus.Version, Server: v.OnHost(), Filter: f}, &page)
	return page, err
}

// Compare returns a page of the differences between the files of two servers, without their
// writable layers. Errors: left4me.NotFound, left4me.Unavailable.
func (s Files) Compare(ctx context.Context, from, to left4me.Name, after string, limit int) (page left4me.Page[left4me.FileChange],
	err error,
) {
	a, err := s.servers.defined(ctx, from)
	if err != nil {
		return page, err
	}
	b, err := s.servers.defined(ctx, to)
	if err == nil && a.host != b.host {
		err = left4me.NewError(left4me.Invalid, "server.other_host", "server", from, "other", to)
	}
	if err != nil {
		return page, err
	}
	err = s.servers.askHost(ctx, a.host, bus.VerbStackDiff, bus.StackDiffRequest{
		V: bus.Version, From: a.specOnHost().OnHost(), To: b.specOnHost().OnHost(), After: after, Limit: limit,
	}, &page)
	return page, err
}

// Pending returns a page of the files that a restart would change: what the server was started with
// compared to what it would be started with now. Errors: left4me.NotFound, also if the server never
// ran; left4me.Unavailable.
func (s Files) Pending(ctx context.Context, name left4me.Name, after string, limit int) (page left4me.Page[left4me.FileChange],
	err error,
) {
	d, err := s.servers.defined(ctx, name)
	if err != nil {
		return page, err
	}
	sp := d.specOnHost().OnHost()
	err = s.servers.askHost(ctx, d.host, bus.VerbStackDiff,
		bus.StackDiffRequest{V: bus.Version, From: sp, To: sp, Running: true, After: after, Limit: limit}, &page)
	return page, err
}

// Discard adds a job that deletes files from the writable layer of a stopped server. Errors:
// left4me.NotFound, left4me.Invalid.
func (s Files) Discard(ctx context.Context, by left4me.Actor, name left4me.Name, paths []string) (left4me.Job, error) {
	v, err := s.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return left4me.Job{}, err
	}
	if err := CheckPaths("paths", paths); err != nil {
		return left4me.Job{}, err
	}
	return s.servers.jobs.Add(ctx, by, left4me.DiscardUpper, name, v.Host, bus.DiscardSpec{Server: v.OnHost(), Paths: paths})
}

// discardAgain repeats a discard job under the server's current name.
func (s Files) discardAgain(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
	var spec bus.DiscardSpec
	if err := json.Unmarshal(v.Spec, &spec); err != nil {
		return left4me.Job{}, fmt.Errorf("job %s: %w", v.ID, err)
	}
	return s.Discard(ctx, by, v.Target, spec.Paths)
}

// CheckPaths validates paths of files in a layer. Errors: left4me.Invalid for the field.
func CheckPaths(field string, paths []string) error {
	switch {
	case len(paths) == 0:
		return left4me.NewError(left4me.Invalid, "file.none_named").InField(field)
	case len(paths) > maxPaths:
		return left4me.NewError(left4me.Invalid, "file.too_many", "count", len(paths)).InField(field)
	}
	for i, p := range paths {
		if !fs.ValidPath(p) || p == "." {
			return left4me.NewError(left4me.Invalid, "file.path_invalid", "path", p).InField(fmt.Sprintf("%s[%d]", field, i))
		}
	}
	return nil
}

// askHost sends a request about overlays and servers, using the host's names of overlays. Stacks
// that use them already are unaffected.
func (s *Servers) askHost(ctx context.Context, host left4me.Name, verb string, in, out any) error {
	names, err := s.storage.Overlays().Names(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	return s.Names().Error(host, names, s.bus.Request(ctx, bus.Command(host, verb), onHost(names, in), out))
}

// onHost returns the request with the host's names of overlays.
func onHost(names left4me.OverlayNames, in any) any {
	switch in := in.(type) {
	case bus.StackRequest:
		in.Spec, in.Shown = names.SpecOnHost(in.Spec), names.All()
		return in
	case bus.StackDiffRequest:
		in.From, in.To = names.SpecOnHost(in.From), names.SpecOnHost(in.To)
		return in
	case bus.UpperRequest:
		in.Shown = names.All()
		return in
	case left4me.Spec:
		return names.SpecOnHost(in)
	}
	return in
}
