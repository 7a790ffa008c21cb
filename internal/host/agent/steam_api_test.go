package agent

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/steam"
)

// The messages must not contain addresses, function names or status codes.
func TestSteamFailureMessagesHideDetails(t *testing.T) {
	answers := func(status int, kind, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	noName := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.steampowered.com", IsNotFound: true}}
	}}}
	for want, c := range map[string]steam.Client{
		"no address for api.steampowered.com; check its DNS": {HTTP: noName},
		"refused; check this host's firewall":                {Base: closed.URL},
		"gets no connection to it; check its network":        {Base: "http://"},
		"busy or down; try again":                            {Base: answers(503, "text/html", ""), Pause: 1},
		"a proxy or a log-in page":                           {Base: answers(200, "text/html", "<html>")},
		"no word on that":                                    {Base: answers(200, "application/json", `{"response":{"success":false}}`)},
	} {
		_, err := c.UpToDateCheck(t.Context(), gameApp, 2243)
		if err == nil {
			t.Fatalf("%s: got no error", want)
		}
		got := steamFailure(err).Error()
		if !strings.Contains(got, want) || strings.Contains(got, "ISteamApps") || strings.Contains(got, "dial") {
			t.Errorf("%v became %q, want a text with %q", err, got, want)
		}
	}
	if got := steamFailure(context.DeadlineExceeded).Error(); !strings.Contains(got, "no connection to it") {
		t.Error(got)
	}
	if steamFailure(context.Canceled) != context.Canceled {
		t.Error("a cancelled context was reported as a failure of Steam")
	}
}
