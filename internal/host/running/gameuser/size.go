package gameuser

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Size returns the disk space in bytes of everything below rel in root, without following symbolic
// links. It counts a file with several names each time. What cannot be read, directories deeper than
// maxDepth and what remains when ctx ends are left out.
func Size(ctx context.Context, root, rel string) int64 {
	dir, err := OpenDir(root, rel)
	if err != nil {
		return 0
	}
	defer dir.Close()
	return sizeOf(ctx, dir, 0)
}

func sizeOf(ctx context.Context, dir *os.File, depth int) (total int64) {
	for ctx.Err() == nil {
		names, err := dir.Readdirnames(1000)
		for _, n := range names {
			var st unix.Stat_t
			if unix.Fstatat(int(dir.Fd()), n, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
				continue
			}
			total += st.Blocks * 512
			if st.Mode&unix.S_IFMT != unix.S_IFDIR || depth == maxDepth || ctx.Err() != nil {
				continue
			}
			if sub, err := openAt(dir, n, unix.O_RDONLY|unix.O_DIRECTORY, beneath|unix.RESOLVE_NO_XDEV); err == nil {
				total += sizeOf(ctx, sub, depth+1)
				sub.Close()
			}
		}
		if len(names) == 0 || err != nil && !errors.Is(err, io.EOF) {
			break
		}
	}
	return total
}
