package poller_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/poller"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/a2s"
)

// answer starts a server that requires a challenge and has one player. It returns the port.
func answer(t *testing.T) int {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1400)
		for {
			n, from, err := conn.ReadFromUDP(buf)
			if err != nil {
				return
			}
			r, err := a2s.ParseRequest(buf[:n])
			var reply []byte
			switch {
			case err != nil:
				continue
			case r.Challenge != 77:
				reply = a2s.AppendChallenge(nil, 77)
			case r.Kind == a2s.KindInfo:
				reply = a2s.AppendInfo(nil, a2s.Info{Name: "Test", Map: "c1m1_hotel", Players: 1, MaxPlayers: 8})
			case r.Kind == a2s.KindPlayers:
				reply = a2s.AppendPlayers(nil, []a2s.Player{{Name: "someone", Score: 3}})
			}
			_, _ = conn.WriteToUDP(reply, from)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

func TestPollerReportsAnswers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	samples := make(chan poller.Sample, 16)
	p, err := poller.New(func(n left4me.Name, s poller.Sample) {
		if n != "alpha" {
			t.Errorf("got a sample of %s", n)
		}
		select {
		case samples <- s:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Set("alpha", answer(t))
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	for s := range samples {
		if s.Info.Map == "c1m1_hotel" && len(s.Players) == 1 && s.Players[0].Name == "someone" {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("no sample with players")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
