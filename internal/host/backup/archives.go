package backup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	archiveSuffix = ".tar.zst"
	sumSuffix     = archiveSuffix + ".sha256" // in the format of sha256sum -c
	noteSuffix    = ".json"                   // data for listings, so that no archive has to be read for them
	partSuffix    = ".part"

	maxNote  = 1 << 20     // limit for writing
	readNote = 4 * maxNote // limit for reading; earlier versions wrote longer notes
	maxText  = 300         // bytes per warning or damage in a note
)

// Margin is the disk space in bytes that a backup leaves free for the servers.
const Margin = 512 << 20

// guardEvery is the number of bytes written between two checks of the free space.
const guardEvery = 16 << 20

// Archives is the directory of a host's backups. Only one of Pack, Check, Keep, Verify and Sweep
// may run at a time; listing and deleting are always allowed.
type Archives struct {
	Dir    string
	Margin int64 // bytes that stay free on the disk
}

// File returns the path of a backup's archive.
func (s Archives) File(n left4me.Name) string { return filepath.Join(s.Dir, string(n)+archiveSuffix) }

func (s Archives) path(n left4me.Name, suffix string) string {
	return filepath.Join(s.Dir, string(n)+suffix)
}

// List returns the backups, newest first.
func (s Archives) List() ([]left4me.Backup, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []left4me.Backup{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	all := []left4me.Backup{}
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), archiveSuffix)
		if n := left4me.Name(stem); ok && n.Valid() && e.Type().IsRegular() {
			if b, err := s.Get(n); err == nil { // otherwise it was deleted in the meantime
				all = append(all, b)
			}
		}
	}
	slices.SortFunc(all, func(a, b left4me.Backup) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Name, a.Name))
	})
	return all, nil
}

// Get returns one backup. Errors: left4me.NotFound.
func (s Archives) Get(n left4me.Name) (left4me.Backup, error) {
	if !n.Valid() {
		return left4me.Backup{}, missing(n)
	}
	st, err := os.Lstat(s.File(n))
	if err != nil || !st.Mode().IsRegular() {
		return left4me.Backup{}, missing(n)
	}
	v, err := s.loadNote(n)
	b := v.Backup
	if err != nil || b.Name != n || b.Bytes != st.Size() {
		// The archive was copied here by hand, or the note belongs to another archive.
		b = left4me.Backup{Name: n, CreatedAt: st.ModTime().UTC().Truncate(time.Second), Bytes: st.Size(), State: left4me.BackupUnchecked}
	}
	return b, nil
}

// note is what is stored beside an archive.
type note struct {
	left4me.Backup
	Items []left4me.BackupItem `json:"items,omitempty"` // missing in notes of earlier versions
}

// Items returns the sizes of the servers and overlays in a backup, at most limit of them; nil if they are
// not known.
func (s Archives) Items(n left4me.Name, limit int) []left4me.BackupItem {
	b, err := s.Get(n)
	v, lerr := s.loadNote(n)
	if err != nil || lerr != nil || b.State != v.State || b.Bytes != v.Bytes {
		return nil
	}
	return v.Items[:min(len(v.Items), limit)]
}

// loadNote reads the note of a backup.
func (s Archives) loadNote(n left4me.Name) (b note, err error) {
	f, err := os.Open(s.path(n, noteSuffix))
	if err != nil {
		return b, err
	}
	defer f.Close()
	return b, json.NewDecoder(io.LimitReader(f, readNote)).Decode(&b)
}

func missing(n left4me.Name) error {
	return left4me.NewError(left4me.NotFound, "backup.unknown", "backup", n)
}

// SumBeside returns the checksum from the .sha256 file of an archive, or "" if there is none.
func SumBeside(file string) (string, error) {
	f, err := os.Open(file + strings.TrimPrefix(sumSuffix, archiveSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	sum, _, _ := strings.Cut(string(text), " ")
	return sum, err
}

// Delete removes a backup. It removes the archive first, because the remaining files alone are no
// backup. A missing backup is no error.
func (s Archives) Delete(n left4me.Name) error {
	if !n.Valid() {
		return missing(n)
	}
	for _, suffix := range []string{archiveSuffix, sumSuffix, noteSuffix} {
		if err := os.Remove(s.path(n, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete backup %s: %w", n, err)
		}
	}
	return nil
}

// Sweep removes files left by a job that was killed.
func (s Archives) Sweep() error {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		gone := strings.HasSuffix(e.Name(), partSuffix)
		for _, suffix := range []string{sumSuffix, noteSuffix} {
			if stem, ok := strings.CutSuffix(e.Name(), suffix); ok && left4me.Name(stem).Valid() {
				_, lerr := os.Lstat(s.File(left4me.Name(stem)))
				gone = errors.Is(lerr, fs.ErrNotExist)
			}
		}
		if gone {
			err = errors.Join(err, os.Remove(filepath.Join(s.Dir, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("clean %s: %w", s.Dir, err)
	}
	return nil
}

// Room checks whether an archive of files with a total of size bytes fits on the disk. It assumes
// the compression ratio of the newest backup. Errors: left4me.DiskFull.
func (s Archives) Room(size int64) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	all, err := s.List()
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.Stored > 0 && b.Bytes > 0 {
			size = int64(float64(size) * min(1, 1.1*float64(b.Bytes)/float64(b.Stored)))
			break
		}
	}
	free, err := disk.Free(s.Dir)
	if err == nil && free-s.Margin < size {
		err = noRoom(size+s.Margin, s.Dir, nil)
	}
	return err
}

func noRoom(need int64, dir string, cause error) error {
	e := disk.Full(dir, need, cause)
	return left4me.NewError(left4me.DiskFull, "backup.disk_full", "error", e, "dir", dir).Because(e)
}

// full turns an error caused by a full disk into one of kind left4me.DiskFull.
func full(err error, dir string) error {
	if !disk.IsFull(err) {
		return err
	}
	return noRoom(0, dir, err)
}

// guard is a writer that fails when less than the margin is free.
type guard struct {
	f        *os.File
	archives Archives
	since    int64
	written  int64
	left     func() int64 // returns the estimated number of bytes still to come
}

func (g *guard) Write(p []byte) (int, error) {
	if g.since += int64(len(p)); g.since >= guardEvery || g.written == 0 {
		g.since = 0
		free, err := disk.Free(g.archives.Dir)
		if err != nil {
			return 0, err
		}
		if free < g.archives.Margin {
			return 0, noRoom(g.archives.Margin+g.left(), g.archives.Dir, nil)
		}
	}
	n, err := g.f.Write(p)
	g.written += int64(n)
	return n, full(err, g.archives.Dir)
}

// Part is an archive that is not complete yet.
type Part struct {
	archives Archives
	name     left4me.Name
	note     note
}

// Pack packs a source into a new part, which becomes a backup with Check and Keep. After an error
// no file is left.
func (s Archives) Pack(ctx context.Context, n left4me.Name, src Source) (*Part, error) {
	if !n.Valid() {
		return nil, missing(n)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, err
	}
	p := &Part{archives: s, name: n}
	f, err := os.OpenFile(p.file(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	var done, total int64
	tell := src.Progress
	src.Progress = func(d, t int64) {
		done, total = d, t
		if tell != nil {
			tell(d, t)
		}
	}
	g := &guard{f: f, archives: s}
	g.left = func() int64 { return int64(float64(total-done) * float64(g.written) / float64(max(done, 1))) }
	m, err := Pack(ctx, src, g)
	if err == nil {
		err = full(f.Sync(), s.Dir)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		p.Drop()
		return nil, err
	}
	p.note = note{packedBy(src.Head, m, n), itemsOf(m)}
	return p, nil
}

func (p *Part) file() string { return p.archives.path(p.name, archiveSuffix+partSuffix) }

// Drop discards the part.
func (p *Part) Drop() { _ = os.Remove(p.file()) }

// Warnings lists what could not be packed unchanged.
func (p *Part) Warnings() []string { return p.note.Warnings }

// Check reads the part completely. The error describes any damage.
func (p *Part) Check(ctx context.Context, each func(done, total int64)) error {
	b, err := check(ctx, p.file(), p.note, each)
	if err != nil {
		return err
	}
	if b.State != left4me.BackupVerified {
		return left4me.NewError(left4me.Unavailable, "backup.written_wrong", "damage", strings.Join(b.Damage, ", "))
	}
	p.note = b
	return nil
}

// itemsOf returns the sizes of the servers and overlays in an archive.
func itemsOf(m Manifest) []left4me.BackupItem {
	found := map[string]*left4me.BackupItem{}
	var all []string
	for _, e := range m.Entries {
		parts := strings.SplitN(e.path(), "/", 3)
		kind := map[string]left4me.TargetKind{"overlays": left4me.OverlayTarget, "runtime": left4me.ServerTarget}[parts[0]]
		if kind == "" || len(parts) < 2 {
			continue
		}
		key := parts[0] + "/" + parts[1]
		if found[key] == nil {
			found[key] = &left4me.BackupItem{Kind: kind, Name: left4me.Name(parts[1])}
			all = append(all, key)
		}
		if e.Kind == "file" {
			found[key].Files++
			found[key].Bytes += e.Size
		}
	}
	items := make([]left4me.BackupItem, 0, min(len(all), maxItems))
	for _, key := range all[:min(len(all), maxItems)] {
		items = append(items, *found[key])
	}
	return items
}

// maxItems limits the items of a note, whose length is limited by maxNote.
const maxItems = 4000

// Keep turns the part into a backup.
func (p *Part) Keep() (left4me.Backup, error) {
	err := p.archives.write(p.note)
	if err == nil {
		err = os.Rename(p.file(), p.archives.File(p.name))
	}
	if err == nil {
		err = durable.SyncDir(p.archives.Dir)
	}
	if err != nil {
		return p.note.Backup, fmt.Errorf("keep backup %s: %w", p.name, err)
	}
	return p.note.Backup, nil
}

// Verify reads a backup completely and records the result in its note. Errors: left4me.NotFound;
// left4me.Invalid for a damaged backup.
func (s Archives) Verify(ctx context.Context, n left4me.Name, each func(done, total int64)) (left4me.Backup, error) {
	b, err := s.Get(n)
	if err != nil {
		return b, err
	}
	v, err := check(ctx, s.File(n), note{Backup: b}, each)
	if b = v.Backup; err == nil {
		err = s.write(v)
	}
	if err == nil && b.State == left4me.BackupDamaged {
		err = left4me.NewError(left4me.Invalid, "backup.damaged", "backup", n, "damage", strings.Join(b.Damage, ", "))
	}
	return b, err
}

// maxDamage is the largest number of problems that a note lists.
const maxDamage = 10

// check reads an archive and returns b with the result.
func check(ctx context.Context, file string, b note, each func(done, total int64)) (note, error) {
	f, err := os.Open(file)
	if err != nil {
		return b, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return b, err
	}
	r, err := Verify(ctx, f, func(done int64) {
		if each != nil {
			each(done, st.Size())
		}
	})
	if err != nil {
		return b, err
	}
	if b.SHA256 != "" && b.SHA256 != r.SHA256 {
		r.Damage = append(r.Damage, "it is not the file that was written")
	}
	if r.Format == Format {
		read := note{packedBy(r.Head, r.Manifest, b.Name), itemsOf(r.Manifest)}
		if len(r.Entries) == 0 && b.Files > 0 {
			read = b // the manifest is unreadable: keep the data of the note
		}
		read.SHA256 = b.SHA256
		b = read
	}
	b.Bytes, b.VerifiedAt = r.Bytes, time.Now().UTC().Truncate(time.Second)
	b.State, b.Damage = left4me.BackupVerified, nil
	if len(r.Damage) > 0 {
		b.State, b.Damage = left4me.BackupDamaged, r.Damage[:min(len(r.Damage), maxDamage)]
	} else {
		b.SHA256 = r.SHA256
	}
	return b, nil
}

// write writes the note and the checksum file of a backup. It reads the note again, because a backup
// with an unreadable note counts as unchecked and is never removed by the schedule.
func (s Archives) write(b note) error {
	b.Warnings, b.Damage = clipTexts(b.Warnings, maxWarnings), clipTexts(b.Damage, maxDamage)
	b.Version = left4me.Clip(b.Version, maxText)
	text, err := json.Marshal(b)
	if err == nil && len(text) > maxNote {
		err = fmt.Errorf("its note would have %d bytes, at most %d are read", len(text), maxNote)
	}
	if err == nil {
		err = s.writeFile(s.path(b.Name, noteSuffix), append(text, '\n'))
	}
	if err == nil {
		var got note
		if got, err = s.loadNote(b.Name); err == nil &&
			(got.Name != b.Name || got.Bytes != b.Bytes || got.State != b.State || got.SHA256 != b.SHA256) {
			err = errors.New("its note was not written as it was meant")
		}
	}
	if err == nil && b.SHA256 != "" {
		err = s.writeFile(s.path(b.Name, sumSuffix), fmt.Appendf(nil, "%s  %s\n", b.SHA256, filepath.Base(s.File(b.Name))))
	}
	return err
}

// clipTexts limits texts that contain file names, which a plugin or the creator of an archive controls.
func clipTexts(texts []string, most int) []string {
	if texts == nil {
		return nil
	}
	all := make([]string, 0, min(len(texts), most))
	for _, t := range texts[:min(len(texts), most)] {
		all = append(all, left4me.Clip(t, maxText))
	}
	return all
}

// writeFile replaces a file atomically: temporary file, fsync, rename.
func (s Archives) writeFile(name string, text []byte) error {
	f, err := os.CreateTemp(s.Dir, "note-*"+partSuffix)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err != nil {
		return full(errors.Join(err, f.Close(), os.Remove(f.Name())), s.Dir)
	}
	return full(durable.Replace(f, name), s.Dir)
}

// Expired returns the scheduled backups to delete. For each of the latest keep.Daily days and
// keep.Weekly weeks with an undamaged scheduled backup, it keeps the newest. It also keeps all
// backups that a user requested. Days and weeks are in the time zone where.
func Expired(all []left4me.Backup, keep left4me.BackupKeep, where *time.Location) []left4me.Name {
	days, weeks := map[string]bool{}, map[string]bool{}
	var gone []left4me.Name
	newest := slices.SortedFunc(slices.Values(all), func(a, b left4me.Backup) int { return b.CreatedAt.Compare(a.CreatedAt) })
	for _, b := range newest {
		if !b.Scheduled {
			continue
		}
		at := b.CreatedAt.In(where)
		year, week := at.ISOWeek()
		stays := false
		if b.State != left4me.BackupDamaged {
			stays = first(days, at.Format(time.DateOnly), keep.Daily)
			stays = first(weeks, fmt.Sprintf("%d-%d", year, week), keep.Weekly) || stays
		}
		if !stays {
			gone = append(gone, b.Name)
		}
	}
	return gone
}

// first reports whether a period occurs for the first time and is among the latest limit periods.
func first(seen map[string]bool, period string, limit int) bool {
	if seen[period] || len(seen) >= limit {
		return false
	}
	seen[period] = true
	return true
}
