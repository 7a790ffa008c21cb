// Package overlayfs mounts a server's read-only layers below its writable layer with the kernel's
// overlayfs. The root helper and the shim share it.
//
// A hostile user may be able to write to every directory involved. Therefore each directory is opened
// below the root without following symbolic links, magic links or mount points, and is used only by
// descriptor from then on. The checked directory is the mounted one, even if names change in the
// meantime. Plan only checks; Mount performs the mount.
//
// Mounts use userxattr, so that an upper directory has the same meaning whether root mounted it or an
// ordinary user in a user namespace.
package overlayfs
