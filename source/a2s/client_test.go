package a2s

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server listens on the loopback interface until the test ends. answer receives each datagram with its
// number, counted from 0, and returns the datagrams to send to the client.
type server struct {
	conn net.PacketConn
	wg   sync.WaitGroup
}

func serve(t *testing.T, answer func(s *server, from net.Addr, b []byte, n int) [][]byte) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{conn: conn}
	s.wg.Go(func() {
		b := make([]byte, 2048)
		for i := 0; ; i++ {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			for _, out := range answer(s, from, bytes.Clone(b[:n]), i) {
				if _, err := conn.WriteTo(out, from); err != nil {
					return
				}
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		s.wg.Wait()
	})
	return conn.LocalAddr().String()
}

// scripted answers the n-th request with the n-th entry and ignores all later requests.
func scripted(t *testing.T, replies ...[][]byte) (addr string) {
	return serve(t, func(_ *server, _ net.Addr, _ []byte, n int) [][]byte {
		if n < len(replies) {
			return replies[n]
		}
		return nil
	})
}

func dial(t *testing.T, addr string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// short returns a context with a short timeout, for queries that get no answer.
func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// polite behaves like a real server: it requires a challenge, the same for all requests, and splits
// long replies.
func polite(t *testing.T, rules []Rule, size int) (addr string) {
	const challenge = 0x0a0b0c0d
	return serve(t, func(_ *server, _ net.Addr, b []byte, _ int) [][]byte {
		r, err := ParseRequest(b)
		if err != nil {
			return nil
		}
		if r.Challenge != challenge {
			return [][]byte{AppendChallenge(nil, challenge)}
		}
		switch r.Kind {
		case KindInfo:
			return [][]byte{AppendInfo(nil, hotel())}
		case KindPlayers:
			return [][]byte{unhex(t, playersDump)}
		}
		if out := AppendRules(nil, rules); len(out) > MaxDatagram {
			return Split(out, 77, size)
		}
		return [][]byte{AppendRules(nil, rules)}
	})
}

func manyRules(n int) []Rule {
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{Name: "rule_" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Value: "some value"}
	}
	return rules
}

func TestClientQueriesWithChallengeAndSplitReply(t *testing.T) {
	rules := manyRules(200)
	c := dial(t, polite(t, rules, 0))
	for range 2 { // the challenge is known in the second pass
		if got, err := c.Info(t.Context()); err != nil || got != hotel() {
			t.Errorf("info: got %+v, %v", got, err)
		}
		if got, err := c.Players(t.Context()); err != nil || len(got) != 2 || got[0].Name != "Alice" {
			t.Errorf("players: got %+v, %v", got, err)
		}
		if got, err := c.Rules(t.Context()); err != nil || !slices.Equal(got, rules) {
			t.Errorf("rules: got %d, %v", len(got), err)
		}
	}
}

func TestClientReadsInfo(t *testing.T) {
	info := AppendInfo(nil, hotel())
	challenge := func(n uint32) [][]byte { return [][]byte{AppendChallenge(nil, n)} }
	reversed := Split(info, 9, 50)
	slices.Reverse(reversed)
	for name, replies := range map[string][][][]byte{
		"no challenge":           {{info}},
		"challenge":              {challenge(1), {info}},
		"challenge twice":        {challenge(1), challenge(2), {info}},
		"challenge thrice":       {challenge(1), challenge(2), challenge(3), {info}},
		"split in reverse order": {reversed},
		"garbage first": {{
			{},
			[]byte("hello"), info[:20], unhex(t, "ff ff ff ff 41 01"),
			unhex(t, "fe ff ff ff 01 00 00 00 00 00 e0 04"), info,
		}},
		"another kind first":      {{unhex(t, playersDump), unhex(t, rulesDump), info}},
		"some other reply's part": {{Split(reply(3000), 1, 0)[1], info}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := dial(t, scripted(t, replies...)).Info(t.Context())
			if err != nil || got != hotel() {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("the fourth challenge is an error", func(t *testing.T) {
		_, err := dial(t, scripted(t, challenge(1), challenge(2), challenge(3), challenge(4))).Info(t.Context())
		if !errors.Is(err, ErrChallenge) {
			t.Errorf("got error %v, want ErrChallenge", err)
		}
	})
	t.Run("a timeout after a malformed answer reports both", func(t *testing.T) {
		_, err := dial(t, scripted(t, [][]byte{info[:20]})).Info(short(t))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrMalformed) {
			t.Errorf("got error %v, want DeadlineExceeded and ErrMalformed", err)
		}
	})
}

func TestClientSendsTheChallenge(t *testing.T) {
	requests := make(chan []byte, 2)
	addr := serve(t, func(_ *server, _ net.Addr, b []byte, n int) [][]byte {
		requests <- b
		if n == 0 {
			return [][]byte{AppendChallenge(nil, 0x04030201)}
		}
		return [][]byte{AppendInfo(nil, hotel())}
	})
	if _, err := dial(t, addr).Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, second := <-requests, <-requests
	if len(first) != 25 || !bytes.Equal(second, append(first, 1, 2, 3, 4)) {
		t.Errorf("sent % x, then % x", first, second)
	}
}

func TestClientReadsCompressedReply(t *testing.T) {
	got, err := dial(t, scripted(t, compressed(rules40Size, rules40Sum))).Rules(t.Context())
	if err != nil || len(got) != 40 {
		t.Errorf("got %d rules, %v, want 40", len(got), err)
	}
}

func TestClientReadsTruncatedPlayers(t *testing.T) {
	b := unhex(t, playersDump)
	got, err := dial(t, scripted(t, [][]byte{b[:len(b)-1]})).Players(t.Context())
	if err != nil || len(got) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestClientTimesOutOnLostFragment(t *testing.T) {
	fragments := Split(AppendRules(nil, manyRules(200)), 3, 0)
	c := dial(t, scripted(t, fragments[:len(fragments)-1], fragments))
	if _, err := c.Rules(short(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if got, err := c.Rules(t.Context()); err != nil || len(got) != 200 {
		t.Errorf("next query: got %d rules, %v, want 200", len(got), err)
	}
}

// A client that kept its socket would assign every answer to the next query, permanently.
func TestClientDropsLateReply(t *testing.T) {
	var late net.Addr
	older := hotel()
	older.Name = "older"
	c := dial(t, serve(t, func(s *server, from net.Addr, _ []byte, n int) [][]byte {
		if n == 0 {
			late = from
			return nil
		}
		_, _ = s.conn.WriteTo(AppendInfo(nil, older), late)
		return [][]byte{AppendInfo(nil, hotel())}
	}))
	if _, err := c.Info(short(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := c.Info(t.Context()); err != nil || got.Name != "Test" {
			t.Errorf("got %q, %v", got.Name, err)
		}
	}
}

func TestClientIgnoresOtherSenders(t *testing.T) {
	stranger, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	forged := hotel()
	forged.Name = "forged"
	c := dial(t, serve(t, func(_ *server, from net.Addr, _ []byte, _ int) [][]byte {
		_, _ = stranger.WriteTo(AppendInfo(nil, forged), from)
		return [][]byte{AppendInfo(nil, hotel())}
	}))
	if got, err := c.Info(t.Context()); err != nil || got.Name != "Test" {
		t.Errorf("got %q, %v", got.Name, err)
	}
}

func TestClientQueryEnds(t *testing.T) {
	t.Run("when its context is cancelled during the query", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := dial(t, serve(t, func(*server, net.Addr, []byte, int) [][]byte { cancel(); return nil }))
		if _, err := c.Info(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want Canceled", err)
		}
	})
	t.Run("immediately if its context is already cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := dial(t, scripted(t)).Info(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want Canceled", err)
		}
	})
	t.Run("when the client is closed", func(t *testing.T) {
		asked := make(chan struct{})
		c := dial(t, serve(t, func(*server, net.Addr, []byte, int) [][]byte { close(asked); return nil }))
		go func() {
			<-asked
			_ = c.Close()
		}()
		if _, err := c.Info(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("got error %v, want ErrClosed", err)
		}
		if _, err := c.Info(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: got error %v, want ErrClosed", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
	t.Run("immediately if the port is closed", func(t *testing.T) {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		if _, err := dial(t, conn.LocalAddr().String()).Info(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got error %v, want ECONNREFUSED", err)
		}
	})
}

func TestClientSerialisesConcurrentQueries(t *testing.T) {
	c := dial(t, polite(t, manyRules(200), 500))
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got, err := c.Info(t.Context()); err != nil || got != hotel() {
				t.Errorf("info: got %+v, %v", got, err)
			}
		})
		wg.Go(func() {
			if got, err := c.Rules(t.Context()); err != nil || len(got) != 200 {
				t.Errorf("rules: got %d, %v, want 200", len(got), err)
			}
		})
	}
	wg.Wait()
}
