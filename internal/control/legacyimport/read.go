package legacyimport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Found is the content of a database that can be imported.
type Found struct {
	Users      []store.User
	Blueprints []left4me.Blueprint
	Servers    []Server
	Overlays   []Overlay
	NotTaken   []string // one line per object, with the reason
	Remarks    []string // what is imported differently and should be checked
}

// Server is a server with the possible names of its files.
type Server struct {
	left4me.Server
	Keys []string
}

// Overlay holds the data of an overlay in the database, which is saved next to its files.
type Overlay struct {
	Name   left4me.Name     `json:"name"`
	Called string           `json:"called"`
	Kind   string           `json:"kind,omitempty"`
	Script string           `json:"script,omitempty"`
	Items  []map[string]any `json:"items,omitempty"` // rows of its workshop items
	Row    map[string]any   `json:"row"`             // the complete row
	Keys   []string         `json:"-"`               // possible names of its files

	Definition left4me.Overlay `json:"-"`
}

// Options supply what the database doesn't contain.
type Options struct {
	Host   left4me.Name // host of the imported servers
	Admins []string     // users to import as administrators in any case
}

// Recognised reports whether enough tables were recognised for this to be a left4me database.
func Recognised(all []store.Table) bool {
	d := newDatabase(all)
	return len(d.find(serverTables...).Columns) > 0 &&
		(len(d.find(overlayTables...).Columns) > 0 || len(d.find(blueprintTables...).Columns) > 0)
}

var (
	userTables      = []string{"user", "users", "account", "accounts"}
	serverTables    = []string{"server", "servers", "game_server", "game_servers"}
	blueprintTables = []string{"blueprint", "blueprints"}
	overlayTables   = []string{"overlay", "overlays"}
	itemTables      = []string{"workshop_item", "workshop_items", "workshopitem"}

	nameColumns    = []string{"name", "slug", "title", "label"}
	cfgColumns     = []string{"config", "cfg", "server_cfg", "config_lines", "cfg_lines", "settings"}
	argsColumns    = []string{"arguments", "args", "launch_options", "launch_args", "launch_arguments", "options", "command_line"}
	overlayColumns = []string{"overlay_id", "overlay", "overlays_id"}
	itemColumns    = []string{"workshop_item_id", "item_id", "workshop_id", "workshop_item"}
	rankColumns    = []string{"position", "pos", "sort_order", "ordering", "order", "rank", "priority", "index", "idx", "id"}
)

// reader holds the state of one Read.
type reader struct {
	*database
	Found
	overlays   map[string]left4me.Name // overlay names by id
	blueprints map[string]left4me.Name
}

// Read returns what can be imported from a database. It changes nothing.
func Read(all []store.Table, o Options) Found {
	r := &reader{database: newDatabase(all), overlays: map[string]left4me.Name{}, blueprints: map[string]left4me.Name{}}
	r.readUsers(o)
	r.readOverlays()
	r.readBlueprints()
	r.readServers(o.Host)
	for _, t := range r.tables {
		switch {
		case fold(t.Name) == "alembicversion" || fold(t.Name) == "migratehistory":
		case !r.used[t.Name]:
			r.notTaken("table %s: it is not known what its %d rows mean", t.Name, len(t.Rows))
		default:
			for _, c := range t.rest() {
				r.notTaken("column %s.%s: it is not known what it means", t.Name, c)
			}
		}
	}
	return r.Found
}

func (r *reader) notTaken(format string, args ...any) {
	r.NotTaken = append(r.NotTaken, fmt.Sprintf(format, args...))
}

func (r *reader) remark(format string, args ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, args...))
}

func (r *reader) readUsers(o Options) {
	t := r.find(userTables...)
	adminKnown := t.has("admin", "is_admin", "superuser", "is_superuser", "role")
	admins := 0
	for _, row := range t.Rows {
		u := store.User{
			Name:     text(t.get(row, "username", "user_name", "login", "name", "email")),
			Password: text(t.get(row, "password_hash", "password_digest", "pw_hash", "password", "hash")),
		}
		active := t.get(row, "is_active", "active", "enabled")
		role := text(t.get(row, "role"))
		u.Admin = truth(t.get(row, "is_admin", "admin", "is_superuser", "superuser")) || strings.EqualFold(role, "admin") ||
			strings.EqualFold(role, "administrator") || slices.Contains(o.Admins, u.Name)
		if active != nil && !truth(active) {
			r.notTaken("user %q: it was switched off", u.Name)
			continue
		}
		if err := accounts.CheckUserName(u.Name); err != nil {
			r.notTaken("user %q: %v", u.Name, err)
			continue
		}
		if err := accounts.CheckImported(u.Password); err != nil {
			r.notTaken("user %q: its password can't be checked: %v; make it anew with left4me user create", u.Name, err)
			continue
		}
		if slices.ContainsFunc(r.Users, func(o store.User) bool { return strings.EqualFold(o.Name, u.Name) }) {
			r.notTaken("user %q: there is another one whose name differs in case only", u.Name)
			continue
		}
		if u.Admin {
			admins++
		}
		r.Users = append(r.Users, u)
	}
	if len(r.Users) > 0 && !adminKnown && admins == 0 {
		r.remark("the database does not say which users may change things: all of them may only look, unless --admin names them")
	}
}

func (r *reader) readOverlays() {
	t := r.find(overlayTables...)
	taken := names{}
	items := r.itemsByOverlay()
	for _, row := range t.Rows {
		id, called := text(t.get(row, "id")), text(t.get(row, nameColumns...))
		v := Overlay{Called: called, Name: taken.unique(called, "overlay-"+id), Row: row, Items: items[id]}
		v.Kind = text(t.get(row, "kind", "type", "source_type", "overlay_type"))
		v.Script = text(t.get(row, "script", "script_body", "script_text", "source", "code"))
		for _, key := range []string{text(t.get(row, "path", "directory", "dir", "folder")), called, string(v.Name), id} {
			if key != "" && !slices.Contains(v.Keys, key) {
				v.Keys = append(v.Keys, key)
			}
		}
		if string(v.Name) != called {
			r.remark("overlay %q is called %s now", called, v.Name)
		}
		r.overlays[id] = v.Name
		r.Overlays = append(r.Overlays, r.defined(v))
	}
	for _, c := range t.Columns {
		t.used[c] = true // the row is stored in full
	}
}

// itemsByOverlay returns the rows of workshop items by the id of their overlay.
func (r *reader) itemsByOverlay() map[string][]map[string]any {
	items := r.find(itemTables...)
	links := r.find("overlay_workshop_item", "overlay_workshop_items", "workshop_item_overlay", "workshop_overlay_item", "overlay_item",
		"overlay_items")
	byOverlay := map[string][]map[string]any{}
	placed := map[string]bool{}
	for _, link := range links.Rows {
		overlay, item := text(links.get(link, overlayColumns...)), text(links.get(link, itemColumns...))
		for _, row := range items.Rows {
			if text(items.get(row, "id", "steam_id", "published_file_id", "publishedfileid", "workshop_id")) == item {
				byOverlay[overlay] = append(byOverlay[overlay], row)
				placed[item] = true
			}
		}
	}
	for _, row := range items.Rows {
		id := text(items.get(row, "id", "steam_id", "published_file_id", "publishedfileid", "workshop_id"))
		if overlay := text(items.get(row, "overlay_id")); overlay != "" {
			byOverlay[overlay] = append(byOverlay[overlay], row)
		} else if !placed[id] {
			r.notTaken("workshop item %s: it is in no overlay",
				cmp.Or(text(items.get(row, "steam_id", "published_file_id", "publishedfileid", "workshop_id")), id))
		}
	}
	for _, c := range items.Columns {
		items.used[c] = true // rows are stored in full
	}
	return byOverlay
}

// linked returns the overlays of a blueprint or server according to a link table, in order.
func (r *reader) linked(links *table, id string, by ...string) []left4me.Name {
	type entry struct {
		rank int
		name left4me.Name
	}
	var all []entry
	for _, row := range links.Rows {
		if text(links.get(row, by...)) != id {
			continue
		}
		overlay := text(links.get(row, overlayColumns...))
		n, ok := r.overlays[overlay]
		if !ok {
			r.notTaken("%s %s: there is no overlay %s", links.Name, id, overlay)
			continue
		}
		all = append(all, entry{number(links.get(row, rankColumns...)), n})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.rank, b.rank) })
	var list []left4me.Name
	for _, e := range all {
		if !slices.Contains(list, e.name) {
			list = append(list, e.name)
		}
	}
	return list
}

// listed returns the overlays that a column lists by id or name.
func (r *reader) listed(s string) []left4me.Name {
	var list []left4me.Name
	for _, o := range lines(s) {
		n, ok := r.overlays[o]
		if !ok {
			n = name(o)
			ok = slices.ContainsFunc(r.Overlays, func(v Overlay) bool { return v.Called == o || v.Name == n })
		}
		if ok && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

func (r *reader) readBlueprints() {
	t := r.find(blueprintTables...)
	links := r.find("blueprint_overlay", "blueprint_overlays", "overlay_blueprint", "blueprints_overlays")
	taken := names{left4me.DefaultBlueprint: true}
	for _, row := range t.Rows {
		id, called := text(t.get(row, "id")), text(t.get(row, nameColumns...))
		b := left4me.Blueprint{
			Name:     taken.unique(called, "blueprint-"+id),
			Overlays: left4me.Refs(r.linked(links, id, "blueprint_id", "blueprint")...),
		}
		if len(b.Overlays) == 0 {
			b.Overlays = left4me.Refs(r.listed(text(t.get(row, "overlays", "overlay_ids")))...)
		}
		if string(b.Name) != called {
			r.remark("blueprint %q is called %s now", called, b.Name)
		}
		b.Settings = r.settings("blueprint "+string(b.Name), t, row)
		r.blueprints[id] = b.Name
		r.Blueprints = append(r.Blueprints, b)
	}
	if slices.ContainsFunc(r.Blueprints, func(b left4me.Blueprint) bool { return len(b.Overlays) > 1 }) {
		r.remark("the first overlay of a blueprint is taken for the top of its stack: look whether that is meant")
	}
}

func (r *reader) readServers(host left4me.Name) {
	t := r.find(serverTables...)
	links := r.find("server_overlay", "server_overlays", "overlay_server")
	taken, ports := names{left4me.InstallInstance: true}, map[int]left4me.Name{}
	for _, row := range t.Rows {
		id, called := text(t.get(row, "id")), text(t.get(row, nameColumns...))
		v := Server{
			Server: left4me.Server{
				Host: host,
				Name: taken.unique(called, "server-"+id),
				Port: number(t.get(row, "port", "game_port")),
			},
		}
		for _, key := range []string{called, string(v.Name), id} {
			if key != "" && !slices.Contains(v.Keys, key) {
				v.Keys = append(v.Keys, key)
			}
		}
		if string(v.Name) != called {
			r.remark("server %q is called %s now", called, v.Name)
		}
		v.Settings = r.settings("server "+string(v.Name), t, row)
		v.Blueprint = r.blueprintOf(t, row, v.Name, r.linked(links, id, "server_id", "server"))
		if err := servers.Check(v.Server); err != nil || v.Port == 0 {
			r.notTaken("server %s: port %d: %v", v.Name, v.Port, cmp.Or(err, fmt.Errorf("it has none")))
			continue
		}
		if by, ok := ports[v.Port]; ok {
			r.notTaken("server %s: its port %d is that of %s too", v.Name, v.Port, by)
			continue
		}
		ports[v.Port] = v.Name
		r.Servers = append(r.Servers, v)
	}
}

// blueprintOf returns a server's blueprint. For a server with overlays of its own, it creates a
// blueprint that stacks them above those of the original blueprint.
func (r *reader) blueprintOf(t *table, row map[string]any, server left4me.Name, own []left4me.Name) left4me.Name {
	id := text(t.get(row, "blueprint_id", "blueprint"))
	b, ok := r.blueprints[id]
	if !ok {
		b = left4me.DefaultBlueprint
		if id != "" {
			r.notTaken("server %s: there is no blueprint %s; it gets %s", server, id, b)
		}
	}
	if len(own) == 0 {
		own = r.listed(text(t.get(row, "overlays", "overlay_ids")))
	}
	if len(own) == 0 {
		return b
	}
	taken := names{left4me.DefaultBlueprint: true}
	made := left4me.Blueprint{Overlays: left4me.Refs(own...)}
	for _, o := range r.Blueprints {
		taken[o.Name] = true
		if o.Name == b {
			made.Settings = o.Settings
			made.Overlays = append(made.Overlays,
				slices.DeleteFunc(slices.Clone(o.Overlays), func(n left4me.OverlayRef) bool { return slices.Contains(own, n.Name) })...)
		}
	}
	made.Name = taken.unique(string(server)+"-overlays", "")
	r.remark("server %s has overlays of its own: blueprint %s is made for it", server, made.Name)
	r.Blueprints = append(r.Blueprints, made)
	return made.Name
}
