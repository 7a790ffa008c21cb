package servers_test

import (
	"encoding/json"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Short campaign titles are decoded with the site's setting for names in archives.
func TestCampaignsSendArchiveNameEncoding(t *testing.T) {
	s := newSite(t)
	v := s.create(t, "alpha")
	var hint string
	s.host(t, map[string]func([]byte) (any, error){
		bus.VerbCampaigns: func(data []byte) (any, error) {
			var r bus.StackRequest
			err := json.Unmarshal(data, &r)
			hint = r.Hint
			return []left4me.Campaign{}, err
		},
	})
	for _, c := range []struct{ setting, want string }{{"automatic", ""}, {"big5", "big5"}} {
		if err := s.store.Site().SetArchiveNames(t.Context(), c.setting, false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Campaigns(t.Context(), v.Name); err != nil || hint != c.want {
			t.Errorf("%s: %q, %v", c.setting, hint, err)
		}
		hint = "not asked"
		if _, err := s.CampaignsOf(t.Context(), nil); err != nil || hint != c.want {
			t.Errorf("%s: %q, %v", c.setting, hint, err)
		}
	}
}
