package servers

import (
	"context"

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
	return campaignsOnHost(ctx, s, d.host, d.specOnHost().OnHost())
}

// CampaignsOf returns the campaigns that a server with this stack could play, as Campaigns does.
// Overlays that the host doesn't have are skipped. Errors: left4me.Unavailable.
func (s *Servers) CampaignsOf(ctx context.Context, stack []left4me.OverlayRef) (all []left4me.Campaign, err error) {
	return campaignsOnHost(ctx, s, s.hosts.Content(), left4me.Spec{Overlays: stack})
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
