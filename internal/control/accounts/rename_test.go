package accounts

import (
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Rights follow a server across renames, even if another server now has its old name. Data from a host
// may still contain the old name.
func TestRightsFollowRenamedServer(t *testing.T) {
	a, _ := newAccounts(t)
	ctx := t.Context()
	add := func(name left4me.Name, port int) {
		t.Helper()
		v := left4me.Server{
			Name: name, Host: "local", Port: port, Blueprint: left4me.DefaultBlueprint, CreatedAt: time.Now(),
			Autostart: left4me.AutostartLast, Wanted: left4me.WantStopped,
		}
		if err := a.storage.Servers().Create(ctx, v); err != nil {
			t.Fatal(err)
		}
	}
	add("alpha", 27015)
	add("other", 27016)
	first, err := a.Target(ctx, left4me.ServerTarget, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	next, err := a.Target(ctx, left4me.ServerTarget, "other")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.storage.Servers().Rename(ctx, "alpha", "omega", 0); err != nil {
		t.Fatal(err)
	}
	renamed := first
	renamed.Name, next.Name = "omega", "omega" // next was never called omega
	for on, sees := range map[left4me.Target]string{first: "omega", renamed: "omega", next: "other"} {
		u, err := a.User(ctx, "al")
		if err != nil {
			t.Fatal(err)
		}
		who := u.Actor
		who.Only = &Targets{on}
		for _, name := range []left4me.Name{"omega", "other"} {
			if err := Allow(who, See, left4me.OnServer(name)); (err == nil) != (sees == string(name)) {
				t.Errorf("actor with %s, access to %s: %v", sees, name, err)
			}
		}
		for said, server := range map[string]string{"alpha": "omega", "omega": "omega", "other": "other"} {
			e := left4me.NewError(left4me.Conflict, "port.in_use", "port", 1, "server", said)
			if got := Conceal(who, e); (got == error(e)) != (sees == server) {
				t.Errorf("actor with %s, error naming %s: %v", sees, said, got)
			}
		}
	}
}
