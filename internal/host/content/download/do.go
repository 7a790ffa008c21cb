package download

import (
	"context"
	"errors"
	"net/http"
)

// Do asks once and returns whatever is answered, for what is no file: an API, a
// Git repository. It connects to nothing that Fetch wouldn't. Errors: as Fetch,
// when there was no answer.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	address := req.URL.String()
	if err := c.checkURL(address); err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err == nil {
		return resp, nil
	}
	t := transfer{Client: c, Request: Request{URL: address}}
	err = t.unanswered(req.Context(), err)
	var again *temporary
	if errors.As(err, &again) && !errors.Is(err, context.Canceled) {
		err = again.public(address)
	}
	return nil, err
}
