package bytesize_test

import (
	"testing"

	"github.com/left4me/left4me/internal/bytesize"
)

func TestSizesUseLargestUnit(t *testing.T) {
	for n, want := range map[int64][5]string{
		0:              {"0 B", "0.0 kB", "0 bytes", "0.0 MB", "0.0 GB"},
		999:            {"999 B", "1.0 kB", "999 bytes", "0.0 MB", "0.0 GB"},
		1023:           {"1.0 kB", "1.0 kB", "1023 bytes", "0.0 MB", "0.0 GB"},
		1024:           {"1.0 kB", "1.0 kB", "1.0 KiB", "0.0 MB", "0.0 GB"},
		150_000:        {"150.0 kB", "0.1 MB", "146.5 KiB", "0.1 MB", "0.0 GB"},
		1_500_000:      {"1.5 MB", "1.5 MB", "1.4 MiB", "1.5 MB", "0.0 GB"},
		12_000_000:     {"12.0 MB", "12 MB", "11.4 MiB", "12.0 MB", "0.0 GB"},
		3_250_000_000:  {"3.25 GB", "3.2 GB", "3.0 GiB", "3250.0 MB", "3.2 GB"},
		14_000_000_000: {"14.00 GB", "14 GB", "13.0 GiB", "14000.0 MB", "14.0 GB"},
	} {
		got := [5]string{bytesize.Format(n), bytesize.Short(n), bytesize.Binary(n), bytesize.MB(n), bytesize.GB(n)}
		if got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
