package httpserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

const (
	// pieceBytes must pass within pieceWithin: a client that is slower must not hold
	// a connection for ever.
	pieceBytes  = 64 << 10
	pieceWithin = 30 * time.Second
)

// ErrBody is in each error of reading a body other than its end.
var ErrBody = errors.New("body")

// SlowBody reads the body of a request as long as it keeps coming: 64 KiB within
// 30 s. Its errors are ErrBody.
func SlowBody(w http.ResponseWriter, body io.Reader) io.Reader {
	return &slowBody{body: body, c: http.NewResponseController(w)}
}

type slowBody struct {
	body io.Reader
	c    *http.ResponseController
	left int // bytes until the time begins anew
}

func (s *slowBody) Read(b []byte) (int, error) {
	if s.left <= 0 {
		_ = s.c.SetReadDeadline(time.Now().Add(pieceWithin)) // a connection has deadlines
		s.left = pieceBytes
	}
	n, err := s.body.Read(b)
	s.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		err = errors.Join(ErrBody, err)
	}
	return n, err
}

// CutOff returns err as people are told of it when a body ended too early or didn't
// come in time: left4me.Unavailable.
func CutOff(err error) error {
	if _, ok := left4me.Public(err); !ok && (errors.Is(err, ErrBody) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return left4me.NewError(left4me.Unavailable, "download.cut_off").Because(err)
	}
	return err
}

// ErrSlow is in each error of writing to a client.
var ErrSlow = errors.New("the client reads too slowly")

// SlowWriter writes a long answer as long as the client goes on reading, 64 KiB within
// 30 s, and until ctx ends. The caller takes the deadline back at the end. Its errors
// of writing are ErrSlow.
func SlowWriter(ctx context.Context, w http.ResponseWriter) io.Writer {
	return &slowWriter{ctx: ctx, w: w, c: http.NewResponseController(w)}
}

type slowWriter struct {
	ctx  context.Context // ends a client that is not let in any more
	w    http.ResponseWriter
	c    *http.ResponseController
	left int // bytes until the time begins anew
}

func (s *slowWriter) Write(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if s.left <= 0 {
		_ = s.c.SetWriteDeadline(time.Now().Add(pieceWithin)) // a connection has deadlines
		s.left = pieceBytes
	}
	n, err := s.w.Write(b)
	s.left -= n
	if err != nil {
		err = errors.Join(ErrSlow, err)
	}
	return n, err
}
