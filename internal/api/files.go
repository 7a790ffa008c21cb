package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// fileRoutes are what can be asked about the files of a server.
func (a *api) fileRoutes(h huma.API) {
	get, post := http.MethodGet, http.MethodPost
	look, act := accounts.Look, accounts.Act
	route(h, get, "/servers/{name}/files", "listServerFiles", look, 200, "List what a server sees: its layers merged", a.serverFiles)
	route(h, get, "/servers/{name}/file", "showServerFile", act, 200, "Read a file as a server sees it",
		a.serverFile) // passwords of plugins stand in some
	route(h, get, "/servers/{name}/written", "listWrittenFiles", look, 200, "List what a server wrote over its layers", a.serverWritten)
	route(h, post, "/servers/{name}/written/discard", "discardWrittenFiles", act, 202, "Drop files that a stopped server wrote",
		a.discardWritten)
	route(h, get, "/servers/{name}/pending", "listPendingFiles", look, 200, "List the files that a restart would change", a.serverPending)
	route(h, get, "/servers/{name}/compare/{other}", "compareServers", look, 200, "List how the files of two servers differ",
		a.compareServers)
}

// Paging is which part of a list is asked for. It is exported as ByName is.
type Paging struct {
	After string `query:"after" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

type filesInput struct {
	ByName
	FilterInput
}

func (a *api) serverFiles(ctx context.Context, in *filesInput) (left4me.Page[left4me.TreeFile], error) {
	name, err := pathName(in.Name)
	if err != nil {
		return left4me.Page[left4me.TreeFile]{}, err
	}
	p, err := a.Servers.Files().List(ctx, name, in.filter())
	return pageOf(p), err
}

func (a *api) serverWritten(ctx context.Context, in *filesInput) (left4me.Page[left4me.TreeFile], error) {
	name, err := pathName(in.Name)
	if err != nil {
		return left4me.Page[left4me.TreeFile]{}, err
	}
	p, err := a.Servers.Files().Written(ctx, name, in.filter())
	return pageOf(p), err
}

type fileInput struct {
	ByName
	Path   string `query:"path" required:"true"`
	Inside string `query:"inside" doc:"A file in the add-on that path is"`
}

func (a *api) serverFile(ctx context.Context, in *fileInput) (apitype.ServerFile, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return apitype.ServerFile{}, err
	}
	f, err := a.Servers.Files().Get(ctx, name, in.Path, in.Inside)
	if err != nil {
		return apitype.ServerFile{}, err
	}
	text, err := a.textOf(ctx, f.Size, f.Data)
	return apitype.ServerFile{Path: in.Path, Size: f.Size, Data: f.Data, FileText: text}, err
}

type pagingInput struct {
	ByName
	Paging
}

func (a *api) serverPending(ctx context.Context, in *pagingInput) (left4me.Page[left4me.FileChange], error) {
	name, err := pathName(in.Name)
	if err != nil {
		return left4me.Page[left4me.FileChange]{}, err
	}
	p, err := a.Servers.Files().Pending(ctx, name, in.After, in.Limit)
	return pageOf(p), err
}

type compareInput struct {
	ByName
	Other string `path:"other" maxLength:"64"`
	Paging
}

func (a *api) compareServers(ctx context.Context, in *compareInput) (left4me.Page[left4me.FileChange], error) {
	name, err := pathName(in.Name)
	if err != nil {
		return left4me.Page[left4me.FileChange]{}, err
	}
	other, err := pathName(in.Other)
	if err != nil {
		return left4me.Page[left4me.FileChange]{}, err
	}
	p, err := a.Servers.Files().Compare(ctx, name, other, in.After, in.Limit)
	return pageOf(p), err
}

type pathsInput struct {
	ByName
	Body apitype.Paths
}

func (a *api) discardWritten(ctx context.Context, in *pathsInput) (apitype.Job, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return apitype.Job{}, err
	}
	v, err := a.Servers.Files().Discard(ctx, actorOf(ctx).Name, name, in.Body.Paths)
	return jobOf(v), err
}
