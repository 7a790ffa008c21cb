package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

var (
	descServers = prometheus.NewDesc("left4me_servers", "Servers by state.", []string{"state"}, nil)
	descPlayers = prometheus.NewDesc("left4me_server_players", "Humans on a server.", []string{"server"}, nil)
	descUp      = prometheus.NewDesc("left4me_server_up", "1 while a server answers players.", []string{"server"}, nil)
	descJobs    = prometheus.NewDesc("left4me_jobs_active", "Targets with a job that is queued or running.", nil, nil)
	descBuild   = prometheus.NewDesc("left4me_build_info", "The program.", []string{"version"}, nil)
)

// allStates are exported even if no server is in a state, so that a query for a state always finds
// a series.
var allStates = []left4me.ServerState{
	left4me.Stopped, left4me.Starting, left4me.Running, left4me.Unresponsive, left4me.Stopping, left4me.Failed, left4me.Unknown,
}

// collector reads the values of metrics at each scrape, restricted to what an actor may see.
type collector struct {
	core *core
	who  accounts.Actor
}

// Describe sends the descriptors of all metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descServers, descPlayers, descUp, descJobs, descBuild} {
		out <- d
	}
}

// Collect sends the current values of all metrics.
func (c collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descBuild, 1, c.core.Version)
	views, err := c.core.Servers.List(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(descServers, err)
		return
	}
	if c.who.Only != nil {
		views = accounts.Visible(c.who, views, onServer)
	}
	states := map[left4me.ServerState]int{}
	jobs := 0
	for _, v := range views {
		states[v.Status.State]++
		up := 0.0
		if v.Status.State == left4me.Running {
			up = 1
		}
		if v.Job != nil {
			jobs++
		}
		gauge(descPlayers, float64(v.Status.Players), string(v.Name))
		gauge(descUp, up, string(v.Name))
	}
	for _, s := range allStates {
		gauge(descServers, float64(states[s]), string(s))
	}
	gauge(descJobs, float64(jobs))
}

// metrics serves metrics to this machine and to users who may view the site. A request through a
// proxy counts as remote, regardless of its peer address. An actor who may not see all servers gets
// metrics of the visible ones only.
func (c *core) metrics() http.HandlerFunc {
	of := func(who accounts.Actor) http.Handler {
		registry := prometheus.NewRegistry()
		registry.MustRegister(collector{c, who}, collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
	}
	all := of(accounts.Actor{})
	return func(w http.ResponseWriter, r *http.Request) {
		h := all
		if who := actorOf(r.Context()); who.Only != nil {
			h = of(who)
		}
		h.ServeHTTP(w, r)
	}
}

// direct reports whether a request comes from this machine without a proxy.
func direct(r *http.Request) bool {
	for _, h := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}
