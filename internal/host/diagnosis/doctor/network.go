package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	steamWithin  = 5 * time.Second
	clockDiffers = 5 * time.Minute
)

// filter checks what the machine's packet filter does with the servers' ports.
func filter(ctx context.Context, cfg Config) left4me.Check {
	rules, err := firewall.Read(ctx)
	return judgeFilter(cfg.Reader, rules, err, cfg.Low, cfg.High)
}

func judgeFilter(reader remedy.Reader, rules firewall.Ruleset, err error, low, high int) left4me.Check {
	const name = "firewall"
	switch {
	case errors.Is(err, firewall.ErrNone):
		return skipped(name, "this machine has no nft program to read the rules with", "")
	case errors.Is(err, firewall.ErrDenied):
		return skipped(name, "only root may read the rules", reader.AsRoot("left4me doctor")+" can")
	case err != nil:
		return skipped(name, "the rules can't be read: "+err.Error(), "")
	}
	var dropped, unclear []int
	var chain firewall.Chain
	for port := low; port <= high; port++ {
		verdict, where := rules.Port("udp", port)
		switch verdict {
		case firewall.Dropped:
			dropped, chain = append(dropped, port), where
		case firewall.Unclear:
			unclear, chain = append(unclear, port), where
		}
	}
	switch {
	case len(dropped) > 0:
		return warn(name,
			fmt.Sprintf("it drops what comes to %d of the %d ports, %d first (%s)", len(dropped), high-low+1, dropped[0], chain),
			chain.Admit(reader, low, high))
	case len(unclear) > 0:
		return warn(name,
			fmt.Sprintf("it lets only some come to %d of the %d ports, %d first (%s)", len(unclear), high-low+1, unclear[0], chain),
			chain.Admit(reader, low, high))
	case !rules.Ours():
		return ok(name, "players' packets come in; left4me's own rules against floods are not loaded")
	}
	return ok(name, "players' packets come in, and left4me's rules against floods are loaded")
}

// steam checks whether Steam can be reached: it lists servers and provides content.
func steam(ctx context.Context, cfg Config) []left4me.Check {
	targets := []struct{ name, url string }{{"Steam", cfg.SteamAPI}, {"Steam's downloads", cfg.Downloads}}
	checks := make([]left4me.Check, len(targets))
	var group errgroup.Group
	for i, t := range targets {
		group.Go(func() error {
			checks[i] = reachable(ctx, cfg, t.name, t.url)
			return nil
		})
	}
	_ = group.Wait() // an unreachable target is a finding, not an error
	return checks
}

// reachable requests an address. Any response counts as reachable.
func reachable(ctx context.Context, cfg Config, name, address string) left4me.Check {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return warn(name, fmt.Sprintf("%q is no address", address), "correct LEFT4ME_STEAM_API_URL")
	}
	ctx, cancel := context.WithTimeout(ctx, steamWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return warn(name, err.Error(), "")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		reason, mend := why(ctx, err)
		return warn(name, fmt.Sprintf("%s can't be reached: %s", u.Host, reason), mend)
	}
	res.Body.Close()
	if theirs, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		if differs := time.Since(theirs).Abs(); differs > clockDiffers {
			return warn(name, fmt.Sprintf("%s answers, and its clock differs from this one by %v", u.Host, differs.Round(time.Minute)),
				setClock(cfg.Reader))
		}
	}
	return ok(name, "%s answers", u.Host)
}

// why returns the useful part of an error and a remedy.
func why(ctx context.Context, err error) (reason, mend string) {
	const names = "see to the name servers of this machine: `getent hosts api.steampowered.com`, /etc/resolv.conf"
	const out = "let the machine out to TCP 443 and 27015 to 27050 and UDP 27000 to 27100"
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no name server knows its name", names
	case errors.As(err, &dns):
		return "no name server answers", names
	case ctx.Err() != nil:
		return fmt.Sprintf("no answer within %v", steamWithin), out
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error(), out
}
