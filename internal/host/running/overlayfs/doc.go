// Package overlayfs stacks a server's read-only layers under its writable one
// with the kernel's overlayfs. The root helper and the shim share it.
//
// Every directory that it touches may be writable by a hostile user. So each is
// opened beneath the root, with no symbolic link, magic link or mount point on
// the way, and from then on only the descriptor is used: what is checked is what
// is mounted, whatever happens to the names meanwhile. Plan decides and changes
// nothing; Mount acts.
//
// It mounts with userxattr, so that an upper directory means the same whether
// root mounted it or an ordinary user did in a user namespace.
package overlayfs
