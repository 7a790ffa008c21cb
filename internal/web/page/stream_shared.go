package page

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// The pages of one browser share a stream. Over HTTP/1.1 a browser opens at most six connections to a
// host, so that six open pages with a stream each would block all other requests. The script that holds
// the stream (assets/js/stream_worker.js) requests GET /live, gets the stream's name, and posts to
// /live/NAME which page follows which address. The panel handles that address like a request of the
// page itself, including the check of rights, but sends the events over the shared stream.

// errStream is the error for a stream that has ended.
var errStream = left4me.NewError(left4me.NotFound, "stream.unknown")

// sharedStreams holds the streams that carry events of several pages, by name.
type sharedStreams struct {
	mu      sync.Mutex
	streams map[string]*sharedStream
}

// sharedStream is a stream that carries events of several pages.
type sharedStream struct {
	panel   *Panel
	session string
	request *http.Request   // request that opened the stream
	ctx     context.Context // context of all pages on the stream
	send    func(Event)

	mu    sync.Mutex
	over  bool
	pages map[uint64]context.CancelFunc
	work  sync.WaitGroup
}

// FollowShared answers with a stream for the pages of one browser.
func (p *Panel) FollowShared(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.stream(w, r, who, func(ctx context.Context, send func(Event)) error {
		name := rand.Text()
		s := &sharedStream{
			panel:   p,
			session: p.Sessions.Secret(r),
			request: r,
			ctx:     ctx,
			send:    send,
			pages:   map[uint64]context.CancelFunc{},
		}
		p.shared.mu.Lock()
		if p.shared.streams == nil {
			p.shared.streams = map[string]*sharedStream{}
		}
		p.shared.streams[name] = s
		p.shared.mu.Unlock()
		send(Event{Name: "stream", Data: []byte(name)})
		<-ctx.Done()
		p.shared.mu.Lock()
		delete(p.shared.streams, name)
		p.shared.mu.Unlock()
		s.end()
		return nil
	})
}

// SharePage starts or stops sending the events of a page over a shared stream. The form field page is
// the number that marks the events, live the address of the page's stream; an empty address stops.
// Errors: left4me.NotFound if the browser has no such stream.
func (p *Panel) SharePage(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return BadForm(err)
	}
	p.shared.mu.Lock()
	s := p.shared.streams[r.PathValue("stream")]
	p.shared.mu.Unlock()
	if s == nil || s.session != p.Sessions.Secret(r) {
		return errStream
	}
	page, err := strconv.ParseUint(r.PostForm.Get("page"), 10, 64)
	if err != nil {
		return BadForm(err)
	}
	if address := r.PostForm.Get("live"); address == "" {
		s.leave(page)
	} else if err := s.follow(page, address); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// follow sends the events of an address until the page leaves or one of the two streams ends.
func (s *sharedStream) follow(page uint64, address string) error {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "" || at.Host != "" || !strings.HasSuffix(at.Path, "/live") || at.Path == "/live" {
		return left4me.NewError(left4me.Invalid, "stream.address_invalid")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return errStream
	}
	if s.pages[page] != nil {
		return left4me.NewError(left4me.Conflict, "stream.page_taken", "page", page)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.pages[page] = cancel
	s.work.Go(func() {
		defer s.leave(page)
		s.carry(ctx, page, at)
		if ctx.Err() == nil { // the page may request its stream again
			s.send(pageEvent(page, Event{Name: "lost"}))
		}
	})
	return nil
}

// carry handles the request of a page's stream, and sends its events over the shared stream.
func (s *sharedStream) carry(ctx context.Context, page uint64, at *url.URL) {
	defer func() { // net/http does the same for streams with a connection of their own
		if v := recover(); v != nil {
			s.panel.Log.ErrorContext(ctx, "panic", "path", at.Path, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	r := s.request.Clone(ctx)
	r.URL, r.RequestURI, r.Form = at, at.RequestURI(), nil
	s.panel.Handler.ServeHTTP(carried{header: http.Header{}, page: page, to: s.send}, r)
}

func (s *sharedStream) leave(page uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.pages[page]; cancel != nil {
		cancel()
		delete(s.pages, page)
	}
}

// end blocks until all pages have ended. It must be called after the end of ctx.
func (s *sharedStream) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.work.Wait()
}

// carried is the ResponseWriter of a page's stream that is part of a shared one. It only passes on
// events. After an error, the page gets the event "lost" and requests the stream itself to learn the
// reason.
type carried struct {
	header http.Header
	page   uint64
	to     func(Event)
}

func (c carried) Header() http.Header { return c.header }

func (c carried) Write(b []byte) (int, error) { return len(b), nil }

func (c carried) WriteHeader(int) {}

func (c carried) send(e Event) error {
	c.to(pageEvent(c.page, e))
	return nil
}

// pageEvent returns an event of a page for a shared stream. The first line of its data contains the
// page's number and the event's name and id.
func pageEvent(page uint64, e Event) Event {
	head := fmt.Appendf(nil, "%d %s %s\n", page, e.Name, e.ID)
	return Event{Name: "page", Data: bytes.Join([][]byte{head, e.Data}, nil)}
}
