package apiclient

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

// problem is a problem document of the API (RFC 9457).
type problem struct{ apitype.Problem }

// kindOf maps an HTTP status to a kind of error.
func kindOf(status int) left4me.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return left4me.Denied
	case http.StatusNotFound:
		return left4me.NotFound
	case http.StatusConflict:
		return left4me.Conflict
	case http.StatusTooManyRequests:
		return left4me.Busy
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return left4me.Unavailable
	case http.StatusInsufficientStorage:
		return left4me.DiskFull
	}
	if status >= 400 && status < 500 {
		return left4me.Invalid
	}
	return ""
}

// err returns the problem as an error. If several fields are invalid, it contains all of them.
func (p problem) err() error {
	kind := kindOf(p.Status)
	if len(p.Errors) < 2 {
		return left4me.Received(kind, p.Code, p.Args, p.Detail, p.Hint)
	}
	var all left4me.Fields
	for _, e := range p.Errors {
		field := strings.TrimPrefix(e.Location, "body.")
		all = append(all, left4me.Received(kind, e.Code, e.Args, field+": "+e.Message, "").InField(field))
	}
	return all
}

// refused converts an unsuccessful answer to an error.
func (c *Client) refused(res *http.Response) error {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(res.Body, problemLimit))
	p := problem{}
	if err == nil && kind == "application/problem+json" && json.Unmarshal(body, &p) == nil && p.Detail != "" {
		p.Status = res.StatusCode
		if near := c.nearest(res.Request.Context(), p); near != "" {
			p.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		switch unauthorized := p.Status == http.StatusUnauthorized; {
		case unauthorized && c.token != "" && c.local:
			p.Hint = noToken
		case unauthorized && c.token == "":
			p.Hint = "set LEFT4ME_TOKEN; " + newToken
		case unauthorized:
			p.Hint = newToken
		}
		return p.err()
	}
	return c.foreign(res)
}
