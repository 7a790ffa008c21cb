package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// Names in the directory of the store.
const (
	storeName   = "jetstream"               // used by nats-server
	streamsName = storeName + "/$G/streams" // one directory per stream
	ownerName   = "owner"                   // file with the identity of the left4me that owns the store
	asidePrefix = "damaged-"                // stores set aside as unusable, by time
	maxAside    = 3                         // maximum number of stores set aside
)

// OpenFor is like Open for the left4me with the given identity. A store of another identity is set
// aside.
func OpenFor(ctx context.Context, dir, owner string, log *slog.Logger) (*Bus, error) {
	return open(ctx, dir, owner, log, maxPayload)
}

// open starts the server on the store in dir, or on a new store if that one cannot be used. Nothing
// in a store is the only copy: a job message can be recreated from its row, and a crash is also in
// a file among its server's logs. So a damaged store is set aside and never repaired. nats-server
// 2.15 would open it without an error and silently drop the unreadable parts: a stream or a consumer
// with damaged metadata, and messages missing from its block files.
//
// Job messages never outlive the server: all active jobs are sent again from their rows, and old
// messages would only hide a missing one.
func open(ctx context.Context, dir, owner string, log *slog.Logger, payload int32) (*Bus, error) {
	// Without this the server would only report that it is not ready.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("bus: store: %w", err)
	}
	if why := unusable(dir, owner); why != nil {
		if err := putAside(dir, why, log); err != nil {
			return nil, fmt.Errorf("bus: store %s: %w", dir, err)
		}
	}
	_, err := os.Lstat(filepath.Join(dir, streamsName, streamEvents))
	anew := errors.Is(err, fs.ErrNotExist)
	b, err := openStore(ctx, dir, log, payload)
	if err != nil && ctx.Err() == nil && !full(dir) {
		if aerr := putAside(dir, err, log); aerr != nil {
			return nil, fmt.Errorf("bus: store %s: %w", dir, errors.Join(err, aerr))
		}
		anew = true
		b, err = openStore(ctx, dir, log, payload)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: store %s: %w", dir, err)
	}
	b.newStore = anew
	if err := recordOwner(dir, owner); err != nil {
		log.WarnContext(ctx, "bus: note whose store it is", "err", err)
	}
	return b, nil
}

// IsNewStore reports whether the store is new. Unread events of the previous store are not in it;
// the hosts send them again.
func (b *Bus) IsNewStore() bool { return b.newStore }

// unusable returns why the server cannot use the store, and removes the job messages from it.
func unusable(dir, owner string) error {
	store := filepath.Join(dir, storeName)
	st, err := os.Lstat(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !st.IsDir() {
		err = errors.New("it is no directory")
	}
	if is, rerr := os.ReadFile(filepath.Join(dir, ownerName)); err == nil && owner != "" && rerr == nil && string(is) != owner {
		err = errors.New("it belongs to another left4me")
	}
	if err != nil {
		return err
	}
	if _, err := os.ReadDir(filepath.Join(dir, streamsName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, streamsName, streamJobs))
}

// openStore starts the server and checks which parts of the store it opened.
func openStore(ctx context.Context, dir string, log *slog.Logger, payload int32) (*Bus, error) {
	var readers []string
	entries, _ := os.ReadDir(filepath.Join(dir, streamsName, streamEvents, "obs")) // a missing directory is fine
	for _, e := range entries {
		readers = append(readers, e.Name())
	}
	b, err := start(ctx, dir, log, payload)
	if err != nil {
		return nil, err
	}
	if b.Full() != nil {
		return b, nil
	}
	if err := b.checkDamage(ctx, readers); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// checkDamage returns an error if the server lost events or readers; readers lists the consumers of
// events before the start.
func (b *Bus) checkDamage(ctx context.Context, readers []string) error {
	if err := b.broken(); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	events, err := b.js.Stream(ctx, streamEvents)
	if err != nil {
		return err
	}
	// Events only expire in order, so gaps mean damage.
	if s := events.CachedInfo().State; s.NumDeleted > 0 || s.Lost != nil {
		return fmt.Errorf("at least %d events are missing", s.NumDeleted)
	}
	for _, name := range readers {
		if _, err := events.Consumer(ctx, name); err != nil {
			return fmt.Errorf("how far %s has read: %w", name, err)
		}
	}
	return nil
}

// full reports whether a full disk may be the reason why a store doesn't open.
func full(dir string) bool {
	free, err := disk.Free(dir)
	return err == nil && free < minFree
}

// recordOwner records the owner of the store.
func recordOwner(dir, owner string) error {
	name := filepath.Join(dir, ownerName)
	if is, err := os.ReadFile(name); owner == "" || err == nil && string(is) == owner {
		return nil
	}
	return os.WriteFile(name, []byte(owner), 0o600)
}

// putAside renames an unusable store to make room for a new one, and deletes the oldest ones.
func putAside(dir string, why error, log *slog.Logger) error {
	stem := asidePrefix + left4me.BackupTime(time.Now())
	for n := 1; ; n++ {
		to := filepath.Join(dir, stem)
		if n > 1 {
			to += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		err := os.Rename(filepath.Join(dir, storeName), to)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there is no store
		}
		if err != nil {
			return err
		}
		log.Error("bus: the store can't be used and was put aside", "why", why, "path", to,
			"lost", "events that were not read yet; crashes are told again from the logs of their servers")
		break
	}
	all := Aside(dir)
	for _, old := range all[:max(0, len(all)-maxAside)] {
		if err := os.RemoveAll(old); err != nil {
			log.Warn("bus: remove a store that was put aside", "err", err)
		}
	}
	return nil
}

// Aside returns the stores set aside in the directory of a bus, oldest first.
func Aside(dir string) []string {
	entries, _ := os.ReadDir(dir) // sorted by name; a missing directory is fine
	var all []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), asidePrefix) {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	return all
}
