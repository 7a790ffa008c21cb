package git

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// proxy is the server that git talks to instead of the repository. It listens on this host at a secret
// address and forwards only the requests needed for fetching: for the list of refs and for objects.
type proxy struct {
	url      string // base URL for git
	server   *http.Server
	done     chan struct{}
	http     Doer
	progress func(left4me.Progress)

	mu       sync.Mutex
	base     string // base URL of the repository, after redirects
	bytes    int64
	reported time.Time
	wrong    error // the first error
}

func listen(ctx context.Context, base string, client Doer, progress func(left4me.Progress)) (*proxy, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	secret := "/" + strings.ToLower(rand.Text())
	p := &proxy{url: "http://" + l.Addr().String() + secret, http: client, progress: progress, base: base, done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+secret+"/info/refs", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "service=git-upload-pack" {
			http.Error(w, "only fetching", http.StatusForbidden)
			return
		}
		p.forward(w, r, "/info/refs?service=git-upload-pack", "application/x-git-upload-pack-advertisement")
	})
	mux.HandleFunc("POST "+secret+"/git-upload-pack", func(w http.ResponseWriter, r *http.Request) {
		p.forward(w, r, "/git-upload-pack", "application/x-git-upload-pack-result")
	})
	p.server = &http.Server{
		Handler:           mux,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		defer close(p.done)
		_ = p.server.Serve(l)
	}()
	return p, nil
}

func (p *proxy) close() {
	_ = p.server.Close()
	<-p.done
}

func (p *proxy) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}

func (p *proxy) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong == nil {
		p.wrong = err
	}
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request, path, kind string) {
	p.mu.Lock()
	base := p.base
	p.mu.Unlock()
	req, err := http.NewRequestWithContext(r.Context(), r.Method, base+path, r.Body)
	if err != nil {
		p.fail(err)
		http.Error(w, "no address", http.StatusBadGateway)
		return
	}
	req.ContentLength = r.ContentLength
	if r.ContentLength == 0 {
		req.Body = http.NoBody
	}
	for _, name := range []string{"Accept", "Content-Type", "Content-Encoding", "Git-Protocol", "User-Agent"} {
		if v := r.Header.Get(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	resp, err := p.http.Do(req)
	if err != nil {
		p.fail(err)
		http.Error(w, "no answer", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	if err := answered(base, resp, kind); err != nil {
		p.fail(err)
		http.Error(w, "refused", http.StatusBadGateway)
		return
	}
	if to, ok := strings.CutSuffix(resp.Request.URL.String(), path); ok {
		p.mu.Lock()
		p.base = to
		p.mu.Unlock()
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	if _, err := io.Copy(counting{w, p}, resp.Body); err != nil {
		// The response is cut off, which git detects.
		var too *left4me.Error
		if errors.As(err, &too) {
			p.fail(too)
		}
		panic(http.ErrAbortHandler)
	}
}

// answered checks a response before it is forwarded to git.
func answered(base string, resp *http.Response, kind string) error {
	got, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch code := resp.StatusCode; {
	case code == http.StatusOK && strings.TrimSpace(got) == kind:
		return nil
	case code == http.StatusOK, code == http.StatusNoContent:
		return left4me.NewError(left4me.Invalid, "git.not_git", "url", base).InField("git.url")
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusNotFound, code == http.StatusGone:
		return left4me.NewError(left4me.NotFound, "git.not_readable", "url", base, "status", code).InField("git.url")
	case code == http.StatusTooManyRequests, code >= 500:
		return left4me.NewError(left4me.Unavailable, "git.busy", "url", base, "status", code)
	}
	return left4me.NewError(left4me.Unavailable, "git.status", "url", base, "status", resp.StatusCode)
}

// counting limits how much a repository sends.
type counting struct {
	w io.Writer
	p *proxy
}

func (c counting) Write(b []byte) (int, error) {
	c.p.mu.Lock()
	c.p.bytes += int64(len(b))
	bytes, report := c.p.bytes, time.Since(c.p.reported) > 250*time.Millisecond
	if report {
		c.p.reported = time.Now()
	}
	c.p.mu.Unlock()
	if bytes > maxFetched {
		return 0, left4me.NewError(left4me.Unavailable, "git.too_large", "limit", left4me.Bytes(maxFetched))
	}
	n, err := c.w.Write(b)
	if f, ok := c.w.(http.Flusher); ok && err == nil {
		f.Flush()
	}
	if report {
		c.p.progress(left4me.Progress{Done: bytes, Unit: "bytes"})
	}
	return n, err
}
