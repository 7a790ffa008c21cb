package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// The connect address is the one set in the panel, or else the host's, but never the address that the
// browser uses.
func TestConnectAddressIsThePublicOne(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running, Port: 27020})
	admin, guest := s.as(t, "admin"), s.as(t, "guest")
	shown := admin.get("/servers/alpha")
	shown.has(t, http.StatusOK, "Public address unknown, port 27015", `href="/address"`)
	shown.hasNot(t, "127.0.0.1", "steam://")
	guest.get("/servers/alpha").hasNot(t, `href="/address"`)
	guest.get("/address").has(t, http.StatusForbidden)

	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version, Address: "10.0.0.5"}); err != nil {
		t.Fatal(err)
	}
	await(t, "the host's address", func() bool { return strings.Contains(guest.get("/servers/alpha").body, "connect 10.0.0.5:27020") })
	admin.get("/servers/alpha").has(t, http.StatusOK, "Only players in your own network")

	for _, bad := range []string{"a b", "play.example.org:27015", "-x", "a..b", "[::1]", "host/x", "fe80::1%eth0"} {
		admin.post("/address", "address", bad).has(t, http.StatusUnprocessableEntity, `id="address-problem"`)
	}
	admin.post("/address", "address", " play.example.org ").has(t, http.StatusSeeOther)
	admin.get("/address").has(t, http.StatusOK, `value="play.example.org"`, "as set here")
	admin.get("/servers/alpha").has(t, http.StatusOK, "connect play.example.org:27020", `href="steam://connect/play.example.org:27020"`)
	admin.post("/address", "address", "").has(t, http.StatusSeeOther)
	admin.get("/servers/alpha").has(t, http.StatusOK, "connect 10.0.0.5:27020")
}

// The connect command contains the password only for users who may read it.
func TestConnectCommandContainsPasswordByRight(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	admin, guest := s.as(t, "admin"), s.as(t, "guest")
	admin.post("/address", "address", "203.0.113.9").has(t, http.StatusSeeOther)
	v := must(s.servers.Get(t.Context(), "alpha"))(t)
	v.Settings.Password = "zoey"
	must(s.servers.Update(t.Context(), left4me.ByUser("tester"), v.Server))(t)
	admin.get("/servers/alpha").has(t, http.StatusOK, "password &#34;zoey&#34;; connect 203.0.113.9:27015",
		`href="steam://connect/203.0.113.9:27015/zoey"`)
	shown := guest.get("/servers/alpha")
	shown.has(t, http.StatusOK, "The server asks for a password", `href="steam://connect/203.0.113.9:27015"`)
	shown.hasNot(t, "zoey")
}
