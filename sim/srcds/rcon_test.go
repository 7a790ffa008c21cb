package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	gorcon "github.com/gorcon/rcon"

	"github.com/left4me/left4me/source/rcon"
)

var withPassword = map[string]string{"cfg/server.cfg": "rcon_password geheim\n"}

// wire is a raw connection to the remote console.
type wire struct {
	t *testing.T
	net.Conn
}

func (p *process) wire() wire {
	p.t.Helper()
	c, err := net.DialTimeout("tcp", p.addr.String(), patience)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return wire{p.t, c}
}

func (w wire) send(id, kind int32, body string) {
	w.t.Helper()
	if _, err := w.Write(rcon.AppendPacket(nil, rcon.Packet{ID: id, Type: kind, Body: body})); err != nil {
		w.t.Fatal(err)
	}
}

func (w wire) expect(want ...rcon.Packet) {
	w.t.Helper()
	for _, p := range want {
		if got, err := rcon.ReadPacket(w); err != nil || got != p {
			w.t.Fatalf("got %+v, %v, want %+v", got, err, p)
		}
	}
}

func (w wire) expectEnd() {
	w.t.Helper()
	if got, err := rcon.ReadPacket(w); !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !isReset(err) {
		w.t.Fatalf("got %+v, %v, want the end of the connection", got, err)
	}
}

func isReset(err error) bool { return err != nil && strings.Contains(err.Error(), "reset") }

func TestRCONAnswersHaveEnginePackets(t *testing.T) {
	p := start(t, withPassword, nil)
	w := p.wire()
	for _, c := range []struct {
		id       int32
		password string
		answer   int32
	}{
		{0, "geheim", 0}, {7, "falsch", -1}, {8, "", -1}, {42, "geheim", 42},
	} {
		w.send(c.id, rcon.Auth, c.password)
		w.expect(rcon.Packet{ID: c.id}, rcon.Packet{ID: c.answer, Type: rcon.AuthResponse})
	}
	w.send(2, rcon.ExecCommand, "echo hi; echo there")
	w.expect(rcon.Packet{ID: 2, Body: "hi\nthere\n"})
	w.send(0, rcon.ExecCommand, "heartbeat")
	w.expect(rcon.Packet{ID: 0})

	// Clients send an empty RESPONSE_VALUE to find the end of an answer.
	w.send(3, rcon.ExecCommand, "cvarlist")
	w.send(4, rcon.ResponseValue, "")
	var answer strings.Builder
	packets := 0
	for {
		got, err := rcon.ReadPacket(w)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID == 4 {
			if got.Body != "" || got.Type != rcon.ResponseValue {
				t.Errorf("mirrored packet: got %+v", got)
			}
			break
		}
		if got.ID != 3 || len(got.Body) > rcon.MaxBody {
			t.Errorf("got packet %d with %d bytes", got.ID, len(got.Body))
		}
		answer.WriteString(got.Body)
		packets++
	}
	w.expect(rcon.Packet{ID: 4, Body: "\x00\x01\x00\x00"})
	if packets < 3 || !strings.HasSuffix(answer.String(), "total convars/concommands\n") {
		t.Errorf("got %d packets, %d bytes", packets, answer.Len())
	}
}

func TestRCONAuthReplyHasTwoSegments(t *testing.T) {
	p := start(t, withPassword, nil)
	w := p.wire()
	w.send(1, rcon.Auth, "geheim")
	buf := make([]byte, 100)
	n, err := w.Read(buf)
	if want := []byte("\x0a\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"); err != nil || !bytes.Equal(buf[:n], want) {
		t.Errorf("first segment: got %x, %v", buf[:n], err)
	}
	n, err = w.Read(buf)
	if want := []byte("\x0a\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00"); err != nil || !bytes.Equal(buf[:n], want) {
		t.Errorf("second segment: got %x, %v", buf[:n], err)
	}
}

func TestRCONRejectsUnauthenticatedClients(t *testing.T) {
	refused := rcon.Packet{ID: -1, Type: rcon.AuthResponse}
	t.Run("a command without a password", func(t *testing.T) {
		w := start(t, withPassword, nil).wire()
		w.send(1, rcon.ExecCommand, "status")
		w.expect(refused)
		w.expectEnd()
	})
	t.Run("any password if none is set", func(t *testing.T) {
		w := start(t, nil, nil).wire()
		w.send(1, rcon.Auth, "")
		w.expect(rcon.Packet{ID: 1}, refused)
	})
	t.Run("clients from before a password change", func(t *testing.T) {
		p := start(t, withPassword, nil)
		c := p.remote("geheim")
		if _, err := c.Exec(p.context(), "rcon_password neu"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(p.context(), "status"); !errors.Is(err, rcon.ErrAuth) {
			t.Errorf("got error %v, want ErrAuth", err)
		}
		p.remote("neu")
	})
	t.Run("an invalid packet", func(t *testing.T) {
		p := start(t, withPassword, nil)
		w := p.wire()
		if _, err := w.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		w.expectEnd()
		p.remote("geheim")
	})
}

func TestRCONBansAfterWrongPasswords(t *testing.T) {
	p := start(t, withPassword, nil)
	w := p.wire()
	for range 5 {
		w.send(1, rcon.Auth, "falsch")
		w.expect(rcon.Packet{ID: 1}, rcon.Packet{ID: -1, Type: rcon.AuthResponse})
	}
	w.send(1, rcon.Auth, "falsch")
	w.expect(rcon.Packet{ID: 1}, rcon.Packet{ID: -1, Type: rcon.AuthResponse})
	w.expectEnd()
	p.wait("Banning 127.0.0.1 for rcon hacking attempts")
	w = p.wire()
	w.expectEnd()
	p.ready() // bans do not affect queries
}

func TestRCONCommandsAreLogged(t *testing.T) {
	p := start(t, map[string]string{"cfg/server.cfg": "rcon_password geheim\nlog on\n"}, nil)
	if _, err := rcon.Dial(p.context(), p.addr.String(), "falsch"); !errors.Is(err, rcon.ErrAuth) {
		t.Errorf("got error %v, want ErrAuth", err)
	}
	p.wait(`": Bad Password`)
	c := p.remote("geheim")
	got, err := c.Exec(p.context(), "sv_cheats 1")
	if err != nil || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
	p.wait(`": command "sv_cheats 1"`)
	p.wait(`server_cvar: "sv_cheats" "1"`)
	if got, err := c.Exec(p.context(), "sv_rcon_log 0"); err != nil || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := c.Exec(p.context(), "echo quiet"); err != nil || got != "quiet\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if strings.Contains(p.out.String(), "echo quiet") {
		t.Error("command was logged despite sv_rcon_log 0")
	}
}

func TestRCONQuitEndsTheProcess(t *testing.T) {
	p := start(t, withPassword, nil)
	w := p.wire()
	w.send(1, rcon.Auth, "geheim")
	w.expect(rcon.Packet{ID: 1}, rcon.Packet{ID: 1, Type: rcon.AuthResponse})
	w.send(2, rcon.ExecCommand, "quit")
	w.expectEnd()
	if s := p.exit(); !s.Success() {
		t.Errorf("got %v, want exit status 0", s)
	}
}

func TestRCONReturnsConsoleOutput(t *testing.T) {
	p := start(t, withPassword, nil)
	c := p.remote("geheim")
	for _, command := range []string{"cvarlist", "maps *", "echo x", "status"} {
		got, err := c.Exec(p.context(), command)
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		typed := p.ask(command)
		if command != "status" && got != typed {
			t.Errorf("%s: got %d bytes by RCON, %d on the console", command, len(got), len(typed))
		}
	}
	if _, err := c.Exec(p.context(), "changelevel c1m2_streets"); err != nil {
		t.Error(err)
	}
	if got, err := c.Exec(p.context(), "echo after the map"); err != nil || got != "after the map\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestGorconWorksWithSimulatedRCON(t *testing.T) {
	p := start(t, withPassword, nil)
	if _, err := gorcon.Dial(p.addr.String(), "falsch"); !errors.Is(err, gorcon.ErrAuthFailed) {
		t.Errorf("wrong password: got error %v, want ErrAuthFailed", err)
	}
	c, err := gorcon.Dial(p.addr.String(), "geheim")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, text := range []string{"eins", "zwei"} {
		if got, err := c.Execute("echo " + text); err != nil || got != text+"\n" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if got, err := c.Execute("status"); err != nil || !strings.Contains(got, "hostname: Left 4 Dead 2\n") {
		t.Errorf("got %q, %v", got, err)
	}
}
