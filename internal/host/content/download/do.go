package download

import (
	"context"
	"errors"
	"net/http"
)

// Do sends one request, for example to an API or a Git repository, and returns the response,
// regardless of its status. The same address checks as for Fetch apply. It returns the errors of Fetch
// if there is no response.
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
	err = t.requestError(req.Context(), err)
	var again *temporary
	if errors.As(err, &again) && !errors.Is(err, context.Canceled) {
		err = again.public(address)
	}
	return nil, err
}
