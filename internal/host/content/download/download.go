// Package download fetches one address into one file.
//
// A file is there whole or not at all: what comes is written to FILE.part, synced,
// and renamed. What was cut off goes on where it ended (Range with If-Range), in
// the next attempt and after left4me was killed; what changed meanwhile begins
// anew. Sizes and sums are checked, some of the disk stays free, and one limit of
// the rate holds for all downloads of a Client together.
//
// Addresses come from strangers. Only http and https are followed, at most five
// times on, and a connection is only made to an address of the internet: that is
// inspected when it is made, so no name, no redirect and no resolver can lead to
// this machine or its network. Exceptions are named as HOST:PORT. The environment's
// proxies are not used: a proxy would resolve names itself, and reach what we don't.
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

// Bounds of a download, where Options say nothing else.
const (
	attempts     = 6
	pause        = time.Second
	longestPause = 30 * time.Second
	stall        = 30 * time.Second
	redirects    = 5
	allAttempts  = 60 // also of a server that gives a little each time
	headSize     = 64 // what Request.Head sees at most
)

// Options of a Client. The zero value is a good one.
type Options struct {
	// Allow are exceptions, as HOST:PORT with a name or an address: to these a
	// connection is made whatever they resolve to.
	Allow    []string
	Rate     int64         // bytes a second of all downloads together; 0: as fast as it goes
	Attempts int           // that bring nothing, one after the other; 6 if it is 0
	Pause    time.Duration // before the second; it doubles, up to 30 s; 1 s if it is 0
	Stall    time.Duration // so long may nothing come; 30 s if it is 0
}

// Client downloads. It may be used concurrently.
type Client struct {
	o       Options
	allowed map[string]bool
	http    *http.Client
	limit   *rate.Limiter // nil: none
}

// New makes a Client. Errors: left4me.Invalid when an exception isn't HOST:PORT.
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

// Allowed reports whether the host of an address is among the exceptions.
func (c *Client) Allowed(address string) bool {
	u, err := url.Parse(address)
	return err == nil && c.allowed[hostPort(u)]
}

// Close closes connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request says what is fetched and what must hold for it.
type Request struct {
	URL   string
	File  string // in a directory that is there; FILE.part and FILE.part.json stand beside it meanwhile
	Size  int64  // that it must have; 0: not known
	Limit int64  // that it may have; 0: none
	Sum   string // "sha256:…", "sha1:…" or "md5:…" in hexadecimal; empty: none is checked

	// Head checks the first bytes, at most 64, as soon as they are there, and
	// may refuse them. It may be nil.
	Head func([]byte) error
	// Progress is told how far it is: a few times a second, and at the end. It may be nil.
	Progress func(left4me.Progress)
}

// Result says how a download went.
type Result struct {
	Size     int64
	Fetched  int64 // bytes that came over the line this time
	Resumed  int64 // bytes that were there from an earlier time
	Requests int
}

// Fetch downloads. When it fails, FILE is as it was; what came so far stays for
// the next call if that may go on there. A file that is there is replaced.
//
// Errors are *left4me.Error, or ctx's cause when it ended. They wrap one of the
// Causes. left4me.Busy: the same file is being fetched.
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
	d := &transfer{Client: c, Request: r, part: p, res: &res, meter: meter{tell: r.Progress}}
	if err := d.run(ctx); err != nil {
		if !keeps(err) && ctx.Err() == nil {
			p.discard()
		}
		return res, err
	}
	res.Size = p.size
	return res, nil
}

// transfer is one download under way.
type transfer struct {
	*Client
	Request
	part  *part
	res   *Result
	meter meter
}

// run tries until it has all, or there is no sense in trying.
func (d *transfer) run(ctx context.Context) error {
	idle := 0 // attempts since something came
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

// finish checks what came and publishes it.
func (d *transfer) finish(ctx context.Context) error {
	p := d.part
	if d.Size > 0 && p.size < d.Size { // the end of a connection without a length
		return &temporary{cause: Cut, err: fmt.Errorf("%d of %d bytes came", p.size, d.Size)}
	}
	if err := d.checkSize(p.size); err != nil {
		return err
	}
	if err := d.showHead(true); err != nil {
		return err
	}
	if err := p.checkSum(ctx); err != nil {
		return err
	}
	if err := p.publish(); err != nil {
		return d.onDisk(err)
	}
	d.meter.end(p.size)
	return nil
}

// showHead shows the first bytes to who asked, once.
func (d *transfer) showHead(all bool) error {
	if d.Head == nil || d.part.seen || !all && d.part.size < headSize {
		return nil
	}
	head, err := d.part.head()
	if err != nil {
		return d.onDisk(err)
	}
	if err := d.Head(head); err != nil {
		return failure(WrongContent, left4me.NewError(left4me.Unavailable, "download.wrong_content", "reason", err), err)
	}
	d.part.seen = true
	return nil
}

// checkSize compares a size with what it must or may be.
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
