package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// BenchmarkListServers measures GET /api/v1/servers with ten servers of four players each, over
// keep-alive connections on loopback, in comparison to a bare handler that writes the same body.
// cpu-µs/op is the CPU time of the whole process, including the client, which therefore does as
// little as possible.
func BenchmarkListServers(b *testing.B) {
	s := newSite(b)
	for i := range 10 {
		name := left4me.Name(fmt.Sprintf("server%d", i))
		err := s.store.Servers().Create(b.Context(),
			left4me.Server{
				Name:      name,
				Host:      left4me.LocalHost,
				Port:      27015 + i,
				Blueprint: left4me.DefaultBlueprint,
				CreatedAt: time.Now(),
			})
		if err != nil {
			b.Fatal(err)
		}
		st := left4me.Status{
			Name: name, State: left4me.Running, PID: 4242 + i, Port: 27015 + i, Since: time.Now(), Hostname: "left4me " + string(name),
			Map: "c1m1_hotel", Players: 4, MaxPlayers: 8, SpecHash: "0123456789abcdef", SampledAt: time.Now(),
		}
		for p := range 4 {
			st.Online = append(st.Online, left4me.Player{Name: fmt.Sprintf("player %d", p), Score: p * 10, Duration: time.Minute})
		}
		s.host.says(b, st)
	}
	request := "GET /api/v1/servers HTTP/1.1\r\nHost: left4me\r\nAuthorization: Bearer " + s.admin + "\r\n\r\n"
	var body string
	for end := time.Now().Add(patience); strings.Count(body, `"running"`) < 10; {
		if time.Now().After(end) {
			b.Fatalf("the servers are not running: %s", body)
		}
		r, err := http.NewRequestWithContext(b.Context(), "GET", s.url+"/api/v1/servers", nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.admin)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		body = string(text)
	}
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, body)
	}))
	b.Cleanup(bare.Close)
	for name, url := range map[string]string{"api": s.url, "bare": bare.URL} {
		b.Run(name, func(b *testing.B) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				if _, err := io.WriteString(conn, request); err != nil {
					b.Fatal(err)
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatalf("got %v, error %v", resp, err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpu returns the CPU time of this process.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
