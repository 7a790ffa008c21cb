package apiclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

const (
	dialWithin   = 5 * time.Second
	answerWithin = time.Minute // a console command may wait for a map to load
	answerLimit  = 16 << 20
	problemLimit = 64 << 10
)

// Target is the address of the API.
type Target struct {
	URL    string // URL of left4me, without /api/v1; empty: use the socket
	Token  string // may be empty for the socket
	Socket string // path on this machine
	Advice Advice // texts for hints

	RequestID string // sent with all requests and logged by left4me; empty: generated
}

// Advice provides commands for hints that fit this machine. Hints omit what is not set.
type Advice struct {
	Start   func() string                   // returns the command that starts left4me
	Down    func() bool                     // reports whether left4me is known to be stopped
	AsRoot  func(commands ...string) string // returns commands in a form that runs them as root
	Command string                          // the command line as typed
}

func (a Advice) start() string {
	if a.Start == nil {
		return "start left4me"
	}
	return "start left4me: " + a.Start()
}

func (a Advice) asRoot() string {
	if a.AsRoot == nil || a.Command == "" {
		return "run this as root"
	}
	return a.AsRoot(a.Command)
}

// Hints about tokens.
const (
	newToken = "create a token on the Account page of the panel, or as root on the host that runs left4me: `left4me token create LABEL " +
		"--user NAME`"
	noToken = "run `unset LEFT4ME_TOKEN`: left4me on this host needs no token"
)

// Client calls the API. It is safe for concurrent use.
type Client struct {
	base   string // ends in /api/v1
	where  string // name of the target in messages
	local  bool
	token  string
	id     string // request id of all requests
	http   *http.Client
	advice Advice

	// OnWarning is called with the warning of a successful answer; may be nil.
	OnWarning func(text string)
	// Similar returns the known name that name was probably meant to be, or ""; nil: hints suggest
	// no names.
	Similar func(name string, known []string) string
}

// New returns a client. It does not connect. Errors: left4me.Invalid.
func New(t Target) (*Client, error) {
	token := strings.TrimSpace(t.Token)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		// Do not show the token: it may be a mistyped secret.
		hint := newToken
		if t.URL == "" {
			hint = noToken
		}
		return nil, left4me.NewError(left4me.Invalid, "client.token_invalid", "advice", hint)
	}
	dialer := &net.Dialer{Timeout: dialWithin}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: dialWithin, ExpectContinueTimeout: announceWithin, MaxResponseHeaderBytes: 64 << 10, MaxIdleConns: 4,
		MaxIdleConnsPerHost: sideBySide, IdleConnTimeout: time.Minute,
	}
	c := &Client{token: token, advice: t.Advice, id: cmp.Or(t.RequestID, requestid.New()), http: &http.Client{
		Transport: transport,
		// Following a redirect could change the method of a request.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if t.URL == "" {
		c.base, c.where, c.local = "http://left4me/api/v1", t.Socket, true
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "unix", t.Socket)
			if err == nil {
				err = trusted(conn, t.Socket, t.Advice)
			}
			return conn, err
		}
		return c, nil
	}
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, left4me.NewError(left4me.Invalid, "client.url_invalid")
	}
	c.where = u.Scheme + "://" + u.Host
	c.base = c.where + strings.TrimSuffix(strings.TrimSuffix(u.EscapedPath(), "/"), "/api/v1") + "/api/v1"
	return c, nil
}

// Call sends a request and decodes the answer into out, unless out is nil. A body in is sent
// unchanged if it is a []byte, otherwise as JSON; nil means no body. Call also returns the raw
// answer. Errors: those of the API by kind; left4me.Unavailable if nothing answers, or something
// other than left4me.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	header := http.Header{"Accept": {"application/json"}}
	if l := languages(); l != "" {
		header.Set("Accept-Language", l)
	}
	res, err := c.send(ctx, method, path, in, header)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, answerLimit+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, err)
	case len(body) > answerLimit:
		return nil, c.Unexpected("its answer is too large")
	case !json.Valid(body):
		return nil, c.Unexpected("its answer is not JSON")
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			return nil, c.Unexpected("its answer is another than expected")
		}
	}
	return body, nil
}

// Ready checks whether left4me is ready. Errors: left4me.Unavailable if it is not, or does not
// answer.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.base, "/api/v1")+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return left4me.NewError(left4me.Unavailable, "client.not_ready")
	}
	return nil
}

// send sends a request and returns the answer if its status is a success.
func (c *Client) send(ctx context.Context, method, path string, in any, header http.Header) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		kind := "application/octet-stream"
		b, raw := in.([]byte)
		if !raw {
			var err error
			if b, err = json.Marshal(in); err != nil {
				return nil, err
			}
			kind = "application/json"
		}
		body = bytes.NewReader(b)
		header.Set("Content-Type", kind)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header = header
	c.sign(req)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode < 300 && !isPage(res) {
		if text, err := strconv.Unquote(res.Header.Get("Left4me-Warning")); err == nil && c.OnWarning != nil {
			c.OnWarning(text)
		}
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.refused(res)
}

// unreachable returns the error for a request without an answer.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // drop the outer error, whose URL the user never typed
	}
	if e, ok := left4me.Public(err); ok {
		return e
	}
	var e *left4me.Error
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		e = left4me.NewError(left4me.Unavailable, "client.timeout", "where", c.where, "request", c.id)
	case c.local && errors.Is(err, fs.ErrPermission) && c.advice.Down != nil && c.advice.Down():
		e = left4me.NewError(left4me.Unavailable, "client.not_running", "advice", c.advice.start())
	case c.local && errors.Is(err, fs.ErrPermission):
		e = left4me.NewError(left4me.Denied, "client.socket_denied", "path", c.where, "command", c.advice.asRoot())
	case c.local:
		e = left4me.NewError(left4me.Unavailable, "client.nothing_answers", "path", c.where, "advice", c.advice.start())
	default:
		e = left4me.NewError(left4me.Unavailable, "client.unreachable", "where", c.where, "reason", err)
	}
	return e.Because(err)
}

// Unexpected returns the error for an answer that is not left4me's.
func (c *Client) Unexpected(what string) error {
	if c.local {
		return left4me.NewError(left4me.Unavailable, "client.not_left4me_here", "where", c.where, "reason", what, "request", c.id)
	}
	return left4me.NewError(left4me.Unavailable, "client.not_left4me", "where", c.where, "reason", what, "request", c.id)
}

// languages returns the user's language (locale(7)) in the format of Accept-Language. The first
// upload uses it to choose the default encoding of names in archives.
func languages() string {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v, _, _ = strings.Cut(v, ".")
			if v == "C" || v == "POSIX" ||
				strings.ContainsFunc(v, func(r rune) bool { return r != '_' && r != '-' && r != '@' && (r > 'z' || r < '0') }) {
				return ""
			}
			v, _, _ = strings.Cut(v, "@")
			return strings.ReplaceAll(v, "_", "-")
		}
	}
	return ""
}

// sign adds the request id and, if there is one, the token to a request.
func (c *Client) sign(req *http.Request) {
	req.Header.Set(requestid.Header, c.id)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
}
