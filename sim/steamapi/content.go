package steamapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Sent returns the number of bytes of an item's content that were sent so far, and the number of
// requests for it.
func (s *Server) Sent(id string) (bytes int64, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.sent[id]
	return c.bytes, c.requests
}

// Path returns the current URL path of an item's content, its size in bytes and its SHA-1 sum.
func (s *Server) Path(id string) (path string, size int64, sum string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.state.Items[id]
	b := s.blob(id, it)
	return s.path(id, it), b.size, b.sum
}

// count is the number of bytes sent of an item, and of requests for it.
type count struct {
	bytes    int64
	requests int
}

// content implements the content server: GET /ugc/HANDLE/SUM/.
func (s *Server) content(w http.ResponseWriter, r *http.Request) {
	id, it, b := s.find(r.URL.Path)
	if b == nil {
		http.NotFound(w, r)
		return
	}
	c := s.faultsOf(id, it.Content)
	switch {
	case c.Redirect == "loop":
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return
	case c.Redirect != "":
		http.Redirect(w, r, c.Redirect, http.StatusFound)
		return
	case c.Status > 0:
		if c.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(c.RetryAfter))
		}
		http.Error(w, http.StatusText(c.Status), c.Status)
		return
	case c.HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><title>Log in to this network</title></html>")
		return
	case c.Hang < 0:
		<-r.Context().Done()
		return
	}
	switch c.ETag {
	case "none":
	case "weak":
		w.Header().Set("ETag", `W/"`+b.sum+`"`)
	case "new":
		s.mu.Lock()
		w.Header().Set("ETag", fmt.Sprintf(`"%s-%d"`, b.sum, s.sent[id].requests))
		s.mu.Unlock()
	default:
		w.Header().Set("ETag", `"`+b.sum+`"`)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if c.NoRange {
		r.Header.Del("Range")
	}
	out := &sender{ResponseWriter: w, server: s, id: id, c: c, done: r.Context().Done()}
	at := b.at
	if c.ETag == "none" || c.ETag == "weak" {
		at = time.Time{}
	}
	if c.NoLength {
		_, _ = io.Copy(struct{ io.Writer }{out}, b.reader())
		return
	}
	http.ServeContent(struct{ http.ResponseWriter }{out}, r, "", at, b.reader())
}

// find returns the item whose content is at a path.
func (s *Server) find(path string) (string, Item, *blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _, _ := strings.Cut(strings.TrimPrefix(path, "/ugc/"), "/")
	id := s.handles[at]
	it, ok := s.state.Items[id]
	if !ok || handle(id, it.Version) != at {
		return "", Item{}, nil
	}
	c := s.sent[id]
	c.requests++
	s.sent[id] = c
	return id, it, s.blob(id, it)
}

// faultsOf returns the failures that apply to the current request.
func (s *Server) faultsOf(id string, c Content) Content {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Times > 0 && s.sent[id].requests > c.Times {
		c.CutAfter, c.Status, c.Hang, c.HTML = 0, 0, 0, false
	}
	return c
}

// sender counts the bytes sent and simulates interruptions, hangs and slow connections.
type sender struct {
	http.ResponseWriter
	server *Server
	id     string
	c      Content
	n      int64
	done   <-chan struct{}
}

func (s *sender) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		part := b[:min(len(b), 256<<10)]
		if s.c.Rate > 0 {
			part = part[:min(int64(len(part)), max(1, s.c.Rate/20))]
		}
		for _, end := range []int64{s.c.CutAfter, s.c.Hang} {
			if end > 0 {
				part = part[:min(int64(len(part)), end-s.n)]
			}
		}
		switch {
		case len(part) > 0:
		case s.c.Hang > 0:
			s.flush()
			<-s.done
			return n, http.ErrHandlerTimeout
		default:
			s.flush()
			panic(http.ErrAbortHandler)
		}
		m, err := s.ResponseWriter.Write(part)
		n, b, s.n = n+m, b[m:], s.n+int64(m)
		s.server.mu.Lock()
		c := s.server.sent[s.id]
		c.bytes += int64(m)
		s.server.sent[s.id] = c
		s.server.mu.Unlock()
		if err != nil {
			return n, err
		}
		if s.c.Rate > 0 {
			s.flush()
			select {
			case <-time.After(time.Duration(float64(m) / float64(s.c.Rate) * float64(time.Second))):
			case <-s.done:
				return n, http.ErrHandlerTimeout
			}
		}
	}
	return n, nil
}

func (s *sender) flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }

// reader returns a reader for the content.
func (b *blob) reader() io.ReadSeeker {
	if b.zeros == 0 {
		return bytes.NewReader(b.data)
	}
	return io.NewSectionReader(b, 0, b.size)
}

// ReadAt reads the data, followed by zeros.
func (b *blob) ReadAt(p []byte, at int64) (int, error) {
	if at >= b.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), b.size-at))
	clear(p[:n])
	if at < int64(len(b.data)) {
		copy(p[:n], b.data[at:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
