package backup

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

func createBackup(t *testing.T, archives Archives, n left4me.Name, s Source) left4me.Backup {
	t.Helper()
	p, err := archives.Pack(t.Context(), n, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	b, err := p.Keep()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBackupIsListedVerifiedAndDeleted(t *testing.T) {
	s := source(t)
	archives := Archives{Dir: filepath.Join(s.Root, "backups")}
	if all, err := archives.List(); err != nil || len(all) != 0 {
		t.Fatalf("got %v, %v", all, err)
	}
	b := createBackup(t, archives, "one", s)
	if st, err := os.Stat(archives.File("one")); err != nil || st.Mode() != 0o600 || st.Size() != b.Bytes {
		t.Errorf("got %v, %v", st, err)
	}
	if c := exec.Command("sha256sum", "-c", "one.tar.zst.sha256"); true {
		c.Dir = archives.Dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("sha256sum: %v %s", err, out)
		}
	}
	all, err := archives.List()
	if err != nil || len(all) != 1 || all[0].State != left4me.BackupVerified || all[0].SHA256 != b.SHA256 || all[0].Files != 8 ||
		all[0].Version != "1.2.3" {
		t.Errorf("got %+v, %v", all, err)
	}
	// A copied archive is unchecked until it is verified.
	if err := errors.Join(os.Link(archives.File("one"), archives.File("two"))); err != nil {
		t.Fatal(err)
	}
	if v, err := archives.Get("two"); err != nil || v.State != left4me.BackupUnchecked {
		t.Errorf("got %+v, %v", v, err)
	}
	if v, err := archives.Verify(t.Context(), "two", nil); err != nil || v.State != left4me.BackupVerified || v.Files != 8 ||
		!v.CreatedAt.Equal(noon) {
		t.Errorf("got %+v, %v", v, err)
	}
	// Change bytes of the archive without changing its size.
	f, err := os.OpenFile(archives.File("one"), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte{0xff, 0xfe}, b.Bytes/2)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := archives.Verify(t.Context(), "one", nil); !errors.Is(err, left4me.Invalid) {
		t.Errorf("got %v", err)
	}
	if v, err := archives.Get("one"); err != nil || v.State != left4me.BackupDamaged || len(v.Damage) == 0 {
		t.Errorf("got %+v, %v", v, err)
	}
	if err := errors.Join(archives.Delete("one"), archives.Delete("two"), archives.Delete("one")); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(archives.Dir); len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
	if _, err := archives.Get("../one"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got %v", err)
	}
}

// Regression: a plugin's long file names, escaped by JSON, made the note of a backup longer than
// the limit for reading. Every backup then counted as unchecked, and the schedule deleted none.
func TestNoteWithLongHostileNamesIsReadable(t *testing.T) {
	s := source(t)
	dir := filepath.Join(s.Root, "runtime/alpha/upper")
	for range 13 {
		dir = filepath.Join(dir, strings.Repeat("<\x01", 127))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxWarnings {
		if err := unix.Mkfifo(filepath.Join(dir, strings.Repeat("\x02", 200)+strconv.Itoa(i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archives := Archives{Dir: filepath.Join(s.Root, "backups")}
	s.Head.Scheduled = true
	b := createBackup(t, archives, "one", s)
	got, err := archives.Get("one")
	if err != nil || got.State != left4me.BackupVerified || !got.Scheduled || len(got.Warnings) != maxWarnings || got.SHA256 != b.SHA256 {
		t.Errorf("got state %s, scheduled %t, %d warnings, %v", got.State, got.Scheduled, len(got.Warnings), err)
	}
	st, err := os.Stat(archives.path("one", noteSuffix))
	if err != nil || st.Size() > maxNote {
		t.Errorf("note: %v, %v", st, err)
	}
	got, err = archives.Verify(t.Context(), "one", nil)
	if again, gerr := archives.Get("one"); err != nil || gerr != nil || again.State != left4me.BackupVerified ||
		!again.VerifiedAt.Equal(got.VerifiedAt) {
		t.Errorf("after Verify: got state %+v, %v, %v", again.State, err, gerr)
	}
	// The creator of an archive controls the texts in it.
	for range 2 * maxWarnings {
		got.Warnings, got.Damage = append(got.Warnings, strings.Repeat("<\x01", 20_000)), append(got.Damage, strings.Repeat("\x02", 20_000))
	}
	err = archives.write(note{Backup: got})
	if again, gerr := archives.Get("one"); err != nil || gerr != nil || again.State != left4me.BackupVerified ||
		len(again.Warnings) != maxWarnings || len(again.Damage) != maxDamage {
		t.Errorf("long texts of another machine: got state %s, %v, %v", again.State, err, gerr)
	}
}

func TestSweepRemovesFilesOfKilledJob(t *testing.T) {
	s := source(t)
	archives := Archives{Dir: filepath.Join(s.Root, "backups")}
	createBackup(t, archives, "whole", s)
	if _, err := archives.Pack(t.Context(), "half", s); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(archives.Dir, "late.json"), "{}") // a kill left it before the archive was renamed
	write(t, filepath.Join(archives.Dir, "README"), "unrelated")
	if err := archives.Sweep(); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, _ := os.ReadDir(archives.Dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"README", "whole.json", "whole.tar.zst", "whole.tar.zst.sha256"}; !slices.Equal(left, want) {
		t.Errorf("got files %q, want %q", left, want)
	}
}

func TestFullDiskLeavesNoArchive(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small disk requires root")
	}
	s := source(t)
	noise, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.Root, "runtime/alpha/upper/noise"), string(noise))
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	archives := Archives{Dir: dir}
	size, err := s.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tooFull := func(err error) {
		t.Helper()
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.DiskFull || !strings.Contains(e.Text, "disk full: "+dir+" has ") {
			t.Errorf("got %v, want left4me.DiskFull", err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("files left: %v, %v", left, err)
		}
	}
	tooFull(archives.Room(size))
	_, err = archives.Pack(t.Context(), "b", s)
	tooFull(err)
	_, err = Archives{Dir: dir, Margin: 1 << 30}.Pack(t.Context(), "b", s)
	tooFull(err)
}

func TestExpiredKeepsNewestOfEachDayAndWeek(t *testing.T) {
	var all []left4me.Backup
	add := func(at time.Time, scheduled bool, state left4me.BackupState) {
		all = append(all, left4me.Backup{Name: left4me.BackupName(at), CreatedAt: at, Scheduled: scheduled, State: state})
	}
	for day := range 40 { // 23 January to 3 March 2026, two per day
		at := noon.AddDate(0, 0, -1-day)
		add(at, true, left4me.BackupVerified)
		add(at.Add(-time.Hour), true, left4me.BackupVerified)
	}
	add(noon.AddDate(-1, 0, 0), false, left4me.BackupVerified) // requested by a user
	add(noon, true, left4me.BackupDamaged)                     // does not count
	gone := Expired(all, left4me.BackupKeep{Daily: 7, Weekly: 4}, time.UTC)
	var stay []string
	for _, b := range all {
		if !slices.Contains(gone, b.Name) {
			stay = append(stay, b.CreatedAt.Format("Mon 0102-15"))
		}
	}
	// Seven days and four weeks; the newest backups of two of the weeks are among the seven days.
	want := []string{
		"Tue 0303-12", "Mon 0302-12", "Sun 0301-12", "Sat 0228-12", "Fri 0227-12", "Thu 0226-12", "Wed 0225-12",
		"Sun 0222-12", "Sun 0215-12", "Tue 0304-12",
	}
	if len(stay) == len(want) {
		want[len(want)-1] = stay[len(stay)-1] // the backup from a year ago, whatever its weekday
	}
	if !slices.Equal(stay, want) {
		t.Errorf("kept %q, want %q", stay, want)
	}
	if gone := Expired(all[:1], left4me.BackupKeep{}, time.UTC); len(gone) != 1 {
		t.Errorf("keep none: %v", gone)
	}
}
