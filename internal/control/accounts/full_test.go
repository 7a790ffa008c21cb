package accounts

import (
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

func TestLoginAndLogoutWorkOnFullDisk(t *testing.T) {
	disktest.OnSmall(t, "2m", func(t *testing.T, dir string) {
		ctx := t.Context()
		st, err := store.Open(ctx, filepath.Join(dir, "left4me.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		a := New(st, "k9Zq3vT7xw2Lr8Yd5Bn1Hs6Fj4Gm0PcQeUaWo", slog.New(slog.DiscardHandler))
		now := time.Now()
		a.now = func() time.Time { return now }
		const name, password = "ann", "correct horse battery"
		from := netip.MustParseAddr("203.0.113.9")
		user, err := a.CreateUser(ctx, name, password, true)
		ann := user.Actor
		if err != nil {
			t.Fatal(err)
		}
		before, _, err := a.login(ctx, name, password, from, "")
		if err != nil {
			t.Fatal(err)
		}
		early, _, err := a.login(ctx, name, password, from, "")
		if err != nil {
			t.Fatal(err)
		}
		token, err := a.CreateToken(ctx, ann, "a program", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // until the disk is full
			disktest.Fill(t, dir, 0)
			_, err = a.CreateToken(ctx, ann, "another", time.Time{})
		}
		if !errors.Is(err, left4me.DiskFull) {
			t.Fatal(err)
		}

		now = now.Add(time.Hour) // late enough for SeenAt to be written
		if who, err := a.Authenticate(ctx, before); err != nil || who != ann {
			t.Errorf("earlier session: %+v, %v", who, err)
		}
		if who, err := a.AuthenticateToken(ctx, token); err != nil || who.UserID != ann.UserID {
			t.Errorf("earlier token: %+v, %v", who, err)
		}
		cookie, _, err := a.login(ctx, name, password, from, "")
		if err != nil {
			t.Fatalf("login: %v", err)
		}
		now = now.Add(time.Minute)
		if who, err := a.Authenticate(ctx, cookie); err != nil || who != ann {
			t.Errorf("the new session: %+v, %v", who, err)
		}
		third, _, err := a.login(ctx, name, password, from, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []string{before, cookie} {
			if err := a.Logout(ctx, c); err != nil {
				t.Errorf("logout: %v", err)
			}
			if _, err := a.Authenticate(ctx, c); !errors.Is(err, left4me.Denied) {
				t.Errorf("after the logout: %v", err)
			}
		}
		if _, err := a.Authenticate(ctx, early); err != nil {
			t.Fatal(err)
		}
		if _, err := a.SignOut(ctx, ann); err != nil {
			t.Errorf("sign out everywhere: %v", err)
		}
		for _, c := range []string{early, third} {
			if _, err := a.Authenticate(ctx, c); !errors.Is(err, left4me.Denied) {
				t.Errorf("after signing out everywhere: %v", err)
			}
		}
	})
}
