package steam_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/steam"
	"github.com/left4me/left4me/sim/steamapi"
)

// newSteam starts a simulated Steam and returns a client for it.
func newSteam(t testing.TB, s steamapi.State) (*steamapi.Server, *steam.Client) {
	t.Helper()
	api := steamapi.New(s)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return api, &steam.Client{Base: server.URL, Pause: time.Millisecond}
}

func TestVersionIsComparedWithNewest(t *testing.T) {
	api, c := newSteam(t, steamapi.State{Versions: map[int]int{550: 2244}})
	old, err := c.UpToDateCheck(t.Context(), steam.AppL4D2, 2243)
	if err != nil || old.UpToDate || old.Required != 2244 || old.Message == "" {
		t.Errorf("got %+v, error %v", old, err)
	}
	now, err := c.UpToDateCheck(t.Context(), steam.AppL4D2, 2244)
	if err != nil || !now.UpToDate || now.Required != 0 {
		t.Errorf("got %+v, error %v", now, err)
	}
	if _, err := c.UpToDateCheck(t.Context(), 222860, 2243); !errors.Is(err, steam.ErrUnsupported) {
		t.Errorf("an app without versions: %v", err)
	}
	if got, want := api.Asked()[0], "/ISteamApps/UpToDateCheck/v1/?appid=550&format=json&version=2243"; got != want {
		t.Errorf("got request %s, want %s", got, want)
	}
}

func TestServersAtFiltersByAddressAndPort(t *testing.T) {
	_, c := newSteam(t, steamapi.State{Servers: []string{"192.0.2.7:27015", "192.0.2.7:27016", "192.0.2.8:27015", "[2001:db8::1]:27015"}})
	for _, q := range []struct {
		addr string
		port uint16
		want int
	}{{"192.0.2.7", 0, 2}, {"192.0.2.7", 27016, 1}, {"192.0.2.7", 27017, 0}, {"192.0.2.9", 0, 0}, {"2001:db8::1", 27015, 1}} {
		got, err := c.ServersAt(t.Context(), netip.MustParseAddr(q.addr), q.port)
		if err != nil || len(got) != q.want {
			t.Errorf("%+v: %+v, %v", q, got, err)
		}
		for _, s := range got {
			if s.App != steam.AppL4D2 || s.Addr.Addr().String() != q.addr || s.Port != int(s.Addr.Port()) || s.SteamID == "" {
				t.Errorf("got %+v", s)
			}
		}
	}
}

func TestBusySteamIsRetriedOnce(t *testing.T) {
	for _, status := range []int{429, 500, 503} {
		api, c := newSteam(t, steamapi.State{Versions: map[int]int{550: 1}, Status: status, Times: 1})
		if _, err := c.UpToDateCheck(t.Context(), 550, 1); err != nil || len(api.Asked()) != 2 {
			t.Errorf("%d: %v after %d requests", status, err, len(api.Asked()))
		}
		api.Change(func(s *steamapi.State) { s.Status, s.Times = status, 0 })
		_, err := c.UpToDateCheck(t.Context(), 550, 1)
		if !errors.Is(err, steam.ErrBusy) || !strings.Contains(err.Error(), "HTTP ") || len(api.Asked()) != 4 {
			t.Errorf("%d for good: %v after %d requests", status, err, len(api.Asked()))
		}
	}
	api, c := newSteam(t, steamapi.State{Status: 403})
	if _, err := c.UpToDateCheck(t.Context(), 550, 1); !errors.Is(err, steam.ErrAnswer) || len(api.Asked()) != 1 {
		t.Errorf("403: %v after %d requests", err, len(api.Asked()))
	}
}

func TestInvalidAnswerIsRefused(t *testing.T) {
	const kind = "application/json; charset=UTF-8"
	for name, s := range map[string]steamapi.State{
		"a page":          {Body: "<html>log in to this network</html>", Type: "text/html"},
		"a page as JSON":  {Body: "<html>", Type: kind},
		"no response":     {Body: "{}", Type: kind},
		"null":            {Body: `{"response":null}`, Type: kind},
		"a list":          {Body: `{"response":[]}`, Type: kind},
		"cut":             {Body: `{"response":{"success":true,`, Type: kind},
		"another type":    {Body: `{"response":{"success":"yes"}}`, Type: kind},
		"negative":        {Body: `{"response":{"success":true,"up_to_date":false,"required_version":-1}}`, Type: kind},
		"far too large":   {Body: `{"response":{"message":"` + strings.Repeat("a", 5<<20) + `"}}`, Type: kind},
		"JSON of no type": {Body: `{"response":{"success":true,"up_to_date":true}}`, Type: ""},
	} {
		_, c := newSteam(t, s)
		if _, err := c.UpToDateCheck(t.Context(), 550, 1); !errors.Is(err, steam.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, c := newSteam(t, steamapi.State{Body: `{"response":{"success":true}}`, Type: kind})
	if up, err := c.UpToDateCheck(t.Context(), 550, 1); !errors.Is(err, steam.ErrUnsupported) || up.UpToDate {
		t.Errorf("an answer without a message: %+v, %v", up, err)
	}
	_, c = newSteam(t,
		steamapi.State{
			Body: `{"response":{"success":true,"servers":[{"addr":"nowhere"},{"addr":"192.0.2.7:1","steamid":9,"gameport":70000},{"addr":"192.0.2.7:1","steamid":9}]}}`,
			Type: kind,
		})
	if got, err := c.ServersAt(t.Context(), netip.MustParseAddr("192.0.2.7"), 0); err != nil || len(got) != 1 || got[0].SteamID != "9" {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestSlowOrAbsentSteamTimesOut(t *testing.T) {
	_, c := newSteam(t, steamapi.State{Delay: time.Hour})
	c.Timeout = 50 * time.Millisecond
	if _, err := c.UpToDateCheck(t.Context(), 550, 1); !errors.Is(err, steam.ErrUnreachable) ||
		!strings.Contains(err.Error(), "no answer in 50ms") {
		t.Errorf("slow: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	c.Timeout = time.Hour
	if _, err := c.UpToDateCheck(ctx, 550, 1); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, steam.ErrUnreachable) {
		t.Errorf("cancelled: %v", err)
	}
	for _, base := range []string{"http://127.0.0.1:1", "nonsense", "http://"} {
		if _, err := (&steam.Client{Base: base}).UpToDateCheck(t.Context(), 550, 1); !errors.Is(err, steam.ErrUnreachable) {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestInstalledVersionIsReadFromSteamInf(t *testing.T) {
	for inf, want := range map[string]struct {
		version steam.Version
		number  int
	}{
		"PatchVersion=2.2.4.3\r\nProductName=left4dead2\r\nappID=550\r\nServerAppID=222860\r\n": {steam.Version{
			Patch: "2.2.4.3",
			App:   550,
		}, 2243},
		"patchversion = 2.2.5.0 ":           {steam.Version{Patch: "2.2.5.0"}, 2250},
		"":                                  {},
		"PatchVersion=":                     {},
		"PatchVersion=two":                  {steam.Version{Patch: "two"}, 0},
		"PatchVersion=-1":                   {steam.Version{Patch: "-1"}, 0},
		"PatchVersion=99999999999999999999": {steam.Version{Patch: "99999999999999999999"}, 0},
	} {
		got := steam.ParseVersion([]byte(inf))
		n, ok := got.Number()
		if got != want.version || n != want.number || ok != (want.number > 0) {
			t.Errorf("%q: %+v %d %v", inf, got, n, ok)
		}
	}
}

// FuzzAnswers feeds arbitrary answers to the client.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"response":{"success":true,"up_to_date":false,"version_is_listable":false,"required_version":2243,"message":"m"}}`)
	f.Add(`{"response":{"success":true,"servers":[{"addr":"192.0.2.7:27015","gmsindex":-1,"steamid":"9","appid":550,"gameport":27015}]}}`)
	api, c := newSteam(f, steamapi.State{})
	f.Fuzz(func(t *testing.T, body string) {
		api.Change(func(s *steamapi.State) { s.Body, s.Type = body+" ", "application/json" })
		if up, err := c.UpToDateCheck(t.Context(), 550, 1); err == nil && (up.Required < 0 || len(up.Message) > 2000) {
			t.Errorf("got %+v", up)
		}
		servers, err := c.ServersAt(t.Context(), netip.MustParseAddr("192.0.2.7"), 0)
		for _, s := range servers {
			if err != nil || !s.Addr.IsValid() || s.Port < 0 || s.Port > 65535 {
				t.Errorf("got %+v, error %v", s, err)
			}
		}
	})
}
