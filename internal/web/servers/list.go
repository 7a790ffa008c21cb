package servers

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	controlbulk "github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/game"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/servers/bulk"
	"github.com/left4me/left4me/internal/web/servers/create"
	"github.com/left4me/left4me/internal/web/servers/deleted"
)

// outdated reports whether a newer build of the game is available to a host, and updates to it are not
// prevented by a pinned build.
func (p *Pages) outdated() bool {
	return slices.ContainsFunc(p.Hosts.All(), func(host left4me.Name) bool {
		v, _ := p.Game.LastAnswer(host)
		return v.Outdated && !v.Pinned
	})
}

// serverList is the content of the list of servers.
type serverList struct {
	Servers []servers.View
	Filter  string
	Match   bool // whether a server matches the filter
	Order   listOrder
	Pick    bool            // the user may operate servers, so they can be selected
	Needing int             // number of servers that need a restart and that the user may operate
	May     page.Permission // permission to create a server
	Game    bool            // whether the page of the game may be seen
	First   create.Progress // set only while the checklist of a new installation is shown
	Steps   bool            // the checklist is shown
}

// listRow is a row of the list.
type listRow struct {
	servers.View
	Command string          // connects to the server in the game's console; empty while the address is unknown
	May     page.Permission // to operate the server
	Find    string          // the text that the server is found by
	Hidden  bool            // it does not match the filter
	Pick    bool            // rows have a tick box
	Ticked  bool
	Acts    *bulk.Acts
}

// targetOf returns the target of a server.
func targetOf(v servers.View) left4me.Target { return v.Target() }

// listView shows the list of servers.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	ctx, q := r.Context(), r.URL.Query()
	all, err := p.Servers.List(ctx)
	if err != nil {
		return page.View{}, err
	}
	all = accounts.Visible(who, all, targetOf)
	acts, err := bulk.ActsFor(ctx, p.Bulk, who, all)
	if err != nil {
		return page.View{}, err
	}
	list := serverList{
		Servers: all, Filter: q.Get("q"), Game: page.Sees(who, left4me.Site), May: create.MayCreate(who), Order: orderOf(q),
	}
	list.Order.sort(all)
	entries := make([]listRow, len(all))
	stacks := stacksFor(who)
	for i, v := range all {
		e := &entries[i]
		*e = listRow{View: visible(who, v), May: page.May(who, accounts.Operate, targetOf(v)), Acts: &acts}
		e.Command = v.ConnectionFor(who).Command()
		e.Find = findable(ctx, v, stacks(v))
		e.Hidden = !matches(e.Find, list.Filter)
		e.Ticked = e.May.Act && !e.Hidden && q.Get("tick") == "all"
		list.Match = list.Match || !e.Hidden
		if e.May.Act {
			list.Pick = true
			if controlbulk.NeedsRestart(v) {
				list.Needing++
			}
		}
	}
	rows := make([]*page.Part, len(all))
	for i := range entries {
		e := &entries[i]
		e.Pick = list.Pick
		rows[i] = page.NewPart("server-"+string(e.Name), serverRow(e), page.OnServer(e.Name), page.OnBulk())
	}
	table := page.LazyPart("servers", func(ctx context.Context) (templ.Component, error) {
		if list.Steps = create.Needed(all); list.Steps {
			list.First = p.Create.Progress(ctx, who, all)
		}
		return serverTable(list, rows), nil
	}, page.OnServers(), page.OnGame(), page.OnContent())
	table.Rows = rows
	return page.View{Frame: p.Panel.Frame(r, who, locale.T(ctx, "page.menu.servers"), "servers"), Body: []page.Piece{
		page.NewPart("servers-head", serversHead(list), page.OnServers()),
		page.NewPart("game-notice", game.Notice(p.outdated() && list.Game), page.OnGame()),
		page.NewPart("servers-bulk", serversBulk(list, acts), page.OnServers(), page.OnBulk()), table,
		deleted.Link(p.Servers, who),
	}}, nil
}

// stacksFor returns a function that returns the overlays that a server is found by: those that its
// definition refers to, and those of its blueprint if who may see the blueprint.
func stacksFor(who accounts.Actor) func(v servers.View) []left4me.OverlayRef {
	return func(v servers.View) []left4me.OverlayRef {
		if who.Only == nil || page.Sees(who, left4me.OnBlueprint(v.Blueprint)) {
			return v.Stack()
		}
		return v.Overlays
	}
}

// listOrder is the order of the list.
type listOrder struct {
	By   string // "name", "state" or "players"
	Down bool
}

// columns are the columns that sort the list. The value is the order for the first click.
var columns = map[string]listOrder{"name": {By: "name"}, "state": {By: "state"}, "players": {By: "players", Down: true}}

// orderOf returns the order that an address asks for. The last value counts: a form also sends the
// previous order.
func orderOf(q url.Values) listOrder {
	if all := q["sort"]; len(all) > 0 {
		by, down := strings.CutPrefix(all[len(all)-1], "-")
		if _, ok := columns[by]; ok {
			return listOrder{by, down}
		}
	}
	return columns["name"]
}

// String returns the order as in an address.
func (o listOrder) String() string {
	if o.Down {
		return "-" + o.By
	}
	return o.By
}

// next returns the order after a click on the heading of a column.
func (o listOrder) next(by string) string {
	if o.By == by {
		o.Down = !o.Down
		return o.String()
	}
	return columns[by].String()
}

// aria returns the value of aria-sort for the heading of a column.
func (o listOrder) aria(by string) string {
	switch {
	case o.By != by:
		return "none"
	case o.Down:
		return "descending"
	}
	return "ascending"
}

// urgency orders states: what needs attention comes first.
var urgency = map[left4me.ServerState]int{
	left4me.Failed: 0, left4me.Unresponsive: 1, left4me.Unknown: 2, left4me.Starting: 3, left4me.Stopping: 4, left4me.Running: 5,
	left4me.Stopped: 6,
}

// sort sorts servers that are sorted by name.
func (o listOrder) sort(all []servers.View) {
	compare := func(a, b *servers.View) int { return cmp.Compare(a.Name, b.Name) }
	switch o.By {
	case "players":
		compare = func(a, b *servers.View) int { return cmp.Compare(a.Status.Players, b.Status.Players) }
	case "state":
		compare = func(a, b *servers.View) int {
			return cmp.Compare(urgency[known(a.Status.State)], urgency[known(b.Status.State)])
		}
	default:
		if !o.Down {
			return
		}
	}
	slices.SortStableFunc(all, func(a, b servers.View) int {
		if o.Down {
			return compare(&b, &a)
		}
		return compare(&a, &b)
	})
}

// findable returns the text that a server is found by, in lower case.
func findable(ctx context.Context, v servers.View, stack []left4me.OverlayRef) string {
	m, _ := mapOf(v)
	var b strings.Builder
	for _, s := range [...]string{
		string(v.Name), hostnameOf(v), m, v.Place.Campaign, v.Place.Chapter, stateName(ctx, v.Status.State), strconv.Itoa(v.Port),
		string(v.Blueprint),
	} {
		b.WriteString(s)
		b.WriteByte(' ')
	}
	for _, o := range stack {
		b.WriteString(string(o.Name))
		b.WriteByte(' ')
	}
	return strings.ToLower(format.Visible(b.String()))
}

// matches reports whether the text of a server contains all words of a filter.
func matches(text, filter string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// listAction returns the action of a row: one that disconnects no one without a question, and that does
// not leave a server stopped by accident.
func listAction(v servers.View) (a action, ok bool) {
	all := actions(v)
	if i := slices.IndexFunc(all, func(a action) bool { return a.Kind != left4me.StopServer }); i >= 0 {
		return all[i], true
	}
	return a, false
}

// restartAll returns the address of the question whether to restart the servers that need it.
func restartAll() templ.SafeURL {
	return templ.SafeURL(bulk.Address(controlbulk.Request{Kind: left4me.RestartServer, All: true, NeedsRestart: true}, "/servers"))
}
