package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

type filesInput struct {
	FilterInput
}

func (a serverRoutes) serverFiles(ctx context.Context, name left4me.Name, in *filesInput) (left4me.Page[left4me.TreeFile], error) {
	p, err := a.core.Servers.Files().List(ctx, name, in.filter())
	return pageOf(p), err
}

func (a serverRoutes) serverWritten(ctx context.Context, name left4me.Name, in *filesInput) (left4me.Page[left4me.TreeFile], error) {
	p, err := a.core.Servers.Files().Written(ctx, name, in.filter())
	return pageOf(p), err
}

type fileInput struct {
	Path   string `query:"path" required:"true"`
	Inside string `query:"inside" doc:"File inside the add-on at path"`
}

func (a serverRoutes) serverFile(ctx context.Context, name left4me.Name, in *fileInput) (apitype.ServerFile, error) {
	f, err := a.core.Servers.Files().Get(ctx, name, in.Path, in.Inside)
	if err != nil {
		return apitype.ServerFile{}, err
	}
	text, err := a.core.textOf(ctx, f.Size, f.Data)
	return apitype.ServerFile{Path: in.Path, Size: f.Size, Data: f.Data, FileText: text}, err
}

type pagingInput struct {
	Paging
}

func (a serverRoutes) serverPending(ctx context.Context, name left4me.Name, in *pagingInput) (left4me.Page[left4me.FileChange], error) {
	p, err := a.core.Servers.Files().Pending(ctx, name, in.After, in.Limit)
	return pageOf(p), err
}

type compareInput struct {
	Other string `path:"other" maxLength:"64"`
	Paging
}

func (a serverRoutes) compareServers(ctx context.Context, name left4me.Name, in *compareInput) (left4me.Page[left4me.FileChange], error) {
	other, err := pathName(in.Other)
	if err != nil {
		return left4me.Page[left4me.FileChange]{}, err
	}
	ok, err := a.core.visible(ctx, left4me.ServerTarget, other)
	if err == nil && !ok {
		err = left4me.NoSuch("server", string(other))
	}
	if err != nil {
		return left4me.Page[left4me.FileChange]{}, err
	}
	p, err := a.core.Servers.Files().Compare(ctx, name, other, in.After, in.Limit)
	return pageOf(p), err
}

type pathsInput struct {
	Body apitype.Paths
}

func (a serverRoutes) discardWritten(ctx context.Context, name left4me.Name, in *pathsInput) (apitype.Job, error) {
	v, err := a.core.Servers.Files().Discard(ctx, actorOf(ctx).Cause(), name, in.Body.Paths)
	return jobFor(ctx, v), err
}
