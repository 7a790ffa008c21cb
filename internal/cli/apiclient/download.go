package apiclient

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// Download is an answer of any length that is read as a stream.
type Download struct {
	c    *Client
	ctx  context.Context // context of the request: reading ends with it
	body io.ReadCloser
	have int64
	show func(have int64)
	err  error // error of the connection
}

// Download requests a file. show, which may be nil, is called with the number of bytes received.
// The caller must close the Download. Errors: those of Call.
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

// Read reads from the answer. An error other than io.EOF is a connection error, as returned by
// Call.
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

// Err returns the connection error that ended reading, or nil.
func (d *Download) Err() error { return d.err }

// Close ends the request.
func (d *Download) Close() error { return d.body.Close() }
