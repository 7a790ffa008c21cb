package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/left4me/left4me"
)

const (
	stalledAfter = time.Minute     // without a byte, a connection is given up
	retryFor     = 5 * time.Minute // without a byte that arrived
	retryFirst   = time.Second
	retryMost    = 20 * time.Second
	drawEvery    = 200 * time.Millisecond
)

// upload is an upload as the API has it.
type upload struct {
	ID    string `json:"id"`
	Files []struct {
		Path string `json:"path"`
		Size int64  `json:"size"`
		Have int64  `json:"have"`
	} `json:"files"`
}

// sent is a file that is sent: its content from a place on may be asked for
// again.
type sent struct {
	name string
	size int64
	from func(offset int64) (io.ReadCloser, error)
}

// sendFile sends a file to an upload, and goes on when the connection is cut.
func (a *app) sendFile(ctx context.Context, c *Client, id string, f sent, show func(have int64)) error {
	offset, last := int64(0), time.Now()
	for wait := retryFirst; ; {
		err := c.sendPiece(ctx, id, f, offset, show)
		if err == nil || ctx.Err() != nil {
			return err
		}
		// What went wrong here, or is refused there, stays so.
		again := errors.Is(err, left4me.Unavailable) || errors.Is(err, left4me.Conflict) || errors.Is(err, left4me.Busy)
		var local *localError
		if errors.As(err, &local) || !again {
			return err
		}
		have, herr := c.haveOf(ctx, id, f.name)
		switch {
		case herr == nil && have > offset:
			offset, last, wait = have, time.Now(), retryFirst
		case herr == nil:
			offset = have
		case !errors.Is(herr, left4me.Unavailable):
			return herr
		}
		if time.Since(last) > retryFor {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(wait*2, retryMost)
	}
}

// haveOf asks how much of a file has come.
func (c *Client) haveOf(ctx context.Context, id, name string) (int64, error) {
	var u upload
	if _, err := c.Call(ctx, http.MethodGet, "/uploads/"+url.PathEscape(id), nil, &u); err != nil {
		return 0, err
	}
	for _, f := range u.Files {
		if f.Path == name {
			return f.Have, nil
		}
	}
	return 0, nil
}

// localError is a failure to read what is sent.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

// sendPiece sends a file from a place to its end.
func (c *Client) sendPiece(ctx context.Context, id string, f sent, offset int64, show func(int64)) error {
	body, err := f.from(offset)
	if err != nil {
		return &localError{err}
	}
	defer body.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stalledAfter, func() {
		cancel(left4me.Errorf(left4me.Unavailable, c.where+" takes nothing any more", ""))
	})
	defer stalled.Stop()
	in := &watched{r: body, at: offset, show: show, moved: func() { stalled.Reset(stalledAfter) }}
	q := url.Values{"path": {f.name}, "offset": {strconv.FormatInt(offset, 10)}, "size": {strconv.FormatInt(f.size, 10)}}
	res, err := c.sendBody(ctx, http.MethodPut, "/uploads/"+url.PathEscape(id)+"/file?"+q.Encode(), in, f.size-offset)
	if failed := in.stop(); failed != nil {
		if err == nil {
			res.Body.Close()
		}
		return &localError{failed}
	}
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, left4me.Unavailable) {
			return cause
		}
		return err
	}
	return res.Body.Close()
}

// watched reads what is sent, and says how far it is. The transport may read on
// for a moment when its answer is there: stop ends that.
type watched struct {
	at    int64
	show  func(int64)
	moved func()

	mu  sync.Mutex
	r   io.Reader
	err error // of reading here
}

func (w *watched) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.r == nil {
		return 0, io.ErrClosedPipe
	}
	n, err := w.r.Read(b)
	w.at += int64(n)
	w.moved()
	w.show(w.at)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// stop returns what reading failed with; nothing is read any more.
func (w *watched) stop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.r = nil
	return w.err
}

// sendBody sends a request whose body is no JSON.
func (c *Client) sendBody(ctx context.Context, method, path string, body io.Reader, size int64) (*http.Response, error) {
	if size == 0 {
		body = http.NoBody
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.refused(res)
}

// meter shows how far a transfer is, on a terminal.
type meter struct {
	w     io.Writer
	title string
	width int
	total int64
	began time.Time
	first int64 // where it began
	drawn time.Time
}

func (a *app) newMeter(title string, total int64) *meter {
	m := &meter{w: a.Err, title: title, total: total, began: time.Now()}
	if !a.quiet && !a.json {
		m.width = terminal(a.Err)
	}
	return m
}

func (m *meter) show(have int64) {
	now := time.Now()
	if m.width == 0 || now.Sub(m.drawn) < drawEvery {
		return
	}
	m.drawn = now
	p := left4me.Progress{Done: have, Total: m.total, Unit: "bytes"}
	if spent := now.Sub(m.began).Seconds(); spent >= 1 {
		p.Rate = int64(float64(have-m.first) / spent)
	}
	text := m.title + ":" + far(p)
	if m.total <= 0 {
		text = fmt.Sprintf("%s: %s", m.title, size(have))
	}
	fmt.Fprintf(m.w, "\r\x1b[K%s", fit(oneLine(text), m.width-1))
}

func (m *meter) end() {
	if m.width > 0 {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
