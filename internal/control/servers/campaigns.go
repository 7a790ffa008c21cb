package servers

import (
	"context"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Campaigns returns the campaigns that a server can play: those of the game, then those of its
// overlays; see left4me.Campaign and left4me.AnyMode. Errors: left4me.NotFound,
// left4me.Unavailable.
func (s *Servers) Campaigns(ctx context.Context, name left4me.Name) ([]left4me.Campaign, error) {
	d, err := s.defined(ctx, name)
	if err != nil {
		return nil, err
	}
	hint, err := s.TextHint(ctx)
	if err != nil {
		return nil, err
	}
	var all []left4me.Campaign
	err = s.askHost(ctx, d.host, bus.VerbCampaigns, bus.StackRequest{V: bus.Version, Spec: d.specOnHost().OnHost(), Hint: hint}, &all)
	return all, err
}

// CampaignsOf returns the campaigns that a server with this stack could play, as Campaigns does.
// Overlays that the host doesn't have are skipped. Errors: left4me.Unavailable.
func (s *Servers) CampaignsOf(ctx context.Context, stack []left4me.OverlayRef) (all []left4me.Campaign, err error) {
	hint, err := s.TextHint(ctx)
	if err != nil {
		return nil, err
	}
	sp := left4me.Spec{Overlays: stack}
	err = s.askHost(ctx, s.hosts.Content(), bus.VerbCampaigns, bus.StackRequest{V: bus.Version, Spec: sp, Hint: hint}, &all)
	return all, err
}

// TextHint returns the encoding of texts that are too short for detection: the site's setting for
// names in archives. Empty means automatic detection.
func (s *Servers) TextHint(ctx context.Context) (string, error) {
	v, err := s.storage.Site().ArchiveNames(ctx)
	if v == "automatic" {
		v = ""
	}
	return v, err
}
