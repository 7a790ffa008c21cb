package apiclient

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestAProxysOwnPagesAreNamed(t *testing.T) {
	for _, c := range []struct {
		status, times int
		passes        bool
		says          string
	}{
		{502, 1, true, "does not reach left4me (status 502 Bad Gateway)"},
		{504, 1, true, "gave up waiting (status 504 Gateway Timeout); let it wait for 10 minutes: proxy_read_timeout"},
		{413, 100, false, "refuses requests of this size (status 413 Request Entity Too Large); allow 20 MB there: client_max_body_size"},
		{403, 100, false, "something other than left4me answered"},
		{200, 100, false, "if a proxy asks for a login there, let /api/ pass without it"},
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
