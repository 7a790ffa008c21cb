// Package bytesize writes numbers of bytes for people.
package bytesize

import "fmt"

// Format writes n with the unit that it fills, in powers of 1000: 999 B, 1.5 kB,
// 12.0 MB, 3.25 GB.
func Format(n int64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%d B", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1e9:
		return MB(n)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// Short writes n as jobs do, with two digits of a large number and no unit below
// kB: 0.1 kB, 1.5 MB, 12 MB, 3.2 GB, 14 GB.
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

// Binary writes n in powers of 1024, as tools do that show free space: 12 bytes,
// 1.5 KiB, 12.0 MiB, 3.2 GiB.
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

// MB writes n in MB, however many: in columns, which shall compare.
func MB(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// GB writes n in GB, however few.
func GB(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }
