package rcon

import (
	"strings"
	"testing"
	"time"

	outside "github.com/gorcon/rcon"
	"github.com/gorcon/rcon/rcontest"
)

// A third-party client, which reads one packet per command, must be able to read the packets that this
// package writes for servers.
func TestThirdPartyClientReadsOurPackets(t *testing.T) {
	s := &server{password: "pw", exec: echo}
	addr := s.run(t)
	c, err := outside.Dial(addr, "pw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, command := range []string{"status", "users"} {
		if got, err := c.Execute(command); err != nil || got != "you said "+command+"\n" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if _, err := outside.Dial(addr, "wrong"); err == nil || !strings.Contains(err.Error(), "authentication failed") {
		t.Error(err)
	}
}

// This third-party server does not know the end mark, and accepts the password with an ID of its own.
func TestClientWorksWithThirdPartyServer(t *testing.T) {
	s := rcontest.NewServer(rcontest.SetSettings(rcontest.Settings{Password: "pw"}), rcontest.SetCommandHandler(func(c *rcontest.Context) {
		_, _ = outside.NewPacket(ResponseValue, c.Request().ID, "you said "+c.Request().Body()).WriteTo(c.Conn())
	}))
	defer s.Close()
	c, err := Dial(t.Context(), s.Addr(), "pw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.quiet = 50 * time.Millisecond
	for _, command := range []string{"status", "users"} {
		if got, err := c.Exec(t.Context(), command); err != nil || got != "you said "+command {
			t.Errorf("got %q, %v", got, err)
		}
	}
}
