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
	// A client must transfer pieceBytes within pieceWithin, so that a slower client cannot hold a
	// connection permanently.
	pieceBytes  = 64 << 10
	pieceWithin = 30 * time.Second
)

// ErrBody is wrapped by every error of reading a body except io.EOF.
var ErrBody = errors.New("body")

// SlowBody returns a reader of a request's body that fails if less than 64 KiB arrive within 30 s.
// Its errors wrap ErrBody.
func SlowBody(w http.ResponseWriter, body io.Reader) io.Reader {
	return &slowBody{body: body, c: http.NewResponseController(w)}
}

type slowBody struct {
	body io.Reader
	c    *http.ResponseController
	left int // bytes until the next deadline
}

func (s *slowBody) Read(b []byte) (int, error) {
	if s.left <= 0 {
		_ = s.c.SetReadDeadline(time.Now().Add(pieceWithin)) // connections support deadlines
		s.left = pieceBytes
	}
	n, err := s.body.Read(b)
	s.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		err = errors.Join(ErrBody, err)
	}
	return n, err
}

// CutOff converts an error of an interrupted or timed-out body to left4me.Unavailable, with a text
// for users. It returns other errors unchanged.
func CutOff(err error) error {
	if _, ok := left4me.Public(err); !ok && (errors.Is(err, ErrBody) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return left4me.NewError(left4me.Unavailable, "download.cut_off").Because(err)
	}
	return err
}

// ErrSlow is wrapped by every error of writing to a client.
var ErrSlow = errors.New("the client reads too slowly")

// SlowWriter returns a writer for a long answer. It fails if the client reads less than 64 KiB
// within 30 s, or once ctx has ended. The caller must reset the write deadline at the end. Errors
// of writing wrap ErrSlow.
func SlowWriter(ctx context.Context, w http.ResponseWriter) io.Writer {
	return &slowWriter{ctx: ctx, w: w, c: http.NewResponseController(w)}
}

type slowWriter struct {
	ctx  context.Context // ends when the client loses its access
	w    http.ResponseWriter
	c    *http.ResponseController
	left int // bytes until the next deadline
}

func (s *slowWriter) Write(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if s.left <= 0 {
		_ = s.c.SetWriteDeadline(time.Now().Add(pieceWithin)) // connections support deadlines
		s.left = pieceBytes
	}
	n, err := s.w.Write(b)
	s.left -= n
	if err != nil {
		err = errors.Join(ErrSlow, err)
	}
	return n, err
}
