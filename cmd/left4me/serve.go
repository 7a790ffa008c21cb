package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/api"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/layers"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/agent"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/memtrim"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/internal/unixsock"
	"github.com/left4me/left4me/internal/web"
)

const (
	settleAfter    = 2 * time.Second // then what only the start needed is given back
	tellWithin     = 30 * time.Second
	shutdownWithin = 10 * time.Second
	bodyWithin     = 15 * time.Second
	gameGroup      = "left4me-game"
	socketName     = "api.sock"
	lockName       = "left4me.lock"
	databaseName   = "left4me.db"
	busName        = "bus"
)

// serve runs the panel, the API and the agent of this machine until ctx ends.
// Game servers don't end with it.
func serve(ctx context.Context, s settings) error {
	log := newLog()
	if err := accounts.CheckSecret(s.secretKey); err != nil {
		return secretError(s.root, remedy.Here(), err)
	}
	// The socket first: an address that is taken is the commonest mistake, and
	// nothing has been begun yet.
	listener, err := listenTCP(s.listen, unreadWithin)
	if errors.Is(err, syscall.EADDRINUSE) {
		unlock, held := lockRoot(s.root)
		if errors.Is(held, left4me.Conflict) { // by the left4me that serves here
			return held
		}
		if held == nil {
			unlock()
		}
		err = left4me.Errorf(left4me.Conflict, "%s is in use by another program", s.listen).WithHint("end it, or use another address")
	}
	if err != nil {
		return fmt.Errorf("LEFT4ME_LISTEN: %w", err)
	}
	defer listener.Close()
	unlock, err := prepareRoot(s)
	if err != nil {
		return err
	}
	defer unlock()
	reserve := disk.NewReserve(s.root, s.reserve, log)
	// First of all: on a full disk not even what is there can be read.
	reserve.Release()
	st, err := store.Open(ctx, filepath.Join(s.root, databaseName))
	if err != nil {
		return err
	}
	defer st.Close()
	st.OnFull(reserve.Release)
	if why := st.Full(); why != nil {
		log.Error("left4me can't save changes until there is room", "err", why)
	}
	site, err := st.Site().ID(ctx)
	if err != nil {
		return err
	}
	b, err := bus.OpenFor(ctx, filepath.Join(s.root, busName), site, log)
	if err != nil {
		return err
	}
	defer b.Close()
	b.OnFull(reserve.Release)

	list := jobs.New(st.Jobs(), b, log)
	srv := servers.New(st, list, b, s.ports, log)
	acc := accounts.New(st, s.secretKey, log)
	con := overlays.New(st, list, srv, b, log)
	files := localfs.New(s.root)
	bak := backups.New(st, list, b, files, s.root, log)
	gam := game.New(st, list, srv, b, log)
	sent := uploads.New(files, log)
	machines := hosts.New(b)
	sup, group, err := supervisor(ctx, s, log)
	if err != nil {
		return err
	}
	if closer, ok := sup.(interface{ Close() }); ok { // of a connection to systemd
		defer closer.Close()
	}
	decode, err := decoder()
	if err != nil {
		return err
	}
	agent, err := agent.New(agent.Config{
		Host: left4me.LocalHost, Files: instance.Files{Root: instance.Root(s.root), Group: group, SteamCMD: steamDir(s)}, Sockets: s.run,
		Version: programVersion(), BootID: agent.BootID(),
		Steam:    agent.SteamConfig{Tool: s.steamcmd, URL: s.steamcmdURL, API: s.steamAPI, Home: os.Getenv("HOME")},
		Settings: s.configDir, Downloads: s.downloads, GitHub: s.githubAPI, Decoder: decode,
		Doctor: func(ctx context.Context) []left4me.Check { return look(ctx, s) }, PublicAddress: s.publicAddress,
		Relieve: reserve.Release,
	}, sup, b, log)
	if err != nil {
		return err
	}
	if group >= 0 {
		// SteamCMD runs as the same user: it shall not find the secret key in our
		// environment, nor the database through our root directory. Where shims are
		// our children it would keep them from their namespaces.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			return fmt.Errorf("hide from other processes: %w", err)
		}
	}
	if err := shareSockets(s.run, group); err != nil {
		return err
	}
	local, err := localListener(s)
	if err != nil {
		return err
	}
	defer local.Close()
	// The order in which they end: what answers people, what works for them, and
	// what that tells of it. Behind them the bus is closed, then the store.
	requests, work, control := newStage(ctx), newStage(ctx), newStage(ctx)
	control.add(waits(list.Wait), waits(srv.Wait), waits(gam.Wait), waits(bak.Wait), bak.Run, con.Run, sent.Run, reserve.Run)
	work.add(agent.Run)
	if err := errors.Join(list.Start(control.ctx), srv.Start(control.ctx), gam.Start(control.ctx), bak.Start(control.ctx)); err != nil {
		control.end()
		return errors.Join(err, runStages(control.ctx, control))
	}

	full := func() *left4me.Error { return fullDisk(st, b) }
	apiHandler := api.New(api.Deps{
		Servers: srv, Jobs: list, Content: con, Uploads: sent,
		Layers: layers.New(con.Revisions(), files), Game: gam, Accounts: acc, Backups: bak,
		Hosts: machines, Version: programVersion(), PublicAddress: s.publicAddress, Log: log,
		Ready: func(ctx context.Context) error {
			return errors.Join(st.Ping(ctx), machines.Ping(ctx, left4me.LocalHost))
		},
		Full: full,
	})
	mux := http.NewServeMux()
	for _, path := range []string{"/api/", "/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, apiHandler)
	}
	mux.Handle("/", web.New(web.Deps{
		Servers: srv, Jobs: list, Content: con, Uploads: sent, Downloads: overlays.NewDownloads(con, files), Game: gam, Accounts: acc,
		Backups: bak, Hosts: machines, Full: full, Secure: s.secureCookies(), Version: programVersion(), PublicAddress: s.publicAddress,
		Units: group >= 0, Log: log,
	}))

	requests.add(
		func(ctx context.Context) error { return serveHTTP(ctx, listener, strictTransport(s, mux), nil, log) },
		func(ctx context.Context) error { return serveHTTP(ctx, local, apiHandler, api.PeerContext, log) },
		func(ctx context.Context) error {
			if !told(ctx, agent, srv, log) {
				return nil
			}
			systemd.Ready()
			log.Info("left4me serves", "address", "http://"+listener.Addr().String(), "root", s.root, "version", programVersion())
			if sleep.For(ctx, settleAfter) == nil {
				memtrim.Process()
			}
			return nil
		},
	)
	err = runStages(ctx, requests, work, control)
	if s.ended != nil {
		s.ended()
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // that is how it ends
	}
	log.Info("left4me ends; game servers run on")
	return err
}

// fullDisk says what left4me can't do because a disk is full, or nothing.
func fullDisk(st *store.Store, b *bus.Bus) *left4me.Error {
	why, so := st.Full(), "; left4me can't save changes, but servers run on and can be stopped"
	if why == nil {
		why, so = b.Full(), "; jobs go to their hosts without the queue"
	}
	if why == nil {
		return nil
	}
	return left4me.Errorf(left4me.DiskFull, "%s%s", why.Text, so).WithHint(why.Hint)
}

// told waits until this machine's agent answers and has told what it has: then
// left4me is ready. False: ctx has ended.
func told(ctx context.Context, agent *agent.Agent, srv *servers.Servers, log *slog.Logger) bool {
	select {
	case <-agent.Ready():
	case <-ctx.Done():
		return false
	}
	within, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := srv.Told(within, left4me.LocalHost); err != nil && ctx.Err() == nil {
		log.Warn("this host answers, but could not say yet what its servers do", "host", left4me.LocalHost)
	}
	return ctx.Err() == nil
}

// newLog makes the log of the program. The journal knows the time already.
func newLog() *slog.Logger {
	options := &slog.HandlerOptions{}
	if os.Getenv("JOURNAL_STREAM") != "" {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(systemd.Log(), options))
}

// serveHTTP serves until ctx ends, and returns when no request is handled any
// more; requests in progress, live streams among
// them, are told by their contexts.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, conn func(context.Context, net.Conn) context.Context,
	log *slog.Logger,
) error {
	var running sync.WaitGroup
	srv := &http.Server{
		Handler: counted(&running, inTime(bodyWithin, h)), ConnContext: conn, ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close() // then also reading a body fails
		}
		running.Wait()
	})
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

// strictTransport makes browsers come over https only, for half a year from each
// answer on, where that is how they find the panel (RFC 6797; they heed it over
// https only). Other names of the domain are none of its business.
func strictTransport(s settings, next http.Handler) http.Handler {
	if !s.https() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=15552000")
		next.ServeHTTP(w, r)
	})
}

// counted counts the requests that are being handled: a server's Close doesn't
// wait for them.
func counted(running *sync.WaitGroup, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		next.ServeHTTP(w, r)
	})
}

// inTime bounds how long the body of a request may take to come: whoever sends
// it byte by byte would hold a connection for ever. The server takes the deadline
// back when all of the body is there.
func inTime(within time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) // a connection has deadlines
		}
		next.ServeHTTP(w, r)
	})
}

// prepareRoot makes the root directory and takes its lock: two left4me on one
// root would start every server twice.
func prepareRoot(s settings) (unlock func(), err error) {
	for _, d := range []struct {
		setting, path string
		mode          fs.FileMode
	}{
		{"LEFT4ME_ROOT", s.root, 0o751},
		{"LEFT4ME_ROOT", filepath.Join(s.root, busName), 0o700},
		{"LEFT4ME_ROOT", filepath.Join(s.root, "tmp"), 0o751},
		{"LEFT4ME_RUN", s.run, 0o700},
	} {
		if err := ownDirectory(d.path, d.mode); err != nil {
			return nil, fmt.Errorf("%s: %w", d.setting, err)
		}
	}
	return lockRoot(s.root)
}

// lockRoot takes the lock of a root.
func lockRoot(root string) (unlock func(), err error) {
	lock, err := os.OpenFile(filepath.Join(root, lockName), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	if err := giveToOwner(lock, root); err != nil {
		lock.Close()
		return nil, fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		text := "another left4me works on " + root + holder(lock)
		lock.Close()
		return nil, fmt.Errorf("LEFT4ME_ROOT: %w", left4me.Errorf(left4me.Conflict, "%s", text).WithHint("stop it, or use another root"))
	}
	// For the message above only: a full disk is no reason not to start.
	_ = lock.Truncate(0)
	_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return func() {
		_ = lock.Truncate(0)
		lock.Close()
	}, nil
}

// holder names the process that has the lock, if it could write that down.
func holder(lock *os.File) string {
	b := make([]byte, 20)
	n, _ := lock.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// giveToOwner gives a file that we made as root, as when a backup is restored, to
// whom its directory belongs: left4me could not open it. A file of root's that
// somebody linked there stays root's.
func giveToOwner(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var file, owner syscall.Stat_t
	if err := errors.Join(syscall.Fstat(int(f.Fd()), &file), syscall.Stat(dir, &owner)); err != nil {
		return err
	}
	if file.Uid != 0 || owner.Uid == 0 || file.Nlink != 1 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// ownDirectory makes a directory, or sees that the one that is there is ours: in
// one of somebody else we would leave files that its owner can't use, and its
// owner could put others in our sockets' place.
func ownDirectory(dir string, mode fs.FileMode) error {
	_, err := os.Lstat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	if made { // whatever the umask
		if err := os.Chmod(dir, mode); err != nil {
			return err
		}
	}
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		owner := strconv.Itoa(int(sys.Uid))
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
		return left4me.Errorf(left4me.Invalid, "%s belongs to %s", dir, owner).
			WithHint("run left4me as that user, or use another directory")
	}
	return nil
}

// shareSockets lets the game's group, which shims run in under systemd, pass to
// the directories that systemd makes for them, and see nothing on the way.
func shareSockets(run string, group int) error {
	if group < 0 {
		return nil
	}
	if err := os.Chown(run, -1, group); err != nil {
		return fmt.Errorf("LEFT4ME_RUN: %w: add the user left4me to the group %s", err, gameGroup)
	}
	if err := os.Chmod(run, 0o710); err != nil {
		return fmt.Errorf("LEFT4ME_RUN: %w", err)
	}
	return nil
}

// supervisor chooses how servers are kept running: by systemd where our units
// are installed, else by our own processes. group is what the game runs as, or
// -1 for our own user.
func supervisor(ctx context.Context, s settings, log *slog.Logger) (sup agent.Machine, group int, err error) {
	if s.supervisor != "process" {
		units := systemd.Config{Root: instance.Root(s.root), Run: s.run}
		err := systemd.Available(ctx, units)
		if err == nil {
			g, err := user.LookupGroup(gameGroup)
			if err != nil {
				return nil, 0, fmt.Errorf("systemd: %w", err)
			}
			gid, err := strconv.Atoi(g.Gid)
			if err != nil {
				return nil, 0, fmt.Errorf("systemd: group %s: %w", gameGroup, err)
			}
			sup, err := systemd.New(ctx, units)
			return sup, gid, err
		}
		if s.supervisor == "systemd" {
			return nil, 0, fmt.Errorf("LEFT4ME_SUPERVISOR: %w", err)
		}
		log.Info("servers run as processes of this user", "why", err)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	cfg := process.Config{Root: instance.Root(s.root), Run: s.run, Exe: exe}
	for name, path := range map[string]string{
		"LEFT4ME_CONFIG_DIR":      s.configDir,
		"LEFT4ME_SECRET_KEY_FILE": s.keyFile,
		"LEFT4ME_STEAMCMD":        s.steamcmd,
	} {
		if path == "" {
			continue
		}
		if path, err = filepath.Abs(path); err != nil {
			return nil, 0, err
		}
		cfg.Env = append(cfg.Env, name+"="+path) // for runShim
	}
	return process.New(cfg), -1, nil
}

// steamDir is where SteamCMD is that a setting names, with Steam's libraries.
func steamDir(s settings) string {
	if s.steamcmd == "" {
		return ""
	}
	return filepath.Dir(s.steamcmd)
}

// localListener is the socket for commands on this machine, which need no
// token: the kernel says who is at the other end.
func localListener(s settings) (net.Listener, error) {
	path := filepath.Join(s.run, socketName)
	if len(path) >= len(unix.RawSockaddrUnix{}.Path) {
		return nil, fmt.Errorf("local socket: %s is longer than the address of a socket may be; set a shorter LEFT4ME_ROOT or LEFT4ME_RUN",
			path)
	}
	l, err := unixsock.Listen(path, 0o600)
	if err != nil {
		return nil, err
	}
	return removedAtClose{l, path}, nil
}

// removedAtClose is a listener whose socket goes when it is closed: clients then
// see at once that nothing serves.
type removedAtClose struct {
	net.Listener
	path string
}

func (l removedAtClose) Close() error {
	return errors.Join(l.Listener.Close(), os.Remove(l.path))
}
