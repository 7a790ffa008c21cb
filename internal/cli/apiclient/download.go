package apiclient

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// Download is an answer that is read piece by piece, however long it is.
type Download struct {
	c    *Client
	ctx  context.Context // of the request: reading ends with it
	body io.ReadCloser
	have int64
	show func(have int64)
	err  error // of the connection
}

// Download asks for a file. show, unless it is nil, is called with the bytes that
// have come. The caller closes it. Errors: those of Call.
func (c *Client) Download(ctx context.Context, path string, show func(have int64)) (*Download, error) {
	res, err := c.send(ctx, http.MethodGet, path, nil, http.Header{})
	if err != nil {
		return nil, err
	}
	if show == nil {
		show = func(int64) {}
	}
	return &Download{c: c, ctx: ctx, body: res.Body, show: show}, nil
}

// Read reads what comes. An error that is not io.EOF is one of the connection, in
// the words of Call.
func (d *Download) Read(b []byte) (int, error) {
	n, err := d.body.Read(b)
	d.have += int64(n)
	d.show(d.have)
	if err != nil && !errors.Is(err, io.EOF) {
		d.err = d.c.unreachable(d.ctx, err)
		err = d.err
	}
	return n, err
}

// Err is the error of the connection, if that is why reading ended.
func (d *Download) Err() error { return d.err }

// Close ends the request.
func (d *Download) Close() error { return d.body.Close() }
