package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// caches are the directories of a root whose files can be downloaded again.
var caches = []string{"workshop_cache", "global_overlay_cache"}

// eachCached calls visit for every file of a cache.
func (s Source) eachCached(ctx context.Context, cache string, visit func(node) error) error {
	top, err := os.OpenFile(path.Join(s.Root, cache), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer top.Close()
	return eachIn(ctx, top, cache, visit)
}

func eachIn(ctx context.Context, dir *os.File, p string, visit func(node) error) error {
	names, err := dir.Readdirnames(-1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := node{dir: dir, name: name, path: path.Join(p, name)}
		if !validPath(n.path) || unix.Fstatat(int(dir.Fd()), name, &n.stat, unix.AT_SYMLINK_NOFOLLOW) != nil {
			continue
		}
		switch n.kind() {
		case unix.S_IFREG:
			if err := visit(n); err != nil {
				return err
			}
		case unix.S_IFDIR:
			sub, err := n.open()
			if err != nil {
				continue
			}
			err = eachIn(ctx, sub, n.path, visit)
			sub.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// references records the files of the caches with their checksums.
func (p *packer) references() error {
	for _, cache := range caches {
		err := p.eachCached(p.ctx, cache, func(n node) error {
			sum, size, err := sumOf(p.ctx, n)
			if err != nil {
				p.warn(n.path, err)
				return p.ctx.Err()
			}
			p.cached[n.inode()] = &Reference{Path: n.path, Size: size, SHA256: sum}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sumOf(ctx context.Context, n node) (string, int64, error) {
	f, err := n.open()
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, &bounded{ctx: ctx, r: f})
	return hex.EncodeToString(sum.Sum(nil)), size, err
}

// bounded is a reader that fails once its context ends.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	each func(n int) // called after each read; may be nil
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if b.each != nil {
		b.each(n)
	}
	return n, err
}
