package newoverlay_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/newoverlay"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
)

// An upload becomes an overlay named after its content. Files with several places are left to the
// user, and a refused upload creates no overlay.
func TestUploadBecomesOverlay(t *testing.T) {
	on := sitetest.Open(t, t.TempDir())
	c := on.Control(servers.PortRange{Low: 27015, High: 27999})
	var plan left4me.Plan
	err := errors.Join(lifecycletest.Start(on.Ctx, c.Jobs, c.Servers),
		on.Bus.Answer(on.Ctx, bus.Command(left4me.LocalHost, bus.VerbContents), func(context.Context, string, []byte) (any, error) {
			return []left4me.Content{}, nil
		}),
		on.Bus.Answer(on.Ctx, bus.Command(left4me.LocalHost, bus.VerbPlan), func(context.Context, string, []byte) (any, error) {
			return plan, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	m := &newoverlay.Maker{Overlays: c.Overlays, Uploads: c.Uploads, Jobs: c.Jobs}
	ann := accounts.Actor{UserID: 1, Name: "ann", Admin: true}
	publish := func(p left4me.Plan) (newoverlay.Made, string, error) {
		t.Helper()
		plan = p
		u, err := m.Begin(t.Context(), ann, "pack.zip")
		if err == nil {
			_, err = c.Uploads.Write(t.Context(), ann, u.ID, "pack.zip", 0, 1, strings.NewReader("x"))
		}
		if err != nil {
			t.Fatal(err)
		}
		made, err := m.Publish(t.Context(), ann, u.ID, "why")
		return made, u.ID, err
	}
	made, _, err := publish(left4me.Plan{Title: "Newcomer Harbour", Count: 1})
	if err != nil || made.Name != "newcomer-harbour" || made.Job.Kind != left4me.BuildOverlay || made.Job.Target != "newcomer-harbour" {
		t.Errorf("published as %+v, error %v", made, err)
	}
	made, id, err := publish(left4me.Plan{Title: "Newcomer Harbour", Count: 1, Asked: 1})
	u, uerr := c.Uploads.Get(t.Context(), ann, id)
	if err != nil || uerr != nil || made.Name != "newcomer-harbour-2" || made.Job.ID != "" || u.Overlay != "newcomer-harbour-2" {
		t.Errorf("asked as %+v, upload %+v, error %v, %v", made, u, err, uerr)
	}
	_, _, err = publish(left4me.Plan{Problem: left4me.NewError(left4me.Invalid, "upload.empty")})
	if all, lerr := c.Overlays.Names(t.Context()); !errors.Is(err, left4me.Invalid) || lerr != nil || len(all) != 2 {
		t.Errorf("a refused upload: error %v, overlays %v, %v", err, all, lerr)
	}
}
