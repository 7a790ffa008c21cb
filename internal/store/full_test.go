package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/internal/left4me"
)

// On a full disk SQLite rolls back the transaction without database/sql noticing: the next
// statement would be committed on its own.
func TestTransactionIsRolledBackOnFullDisk(t *testing.T) {
	disktest.OnSmall(t, "1m", func(t *testing.T, dir string) {
		ctx := context.Background()
		s, err := Open(ctx, filepath.Join(dir, "left4me.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		filler := filepath.Join(dir, "filler")
		disktest.Fill(t, dir, 32<<10)
		insert := func(tx *transaction, user string, size int) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO user(name, password, admin, created_at) VALUES (?,hex(zeroblob(?)),0,0)`, user, size)
			return err
		}
		var first, second error
		err = s.tx(ctx, func(tx *transaction) error {
			// Larger than the page cache, so it is written before the commit.
			first = insert(tx, "large", 4<<20)
			second = insert(tx, "small", 1)
			return nil
		})
		if first == nil || err == nil {
			t.Errorf("the disk was not full: %v, %v", first, err)
		}
		if !errors.Is(second, first) {
			t.Errorf("error of the statement after %q: %v", first, second)
		}
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.DiskFull || !strings.Contains(e.Text, dir+"/left4me.db has ") {
			t.Errorf("%v, want DiskFull naming the file", err)
		}
		if users, err := s.Users().List(ctx); err != nil || len(users) != 0 {
			t.Errorf("part of a failed transaction was committed: %+v, %v", users, err)
		}
		relieved := 0
		s.OnFull(func() bool { relieved++; return os.Remove(filler) == nil })
		if err := s.tx(ctx, func(tx *transaction) error { return insert(tx, "later", 100<<10) }); err != nil || relieved != 1 {
			t.Errorf("after freeing space %d times: %v", relieved, err)
		}
	})
}

// A decision made in an attempt that failed on a full disk is discarded if the next attempt decides
// differently.
func TestAutostartDecidesAgainAfterFullDisk(t *testing.T) {
	disktest.OnSmall(t, "1m", func(t *testing.T, dir string) {
		ctx := context.Background()
		s, err := Open(ctx, filepath.Join(dir, "left4me.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		err = s.Servers().Create(ctx, left4me.Server{Name: "alpha", Host: "local", Port: 27015, Blueprint: "default"})
		if err != nil {
			t.Fatal(err)
		}
		start := QueuedJob{
			Job:  left4me.Job{ID: "1", Kind: left4me.StartServer, Target: "alpha", Host: "local", By: left4me.ByLeft4me},
			Spec: []byte(`"` + strings.Repeat("x", 2<<20) + `"`),
		}
		tries := 0
		s.OnFull(func() bool { return true })
		v, added, err := s.Jobs().Autostart(ctx, start, "", func(left4me.Server, []QueuedJob) Decision {
			if tries++; tries == 1 {
				return Decision{Reason: left4me.Note{Text: "wanted"}}
			}
			return Decision{}
		})
		if err != nil || added || !v.Reason.IsZero() || tries != 2 {
			t.Errorf("added: %v because %q, after %d tries: %v", added, v.Reason, tries, err)
		}
	})
}

func TestJobEndsOnceAfterFullDisk(t *testing.T) {
	disktest.OnSmall(t, "1m", func(t *testing.T, dir string) {
		ctx := context.Background()
		s, err := Open(ctx, filepath.Join(dir, "left4me.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		v := QueuedJob{Job: left4me.Job{ID: "1", Kind: left4me.UpdateGame, Target: "local", Host: "local"}, Spec: []byte(`{}`)}
		if _, err := s.Jobs().Add(ctx, v, func([]QueuedJob) (*QueuedJob, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
		v.State = left4me.JobCancelled
		s.OnFull(func() bool { // between the attempts another transaction ends the job
			_, ended, err := s.Jobs().End(ctx, v.Job, "")
			return ended && err == nil
		})
		late := v.Job
		late.State, late.Steps = left4me.JobDone, []left4me.Step{{Note: strings.Repeat("x", 2<<20)}}
		if _, ended, err := s.Jobs().End(ctx, late, ""); err != nil || ended {
			t.Errorf("the job ended a second time: %v, %v", ended, err)
		}
		if v, err := s.Jobs().Get(ctx, "1"); err != nil || v.State != left4me.JobCancelled {
			t.Errorf("state %s: %v", v.State, err)
		}
	})
}

// SQLite creates the shared memory file of the write-ahead log when the first connection opens a
// database.
func TestOpenReadsDatabaseOnFullDisk(t *testing.T) {
	disktest.OnSmall(t, "1m", func(t *testing.T, dir string) {
		ctx, path := context.Background(), filepath.Join(dir, "left4me.db")
		open := func() *Store {
			t.Helper()
			s, err := Open(ctx, path)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		add := func(s *Store, user string, size int) error {
			return s.tx(ctx, func(tx *transaction) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO user(name, password, admin, created_at) VALUES (?,hex(zeroblob(?)),0,0)`, user,
					size)
				return err
			})
		}
		s := open()
		if err := add(s, "first", 100); err != nil || s.Full() != nil {
			t.Fatalf("%v, full: %v", err, s.Full())
		}
		// As after a power failure: the log contains the last writes, and the shared memory file is
		// missing.
		log, err := os.ReadFile(path + "-wal")
		database, derr := os.ReadFile(path)
		s.Close()
		if err := errors.Join(err, derr, os.WriteFile(path, database, 0o600), os.WriteFile(path+"-wal", log, 0o600)); err != nil {
			t.Fatal(err)
		}
		for _, users := range []int{1, 2} { // with a log, then without
			disktest.Fill(t, dir, 0)
			s = open()
			if all, err := s.Users().List(ctx); err != nil || len(all) != users {
				t.Errorf("on a full disk: %+v, %v", all, err)
			}
			if e := s.Full(); e == nil || !strings.Contains(e.Text, path+" has 0 bytes free") {
				t.Errorf("Full on a full disk: %v", e)
			}
			if err := add(s, "refused", 60<<10); !errors.Is(err, left4me.DiskFull) {
				t.Errorf("write on a full disk: %v", err)
			}
			disktest.Empty(t, dir)
			if e := s.Full(); e != nil {
				t.Errorf("Full with free space: %v", e)
			}
			if users == 1 {
				if err := add(s, "second", 60<<10); err != nil {
					t.Errorf("write with free space: %v", err)
				}
				if err := s.Snapshot(ctx, filepath.Join(dir, "copy.db"), time.Now()); err != nil {
					t.Errorf("snapshot with free space: %v", err)
				}
			}
			s.Close()
			if _, err := os.Stat(path + "-wal"); err == nil {
				t.Error("the log still exists")
			}
		}
		s = open() // normally
		defer s.Close()
		if all, err := s.Users().List(ctx); err != nil || len(all) != 2 {
			t.Errorf("in the end: %+v, %v", all, err)
		}
	})
}
