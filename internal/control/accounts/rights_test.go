package accounts_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

var targets = []left4me.Target{left4me.OnServer("alpha"), left4me.OnBlueprint("coop"), left4me.OnOverlay("maps"), left4me.Site}

func TestAllowByRole(t *testing.T) {
	guest := accounts.Actor{UserID: 2, Name: "bob"}
	admins := []accounts.Actor{{UserID: 1, Name: "ann", Admin: true}, {Name: "root", Admin: true}} // root has no account
	for _, target := range targets {
		for _, right := range accounts.Rights {
			for _, admin := range admins {
				if err := accounts.Allow(admin, right, target); err != nil {
					t.Errorf("%s, %s on %s: %v", admin.Name, right, target.Kind, err)
				}
			}
			if err := accounts.Allow(guest, right, target); (err == nil) != (right == accounts.See) {
				t.Errorf("guest, %s on %s: %v", right, target.Kind, err)
			}
			if err := accounts.Allow(accounts.Actor{}, right, target); !errors.Is(err, left4me.Denied) {
				t.Errorf("nobody, %s on %s: %v", right, target.Kind, err)
			}
		}
	}
}

// A programming error must not grant access.
func TestUnknownRightsAndTargetsAreDenied(t *testing.T) {
	admin := accounts.Actor{UserID: 1, Name: "ann", Admin: true}
	for _, err := range []error{
		accounts.Allow(admin, "", left4me.Site), accounts.Allow(admin, "everything", left4me.Site),
		accounts.Allow(admin, accounts.See, left4me.Target{Name: "alpha"}),
	} {
		if !errors.Is(err, left4me.Denied) {
			t.Errorf("got error %v", err)
		}
	}
}

// An actor restricted to one server has the rights of its role on it and none on anything else.
func TestAllowWithRestrictedTargets(t *testing.T) {
	alpha := left4me.Target{Kind: left4me.ServerTarget, ID: "1", Name: "alpha"}
	only := accounts.Actor{UserID: 1, Name: "ann", Admin: true, Only: &accounts.Targets{alpha}}
	if err := accounts.Allow(only, accounts.Operate, left4me.OnServer("alpha")); err != nil {
		t.Error(err)
	}
	for _, other := range []left4me.Target{
		left4me.OnServer("beta"), left4me.OnOverlay("alpha"), left4me.Site,
		{Kind: left4me.ServerTarget, ID: "2", Name: "alpha"}, // a later server of the same name
	} {
		if err := accounts.Allow(only, accounts.See, other); !errors.Is(err, left4me.Denied) {
			t.Errorf("%+v: %v", other, err)
		}
	}
	names := []left4me.Name{"beta", "alpha", "gamma"}
	list := accounts.Visible(only, names, left4me.OnServer)
	if len(list) != 1 || list[0] != "alpha" {
		t.Errorf("visible: %v", list)
	}
	if want := []left4me.Name{"beta", "alpha", "gamma"}; !slices.Equal(names, want) {
		t.Errorf("the argument was changed to %q, want %q", names, want)
	}
}

// A list of 500 servers must not be copied for an actor that may see all of them.
func TestVisibleDoesNotCopyFullList(t *testing.T) {
	guest, names := accounts.Actor{UserID: 2, Name: "bob"}, []left4me.Name{"beta", "alpha", "gamma"}
	if n := testing.AllocsPerRun(100, func() { _ = accounts.Visible(guest, names, left4me.OnServer) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAllowDoesNotAllocate(t *testing.T) {
	guest, target := accounts.Actor{UserID: 2, Name: "bob"}, left4me.OnServer("alpha")
	if n := testing.AllocsPerRun(1000, func() { _ = accounts.Allow(guest, accounts.See, target) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	guest, target := accounts.Actor{UserID: 2, Name: "bob"}, left4me.OnServer("alpha")
	b.ReportAllocs()
	for b.Loop() {
		_ = accounts.Allow(guest, accounts.See, target)
	}
}

func TestJobKindRequiresRightOnTarget(t *testing.T) {
	for kind, want := range map[left4me.JobKind]struct {
		right  accounts.Right
		target left4me.Target
	}{
		left4me.StartServer:    {accounts.Operate, left4me.OnServer("x")},
		left4me.ChangeMap:      {accounts.Operate, left4me.OnServer("x")},
		left4me.DiscardUpper:   {accounts.Content, left4me.OnServer("x")},
		left4me.DeleteServer:   {accounts.Manage, left4me.OnServer("x")},
		left4me.BuildOverlay:   {accounts.Content, left4me.OnOverlay("x")},
		left4me.RestoreOverlay: {accounts.Manage, left4me.OnOverlay("x")},
		left4me.CollectContent: {accounts.SiteRight, left4me.Site},
		left4me.UpdateGame:     {accounts.SiteRight, left4me.Site},
		left4me.CreateBackup:   {accounts.SiteRight, left4me.Site},
		"server.unheard":       {accounts.SiteRight, left4me.OnServer("x")},
	} {
		if want.target != left4me.Site {
			want.target.ID = "7"
		}
		job := left4me.Job{Kind: kind, Target: "x", TargetID: "7"}
		if right, target := accounts.JobRight(kind), accounts.JobTarget(job); right != want.right || target != want.target {
			t.Errorf("%s: %s on %+v", kind, right, target)
		}
	}
}

// The right to see a server doesn't include the jobs of an earlier server of the same name.
func TestJobRightsDoNotExtendToReusedName(t *testing.T) {
	now := left4me.Target{Kind: left4me.ServerTarget, ID: "2", Name: "alpha"}
	guest := accounts.Actor{UserID: 2, Name: "bob", Only: &accounts.Targets{now}}
	for id, allowed := range map[left4me.ID]bool{"2": true, "1": false, "": false} { // "": a job from before ids existed
		job := left4me.Job{Kind: left4me.StartServer, Target: "alpha", TargetID: id}
		if err := accounts.Allow(guest, accounts.See, accounts.JobTarget(job)); (err == nil) != allowed {
			t.Errorf("a job on %q: %v", id, err)
		}
	}
}
