package apiclient

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestProxyErrorsAreExplained(t *testing.T) {
	for _, c := range []struct {
		status, times int
		passes        bool
		says          string
	}{
		{502, 1, true, "cannot reach left4me (status 502 Bad Gateway)"},
		{504, 1, true, "timed out (status 504 Gateway Timeout); set the proxy's timeout to 10 minutes: proxy_read_timeout"},
		{
			413, 100, false,
			"refuses requests of this size (status 413 Request Entity Too Large); allow 20 MB in the proxy: client_max_body_size",
		},
		{403, 100, false, "a program other than left4me answered"},
		{200, 100, false, "if a proxy requires a login, exempt /api/"},
	} {
		began := time.Now()
		s := &proxied{limit: math.MaxInt64, page: c.status, pages: c.times}
		said, err := s.push(t, 1<<20)
		if c.passes != (err == nil) || !c.passes && !strings.Contains(err.Error(), c.says) || c.passes && strings.Count(said, c.says) != 1 {
			t.Errorf("%d: %v; %q", c.status, err, said)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%d: it took %s", c.status, took)
		}
	}
}
