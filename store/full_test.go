package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/disk/disktest"
)

// SQLite rolls a transaction back when the disk is full, and database/sql is not
// told: the next statement would be committed on its own.
func TestNothingOfATransactionIsKeptThatTheDiskHadNoRoomFor(t *testing.T) {
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
			// Larger than the page cache, so that it is written before the commit.
			first = insert(tx, "large", 4<<20)
			second = insert(tx, "small", 1)
			return nil
		})
		if first == nil || err == nil {
			t.Errorf("the disk was not full: %v, %v", first, err)
		}
		if !errors.Is(second, first) {
			t.Errorf("the statement after %q gives %v", first, second)
		}
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.DiskFull || !strings.Contains(e.Text, dir+"/left4me.db has ") {
			t.Errorf("%v does not say that the disk is full, and which", err)
		}
		if users, err := s.Users(ctx); err != nil || len(users) != 0 {
			t.Errorf("half of a transaction is kept: %+v, %v", users, err)
		}
		relieved := 0
		s.OnFull(func() bool { relieved++; return os.Remove(filler) == nil })
		if err := s.tx(ctx, func(tx *transaction) error { return insert(tx, "later", 100<<10) }); err != nil || relieved != 1 {
			t.Errorf("with space that was given back %d times: %v", relieved, err)
		}
	})
}
