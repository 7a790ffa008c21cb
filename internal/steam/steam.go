// Package steam is a client for the Steam Web API: it checks whether a server's version is the
// newest, which servers Steam lists at an address, and what the workshop's items and collections
// contain. No call needs a key.
//
// Answers are untrusted, so their size and the waiting time are bounded. The client retries a call
// after a pause if Steam is busy (status 429 or 5xx; for the workshop also 403 and result 84). The
// package does not depend on the rest of left4me.
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

// BaseURL is the address of the Steam Web API.
const BaseURL = "https://api.steampowered.com"

// AppL4D2 is the app id of Left 4 Dead 2 itself. Servers are registered under it, not under the app
// id of the dedicated server.
const AppL4D2 = 550

const (
	maxBody  = 4 << 20
	maxPause = 10 * time.Second
	maxWait  = 2 * time.Minute // maximum pause before a workshop call is retried
)

var (
	// ErrBusy is returned when Steam refuses temporarily: too many requests, or Steam is down.
	ErrBusy = errors.New("too many requests, or Steam is down")
	// ErrAnswer is returned for an invalid answer.
	ErrAnswer = errors.New("not an answer of Steam")
	// ErrUnsupported is returned when Steam answers that it has no such information.
	ErrUnsupported = errors.New("no word on that from Steam")
	// ErrUnreachable is returned when no answer arrives.
	ErrUnreachable = errors.New("no connection to Steam")
)

// Client calls the Steam Web API. The zero value is ready to use. It is safe for concurrent use.
type Client struct {
	Base    string        // BaseURL if empty
	HTTP    *http.Client  // http.DefaultClient if nil
	Timeout time.Duration // time limit of a request; 15 s if 0
	Pause   time.Duration // pause before a retry; 2 s if 0; a Retry-After of up to 10 s takes precedence
	// Tries is how often a workshop call is attempted while Steam is busy; 2 if 0. The pause
	// doubles after each attempt, up to 2 min, which is also the limit for Retry-After.
	Tries int
}

// Error names the call that failed and the reason. It wraps an error of this package or of the
// context.
type Error struct {
	Call   string // ISteamApps/UpToDateCheck
	Status int    // HTTP status; 0 without an answer
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

// get calls the API and decodes the member "response" of the answer.
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

// once sends one request: a POST if form is not empty. after is the value of Retry-After.
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
	// Errors are HTML pages, and so are the login pages of captive portals.
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return resp.StatusCode, 0, fmt.Errorf("%w: it is %q", ErrAnswer, resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, 0, decode(body, response)
}

// decode decodes the member "response" of an answer.
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

// unreachable distinguishes a network error from a cancelled context.
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

// retryAfter parses Retry-After in seconds, the form that API servers use.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 86400 {
		return 0
	}
	return time.Duration(n) * time.Second
}
