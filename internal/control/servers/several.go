package servers

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// MaxSeveral is the maximum number of servers that one request creates.
const MaxSeveral = 50

// Creation creates several servers together, and copies of servers. It is safe for concurrent use.
type Creation struct{ servers *Servers }

// Creation returns a Creation, which may be copied.
func (s *Servers) Creation() Creation { return Creation{s} }

// morePorts is how far the ports of several servers may be from the first one.
const morePorts = 200

// Several describes servers that are created together from a blueprint.
type Several struct {
	Blueprint left4me.Name
	Host      left4me.Name // empty: hosts.Hosts.Default
	Count     int          // 1 to MaxSeveral
	// Names is the pattern of the names. # stands for the number, ## for a number with two digits. A
	// pattern without # is extended by -#. Numbers count from 1. Numbers whose name is in use are
	// skipped.
	Names string
	// FirstPort is the lowest port; 0 means the range for automatic ports. Ports in use are
	// skipped, at most morePorts of them.
	FirstPort int
}

// PlanSeveral returns the servers that CreateSeveral would create now, with names and ports. Errors:
// left4me.Fields of left4me.Invalid and left4me.Conflict, for the fields blueprint, count, names and
// first_port.
func (c Creation) PlanSeveral(ctx context.Context, v Several) ([]left4me.Server, error) {
	v.Host = cmp.Or(v.Host, c.servers.hosts.Default())
	var f fields
	if v.Count < 1 || v.Count > MaxSeveral {
		f.add("count", left4me.NewError(left4me.Invalid, "server.count_invalid", "count", v.Count, "most", MaxSeveral))
	}
	if v.FirstPort != 0 && (v.FirstPort < MinPort || v.FirstPort > MaxPort) {
		f.add("first_port", left4me.NewError(left4me.Invalid, "port.out_of_bounds", "port", v.FirstPort, "low", MinPort, "high", MaxPort))
	}
	d, err := c.servers.definitions(ctx)
	if err != nil {
		return nil, err
	}
	if _, ok := d.blueprints[v.Blueprint]; !ok {
		f.add("blueprint", left4me.NewError(left4me.Invalid, "blueprint.unknown", "blueprint", v.Blueprint))
	}
	names, err := v.names(d.taken)
	if e, ok := left4me.Public(err); ok {
		f.add("names", e)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	specs, err := c.servers.neighbours(ctx, left4me.Server{Name: names[0], Host: v.Host, Blueprint: v.Blueprint})
	if err != nil {
		return nil, err
	}
	all := make([]left4me.Server, len(names))
	ports := c.servers.ports
	if v.FirstPort > 0 {
		ports = PortRange{v.FirstPort, min(v.FirstPort+morePorts, MaxPort)}
	}
	for i, n := range names {
		all[i] = left4me.Server{Name: n, Host: v.Host, Blueprint: v.Blueprint}
		if i > 0 {
			specs = append(specs, d.spec(all[i]))
		}
		all[i].Port, err = c.portWithin(ctx, ports, v.Host, specs)
		if e, ok := left4me.Public(err); ok && e.Field == "port" {
			return nil, left4me.Fields{e.ForField("first_port")}
		}
		if err != nil {
			return nil, err
		}
		ports.Low = all[i].Port + 1
	}
	return all, nil
}

// names returns the unused names of the pattern.
func (v Several) names(taken func(left4me.Name) bool) (all []left4me.Name, err error) {
	before, after, found := strings.Cut(v.Names, "#")
	if !found {
		before, after = v.Names+"-", ""
	}
	rest := strings.TrimLeft(after, "#")
	digits := 1 + len(after) - len(rest)
	for n := 1; len(all) < min(v.Count, MaxSeveral); n++ {
		number := strconv.Itoa(n)
		number = strings.Repeat("0", max(0, min(digits, left4me.MaxName)-len(number))) + number
		name := left4me.Name(before + number + rest)
		if err := CheckName(name); err != nil || strings.Contains(rest, "#") {
			return nil, left4me.NewError(left4me.Invalid, "server.names_pattern", "pattern", v.Names, "name", name)
		}
		if !taken(name) {
			all = append(all, name)
		}
	}
	return all, nil
}

// CreateSeveral creates all servers that PlanSeveral returns, or none. Errors: those of
// PlanSeveral; left4me.Conflict if another request used a name or a port in the meantime.
func (c Creation) CreateSeveral(ctx context.Context, by left4me.Actor, v Several) ([]left4me.Server, error) {
	all, err := c.PlanSeveral(ctx, v)
	if err != nil {
		return nil, err
	}
	var f fields
	for i := range all {
		if e, ok := left4me.Public(c.servers.Mistakes(ctx, all[i], true)); ok {
			f.add(cmp.Or(e.Field, "names"), e)
			break
		}
		all[i].CreatedAt, all[i].BootID = time.Now().UTC().Truncate(time.Millisecond), c.servers.status.boot(all[i].Host)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := c.servers.storage.By(by).Servers().Create(ctx, all...); err != nil {
		return nil, err
	}
	for _, n := range all {
		c.servers.status.nameReused(n.Host, n.Name)
		c.servers.log.InfoContext(ctx, "server created", "server", n.Name, "by", by.String(), "port", n.Port, "blueprint", n.Blueprint)
		c.servers.status.changed(n.Name)
	}
	return all, nil
}

// taken reports whether a server has the name, here or on its host.
func (d definitions) taken(name left4me.Name) bool {
	return slices.ContainsFunc(d.servers, func(v left4me.Server) bool { return v.Name == name || v.HostName == name })
}

// ProposeName returns a free name for a server, derived from a title; see left4me.ProposeName.
func (c Creation) ProposeName(ctx context.Context, title string) (left4me.Name, error) {
	d, err := c.servers.definitions(ctx)
	if err != nil {
		return "", err
	}
	return left4me.ProposeName(title, d.taken), nil
}
