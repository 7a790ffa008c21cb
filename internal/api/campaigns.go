package api

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// campaignRoutes are what can be asked about campaigns.
func (a *api) campaignRoutes(h huma.API) {
	route(h, http.MethodGet, "/servers/{name}/campaigns", "listServerCampaigns", accounts.Look, 200, "List what a server can play",
		a.serverCampaigns)
	route(h, http.MethodGet, "/servers/{name}/clashes", "listServerClashes", accounts.Look, 200,
		"Say what the overlays of a server have in common", a.serverClashes)
	route(h, http.MethodPost, "/servers/{name}/map", "changeMap", accounts.Act, 200, "Change the map of a server that runs", a.changeMap)
	a.picture(h, "/servers/{name}/picture", "showServerPicture", "Show a picture of an add-on that a server has",
		func(ctx context.Context, n left4me.Name, in *pictureInput) (overlays.FileAnswer, error) {
			return a.Servers.Files().Get(ctx, n, in.File, in.Image)
		})
	a.picture(h, "/overlays/{name}/picture", "showOverlayPicture", "Show a picture of an add-on of an overlay",
		func(ctx context.Context, n left4me.Name, in *pictureInput) (overlays.FileAnswer, error) {
			return a.Content.Revisions().File(ctx, n, in.Revision, in.File, in.Image)
		})
}

func (a *api) serverCampaigns(ctx context.Context, in *ByName) ([]left4me.Campaign, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return nil, err
	}
	all, err := a.Servers.Campaigns(ctx, name)
	return campaignsOf(all), err
}

// campaignsOf never gives null for the modes of a campaign, nor for the chapters
// of a mode.
func campaignsOf(all []left4me.Campaign) []left4me.Campaign {
	all = slices.Clone(all)
	for i, c := range all {
		modes := make(map[string][]left4me.Chapter, len(c.Modes))
		for mode, chapters := range c.Modes {
			modes[mode] = append([]left4me.Chapter{}, chapters...)
		}
		all[i].Modes = modes
	}
	return all
}

func (a *api) serverClashes(ctx context.Context, in *ByName) ([]left4me.Warning, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return nil, err
	}
	all, err := a.Servers.Files().Clashes(ctx, name)
	if all == nil {
		all = []left4me.Warning{}
	}
	return all, err
}

type mapInput struct {
	ByName
	Body apitype.MapChange
}

func (a *api) changeMap(ctx context.Context, in *mapInput) (apitype.MapChange, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return apitype.MapChange{}, err
	}
	return in.Body, a.Servers.Consoles().ChangeMap(ctx, actorOf(ctx).Name, name, in.Body.Map, in.Body.Mode)
}

type pictureInput struct {
	ByName
	File     string `query:"file" required:"true" maxLength:"1000" doc:"file of a campaign"`
	Image    string `query:"image" required:"true" maxLength:"1000" doc:"image of the campaign or of a chapter"`
	Revision int    `query:"revision" doc:"Of the overlay; without it the current one"`
}

// picture serves an image out of an add-on: only what really is one that browsers
// show, whatever it is called, and nothing that could run in them.
func (a *api) picture(h huma.API, route, id, summary string,
	read func(context.Context, left4me.Name, *pictureInput) (overlays.FileAnswer, error),
) {
	op := operation(h, http.MethodGet, route, id, accounts.Look, http.StatusOK, summary)
	content := map[string]*huma.MediaType{}
	for _, kind := range pictures {
		content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	op.Responses["200"] = &huma.Response{Description: "A JPEG or PNG image of at most 1 MiB", Content: content}
	huma.Register(h, op, func(ctx context.Context, in *pictureInput) (*huma.StreamResponse, error) {
		n, err := pathName(in.Name)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		kind, data, err := a.readPicture(ctx, n, in, read)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			hc.SetHeader("Content-Type", kind)
			hc.SetHeader("Content-Security-Policy", "default-src 'none'; sandbox")
			_, _ = hc.BodyWriter().Write(data)
		}}, nil
	})
}

// pictures are the kinds that browsers show, by what a file begins with.
var pictures = map[string]string{"\xff\xd8\xff": "image/jpeg", "\x89PNG\r\n\x1a\n": "image/png"}

func (a *api) readPicture(ctx context.Context, n left4me.Name, in *pictureInput,
	read func(context.Context, left4me.Name, *pictureInput) (overlays.FileAnswer, error),
) (kind string, data []byte, err error) {
	none := left4me.Errorf(left4me.NotFound, "there is no such picture")
	switch strings.ToLower(path.Ext(in.Image)) {
	case ".jpg", ".png":
	default:
		return "", nil, none // nothing else of a layer is for everybody
	}
	if strings.ToLower(path.Ext(in.File)) != ".vpk" {
		return "", nil, none
	}
	f, err := read(ctx, n, in)
	if err != nil {
		return "", nil, err
	}
	for begin, kind := range pictures {
		if bytes.HasPrefix(f.Data, []byte(begin)) {
			return kind, f.Data, nil
		}
	}
	return "", nil, none
}
