package uploads_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/left4me"
)

var (
	ann  = accounts.Actor{UserID: 1, Name: "ann"}
	bob  = accounts.Actor{UserID: 2, Name: "bob"}
	root = accounts.Actor{Name: "root", Admin: true}
)

// An upload continues after its overlay was renamed, also in a new process.
func TestUploadFollowsRenamedOverlay(t *testing.T) {
	dir := t.TempDir()
	names := left4me.OverlayNames{}
	start := func() *uploads.Uploads {
		return uploads.New(localfs.New(dir), func(context.Context) (left4me.OverlayNames, error) { return names, nil },
			slog.New(slog.DiscardHandler))
	}
	u := start()
	v := begin(t, u, ann)
	send(t, u, v.ID, "a.zip", 0, 1, "x")
	names = left4me.NewOverlayNames(map[left4me.Name]left4me.Name{"campaigns": "maps"})
	for _, u := range []*uploads.Uploads{u, start()} {
		got, err := u.Get(t.Context(), ann, v.ID)
		all, lerr := u.List(t.Context(), ann)
		on, terr := u.Target(t.Context(), ann, v.ID)
		if errors.Join(err, lerr, terr) != nil || got.Overlay != "campaigns" || len(all) != 1 || all[0].Overlay != "campaigns" ||
			on != left4me.OnOverlay("campaigns") {
			t.Errorf("got %+v, %+v, %+v, %v", got, all, on, errors.Join(err, lerr, terr))
		}
		if _, err := u.Ready(t.Context(), ann, "campaigns", v.ID); err != nil {
			t.Error(err)
		}
	}
	made, err := u.Create(t.Context(), ann, "campaigns")
	if err != nil || made.Overlay != "campaigns" {
		t.Errorf("got %+v, error %v", made, err)
	}
	names = left4me.NewOverlayNames(map[left4me.Name]left4me.Name{"custom": "maps"})
	if got, err := u.Get(t.Context(), ann, made.ID); err != nil || got.Overlay != "custom" {
		t.Errorf("after a second rename: %+v, %v", got, err)
	}
}

// noNames returns overlay names without any renames.
func noNames(context.Context) (left4me.OverlayNames, error) { return left4me.OverlayNames{}, nil }

func open(t *testing.T) (*uploads.Uploads, string) {
	t.Helper()
	dir := t.TempDir()
	return uploads.New(localfs.New(dir), noNames, slog.New(slog.DiscardHandler)), dir
}

func begin(t *testing.T, u *uploads.Uploads, by accounts.Actor) uploads.Upload {
	t.Helper()
	v, err := u.Create(t.Context(), by, "maps")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func send(t *testing.T, u *uploads.Uploads, id, path string, offset, size int64, text string) uploads.File {
	t.Helper()
	f, err := u.Write(t.Context(), ann, id, path, offset, size, strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s at %d: %v", path, offset, err)
	}
	return f
}

func TestFileArrivesInPieces(t *testing.T) { synctest.Test(t, arrivesInPieces) } // synctest: a piece waits for the missing one before it

func arrivesInPieces(t *testing.T) {
	u, dir := open(t)
	v := begin(t, u, ann)
	if f := send(t, u, v.ID, "a dir/ü.vpk", 0, 10, "01234"); f.Have != 5 || f.Size != 10 {
		t.Fatalf("got %+v", f)
	}
	if _, err := u.Ready(t.Context(), ann, "maps", v.ID); !errors.Is(err, left4me.Invalid) {
		t.Fatalf("Ready with half of a file: %v", err)
	}
	f, err := u.Write(t.Context(), ann, v.ID, "a dir/ü.vpk", 7, 10, strings.NewReader("x"))
	if !errors.Is(err, left4me.Conflict) || f.Have != 5 {
		t.Fatalf("a gap: %+v, %v", f, err)
	}
	if f := send(t, u, v.ID, "a dir/ü.vpk", 5, -1, "56789"); f.Have != 10 {
		t.Fatalf("got %+v", f)
	}
	// If the last answer was lost, the sender repeats the piece: that succeeds, but additional data
	// doesn't.
	send(t, u, v.ID, "a dir/ü.vpk", 10, 10, "")
	if _, err := u.Write(t.Context(), ann, v.ID, "a dir/ü.vpk", 10, 10, strings.NewReader("x")); !errors.Is(err, left4me.Invalid) {
		t.Fatalf("more than its size: %v", err)
	}
	send(t, u, v.ID, "empty", 0, 0, "")
	got, err := u.Ready(t.Context(), ann, "maps", v.ID)
	if err != nil || len(got.Files) != 2 || !got.Complete() {
		t.Fatalf("got %+v, error %v", got, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "tmp", "upload-"+v.ID, "files", "a dir", "ü.vpk"))
	if err != nil || string(b) != "0123456789" {
		t.Fatalf("got %q, error %v", b, err)
	}
	if parts, err := os.ReadDir(filepath.Join(dir, "tmp", "upload-"+v.ID, "parts")); err != nil || len(parts) != 0 {
		t.Fatalf("got %v, error %v", parts, err)
	}
	if st, err := os.Stat(filepath.Join(dir, "tmp", "upload-"+v.ID)); err != nil || st.Mode().Perm() != 0o700 {
		t.Fatalf("the directory is readable by others: %v, %v", st.Mode(), err)
	}
}

// Pieces sent concurrently may arrive in any order.
func TestPieceWaitsForEarlierPieces(t *testing.T) {
	u, dir := open(t)
	v := begin(t, u, ann)
	const pieces, long = 16, 300_000 // more than is written at once
	body := make([]byte, pieces*long)
	for i := range body {
		body[i] = byte(i / 1000)
	}
	write := func(i int) error {
		_, err := u.Write(context.Background(), ann, v.ID, "a.vpk", int64(i*long), int64(len(body)),
			bytes.NewReader(body[i*long:(i+1)*long]))
		return err
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := pieces - 1; i > 0; i-- {
		all.Go(func() {
			if err := write(i); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := os.ReadFile(filepath.Join(dir, "tmp", "upload-"+v.ID, "files", "a.vpk"))
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("got %d of %d bytes, or different ones: %v", len(got), len(body), err)
	}
}

// A piece of a deleted upload, or one too far ahead to be part of a concurrent transfer, is refused
// at once.
func TestPieceTooFarAheadIsRefused(t *testing.T) { synctest.Test(t, refusesTooFarAhead) }

func refusesTooFarAhead(t *testing.T) {
	u, _ := open(t)
	v := begin(t, u, ann)
	send(t, u, v.ID, "a", 0, 1<<30, "x")
	began := time.Now()
	var all sync.WaitGroup
	refused := func(ctx context.Context, offset int64, want error) {
		all.Go(func() {
			if _, err := u.Write(ctx, ann, v.ID, "a", offset, 1<<30, strings.NewReader("y")); !errors.Is(err, want) ||
				time.Since(began) > 0 {
				t.Errorf("at %d: %v after %s, want %v", offset, err, time.Since(began), want)
			}
		})
		synctest.Wait() // until the piece waits or has been refused
	}
	refused(t.Context(), 1<<29, left4me.Conflict)
	ctx, cancel := context.WithCancel(t.Context())
	refused(ctx, 2, left4me.Conflict)
	cancel()
	all.Wait()
	refused(t.Context(), 2, left4me.NotFound)
	if err := u.Delete(t.Context(), ann, v.ID); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

func TestSizeMayBeAnnouncedLast(t *testing.T) {
	u, _ := open(t)
	v := begin(t, u, ann)
	send(t, u, v.ID, "stream.tar", 0, -1, "abc")
	send(t, u, v.ID, "stream.tar", 3, -1, "def")
	if got, err := u.Get(t.Context(), ann, v.ID); err != nil || got.Complete() {
		t.Fatalf("before the size is known: %+v, %v", got, err)
	}
	send(t, u, v.ID, "stream.tar", 6, 6, "")
	if _, err := u.Ready(t.Context(), ann, "maps", v.ID); err != nil {
		t.Fatal(err)
	}
}

func TestUploadSurvivesRestart(t *testing.T) {
	u, dir := open(t)
	v := begin(t, u, ann)
	send(t, u, v.ID, "big.vpk", 0, 8, "1234")
	send(t, u, v.ID, "cfg/server.cfg", 0, 3, "abc")
	broken := io.MultiReader(strings.NewReader("56"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if f, err := u.Write(t.Context(), ann, v.ID, "big.vpk", 4, 8, broken); !errors.Is(err, io.ErrUnexpectedEOF) || f.Have != 6 {
		t.Fatalf("lost connection: %+v, %v", f, err)
	}
	// The last line of its log was truncated by a crash.
	log, err := os.OpenFile(filepath.Join(dir, "tmp", "upload-"+v.ID, "upload.log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(log, `{"file":2,"pa`)
	log.Close()
	for range 2 {
		u = uploads.New(localfs.New(dir), noNames, slog.New(slog.DiscardHandler))
		got, err := u.Get(t.Context(), ann, v.ID)
		if err != nil || got.By != "ann" || got.Overlay != "maps" || !got.CreatedAt.Equal(v.CreatedAt) || len(got.Files) < 2 ||
			got.Files[0] != (uploads.File{Path: "big.vpk", Size: 8, Have: 6}) ||
			got.Files[1] != (uploads.File{Path: "cfg/server.cfg", Size: 3, Have: 3}) {
			t.Fatalf("got %+v, error %v", got, err)
		}
		send(t, u, v.ID, "later", 0, 1, "")
	}
	send(t, u, v.ID, "later", 0, 1, "x")
	send(t, u, v.ID, "big.vpk", 6, 8, "78")
	if got, err := u.Ready(t.Context(), ann, "maps", v.ID); err != nil || len(got.Files) != 3 {
		t.Fatalf("got %+v, error %v", got, err)
	}
}

func TestWriteRefusesUnsafePaths(t *testing.T) {
	u, dir := open(t)
	v := begin(t, u, ann)
	send(t, u, v.ID, "addons/x.vpk", 0, 1, "x")
	for _, bad := range []string{
		"", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "./a", "a/.", "a/", "a\\b", "a\x00b", "a\nb", "a\u0085b", "\xff",
		strings.Repeat("x", 256),
		strings.Repeat("x/", 40) + "x", strings.Repeat("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/", 30) + "x",
		"addons/x.vpk/y", "addons", "Addons/y.vpk", "addons/X.vpk",
	} {
		_, err := u.Write(t.Context(), ann, v.ID, bad, 0, 1, strings.NewReader("y"))
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid || e.Field != "query.path" || e.Hint == "" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got, err := u.Get(t.Context(), ann, v.ID); err != nil || len(got.Files) != 1 {
		t.Errorf("got %+v, error %v", got, err)
	}
	if all, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(all) != 1 {
		t.Errorf("files outside of the upload: %v, %v", all, err)
	}
}

func TestUploadIsVisibleToOwnerAndAdministrators(t *testing.T) {
	u, _ := open(t)
	v := begin(t, u, ann)
	send(t, u, v.ID, "a", 0, 1, "x")
	for _, f := range []func() error{
		func() error { _, err := u.Get(t.Context(), bob, v.ID); return err },
		func() error { _, err := u.Ready(t.Context(), bob, "maps", v.ID); return err },
		func() error { _, err := u.Write(t.Context(), bob, v.ID, "b", 0, 1, strings.NewReader("y")); return err },
		func() error { return u.Delete(t.Context(), bob, v.ID) },
		func() error { return u.Delete(t.Context(), ann, "../../etc") },
		func() error { return u.Delete(t.Context(), root, strings.Repeat("a", 26)) },
	} {
		if err := f(); !errors.Is(err, left4me.NotFound) {
			t.Errorf("got error %v", err)
		}
	}
	if all, err := u.List(t.Context(), bob); err != nil || len(all) != 0 {
		t.Errorf("got %+v, error %v", all, err)
	}
	if all, err := u.List(t.Context(), root); err != nil || len(all) != 1 {
		t.Errorf("got %+v, error %v", all, err)
	}
	if _, err := u.Ready(t.Context(), ann, "other", v.ID); !errors.Is(err, left4me.Invalid) {
		t.Errorf("Ready for another overlay: %v", err)
	}
	some := accounts.Actor{UserID: 3, Name: "eve", Admin: true, Only: &accounts.Targets{left4me.OnOverlay("maps")}}
	if all, err := u.List(t.Context(), some); err != nil || len(all) != 0 {
		t.Errorf("an administrator restricted to one overlay sees uploads of others: %+v, %v", all, err)
	}
	if on, err := u.Target(t.Context(), some, v.ID); err != nil || on != left4me.OnOverlay("maps") {
		t.Errorf("got %+v, error %v", on, err)
	}
	some.Only = &accounts.Targets{left4me.OnOverlay("other")}
	_, unseen := u.Target(t.Context(), some, v.ID)
	if err := u.Delete(t.Context(), root, v.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Target(t.Context(), some, v.ID); !errors.Is(err, left4me.NotFound) || err.Error() != fmt.Sprint(unseen) {
		t.Errorf("unknown upload: %v; upload for an unseen overlay: %v", err, unseen)
	}
	if _, err := u.Get(t.Context(), ann, v.ID); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got error %v", err)
	}
}

func TestOpenUploadsPerUserAreLimited(t *testing.T) {
	u, dir := open(t)
	for range uploads.MaxOpen {
		begin(t, u, ann)
	}
	if _, err := u.Create(t.Context(), ann, "maps"); !errors.Is(err, left4me.Busy) {
		t.Errorf("got error %v", err)
	}
	begin(t, u, bob)
	// A job consumes one of the uploads.
	all, err := u.List(t.Context(), ann)
	if err != nil || len(all) != uploads.MaxOpen {
		t.Fatalf("got %d, error %v", len(all), err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "tmp", "upload-"+all[0].ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Get(t.Context(), ann, all[0].ID); !errors.Is(err, left4me.NotFound) {
		t.Errorf("got error %v", err)
	}
	begin(t, u, ann)
}

func TestAbandonedUploadsAreDeleted(t *testing.T) {
	u, dir := open(t)
	now := time.Now()
	u.SetNow(func() time.Time { return now })
	old, young := begin(t, u, ann), begin(t, u, ann)
	send(t, u, old.ID, "a", 0, 2, "x")
	now = now.Add(uploads.Keep - time.Minute)
	send(t, u, young.ID, "a", 0, 2, "x")
	now = now.Add(2 * time.Minute)
	for _, d := range []string{"gone-upload-x", "overlay-1"} {
		if err := os.Mkdir(filepath.Join(dir, "tmp", d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	u.Sweep()
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) != 2 || left[0].Name() != "overlay-1" || left[1].Name() != "upload-"+young.ID {
		t.Errorf("got %v, error %v", left, err)
	}
}

func TestFullDiskKeepsReceivedData(t *testing.T) {
	u, _ := open(t)
	v := begin(t, u, ann)
	left := int64(100)
	u.SetFree(func() int64 { return left })
	if _, err := u.Write(t.Context(), ann, v.ID, "a", 0, 101, strings.NewReader("x")); !errors.Is(err, left4me.DiskFull) {
		t.Errorf("an upload larger than the free space: %v", err)
	}
	left = 1 << 40
	filling := iotest.DataErrReader(&cut{n: 65 << 20, at: func() { left = 0 }})
	f, err := u.Write(t.Context(), ann, v.ID, "a", 0, 70<<20, filling)
	if !errors.Is(err, left4me.DiskFull) || f.Have < 60<<20 {
		t.Errorf("got %+v, error %v", f, err)
	}
	left = 1 << 40
	if f, err = u.Write(t.Context(), ann, v.ID, "a", f.Have, 70<<20, bytes.NewReader(make([]byte, 70<<20-f.Have))); err != nil ||
		f.Have != 70<<20 {
		t.Errorf("got %+v, error %v", f, err)
	}
	if _, err := u.Write(t.Context(), ann, v.ID, "b", 0, uploads.MaxBytes, strings.NewReader("")); !errors.Is(err, left4me.Invalid) {
		t.Errorf("an upload larger than MaxBytes: %v", err)
	}
}

// cut reads n zeros, and calls at before the first.
type cut struct {
	n  int
	at func()
}

func (c *cut) Read(b []byte) (int, error) {
	if c.at != nil {
		c.at()
		c.at = nil
	}
	n := min(len(b), c.n)
	clear(b[:n])
	if c.n -= n; c.n == 0 {
		return n, io.EOF
	}
	return n, nil
}

func TestNewerWriterTakesOverFile(t *testing.T) {
	u, _ := open(t)
	v := begin(t, u, ann)
	dead, feed := io.Pipe()
	came := make(chan error)
	go func() {
		_, err := u.Write(t.Context(), ann, v.ID, "a", 0, 4, dead)
		came <- err
	}()
	if _, err := feed.Write([]byte("ab")); err != nil { // returns once Write has read it
		t.Fatal(err)
	}
	for { // until the data is written
		if got, err := u.Get(t.Context(), ann, v.ID); err != nil {
			t.Fatal(err)
		} else if len(got.Files) == 1 && got.Files[0].Have == 2 {
			break
		}
	}
	send(t, u, v.ID, "a", 2, 4, "cd")
	go func() { _, _ = feed.Write([]byte("XX")); feed.Close() }()
	if err := <-came; !errors.Is(err, left4me.Conflict) {
		t.Errorf("got error %v", err)
	}
	if got, err := u.Ready(t.Context(), ann, "maps", v.ID); err != nil || got.Files[0].Have != 4 {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestFilesOfUploadAreWrittenConcurrently(t *testing.T) {
	u, dir := open(t)
	v := begin(t, u, ann)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, 1<<20)
			for offset := 0; offset < len(body); offset += 1 << 18 {
				if _, err := u.Write(context.Background(), ann, v.ID, fmt.Sprintf("d/%d", i), int64(offset), 1<<20,
					bytes.NewReader(body[offset:offset+1<<18])); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i := range 8 {
		b, err := os.ReadFile(filepath.Join(dir, "tmp", "upload-"+v.ID, "files", "d", fmt.Sprint(i)))
		if err != nil || !bytes.Equal(b, bytes.Repeat([]byte{byte(i)}, 1<<20)) {
			t.Errorf("%d: %d bytes, %v", i, len(b), err)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a/b.vpk", "../x", "/a", "a//b", "ü", "a\\b", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := uploads.CheckPath(s)
		if err == nil && (!filepath.IsLocal(p) || filepath.Clean(p) != p || p != s) {
			t.Errorf("%q was accepted", s)
		}
	})
}

// A published upload can be read and deleted, accepts no more data, isn't listed as open, and is
// deleted after a week.
func TestPublishedUploadIsKeptForAWeek(t *testing.T) {
	root := t.TempDir()
	u := uploads.New(localfs.New(root), noNames, slog.New(slog.DiscardHandler))
	who := accounts.Actor{Name: "zoey"}
	up, err := u.Create(t.Context(), who, "maps")
	if err == nil {
		_, err = u.Write(t.Context(), who, up.ID, "a.zip", 0, 1, strings.NewReader("x"))
	}
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(root, "tmp", "sent-"+up.ID)
	if err := os.Rename(filepath.Join(root, "tmp", "upload-"+up.ID), kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kept, "sent.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := u.Ready(t.Context(), who, "maps", up.ID); err != nil || len(got.Files) != 1 {
		t.Errorf("got %+v, error %v", got, err)
	}
	if _, err := u.Get(t.Context(), accounts.Actor{Name: "bill"}, up.ID); !errors.Is(err, left4me.NotFound) {
		t.Errorf("Get by another user: %v", err)
	}
	if _, err := u.Write(t.Context(), who, up.ID, "b.zip", 0, 1, strings.NewReader("x")); !errors.Is(err, left4me.NotFound) {
		t.Errorf("Write to a published upload: %v", err)
	}
	if open, err := u.List(t.Context(), who); err != nil || len(open) != 0 {
		t.Errorf("got %+v, error %v", open, err)
	}
	now := time.Now().Add(left4me.KeepArchives - time.Minute)
	u.SetNow(func() time.Time { return now })
	u.Sweep()
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	now = now.Add(2 * time.Minute)
	u.Sweep()
	if _, err := os.Stat(kept); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still exists after a week: %v", err)
	}
}

// Moves persist while an upload is open, also over a restart, and users who may not see an upload
// cannot change them.
func TestMovesPersistWithUpload(t *testing.T) {
	u, dir := open(t)
	v := begin(t, u, ann)
	send(t, u, v.ID, "a.zip", 0, 1, "x")
	for _, m := range []left4me.FolderMove{{From: "docs", To: "left4dead2/cfg"}, {From: "old", To: "-"}, {From: "docs", To: ""}} {
		if err := u.Move(t.Context(), ann, v.ID, []left4me.FolderMove{m}); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.Move(t.Context(), bob, v.ID, []left4me.FolderMove{{From: "old", To: "left4dead2"}}); !errors.Is(err, left4me.NotFound) {
		t.Errorf("Move by another user: %v", err)
	}
	want := []left4me.FolderMove{{From: "docs"}, {From: "old", To: "-"}} // the first one makes the overlay forget its move
	for _, u := range []*uploads.Uploads{u, uploads.New(localfs.New(dir), noNames, slog.New(slog.DiscardHandler))} {
		if got, err := u.Ready(t.Context(), ann, "maps", v.ID); err != nil || !slices.Equal(got.Moves, want) {
			t.Errorf("got %+v, error %v", got.Moves, err)
		}
	}
	file := filepath.Join(dir, "tmp", "upload-"+v.ID, "moves.json")
	if err := os.WriteFile(file, []byte(`[{"from":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := uploads.New(localfs.New(dir), noNames, slog.New(slog.DiscardHandler)).Ready(t.Context(), ann, "maps",
		v.ID); err != nil ||
		got.Moves != nil {
		t.Errorf("unreadable moves.json: %+v, %v", got.Moves, err)
	}
	if err := os.Rename(filepath.Dir(file), filepath.Join(dir, "tmp", "taken")); err != nil {
		t.Fatal(err)
	}
	if err := u.Move(t.Context(), ann, v.ID, want); !errors.Is(err, left4me.NotFound) {
		t.Errorf("after a job consumed the upload: %v", err)
	}
}

// A new user with the name of a deleted one gets none of its uploads, also after a restart.
func TestUploadOfDeletedUserIsHiddenFromNextUser(t *testing.T) {
	u, dir := open(t)
	up := begin(t, u, ann)
	next := accounts.Actor{UserID: 3, Name: ann.Name}
	for _, u := range []*uploads.Uploads{u, uploads.New(localfs.New(dir), noNames, slog.New(slog.DiscardHandler))} {
		if _, err := u.Get(t.Context(), ann, up.ID); err != nil {
			t.Errorf("Get by the owner: %v", err)
		}
		if v, err := u.Get(t.Context(), next, up.ID); !errors.Is(err, left4me.NotFound) {
			t.Errorf("Get by a later user of the same name: %+v, %v", v, err)
		}
	}
}

// The host's own administrator has no account: no user of the same name gets its uploads.
func TestUploadWithoutAccountIsHiddenFromUserOfSameName(t *testing.T) {
	u, _ := open(t)
	machine := accounts.Actor{Name: "root", Admin: true}
	up := begin(t, u, machine)
	if _, err := u.Get(t.Context(), machine, up.ID); err != nil {
		t.Errorf("Get by the owner: %v", err)
	}
	user := accounts.Actor{UserID: 4, Name: "root"}
	if v, err := u.Get(t.Context(), user, up.ID); !errors.Is(err, left4me.NotFound) {
		t.Errorf("Get by a user of the same name: %+v, %v", v, err)
	}
	theirs := begin(t, u, user)
	some := machine
	some.Only = &accounts.Targets{left4me.OnOverlay("maps")} // without SiteRight
	if v, err := u.Get(t.Context(), some, theirs.ID); !errors.Is(err, left4me.NotFound) {
		t.Errorf("Get without SiteRight: %+v, %v", v, err)
	}
}

// The overlay of an upload may be chosen after its files arrived, and stays chosen over a restart.
func TestUploadIsAssignedToAnotherOverlay(t *testing.T) {
	u, dir := open(t)
	v := begin(t, u, ann)
	send(t, u, v.ID, "a.vpk", 0, 1, "x")
	if err := u.Assign(t.Context(), bob, v.ID, "other"); !errors.Is(err, left4me.NotFound) {
		t.Errorf("Assign by another user: %v", err)
	}
	if err := u.Assign(t.Context(), ann, v.ID, "newcomer-harbour"); err != nil {
		t.Fatal(err)
	}
	for _, u := range []*uploads.Uploads{u, uploads.New(localfs.New(dir), noNames, slog.New(slog.DiscardHandler))} {
		got, err := u.Ready(t.Context(), ann, "newcomer-harbour", v.ID)
		if err != nil || len(got.Files) != 1 || got.Files[0].Path != "a.vpk" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := u.Ready(t.Context(), ann, "maps", v.ID); !errors.Is(err, left4me.Invalid) {
			t.Errorf("the former overlay: %v", err)
		}
	}
}
