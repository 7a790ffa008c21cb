package api_test

import (
	"encoding/json"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

// The reason of a server's state is rendered from its code. Without a code, or with an unknown one,
// the text from the host is shown.
func TestServerReasonIsRenderedFromCode(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	for reason, st := range map[string]left4me.Status{
		"the server crashed (SIGSEGV) and is restarting": {
			Reason: "worded otherwise",
			Why: left4me.Received(left4me.Unavailable, "state.crashed_and_starts", left4me.Args{"exit": "SIGSEGV"}, "worded otherwise",
				""),
		},
		"of a newer host": {
			Reason: "of a newer host",
			Why:    left4me.Received(left4me.Unavailable, "state.of_tomorrow", left4me.Args{"x": int64(1)}, "of a newer host", ""),
		},
		"of an older host": {Reason: "of an older host"},
	} {
		st.Name, st.State = "alpha", left4me.Failed
		s.host.says(t, st)
		var got apitype.GameServer
		eventually(t, reason, func() bool {
			got = apitype.GameServer{}
			return json.Unmarshal(s.call(t, "GET", "/api/v1/servers/alpha", nil).body, &got) == nil && got.Reason == reason
		})
		if st.Why == nil && got.Why != nil || st.Why != nil && (got.Why == nil || got.Why.Code != st.Why.Code || got.Why.Text != reason) {
			t.Errorf("%s: %+v", reason, got.Why)
		}
	}
	s.host.says(t, left4me.Status{Name: "alpha", State: left4me.Running})
	eventually(t, "nothing to say", func() bool {
		var got apitype.GameServer
		return json.Unmarshal(s.call(t, "GET", "/api/v1/servers/alpha", nil).body, &got) == nil && got.Reason == "" && got.Why == nil
	})
}
