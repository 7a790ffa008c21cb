// Package sitetest opens the control packages on a real store and a real bus, for tests. Each test
// simulates the answers of hosts as needed.
package sitetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/internal/store/storetest"
)

// Password is the password of users added by [Site.AddUser].
const Password = "a door that closes"

// passwordHash is a hash of Password with the cheapest parameters that accounts accepts; login uses
// the parameters stored in the hash.
const passwordHash = "$argon2id$v=19$m=64,t=1,p=1$vJSTPqQmBJ4o7olcutogqw$o50EhgNYg9rdIKGyifnESgqN+HnyizCdvuvk3CeMxaA"

// Site is a store and a bus in a directory.
type Site struct {
	Dir   string
	Log   *slog.Logger    // recorded for Logged
	Ctx   context.Context // context of everything started on the site; Close cancels it
	Store *store.Store
	Bus   *bus.Bus

	close  func()
	logged logBuffer
}

// logBuffer collects log lines. It is safe for concurrent use.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

// Logged returns the log lines that contain text.
func (s *Site) Logged(text string) []string {
	s.logged.mu.Lock()
	defer s.logged.mu.Unlock()
	var found []string
	for line := range strings.Lines(s.logged.text.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// Open opens or creates a site in dir, which survives the site, as in a restart. The site is closed
// at the end of the test, or by Close.
func Open(tb testing.TB, dir string) *Site {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Site{Dir: dir, Ctx: ctx}
	s.Log = slog.New(requestid.LogHandler(slog.NewTextHandler(&s.logged, nil)))
	s.Store = storetest.Open(ctx, tb, filepath.Join(dir, "left4me.db"))
	id, err := s.Store.Site().ID(ctx)
	if err == nil {
		s.Bus, err = bus.OpenFor(ctx, filepath.Join(dir, "bus"), id, s.Log)
	}
	if err != nil {
		cancel()
		s.Store.Close()
		tb.Fatal(err)
	}
	s.close = sync.OnceFunc(func() {
		cancel()
		s.Bus.Close()
		s.Store.Close()
	})
	tb.Cleanup(s.close)
	return s
}

// Close ends what was started on the site and closes bus and store. Further calls do nothing.
func (s *Site) Close() { s.close() }

// AddUser adds a user whose password is [Password].
func (s *Site) AddUser(tb testing.TB, name string, admin bool) store.User {
	tb.Helper()
	u, err := s.Store.Users().Create(tb.Context(), store.User{Name: name, Password: passwordHash, Admin: admin, CreatedAt: time.Now()})
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// Control holds the control packages of a site. None of them is started.
type Control struct {
	Jobs     *jobs.Jobs
	Servers  *servers.Servers
	Overlays *overlays.Overlays
	Game     *game.Game
	Accounts *accounts.Accounts
	Hosts    *hosts.Hosts
	Uploads  *uploads.Uploads
	Backups  *backups.Backups
	Bulk     *bulk.Bulk
}

// Control creates the control packages. Servers get ports from the given range.
func (s *Site) Control(ports servers.PortRange) Control {
	c := Control{
		Jobs:     jobs.New(s.Store.Jobs(), s.Bus, s.Log),
		Accounts: accounts.New(s.Store, "a secret of the tests, and of nothing else", s.Log),
		Hosts:    hosts.New(s.Bus, left4me.LocalHost),
		Uploads:  uploads.New(localfs.New(s.Dir), s.Store.Overlays().Names, s.Log),
	}
	c.Servers = servers.New(s.Store, c.Jobs, c.Hosts, s.Bus, ports, s.Log)
	c.Overlays = overlays.New(s.Store, c.Jobs, c.Servers, c.Hosts.Content(), s.Bus, s.Log)
	c.Game = game.New(s.Store, c.Jobs, c.Servers, c.Hosts, s.Bus, s.Log)
	c.Backups = backups.New(s.Store, c.Jobs, s.Bus, backups.Host{Name: left4me.LocalHost, Files: localfs.New(s.Dir), Root: s.Dir}, s.Log)
	c.Bulk = bulk.New(s.Store, c.Jobs, c.Servers, s.Log)
	return c
}
