package backups_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
	"github.com/left4me/left4me/internal/store"
)

func open(t *testing.T) (*backups.Backups, *store.Store, *bus.Bus) {
	t.Helper()
	s := sitetest.Open(t, t.TempDir())
	c := s.Control(servers.PortRange{})
	if err := lifecycletest.Start(s.Ctx, c.Jobs, c.Backups); err != nil {
		t.Fatal(err)
	}
	// Run records the time of the first start. A test that sets the time of the last backup must
	// wait for that.
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, _, err := s.Store.Backups().Policy(t.Context()); err == nil {
			break
		} else if !errors.Is(err, left4me.NotFound) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	return c.Backups, s.Store, s.Bus
}

func TestDueReturnsTimeOfNextBackup(t *testing.T) {
	zone := time.FixedZone("there", 3600)
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	p := left4me.BackupPolicy{Enabled: true, At: "04:30"}
	for _, c := range []struct{ what, last, now, want string }{
		{"later today", "2026-03-04 03:00", "2026-03-04 03:01", "2026-03-04 04:30"},
		{"tomorrow", "2026-03-04 04:30", "2026-03-04 04:31", "2026-03-05 04:30"},
		{"missed for days", "2026-03-01 04:30", "2026-03-04 12:00", "2026-03-02 04:30"},
		{"clock set back", "2027-01-01 00:00", "2026-03-04 12:00", "2026-03-05 04:30"},
		{"the end of a month", "2026-02-28 05:00", "2026-02-28 05:00", "2026-03-01 04:30"},
	} {
		if got := backups.Due(p, at(c.last).UTC(), at(c.now)); !got.Equal(at(c.want)) {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestSetPolicyRefusesInvalidPolicy(t *testing.T) {
	all, _, _ := open(t)
	keep := left4me.BackupKeep{Daily: 1}
	for field, p := range map[string]left4me.BackupPolicy{
		"at":     {At: "24:00", BackupKeep: keep},
		"daily":  {At: "04:30", BackupKeep: left4me.BackupKeep{Daily: -1}},
		"weekly": {At: "04:30", BackupKeep: left4me.BackupKeep{Weekly: 1000}},
	} {
		err := all.SetPolicy(t.Context(), left4me.ByUser("al"), p)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := all.SetPolicy(t.Context(), left4me.ByUser("al"), left4me.BackupPolicy{Enabled: true, At: "04:30"}); !errors.Is(err,
		left4me.Invalid) {
		t.Errorf("an enabled schedule that keeps no backups: %v", err)
	}
	if p, err := all.Policy(t.Context()); err != nil || p != backups.Usual {
		t.Errorf("got %+v, error %v", p, err)
	}
}

func TestMissedBackupsAreMadeOnce(t *testing.T) {
	all, st, _ := open(t)
	long := time.Now().Add(-72 * time.Hour)
	if err := st.Backups().SetPolicy(t.Context(), backups.Usual, long); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if wait := all.Tick(t.Context()); wait <= 0 {
			t.Errorf("wait %s, want more than 0", wait)
		}
	}
	active, err := all.Active(t.Context())
	if err != nil || len(active) != 1 || active[0].By != left4me.BySchedule || active[0].Kind != left4me.CreateBackup {
		t.Fatalf("got %+v, error %v", active, err)
	}
	v, err := st.Jobs().Get(t.Context(), active[0].ID)
	if want := `"scheduled":true,"keep":{"daily":7,"weekly":4}}`; err != nil || len(v.Spec) < len(want) ||
		string(v.Spec[len(v.Spec)-len(want):]) != want {
		t.Errorf("got %s, error %v", v.Spec, err)
	}
}

func TestDisabledScheduleMakesNoBackup(t *testing.T) {
	all, st, _ := open(t)
	p := backups.Usual
	p.Enabled = false
	if err := st.Backups().SetPolicy(t.Context(), p, time.Now().Add(-72*time.Hour)); err != nil {
		t.Fatal(err)
	}
	all.Tick(t.Context())
	if active, err := all.Active(t.Context()); err != nil || len(active) != 0 {
		t.Errorf("got %+v, error %v", active, err)
	}
}

// The database is only copied for a backup job that is running.
func TestSnapshotNeedsRunningBackupJob(t *testing.T) {
	all, st, b := open(t)
	j, err := all.Create(t.Context(), left4me.ByUser("al"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(id left4me.JobID) (bus.SnapshotAnswer, error) {
		var a bus.SnapshotAnswer
		err := b.Request(t.Context(), bus.Ask(left4me.LocalHost, bus.VerbSnapshot), bus.SnapshotRequest{V: bus.Version, ID: id}, &a)
		return a, err
	}
	if _, err := ask(j.ID); !errors.Is(err, left4me.Conflict) {
		t.Errorf("snapshot for a queued job: %v", err)
	}
	if _, err := ask("../../x"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("snapshot for an unknown job: %v", err)
	}
	if _, ok, err := st.Jobs().Run(t.Context(), j.ID, time.Now()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	a, err := ask(j.ID)
	if err != nil || a.Schema != store.Schema() {
		t.Fatalf("got %+v, error %v", a, err)
	}
	if info, err := os.Stat(a.Path); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, error %v", info, err)
	}
	// For an unexpected error users see the job id, which leads to the log entry with the details.
	tmp := filepath.Dir(a.Path)
	if err := errors.Join(os.RemoveAll(tmp), os.WriteFile(tmp, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err = ask(j.ID)
	if e, ok := left4me.Public(err); !ok || !strings.HasSuffix(e.Hint, "job="+string(j.ID)) || strings.Contains(e.Error(), tmp) {
		t.Errorf("got error %v", err)
	}
}
