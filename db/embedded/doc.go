// Package embedded runs the private PostgreSQL of the default setup: the one
// that "make run" uses when MENSHEN_DATABASE_URL is unset.
//
// It is the server that is installed on the machine, run as a child process
// over a data directory of our own:
//
//	.data/
//	  lock           held by the process that owns the directory; its PID inside
//	  postgres/      the cluster (a symlink to /var/lib/menshen/... where the
//	                 server's user cannot reach .data)
//	  postgres.log   what the server says
//	  socket/        the unix socket: the only way in
//
// What holds at all times:
//
//   - Nobody else gets in. The server never listens on TCP, and the directory of
//     its socket is 0700. That, not a password, is the access control.
//   - No orphans. The server ends when its parent ends, even on kill -9.
//   - One owner. A second Start on the same directory is refused with ErrInUse.
//   - No loss. Nothing here deletes a finished cluster, except Remove.
//   - No half-made cluster. It is made beside its place and renamed into it.
//   - Not root. PostgreSQL refuses to run as root, so root hands it to the user
//     postgres or else nobody.
//
// It needs a Unix: Linux, macOS or one of the BSDs.
package embedded
