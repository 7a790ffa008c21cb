package download_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/steamapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// content is a content server with one item, and a client that may contact it.
type content struct {
	*steamapi.Server
	base string
	host string // HOST:PORT
	*download.Client
	file string
}

const id = "121086524"

func serve(t *testing.T, it steamapi.Item, o download.Options) *content {
	t.Helper()
	c := &content{
		Server: steamapi.New(steamapi.State{Items: map[string]steamapi.Item{id: it}}),
		file:   filepath.Join(t.TempDir(), "item.vpk"),
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.base, c.host = server.URL, strings.TrimPrefix(server.URL, "http://")
	if o.Allow == nil {
		o.Allow = []string{c.host}
	}
	if o.Pause == 0 {
		o.Pause = time.Millisecond
	}
	var err error
	if c.Client, err = download.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (c *content) request() download.Request {
	path, size, sum := c.Path(id)
	return download.Request{URL: c.base + path, File: c.file, Size: size, Sum: "sha1:" + sum}
}

// checkNoFiles checks that no files of a download remain.
func (c *content) checkNoFiles(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(c.file), "*")); len(left) > 0 {
		t.Errorf("files remain: %v", left)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func TestFetchDownloadsFile(t *testing.T) {
	data := noise(3 << 20)
	c := serve(t, steamapi.Item{Data: data}, download.Options{})
	var reports []left4me.Progress
	r := c.request()
	r.Progress = func(p left4me.Progress) { reports = append(reports, p) }
	r.Head = func(b []byte) error {
		if !bytes.Equal(b, data[:64]) {
			t.Errorf("got head %x", b)
		}
		return nil
	}
	res, err := c.Fetch(t.Context(), r)
	if err != nil || res != (download.Result{Size: 3 << 20, Fetched: 3 << 20, Requests: 1}) {
		t.Fatalf("got %+v, %v, want 3 MiB in one request", res, err)
	}
	if got, err := os.ReadFile(c.file); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got a different file: %v", err)
	}
	if last := reports[len(reports)-1]; last.Done != 3<<20 || last.Total != 3<<20 || last.Unit != "bytes" {
		t.Errorf("got progress %+v, want the last report to be complete", reports)
	}
	os.Remove(c.file)
	c.checkNoFiles(t)
}

func TestInterruptedDownloadResumes(t *testing.T) {
	data := noise(1 << 20)
	c := serve(t, steamapi.Item{Data: data, Content: steamapi.Content{CutAfter: 300_000, Times: 3}}, download.Options{})
	res, err := c.Fetch(t.Context(), c.request())
	if err != nil {
		t.Fatal(err)
	}
	if sent, asked := c.Sent(id); sent != 1<<20 || asked != 4 || res.Fetched != 1<<20 || res.Requests != 4 {
		t.Errorf("got %d bytes sent in %d responses, want %d in 4: %+v", sent, asked, 1<<20, res)
	}
	if got, _ := os.ReadFile(c.file); !bytes.Equal(got, data) {
		t.Error("got a different file")
	}
}

// After left4me is killed, the next process must resume the remaining part.
func TestNextProcessResumesDownload(t *testing.T) {
	data := noise(1 << 20)
	for name, k := range map[string]struct {
		sum    bool
		change func(*steamapi.Item)
		sent   int64
	}{
		"unchanged":                {true, func(*steamapi.Item) {}, 1 << 20},
		"unchanged, without a sum": {false, func(*steamapi.Item) {}, 1 << 20},
		"without ranges":           {true, func(i *steamapi.Item) { i.Content.NoRange = true }, 1<<20 + 500_000},
		"other ETag, same URL":     {true, func(i *steamapi.Item) { i.Content.ETag = "new" }, 1<<20 + 500_000},
		"other content, same URL":  {false, func(i *steamapi.Item) { i.Data = noise(1<<20 + 1)[1:] }, 1<<20 + 500_000},
	} {
		c := serve(t, steamapi.Item{Data: data, Content: steamapi.Content{CutAfter: 500_000}}, download.Options{Attempts: 1})
		r := c.request()
		if !k.sum {
			r.Sum = ""
		}
		if _, err := c.Fetch(t.Context(), r); !errors.Is(err, download.Cut) || !errors.Is(err, left4me.Unavailable) {
			t.Fatalf("%s: interrupted download: got %v, want Cut", name, err)
		}
		c.Change(func(s *steamapi.State) {
			i := s.Items[id]
			i.Content = steamapi.Content{}
			k.change(&i)
			if !bytes.Equal(i.Data, data) {
				i.Scale = 2 // different content of the same item and version
			}
			s.Items[id] = i
		})
		other, err := download.New(download.Options{Allow: []string{c.host}, Pause: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		res, err := other.Fetch(t.Context(), r)
		other.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want []byte
		c.Change(func(s *steamapi.State) { want = s.Items[id].Data })
		if got, _ := os.ReadFile(c.file); !bytes.Equal(got, want) {
			t.Errorf("%s: got a different file", name)
		}
		if sent, _ := c.Sent(id); sent != k.sent || res.Resumed+res.Fetched != 1<<20 {
			t.Errorf("%s: got %d bytes sent, want %d: %+v", name, sent, k.sent, res)
		}
	}
}

// A complete part must not be fetched again. A part of another URL, or with a lost state, must be
// discarded.
func TestPartIsResumedOnlyWithMatchingState(t *testing.T) {
	data := noise(100_000)
	for name, k := range map[string]struct {
		size  int
		state func(url string) string
		sent  int64
	}{
		"complete":        {100_000, nil, 0},
		"half":            {50_000, nil, 50_000},
		"too long":        {100_001, nil, 100_000},
		"another address": {50_000, func(string) string { return `{"url":"http://x/","validator":"\"a\"","total":100000}` }, 100_000},
		"broken state":    {50_000, func(string) string { return `{"url` }, 100_000},
		"no state":        {50_000, func(string) string { return `` }, 100_000},
	} {
		c := serve(t, steamapi.Item{Data: data, Content: steamapi.Content{CutAfter: 1}}, download.Options{Attempts: 1})
		r := c.request()
		_, _ = c.Fetch(t.Context(), r) // creates a state file
		part := append(bytes.Clone(data), 0)[:k.size]
		if err := os.WriteFile(c.file+".part", part, 0o600); err != nil {
			t.Fatal(err)
		}
		if k.state != nil {
			if err := os.WriteFile(c.file+".part.json", []byte(k.state(r.URL)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c.Change(func(s *steamapi.State) { s.Items[id] = steamapi.Item{Data: data} })
		res, err := c.Fetch(t.Context(), r)
		if err != nil || res.Fetched != k.sent {
			t.Fatalf("%s: got %+v, %v, want %d bytes fetched", name, res, err, k.sent)
		}
		if got, _ := os.ReadFile(c.file); !bytes.Equal(got, data) {
			t.Errorf("%s: got a different file", name)
		}
	}
}

func TestFailedDownloadLeavesNoFiles(t *testing.T) {
	no := errors.New("this is a ZIP archive")
	for name, k := range map[string]struct {
		item   steamapi.Item
		change func(*download.Request)
		want   error
		text   string
	}{
		"size": {steamapi.Item{}, func(r *download.Request) { r.Size-- }, download.WrongSize, "instead of the expected 49999"},
		"size, no length": {
			steamapi.Item{Content: steamapi.Content{NoLength: true}},
			func(r *download.Request) { r.Size-- },
			download.WrongSize, "",
		},
		"sum": {
			steamapi.Item{},
			func(r *download.Request) { r.Sum = "sha1:" + strings.Repeat("0", 40) }, download.WrongSum,
			"sha1 checksum",
		},
		"limit": {steamapi.Item{}, func(r *download.Request) { r.Size, r.Limit = 0, 1000 }, download.TooLarge, "1000 bytes"},
		"limit, no length": {
			steamapi.Item{Content: steamapi.Content{NoLength: true}},
			func(r *download.Request) { r.Size, r.Limit = 0, 1000 }, download.TooLarge, "",
		},
		"head": {
			steamapi.Item{},
			func(r *download.Request) { r.Head = func([]byte) error { return no } }, no,
			"this is a ZIP archive",
		},
		"gone":           {steamapi.Item{Content: steamapi.Content{Status: 404}}, nil, download.Gone, "404"},
		"forbidden":      {steamapi.Item{Content: steamapi.Content{Status: 403}}, nil, download.Gone, "403"},
		"a page":         {steamapi.Item{Content: steamapi.Content{HTML: true}}, nil, download.WrongSize, ""},
		"not a sum":      {steamapi.Item{}, func(r *download.Request) { r.Sum = "crc32:00" }, left4me.Invalid, "not a valid checksum"},
		"not an address": {steamapi.Item{}, func(r *download.Request) { r.URL = "://" }, download.Refused, "the address is not valid"},
		"file": {
			steamapi.Item{},
			func(r *download.Request) { r.URL = "file:///etc/passwd" }, download.Refused,
			"only http and https",
		},
		"with a user": {steamapi.Item{}, func(r *download.Request) { r.URL = "http://a:b@127.0.0.1/" }, download.Refused, "a user"},
		"no host":     {steamapi.Item{}, func(r *download.Request) { r.URL = "http:///x" }, download.Refused, "no host"},
	} {
		k.item.Data = noise(50_000)
		c := serve(t, k.item, download.Options{})
		r := c.request()
		if k.change != nil {
			k.change(&r)
		}
		var public *left4me.Error
		_, err := c.Fetch(t.Context(), r)
		if !errors.Is(err, k.want) || !errors.As(err, &public) || !strings.Contains(public.Text, k.text) ||
			strings.Contains(public.Text, "a:b") {
			t.Errorf("%s: got %v, want %v with %q", name, err, k.want, k.text)
		}
		if _, asked := c.Sent(id); asked > 1 {
			t.Errorf("%s: got %d requests, want at most 1", name, asked)
		}
		c.checkNoFiles(t)
	}
}

func TestFetchRetriesBusyServer(t *testing.T) {
	for _, status := range []int{429, 408, 500, 503} {
		c := serve(t, steamapi.Item{Data: noise(1000), Content: steamapi.Content{Status: status, Times: 2}}, download.Options{})
		if res, err := c.Fetch(t.Context(), c.request()); err != nil || res.Requests != 3 {
			t.Errorf("status %d: got %+v, %v, want 3 requests", status, res, err)
		}
	}
	c := serve(t, steamapi.Item{Data: noise(1000), Content: steamapi.Content{Status: 503}}, download.Options{Attempts: 4})
	if _, err := c.Fetch(t.Context(), c.request()); !errors.Is(err, download.ServerBusy) {
		t.Errorf("got %v, want ServerBusy", err)
	}
	if _, asked := c.Sent(id); asked != 4 {
		t.Errorf("got %d requests, want 4", asked)
	}
	c.checkNoFiles(t)
}

func TestStalledTransferEnds(t *testing.T) {
	for name, k := range map[string]steamapi.Content{
		"no answer":           {Hang: -1},
		"silence":             {Hang: 1000},
		"40 bytes per second": {Rate: 40},
	} {
		c := serve(t, steamapi.Item{Data: noise(50_000), Content: k}, download.Options{Attempts: 1, Stall: 100 * time.Millisecond})
		_, err := c.Fetch(t.Context(), c.request())
		if !errors.Is(err, download.Stalled) && !errors.Is(err, download.Unreachable) {
			t.Errorf("%s: got %v, want Stalled or Unreachable", name, err)
		}
	}
}

func TestCancelEndsFetch(t *testing.T) {
	for name, k := range map[string]steamapi.Content{
		"silence":          {Hang: 1000},
		"no answer":        {Hang: -1},
		"between attempts": {Status: 503, RetryAfter: 30},
	} {
		why := errors.New("not wanted any more")
		ctx, cancel := context.WithCancelCause(t.Context())
		c := serve(t, steamapi.Item{Data: noise(50_000), Content: k}, download.Options{Pause: time.Hour})
		done := make(chan error)
		go func() {
			_, err := c.Fetch(ctx, c.request())
			done <- err
		}()
		for asked := 0; asked == 0; {
			_, asked = c.Sent(id)
		}
		cancel(why)
		select {
		case err := <-done:
			if !errors.Is(err, why) {
				t.Errorf("%s: got %v, want %v", name, err, why)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: Fetch did not end within 5 s of the cancel", name)
		}
	}
}

func TestConcurrentFetchOfSameFileIsBusy(t *testing.T) {
	c := serve(t, steamapi.Item{Data: noise(50_000), Content: steamapi.Content{Hang: 1000}}, download.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _, _ = c.Fetch(ctx, c.request()) })
	for began := int64(0); began == 0; {
		if part, err := os.Stat(c.file + ".part"); err == nil {
			began = part.Size()
		}
	}
	if _, err := c.Fetch(t.Context(), c.request()); !errors.Is(err, left4me.Busy) {
		t.Errorf("got %v, want Busy", err)
	}
	cancel()
	group.Wait()
	if left, err := os.Stat(c.file + ".part"); err != nil || left.Size() > 1000 {
		t.Errorf("the part was lost: %v", err)
	}
}

// The limit applies to all downloads together, and waiting for it must not count as stalling.
func TestRateLimitIsShared(t *testing.T) {
	c := serve(t, steamapi.Item{Data: noise(60_000)}, download.Options{Rate: 200_000, Stall: 50 * time.Millisecond})
	began := time.Now()
	var group sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		group.Go(func() {
			r := c.request()
			r.File = filepath.Join(filepath.Dir(c.file), name)
			if _, err := c.Fetch(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if took := time.Since(began); took < 450*time.Millisecond { // 120,000 bytes, of which 20,000 arrive at once
		t.Errorf("120,000 bytes at 200,000 bytes per second took %s, want at least 450ms", took)
	}
}

func TestFetchKeepsDiskMargin(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small disk needs root")
	}
	small := t.TempDir()
	mount(t, small, "8m")
	for name, k := range map[string]steamapi.Content{"with a length": {}, "without": {NoLength: true}} {
		c := serve(t, steamapi.Item{Data: noise(9 << 20), Content: k}, download.Options{})
		r := c.request()
		r.File = filepath.Join(small, "item.vpk")
		if k.NoLength {
			r.Size = 0
		}
		_, err := c.Fetch(t.Context(), r)
		if !errors.Is(err, download.DiskFull) || !errors.Is(err, left4me.DiskFull) || !strings.Contains(err.Error(), small) {
			t.Errorf("%s: got %v, want DiskFull naming %s", name, err, small)
		}
		if left, _ := os.ReadDir(small); len(left) > 0 {
			t.Errorf("%s: files remain: %v", name, left)
		}
		if sent, _ := c.Sent(id); !k.NoLength && sent > 8<<20 {
			t.Errorf("%s: %d bytes were sent in vain", name, sent)
		}
	}
}

// The end of a connection without Content-Length doesn't mean that the file is complete.
func TestEndWithoutLengthIsCheckedAgainstSize(t *testing.T) {
	data := noise(40_000)
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		conn, _, _ := http.NewResponseController(w).Hijack()
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n")
		_, _ = conn.Write(data[:20_000*asked])
	}))
	defer server.Close()
	c, err := download.New(download.Options{Allow: []string{server.Listener.Addr().String()}, Pause: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	file := filepath.Join(t.TempDir(), "x")
	if _, err := c.Fetch(t.Context(), download.Request{URL: server.URL, File: file, Size: 40_000}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); !bytes.Equal(got, data) || asked != 2 {
		t.Errorf("%d bytes after %d requests", len(got), asked)
	}
}
