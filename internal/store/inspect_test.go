package store

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"
)

// Inspect reports a locked database sooner than a writer, which has to wait for the lock.
func TestInspectOfLockedDatabaseFailsSoon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	st, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	holder, err := sql.Open("sqlite", dsn(path, busyWithin, "_pragma=locking_mode(EXCLUSIVE)"))
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	holder.SetMaxOpenConns(1)
	if _, err := holder.ExecContext(t.Context(), "CREATE TABLE held(x)"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	in, err := Inspect(t.Context(), path)
	if err == nil {
		_, err = in.Servers().List(t.Context())
		in.Close()
	}
	if took := time.Since(began); err == nil || took < inspectBusy || took > busyWithin-time.Second {
		t.Errorf("after %s: %v", took, err)
	}
}
