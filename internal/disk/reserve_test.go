package disk_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/disk/disktest"
)

func TestReserveIsReleasedAndRecreatedPerFileSystem(t *testing.T) {
	disktest.OnSmall(t, "8m", func(t *testing.T, root string) {
		other := filepath.Join(root, "overlays")
		disktest.Mount(t, other, "4m", 0o755)
		r := disk.NewReserve(root, 256<<10, slog.New(slog.DiscardHandler))
		free := func(dir string) int64 {
			n, err := disk.Free(dir)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		r.Fill()
		if a, b := free(root), free(other); a != 8<<20-256<<10 || b != 4<<20-256<<10 {
			t.Fatalf("free with the reserve: %d and %d", a, b)
		}
		if r.Release() {
			t.Error("the reserve was released although no disk is full")
		}
		disktest.Fill(t, other, 0)
		if !r.Release() || free(other) != 256<<10 || free(root) != 8<<20-256<<10 {
			t.Errorf("after the release, %d and %d bytes are free", free(root), free(other))
		}
		r.Fill()
		if free(other) != 256<<10 {
			t.Error("the reserve was recreated on a nearly full disk")
		}
		disktest.Empty(t, other)
		r.Fill()
		if free(other) != 4<<20-256<<10 {
			t.Errorf("the reserve was not recreated: %d bytes are free", free(other))
		}
		// A reserve that is too large for a small disk.
		disk.NewReserve(root, 64<<20, slog.New(slog.DiscardHandler)).Fill()
		if free(root) != 8<<20-512<<10 {
			t.Errorf("want a reserve of 1/16 of the disk: %d bytes are free", free(root))
		}
	})
}
