package doctor

import (
	"context"
	"errors"
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
		return left4me.NewCheck(left4me.CheckSkipped, name, "firewall.no_nft")
	case errors.Is(err, firewall.ErrDenied):
		return left4me.NewCheck(left4me.CheckSkipped, name, "firewall.not_permitted", "command", reader.AsRoot("left4me doctor"))
	case err != nil:
		return left4me.NewCheck(left4me.CheckSkipped, name, "firewall.unreadable", "reason", err)
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
		return left4me.NewCheck(left4me.CheckWarn, name, "firewall.ports_blocked", "blocked", len(dropped), "ports", high-low+1,
			"first", dropped[0], "family", chain.Family, "table", chain.Table, "chain", chain.Name,
			"command", chain.Admit(reader, low, high))
	case len(unclear) > 0:
		return left4me.NewCheck(left4me.CheckWarn, name, "firewall.ports_restricted", "restricted", len(unclear), "ports", high-low+1,
			"first", unclear[0], "family", chain.Family, "table", chain.Table, "chain", chain.Name,
			"command", chain.Admit(reader, low, high))
	case !rules.Ours():
		return left4me.NewCheck(left4me.CheckOK, name, "firewall.open")
	}
	return left4me.NewCheck(left4me.CheckOK, name, "firewall.open_with_limits")
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
		return left4me.NewCheck(left4me.CheckWarn, name, "steam.address_invalid", "url", address)
	}
	ctx, cancel := context.WithTimeout(ctx, steamWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return left4me.NewCheck(left4me.CheckWarn, name, "steam.request_failed", "reason", err)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return unreachable(ctx, name, u.Host, err)
	}
	res.Body.Close()
	if theirs, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		switch differs := time.Since(theirs).Abs().Round(time.Minute); {
		case differs <= clockDiffers:
		case inContainer():
			return left4me.NewCheck(left4me.CheckWarn, name, "steam.clock_differs_in_container", "host", u.Host, "difference", differs)
		default:
			return left4me.NewCheck(left4me.CheckWarn, name, "steam.clock_differs", "host", u.Host, "difference", differs,
				"command", setClock(cfg.Reader))
		}
	}
	return left4me.NewCheck(left4me.CheckOK, name, "steam.ok", "host", u.Host)
}

// unreachable returns the check of a host that could not be reached because of err.
func unreachable(ctx context.Context, name, host string, err error) left4me.Check {
	lookUp := left4me.Commands("getent hosts api.steampowered.com")
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return left4me.NewCheck(left4me.CheckWarn, name, "steam.name_unknown", "host", host, "command", lookUp)
	case errors.As(err, &dns):
		return left4me.NewCheck(left4me.CheckWarn, name, "steam.dns_failed", "host", host, "command", lookUp)
	case ctx.Err() != nil:
		return left4me.NewCheck(left4me.CheckWarn, name, "steam.timeout", "host", host, "within", steamWithin)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return left4me.NewCheck(left4me.CheckWarn, name, "steam.unreachable", "host", host, "reason", err)
}
