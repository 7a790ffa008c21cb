// Package download fetches one URL into one file.
//
// A file appears only when it is complete: data is written to FILE.part, synced and renamed.
// Interrupted downloads resume where they stopped (Range with If-Range), in the next attempt or
// after left4me was killed; a file that changed on the server is fetched from the beginning. Sizes
// and checksums are verified, a margin of disk space stays free, and one rate limit applies to all
// downloads of a Client together.
//
// URLs are untrusted. Only http and https with at most five redirects are allowed, and connections
// are only made to public addresses. The address is checked when connecting, so no name, redirect
// or resolver can lead to this machine or its network. Exceptions are given as HOST:PORT. Proxy
// settings in the environment are ignored: a proxy would resolve names itself and could reach
// addresses that are not permitted.
package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// Bounds of a download and defaults of Options.
const (
	attempts     = 6
	pause        = time.Second
	longestPause = 30 * time.Second
	stall        = 30 * time.Second
	redirects    = 5
	allAttempts  = 60 // maximum number of requests, even if each makes progress
	headSize     = 64 // maximum number of bytes passed to Request.Head
)

// Options configures a Client. The zero value selects the defaults.
type Options struct {
	// Allow lists exceptions, as HOST:PORT with a name or an address. They may
	// resolve to any address.
	Allow    []string
	Rate     int64         // limit of all downloads together in bytes per second; 0: none
	Attempts int           // maximum number of consecutive attempts without progress; 0: 6
	Pause    time.Duration // before the second attempt, doubling up to 30 s; 0: 1 s
	Stall    time.Duration // maximum time without data; 0: 30 s
}

// Client downloads files. It is safe for concurrent use.
type Client struct {
	o       Options
	allowed map[string]bool
	http    *http.Client
	limit   *rate.Limiter // nil if unlimited
}

// New returns a Client. It returns left4me.Invalid for an exception that is not HOST:PORT.
func New(o Options) (*Client, error) {
	o.Attempts, o.Pause, o.Stall = cmp.Or(o.Attempts, attempts), cmp.Or(o.Pause, pause), cmp.Or(o.Stall, stall)
	allowed, err := ParseAllow(o.Allow)
	if err != nil {
		return nil, err
	}
	c := &Client{o: o, allowed: allowed}
	c.http = c.newHTTP()
	if o.Rate > 0 {
		c.limit = rate.NewLimiter(rate.Limit(o.Rate), c.chunk())
	}
	return c, nil
}

// Allowed reports whether the host and port of a URL are an exception.
func (c *Client) Allowed(address string) bool {
	u, err := url.Parse(address)
	return err == nil && c.allowed[hostPort(u)]
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request describes a file to download and what to verify.
type Request struct {
	URL   string
	File  string // in an existing directory; FILE.part and FILE.part.json are next to it during the download
	Size  int64  // expected size in bytes; 0: unknown
	Limit int64  // maximum size in bytes; 0: none
	Sum   string // "sha256:…", "sha1:…" or "md5:…" in hexadecimal; empty: not verified

	// Head checks the first bytes, at most 64, as soon as they have arrived. An error aborts the
	// download. It may be nil.
	Head func([]byte) error
	// Progress receives progress reports several times per second and at the end. It may be nil.
	Progress func(left4me.Progress)
}

// Result describes a completed download.
type Result struct {
	Size     int64
	Fetched  int64 // bytes received by this call
	Resumed  int64 // bytes left by an earlier call
	Requests int
}

// Fetch downloads a file, replacing an existing one. On error, FILE is unchanged, and the received
// data is kept if the next call can resume it.
//
// Errors are *left4me.Error and wrap one of the Causes, or are the cause of ctx if it ended.
// left4me.Busy means that the same file is already being fetched.
func (c *Client) Fetch(ctx context.Context, r Request) (Result, error) {
	var res Result
	if err := c.checkURL(r.URL); err != nil {
		return res, err
	}
	sum, err := parseSum(r.Sum)
	if err != nil {
		return res, err
	}
	p, err := openPart(r.File)
	if err != nil {
		return res, err
	}
	defer p.close()
	p.sum = sum
	d := &transfer{Client: c, Request: r, part: p, res: &res, meter: meter{progress: r.Progress}}
	if err := d.run(ctx); err != nil {
		if !keepsPart(err) && ctx.Err() == nil {
			p.discard()
		}
		return res, err
	}
	res.Size = p.size
	return res, nil
}

// transfer is a running download.
type transfer struct {
	*Client
	Request
	part  *part
	res   *Result
	meter meter
}

// run makes attempts until the file is complete or retrying is pointless.
func (d *transfer) run(ctx context.Context) error {
	idle := 0 // attempts since the last progress
	for {
		before := d.part.size
		err := d.attempt(ctx)
		if err == nil {
			err = d.finish(ctx)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var again *temporary
		if !errors.As(err, &again) {
			return err
		}
		if idle++; d.part.size > before {
			idle = 1
		}
		if idle >= d.o.Attempts || d.res.Requests >= allAttempts {
			return again.public(d.URL)
		}
		if err := sleep.For(ctx, cmp.Or(min(again.after, longestPause), min(d.o.Pause<<(idle-1), longestPause))); err != nil {
			return err
		}
	}
}

// finish verifies the received data and publishes it.
func (d *transfer) finish(ctx context.Context) error {
	p := d.part
	if d.Size > 0 && p.size < d.Size { // a response without a length ended early
		return &temporary{cause: Cut, err: fmt.Errorf("%d of %d bytes came", p.size, d.Size)}
	}
	if err := d.checkSize(p.size); err != nil {
		return err
	}
	if err := d.checkHead(true); err != nil {
		return err
	}
	if err := p.checkSum(ctx); err != nil {
		return err
	}
	if err := p.publish(); err != nil {
		return d.diskError(err)
	}
	d.meter.end(p.size)
	return nil
}

// checkHead calls Head once, when enough bytes have arrived or, with all, at the end.
func (d *transfer) checkHead(all bool) error {
	if d.Head == nil || d.part.headChecked || !all && d.part.size < headSize {
		return nil
	}
	head, err := d.part.head()
	if err != nil {
		return d.diskError(err)
	}
	if err := d.Head(head); err != nil {
		return failure(WrongContent, left4me.NewError(left4me.Unavailable, "download.wrong_content", "reason", err), err)
	}
	d.part.headChecked = true
	return nil
}

// checkSize compares a size with the expected size and the limit.
func (d *transfer) checkSize(n int64) error {
	switch {
	case d.Size > 0 && n != d.Size:
		return failure(WrongSize, left4me.NewError(left4me.Unavailable, "download.wrong_size", "url", short(d.URL), "size", n,
			"want", d.Size), nil)
	case d.Limit > 0 && n > d.Limit:
		return failure(TooLarge, left4me.NewError(left4me.Unavailable, "download.too_large", "url", short(d.URL),
			"limit", d.Limit), nil)
	}
	return nil
}
