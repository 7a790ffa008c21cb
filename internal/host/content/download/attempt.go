package download

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// attempt sends one request and writes the response to the part. It returns nil when the file is
// complete.
func (d *transfer) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	from := d.part.resumable(d.URL)
	if from == 0 && d.part.size > 0 { // the part can't be resumed
		if err := d.part.begin(state{}); err != nil {
			return d.diskError(err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		return failure(Refused, left4me.NewError(left4me.Unavailable, "download.no_address", "url", d.URL), err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "left4me")
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		req.Header.Set("If-Range", d.part.state.Validator)
	}
	d.res.Requests++
	resp, err := d.http.Do(req)
	if err != nil {
		return d.requestError(ctx, err)
	}
	defer resp.Body.Close()
	done, err := d.accept(ctx, resp, from)
	if err != nil || done {
		return err
	}
	return d.copy(ctx, cancel, resp.Body)
}

// requestError converts the error of a request without a response.
func (d *transfer) requestError(ctx context.Context, err error) error {
	var public *left4me.Error
	var cert *tls.CertificateVerificationError
	var name *net.DNSError
	switch no := refusal(d.URL, err); {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case no != nil:
		return no
	case errors.As(err, &public):
		return public
	case errors.As(err, &cert):
		return failure(Unreachable, left4me.NewError(left4me.Unavailable, "download.certificate", "url", short(d.URL),
			"reason", cert.Err), err)
	case errors.As(err, &name) && name.IsNotFound:
		return (&temporary{cause: Unreachable, err: err}).public(d.URL)
	}
	return &temporary{cause: Unreachable, err: err}
}

// accept checks a response and prepares the part for its body. done means that the part is already
// complete.
func (d *transfer) accept(ctx context.Context, resp *http.Response, from int64) (done bool, err error) {
	total := resp.ContentLength
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		if enc := resp.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
			return false, failure(WrongContent, left4me.NewError(left4me.Unavailable, "download.packed", "url", short(d.URL),
				"encoding", enc), nil)
		}
		if err := d.part.begin(state{URL: d.URL, Validator: validator(resp.Header), Total: total}); err != nil {
			return false, d.diskError(err)
		}
	case code == http.StatusPartialContent && from > 0:
		first, all, ok := contentRange(resp.Header.Get("Content-Range"))
		if v := validator(resp.Header); !ok || first != from || v != "" && v != d.part.state.Validator ||
			d.part.state.Total >= 0 && all >= 0 && all != d.part.state.Total {
			return false, d.restart("it goes on with something else than it began with")
		}
		total = all
		if d.res.Requests == 1 {
			d.res.Resumed = from
		}
	case code == http.StatusRequestedRangeNotSatisfiable && from > 0:
		if _, all, ok := contentRange(resp.Header.Get("Content-Range")); ok && all == from {
			return true, nil // the part is already complete
		}
		return false, d.restart("it is shorter than it was")
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500:
		return false, &temporary{cause: ServerBusy, after: retryAfter(resp.Header), err: fmt.Errorf("it answers %s", resp.Status)}
	default:
		return false, failure(Gone, left4me.NewError(left4me.Unavailable, "download.refused_by_server", "url", short(d.URL),
			"status", resp.Status), nil)
	}
	d.meter.begin(d.part.size, max(0, total, d.Size))
	if total >= 0 {
		if err := d.checkSize(total); err != nil {
			return false, err
		}
	}
	if err := d.part.catchUp(ctx); err != nil {
		return false, d.diskError(err)
	}
	return false, d.checkSpace(max(0, max(total, d.Size)-d.part.size))
}

// restart empties the part and returns a temporary error, so that the next attempt starts from the
// beginning.
func (d *transfer) restart(why string) error {
	if err := d.part.begin(state{}); err != nil {
		return d.diskError(err)
	}
	return &temporary{cause: Cut, err: errors.New(why)}
}

// validator returns the value that identifies a version of the file: a strong ETag or, without any
// ETag, the modification date.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); len(tag) > 2 && len(tag) < 500 && tag[0] == '"' {
		return tag
	}
	if date := h.Get("Last-Modified"); h.Get("ETag") == "" {
		if _, err := http.ParseTime(date); err == nil {
			return date
		}
	}
	return ""
}

// contentRange parses "bytes 5-9/10" and "bytes */10". all is -1 if the total is an asterisk.
func contentRange(s string) (first, all int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, size, found := strings.Cut(s, "/")
	number := func(s string) (int64, error) { // rejects signs
		n, err := strconv.ParseUint(s, 10, 63)
		return int64(n), err
	}
	all, err := number(size)
	if size == "*" {
		all, err = -1, nil
	}
	if !ok || !found || err != nil {
		return 0, 0, false
	}
	if span == "*" {
		return 0, all, true
	}
	low, high, _ := strings.Cut(span, "-")
	first, err = number(low)
	last, err2 := number(high)
	return first, all, err == nil && err2 == nil && last >= first && (all < 0 || last == all-1)
}

// retryAfter returns the delay that the server requested, or 0.
func retryAfter(h http.Header) time.Duration {
	if n, err := strconv.Atoi(h.Get("Retry-After")); err == nil && n > 0 && n < 86400 {
		return time.Duration(n) * time.Second
	}
	return 0
}
