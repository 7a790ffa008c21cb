// Package steam asks the Steam Web API: whether a server's version is the newest, which servers Steam sees at an address, and
// what items and collections of the workshop are. None of it needs a key.
//
// Answers come from strangers over the internet and are bounded in size and time. An answer that Steam gives when it is
// busy (429, 5xx, about the workshop also 403 and result 84) is asked for again after a pause. The package knows nothing of
// left4me.
package steam

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/sleep"
)

// BaseURL is where Steam answers.
const BaseURL = "https://api.steampowered.com"

// AppL4D2 is Left 4 Dead 2 as players have it: servers are registered under it, not under the one of the dedicated server.
const AppL4D2 = 550

const (
	maxBody  = 4 << 20
	maxPause = 10 * time.Second
	maxWait  = 2 * time.Minute // before a question about the workshop is asked again
)

var (
	// ErrBusy is returned when Steam refuses for the moment: too many requests, or it is down.
	ErrBusy = errors.New("too many requests, or Steam is down")
	// ErrAnswer is returned for an answer that can't be understood.
	ErrAnswer = errors.New("not an answer of Steam")
	// ErrUnsupported is returned when Steam answers that it can't say.
	ErrUnsupported = errors.New("no word on that from Steam")
	// ErrUnreachable is returned when there is no answer at all.
	ErrUnreachable = errors.New("no connection to Steam")
)

// Client asks Steam. The zero value is ready. It may be used concurrently.
type Client struct {
	Base    string        // BaseURL if it is empty
	HTTP    *http.Client  // the default one if it is nil
	Timeout time.Duration // of one request, 15 s if it is 0
	Pause   time.Duration // before a request is made again, 2 s if it is 0; what Steam asks for goes first, up to 10 s
	// Tries is how often a question about the workshop is asked while Steam is busy, 2 if it is 0. The pause doubles each
	// time, up to two minutes, for which Steam may ask too.
	Tries int
}

// Error says what was asked and what went wrong. It wraps one of the errors of this package, or ctx's.
type Error struct {
	Call   string // ISteamApps/UpToDateCheck
	Status int    // of HTTP, 0 if there was none
	Err    error
}

func (e *Error) Error() string {
	if e.Status != 0 && e.Status != http.StatusOK {
		return fmt.Sprintf("steam: %s: %v (HTTP %d)", e.Call, e.Err, e.Status)
	}
	return fmt.Sprintf("steam: %s: %v", e.Call, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// get asks for a call and decodes what is in "response".
func (c *Client) get(ctx context.Context, call string, query url.Values, response any) error {
	base, err := url.Parse(strings.TrimSuffix(cmp.Or(c.Base, BaseURL), "/"))
	if err != nil || base.Host == "" {
		return &Error{Call: call, Err: fmt.Errorf("%q is not an address: %w", c.Base, ErrUnreachable)}
	}
	query.Set("format", "json")
	address := base.JoinPath(call, "v1/")
	address.RawQuery = query.Encode()
	status, after, err := c.once(ctx, address.String(), nil, response)
	if errors.Is(err, ErrBusy) && ctx.Err() == nil {
		if err = sleep.For(ctx, min(cmp.Or(after, c.Pause, 2*time.Second), maxPause)); err == nil {
			status, _, err = c.once(ctx, address.String(), nil, response)
		}
	}
	if err != nil {
		return &Error{Call: call, Status: status, Err: err}
	}
	return nil
}

// once makes a request: a POST if it has a form. after is how long Steam asks to be left alone.
func (c *Client) once(ctx context.Context, address string, form url.Values, response any) (status int, after time.Duration, err error) {
	limited, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, 15*time.Second))
	defer cancel()
	method, content := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, content = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(limited, method, address, content)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Accept", "application/json")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := cmp.Or(c.HTTP, http.DefaultClient).Do(req)
	if err != nil {
		return 0, 0, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return resp.StatusCode, 0, c.unreachable(ctx, err)
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return resp.StatusCode, retryAfter(resp.Header), ErrBusy
	case resp.StatusCode != http.StatusOK:
		return resp.StatusCode, 0, ErrAnswer
	case len(body) > maxBody:
		return resp.StatusCode, 0, fmt.Errorf("%w: more than %d bytes", ErrAnswer, maxBody)
	}
	// Errors come as pages, and so does the log-in of a network in between.
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return resp.StatusCode, 0, fmt.Errorf("%w: it is %q", ErrAnswer, resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, 0, decode(body, response)
}

// decode reads what is in "response".
func decode(body []byte, response any) error {
	var outer struct {
		Response json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(body, &outer); err != nil {
		return fmt.Errorf("%w: %v", ErrAnswer, err)
	}
	if len(outer.Response) == 0 || outer.Response[0] != '{' {
		return fmt.Errorf("%w: it has no response", ErrAnswer)
	}
	if err := json.Unmarshal(outer.Response, response); err != nil {
		return fmt.Errorf("%w: %v", ErrAnswer, err)
	}
	return nil
}

// unreachable tells a network that fails from a caller who gave up.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: no answer in %s", ErrUnreachable, cmp.Or(c.Timeout, 15*time.Second))
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// retryAfter reads Retry-After in seconds, the form in which servers of APIs send it.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 86400 {
		return 0
	}
	return time.Duration(n) * time.Second
}
