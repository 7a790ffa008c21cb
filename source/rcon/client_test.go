package rcon

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is an RCON server for tests. If exec is nil, it does not answer commands.
type server struct {
	password string
	noEmpty  bool                                            // omit the empty value before the answer to the password
	exec     func(command string) (output []string, ok bool) // packets to send; ok == false closes the connection
	noMirror bool                                            // do not mirror the end mark
	chunk    int                                             // bytes per write, 0 for all at once

	tries    atomic.Int32 // number of passwords received
	accepted atomic.Int32 // number of connections
}

// run accepts connections until the test ends.
func (s *server) run(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			wg.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				s.talk(conn)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func (s *server) talk(conn net.Conn) {
	in := bufio.NewReader(conn)
	known := false
	for {
		p, err := ReadPacket(in)
		if err != nil {
			return
		}
		var out []byte
		switch {
		case p.Type == Auth:
			s.tries.Add(1)
			known = p.Body == s.password
			if !s.noEmpty {
				out = AppendPacket(out, Packet{ID: p.ID})
			}
			id := p.ID
			if !known {
				id = AuthFailed
			}
			out = AppendPacket(out, Packet{ID: id, Type: AuthResponse})
		case !known:
			out = AppendPacket(out, Packet{ID: AuthFailed, Type: AuthResponse})
		case p.Type == ExecCommand && s.exec != nil:
			output, ok := s.exec(p.Body)
			if !ok {
				return
			}
			for _, body := range output {
				out = AppendPacket(out, Packet{ID: p.ID, Body: body})
			}
		case p.Type == ResponseValue && !s.noMirror:
			out = AppendPacket(out, Packet{ID: p.ID})
			out = AppendPacket(out, Packet{ID: p.ID, Body: "\x00\x01\x00\x00"})
		}
		for len(out) > 0 {
			n := len(out)
			if s.chunk > 0 {
				n = min(n, s.chunk)
			}
			if _, err := conn.Write(out[:n]); err != nil {
				return
			}
			out = out[n:]
		}
	}
}

func echo(command string) ([]string, bool) { return []string{"you said " + command + "\n"}, true }

func dial(t *testing.T, addr string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), addr, "pw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// pieces returns the packets of a long answer that contains a zero byte and a character split between
// two packets.
func pieces() []string {
	s := []string{strings.Repeat("x", MaxBody-1) + "\xc3", "\xa4" + strings.Repeat("y", MaxBody-1), "a\x00b"}
	return append(s, strings.Repeat("z", MaxBody), "end")
}

func TestExecReturnsWholeOutput(t *testing.T) {
	for name, s := range map[string]*server{
		"one packet":                          {exec: echo},
		"without the empty value":             {exec: echo, noEmpty: true},
		"one byte per write":                  {exec: echo, chunk: 1},
		"output that looks like the end mark": {exec: func(string) ([]string, bool) { return []string{"\x00\x01\x00\x00", ""}, true }},
		"no output":                           {exec: func(string) ([]string, bool) { return nil, true }},
		"an empty packet":                     {exec: func(string) ([]string, bool) { return []string{""}, true }},
		"many packets":                        {exec: func(string) ([]string, bool) { return pieces(), true }},
		"many packets split at odd offsets":   {exec: func(string) ([]string, bool) { return pieces(), true }, chunk: 1001},
	} {
		t.Run(name, func(t *testing.T) {
			s.password = "pw"
			c := dial(t, s.run(t))
			for _, command := range []string{"status", `say "hi"; echo ü`, strings.Repeat("x", MaxCommand)} {
				output, _ := s.exec(command)
				if got, err := c.Exec(t.Context(), command); err != nil || got != strings.Join(output, "") {
					t.Errorf("got %d bytes %.40q, %v", len(got), got, err)
				}
			}
		})
	}
	t.Run("a server that does not mirror the end mark", func(t *testing.T) {
		s := &server{password: "pw", exec: echo, noMirror: true}
		c := dial(t, s.run(t))
		c.quiet = 50 * time.Millisecond
		for range 2 {
			if got, err := c.Exec(t.Context(), "status"); err != nil || got != "you said status\n" {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
	t.Run("concurrent commands run one after another", func(t *testing.T) {
		c := dial(t, (&server{password: "pw", exec: echo}).run(t))
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				command := strings.Repeat("x", i+1)
				if got, err := c.Exec(t.Context(), command); err != nil || got != "you said "+command+"\n" {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestExecDropsLateAnswerAfterTimeout(t *testing.T) {
	answer := make(chan struct{})
	s := &server{password: "pw", exec: func(command string) ([]string, bool) {
		if command == "slow" {
			<-answer
		}
		return echo(command)
	}}
	c := dial(t, s.run(t))
	if _, err := c.Exec(short(t), "slow"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	close(answer)
	if got, err := c.Exec(t.Context(), "fast"); err != nil || got != "you said fast\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestExecRejectsInvalidCommands(t *testing.T) {
	var seen atomic.Int32
	s := &server{password: "pw", exec: func(c string) ([]string, bool) { seen.Add(1); return echo(c) }}
	c := dial(t, s.run(t))
	for command, want := range map[string]error{
		"": ErrCommand, " ": ErrCommand, "say hi\nquit": ErrCommand, "say \x00": ErrCommand, "a\tb": ErrCommand,
		"say \u0085": ErrCommand, strings.Repeat("x", MaxCommand+1): ErrTooLong,
	} {
		if _, err := c.Exec(t.Context(), command); !errors.Is(err, want) {
			t.Errorf("%.20q: got error %v, want %v", command, err, want)
		}
	}
	if got, err := c.Exec(t.Context(), "status"); err != nil || got == "" || seen.Load() != 1 {
		t.Errorf("next command: got %q, %v; the server received %d commands, want 1", got, err, seen.Load())
	}
}

func TestExecReportsSuccessOfQuit(t *testing.T) {
	closing := func(string) ([]string, bool) { return nil, false }
	for command, want := range map[string]error{
		"quit": nil, "QUIT": nil, `say "bye; all"; quit`: nil, "exit": nil, "_restart": nil,
		"status": ErrClosed, `say "x; quit"`: ErrClosed, "say quit": ErrClosed,
	} {
		c := dial(t, (&server{password: "pw", exec: closing}).run(t))
		if got, err := c.Exec(t.Context(), command); !errors.Is(err, want) || got != "" {
			t.Errorf("%s: got %q, %v, want error %v", command, got, err, want)
		}
		if _, err := c.Exec(t.Context(), "status"); !errors.Is(err, ErrClosed) {
			t.Errorf("after %s: got error %v, want ErrClosed", command, err)
		}
	}
}

func TestExecFailsAfterPasswordChange(t *testing.T) {
	addr := serveRaw(t, func(_ net.Conn, p Packet) []byte {
		if p.Type == Auth {
			return AppendPacket(nil, Packet{ID: p.ID, Type: AuthResponse})
		}
		return AppendPacket(nil, Packet{ID: AuthFailed, Type: AuthResponse})
	})
	c := dial(t, addr)
	for range 2 {
		if _, err := c.Exec(t.Context(), "status"); !errors.Is(err, ErrAuth) {
			t.Errorf("got error %v, want ErrAuth", err)
		}
	}
}

func TestExecLimitsReplySize(t *testing.T) {
	addr := serveRaw(t, func(_ net.Conn, p Packet) []byte {
		if p.Type == Auth {
			return AppendPacket(nil, Packet{ID: p.ID, Type: AuthResponse})
		}
		var b []byte
		for len(b) < 2*MaxReply {
			b = AppendPacket(b, Packet{ID: p.ID, Body: strings.Repeat("x", MaxBody)})
		}
		return b
	})
	got, err := dial(t, addr).Exec(t.Context(), "cvarlist")
	if !errors.Is(err, ErrTooLong) || len(got) > MaxReply {
		t.Errorf("got %d bytes, %v, want ErrTooLong", len(got), err)
	}
}

func TestExecReturnsOutputBeforeMalformedPacket(t *testing.T) {
	addr := serveRaw(t, func(_ net.Conn, p Packet) []byte {
		if p.Type == Auth {
			return AppendPacket(nil, Packet{ID: p.ID, Type: AuthResponse})
		}
		return append(AppendPacket(nil, Packet{ID: p.ID, Body: "some"}), "garbage"...)
	})
	c := dial(t, addr)
	if got, err := c.Exec(t.Context(), "cvarlist"); !errors.Is(err, ErrMalformed) || got != "some" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := c.Exec(t.Context(), "status"); !errors.Is(err, ErrMalformed) {
		t.Errorf("next command: got error %v, want ErrMalformed", err)
	}
}

// serveRaw answers each packet with the bytes that answer returns.
func serveRaw(t *testing.T, answer func(net.Conn, Packet) []byte) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			p, err := ReadPacket(conn)
			if err != nil {
				return
			}
			out := answer(conn, p)
			if out == nil {
				return
			}
			if _, err := conn.Write(out); err != nil {
				return
			}
		}
	})
	// This cleanup is registered before the client's Close, so it runs after the connection has ended.
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func TestDialAuthenticates(t *testing.T) {
	t.Run("sends a wrong password once", func(t *testing.T) {
		for _, noEmpty := range []bool{false, true} {
			s := &server{password: "other", noEmpty: noEmpty}
			if _, err := Dial(t.Context(), s.run(t), "pw"); !errors.Is(err, ErrAuth) {
				t.Errorf("got error %v, want ErrAuth", err)
			}
			if s.tries.Load() != 1 || s.accepted.Load() != 1 {
				t.Errorf("got %d attempts in %d connections, want 1 in 1", s.tries.Load(), s.accepted.Load())
			}
		}
	})
	t.Run("does not send an invalid password", func(t *testing.T) {
		s := &server{password: "other"}
		addr := s.run(t)
		for _, password := range []string{"", "a\x00b", strings.Repeat("x", MaxCommand+1)} {
			if _, err := Dial(t.Context(), addr, password); !errors.Is(err, ErrAuth) {
				t.Errorf("got error %v, want ErrAuth", err)
			}
		}
		if s.accepted.Load() != 0 {
			t.Errorf("got %d connections, want 0", s.accepted.Load())
		}
	})
	t.Run("returns ErrClosed if the server closes the connection", func(t *testing.T) {
		addr := serveRaw(t, func(net.Conn, Packet) []byte { return nil })
		if _, err := Dial(t.Context(), addr, "pw"); !errors.Is(err, ErrClosed) {
			t.Errorf("got error %v, want ErrClosed", err)
		}
	})
	t.Run("ends when its context ends", func(t *testing.T) {
		addr := serveRaw(t, func(net.Conn, Packet) []byte { return []byte{} })
		if _, err := Dial(short(t), addr, "pw"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want DeadlineExceeded", err)
		}
	})
	t.Run("fails after 16 packets without an answer to the password", func(t *testing.T) {
		addr := serveRaw(t, func(_ net.Conn, p Packet) (b []byte) {
			for range 100 {
				b = AppendPacket(b, Packet{ID: p.ID})
			}
			return b
		})
		if _, err := Dial(t.Context(), addr, "pw"); !errors.Is(err, ErrMalformed) {
			t.Errorf("got error %v, want ErrMalformed", err)
		}
	})
}

func TestCloseEndsRunningCommand(t *testing.T) {
	asked := make(chan struct{})
	release := make(chan struct{})
	s := &server{password: "pw", exec: func(string) ([]string, bool) { close(asked); <-release; return nil, true }}
	c := dial(t, s.run(t))
	defer close(release)
	go func() {
		<-asked
		_ = c.Close()
	}()
	if _, err := c.Exec(t.Context(), "status"); !errors.Is(err, ErrClosed) {
		t.Errorf("got error %v, want ErrClosed", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
