package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

const (
	stalledAfter = time.Minute     // time without progress before a connection is closed
	retryFor     = 5 * time.Minute // time without a received byte before an upload fails
	retryFirst   = time.Second
	retryMost    = 20 * time.Second
)

// sending is the state of sending a file to an upload.
type sending struct {
	c      *Client
	id     string
	in     *reading
	pieces pieces
	tell   func(reason string) // reports an obstacle
	show   func(have int64)

	offset int64
	quick  bool      // the last piece was answered within the limit quick
	last   time.Time // time of the last received bytes
	wait   time.Duration
}

// SendFile sends a file to an upload in pieces, and resumes after interruptions. It calls show with
// the number of bytes received, from several goroutines but never concurrently, and retry once for
// each obstacle. Errors: those of reading the file, left4me.Conflict if the file was changed, those
// of the API, and an obstacle that lasted for 5 minutes.
func (c *Client) SendFile(ctx context.Context, id string, f Source, show func(have int64), retry func(reason string)) error {
	told := ""
	s := &sending{c: c, id: id, in: &reading{f: f}, pieces: pieces{size: firstPiece}, show: show, last: time.Now(), wait: retryFirst}
	s.tell = func(reason string) {
		if reason != told {
			told = reason
			retry(reason)
		}
	}
	defer s.in.close()
	for {
		n := s.pieces.next(f.Size - s.offset)
		began := time.Now()
		var have int64
		var err error
		if s.quick && s.pieces.capped && n <= mostAhead/2 {
			have, err = s.several(ctx, n)
		} else {
			have, err = c.sendPiece(ctx, id, s.in, s.offset, n, n > max(firstPiece, s.pieces.proven), show)
		}
		took := time.Since(began)
		s.quick = err == nil && took < quick
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			s.pieces.answered(n, took)
			s.arrived(have)
		case foreignStatus(err) == http.StatusRequestEntityTooLarge && s.pieces.refused(n):
		default:
			if have, err = s.again(ctx, n, err); err != nil {
				return err
			}
		}
		if have >= f.Size && err == nil {
			return nil
		}
	}
}

// several sends pieces of n bytes in parallel until the file is complete, a piece fails or an
// answer is slow. Behind a proxy with a low body limit there are many pieces, and the proxy
// buffers, forwards and answers each separately; left4me puts them in order.
func (s *sending) several(ctx context.Context, n int64) (have int64, err error) {
	free := make(chan []byte, sideBySide)
	for range min(sideBySide, mostAhead/n) {
		free <- make([]byte, n)
	}
	group, ctx := errgroup.WithContext(ctx)
	var slow atomic.Bool
	var mu sync.Mutex
	for offset := s.offset; offset < s.in.f.Size && !slow.Load(); offset += n {
		buf := <-free
		if ctx.Err() != nil {
			break
		}
		piece := buf[:min(n, s.in.f.Size-offset)]
		if err := s.in.read(piece, offset); err != nil {
			group.Go(func() error { return err })
			break
		}
		group.Go(func() error {
			defer func() { free <- buf }()
			began := time.Now()
			came, err := s.c.sendPiece(ctx, s.id, &reading{f: s.in.f, body: io.NopCloser(bytes.NewReader(piece)), at: offset}, offset,
				int64(len(piece)), false, func(int64) {})
			if time.Since(began) >= quick {
				slow.Store(true)
			}
			mu.Lock()
			defer mu.Unlock()
			have = max(have, came)
			s.show(have)
			return err
		})
	}
	err = group.Wait() // no goroutine changes have after this
	return have, err
}

func (s *sending) arrived(have int64) { s.offset, s.last, s.wait = have, time.Now(), retryFirst }

// again waits after a failed piece of n bytes and requests the number of bytes received. Errors: a
// permanent failure, or a failure that has lasted too long.
func (s *sending) again(ctx context.Context, n int64, failed error) (have int64, err error) {
	if !mayRetry(failed) {
		return 0, failed
	}
	if status := foreignStatus(failed); status == http.StatusGatewayTimeout || status == cloudflareTimeout {
		s.pieces.refused(n)
	} else {
		s.pieces.cut(n)
	}
	s.tell(failed.Error())
	have, err = s.c.haveOf(ctx, s.id, s.in.f.Name)
	switch {
	case err == nil && have > s.offset:
		s.arrived(have)
	case err == nil:
		s.offset = have
	case !mayRetry(err):
		return 0, err
	}
	if time.Since(s.last) > retryFor {
		return 0, failed
	}
	if sleep.For(ctx, s.wait) != nil {
		return 0, ctx.Err()
	}
	s.wait = min(s.wait*2, retryMost)
	return s.offset, nil
}

// mayRetry reports whether a piece may be accepted later. Local failures and refusals are
// permanent.
func mayRetry(err error) bool {
	var local *localError
	return !errors.As(err, &local) && (mayPass(err) || errors.Is(err, left4me.Conflict))
}

// reading is the file being sent. It stays open between pieces.
type reading struct {
	f    Source
	body io.ReadCloser
	at   int64
}

// from returns a reader of the file at an offset.
func (r *reading) from(offset int64) (io.Reader, error) {
	if r.body != nil && r.at == offset {
		return r.body, nil
	}
	r.close()
	body, err := r.f.From(offset)
	if err != nil {
		return nil, err
	}
	r.body, r.at = body, offset
	return body, nil
}

// read fills b from the file at an offset. Errors: a localError.
func (r *reading) read(b []byte, offset int64) error {
	body, err := r.from(offset)
	if err == nil {
		var n int
		n, err = io.ReadFull(body, b)
		r.at += int64(n)
	}
	if err != nil {
		return &localError{err}
	}
	return nil
}

func (r *reading) close() {
	if r.body != nil {
		r.body.Close()
		r.body = nil
	}
}

// haveOf returns the number of bytes of a file that left4me has received.
func (c *Client) haveOf(ctx context.Context, id, name string) (int64, error) {
	var u apitype.Upload
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

// localError is a failure to read the file being sent.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

// sendPiece sends a piece of a file and returns the number of bytes of the file received. A piece
// that is longer than any accepted one is announced first (Expect: 100-continue), so that a proxy
// can refuse it before it is sent.
func (c *Client) sendPiece(ctx context.Context, id string, file *reading, offset, n int64, announce bool, show func(int64)) (have int64,
	err error,
) {
	body, err := file.from(offset)
	if err != nil {
		return 0, &localError{err}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stalledAfter, func() {
		cancel(left4me.NewError(left4me.Unavailable, "client.upload_stuck", "where", c.where))
	})
	defer stalled.Stop()
	in := &watched{r: io.LimitReader(body, n), at: offset, show: show, moved: func() { stalled.Reset(stalledAfter) }}
	q := url.Values{"path": {file.f.Name}, "offset": {strconv.FormatInt(offset, 10)}, "size": {strconv.FormatInt(file.f.Size, 10)}}
	res, err := c.sendBody(ctx, http.MethodPut, "/uploads/"+url.PathEscape(id)+"/file?"+q.Encode(), in, n, announce)
	var failed error
	if file.at, failed = in.stop(); failed != nil {
		if err == nil {
			res.Body.Close()
		}
		return 0, &localError{failed}
	}
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, left4me.Unavailable) {
			return 0, cause
		}
		return 0, err
	}
	defer res.Body.Close()
	var came struct { // part of apitype.UploadFile; an answer without it is not left4me's
		Have *int64 `json:"have"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, problemLimit)).Decode(&came); err != nil || came.Have == nil {
		return 0, c.foreign(res)
	}
	return *came.Have, nil
}

// watched reads the body of a request and reports its progress. The transport may continue reading
// for a moment after the answer has arrived; stop prevents that.
type watched struct {
	at    int64
	show  func(int64)
	moved func()

	mu  sync.Mutex
	r   io.Reader
	err error // error of reading the file
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

// stop ends reading, and returns the position and error at which reading ended.
func (w *watched) stop() (at int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.r = nil
	return w.at, w.err
}

// sendBody sends a request with a body that is not JSON. An announced body is sent when the other
// side asks for it, or if it does not react within announceWithin.
func (c *Client) sendBody(ctx context.Context, method, path string, body io.Reader, size int64, announce bool) (*http.Response, error) {
	if size == 0 {
		body = http.NoBody
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	if announce && size > 0 {
		req.Header.Set("Expect", "100-continue")
	}
	c.sign(req)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode < 300 && !isPage(res) {
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.refused(res)
}
