package doctor

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

func TestDoctorReportsUnreachableSteam(t *testing.T) {
	date := ""
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if date != "" {
			w.Header().Set("Date", date)
		}
		w.WriteHeader(http.StatusNotFound) // any status counts as an answer
	}))
	defer answers.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for url, state := range map[string]left4me.CheckState{
		answers.URL:                   left4me.CheckOK,
		"http://127.0.0.1:1":          left4me.CheckWarn,
		"http://no.such.name.invalid": left4me.CheckWarn,
		"not a url":                   left4me.CheckWarn,
	} {
		if c := reachable(t.Context(), Config{}, "Steam", url); c.State != state || (c.Mend == "") != (state == left4me.CheckOK) {
			t.Errorf("%s: got %+v", url, c)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if c := reachable(ctx, Config{}, "Steam", "http://"+silent.Addr().String()); c.State != left4me.CheckWarn ||
		!strings.Contains(c.Text, "no answer") {
		t.Errorf("server that never answers: %+v", c)
	}
	date = time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	if c := reachable(t.Context(), Config{}, "Steam", answers.URL); c.State != left4me.CheckWarn || !strings.Contains(c.Text, "clock") {
		t.Errorf("different clock: %+v", c)
	}
}

func TestUnresolvedNameIsNotReportedAsClosedPort(t *testing.T) {
	for want, err := range map[string]error{
		"steam.name_unknown": &net.DNSError{IsNotFound: true},
		"steam.dns_failed":   &url.Error{Err: &net.DNSError{Err: "read udp: connection refused"}},
	} {
		if c := unreachable(t.Context(), "Steam", "example.org", err); c.Code != want || !strings.Contains(c.Mend, "resolv.conf") {
			t.Errorf("%v: got %+v, want %s", err, c, want)
		}
	}
	c := unreachable(t.Context(), "Steam", "example.org", &url.Error{Err: os.ErrClosed})
	if !strings.HasSuffix(c.Text, os.ErrClosed.Error()) || !strings.Contains(c.Mend, "TCP 443") {
		t.Errorf("got %+v", c)
	}
}

func TestDoctorReportsWrongClock(t *testing.T) {
	for _, tt := range []struct {
		year int
		kept bool
		want left4me.CheckState
	}{
		{2027, true, left4me.CheckOK},
		{2027, false, left4me.CheckWarn},
		{1970, true, left4me.CheckBroken},
		{2200, true, left4me.CheckBroken},
	} {
		if c := judgeClock(remedy.Reader{}, time.Date(tt.year, 1, 2, 3, 4, 5, 6, time.UTC), tt.kept); c.State != tt.want {
			t.Errorf("%+v: got %+v", tt, c)
		}
	}
}

func TestFirewallIsCheckedForWholePortRange(t *testing.T) {
	drops := func(port string) string {
		return `{"nftables":[{"chain":{"family":"inet","table":"t","name":"in","hook":"input","policy":"accept"}},{"rule":{"family":"inet","table":"t","chain":"in","expr":[{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":` + port + `}},{"drop":null}]}}]}`
	}
	for text, want := range map[string]left4me.CheckState{
		"":             left4me.CheckOK,
		drops("27017"): left4me.CheckWarn,
		drops("9"):     left4me.CheckOK,
	} {
		rules, err := firewall.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if c := judgeFilter(remedy.Reader{}, rules, nil, 27015, 27020); c.State != want {
			t.Errorf("%s: got %+v", text, c)
		}
	}
	for _, err := range []error{firewall.ErrDenied, firewall.ErrNone, os.ErrInvalid} {
		if c := judgeFilter(remedy.Reader{}, firewall.Ruleset{}, err, 1, 2); c.State != left4me.CheckSkipped {
			t.Errorf("%v: got %+v", err, c)
		}
	}
}

func TestLinksToSteamLibraryAreRepaired(t *testing.T) {
	root, home := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	cfg := Config{Root: root}
	found := func() finding { return steamcmdAndLinks(t.Context(), cfg)[1] }
	if f := found(); f.State != left4me.CheckSkipped || f.fix != nil {
		t.Errorf("nothing installed: %+v", f.Check)
	}
	// left4me downloads SteamCMD itself, but a configured path must exist.
	if c := steamcmdAndLinks(t.Context(), cfg)[0].Check; c.State != left4me.CheckSkipped {
		t.Errorf("no SteamCMD yet: %+v", c)
	}
	if c := steamcmdAndLinks(t.Context(), Config{Root: root, SteamCMD: "/nowhere/steamcmd.sh"})[0].Check; c.State != left4me.CheckWarn {
		t.Errorf("no SteamCMD at the configured path: %+v", c)
	}
	bin := filepath.Join(root, "installation", "base", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "steamclient.so"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := found()
	if f.State != left4me.CheckOK || f.fix == nil {
		t.Fatalf("library without links in the user's home: %+v", f.Check)
	}
	if err := f.fix(); err != nil {
		t.Fatal(err)
	}
	if f := found(); f.State != left4me.CheckOK || f.fix != nil || !strings.Contains(f.Text, home) {
		t.Errorf("after the repair: %+v", f.Check)
	}
	if err := os.Truncate(filepath.Join(bin, "steamclient.so"), 0); err != nil {
		t.Fatal(err)
	}
	if f := found(); f.State != left4me.CheckWarn || f.fix != nil || !strings.Contains(f.Mend, "game verify") {
		t.Errorf("empty library: %+v", f.Check)
	}
}
