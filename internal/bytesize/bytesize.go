// Package bytesize formats numbers of bytes for display.
package bytesize

import "fmt"

// Format formats n with the largest unit that fits, in powers of 1000: 999 B, 1.5 kB, 12.0 MB, 3.25
// GB.
func Format(n int64) string { return FormatLike(n, n) }

// FormatLike formats n in the unit that Format chooses for like, so that the two can be compared.
func FormatLike(n, like int64) string {
	switch Unit(like) {
	case 1:
		return fmt.Sprintf("%d B", n)
	case 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case 1e6:
		return MB(n)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// Unit returns the unit that Format chooses for n, in bytes.
func Unit(n int64) int64 {
	switch {
	case n < 1e3:
		return 1
	case n < 1e6:
		return 1e3
	case n < 1e9:
		return 1e6
	}
	return 1e9
}

// Short formats n for jobs: with about two digits, and never in a unit below kB: 0.1 kB, 1.5 MB, 12
// MB, 3.2 GB, 14 GB.
func Short(n int64) string {
	switch {
	case n >= 10_000_000_000:
		return fmt.Sprintf("%.0f GB", float64(n)/1e9)
	case n >= 1_000_000_000:
		return GB(n)
	case n >= 10_000_000:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n >= 100_000:
		return MB(n)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}

// Binary formats n in powers of 1024, like tools that show free space: 12 bytes, 1.5 KiB, 12.0 MiB,
// 3.2 GiB.
func Binary(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// MB formats n in MB, however large, so that the numbers of a column can be compared.
func MB(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// GB formats n in GB, however small.
func GB(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }
