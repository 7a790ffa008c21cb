package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// withToken returns the header of a request with a token.
func withToken(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
}

func TestChangeAndDeleteUser(t *testing.T) {
	s := newSite(t)
	var u apitype.User
	s.call(t, "POST", "/api/v1/users", `{"name":"Zoey","password":"a long password"}`).into(t, &u)
	var made apitype.Token
	s.call(t, "POST", "/api/v1/tokens", `{"label":"script","user":"Zoey"}`).into(t, &made)
	zoey := bearer(made.Token)
	must(s.accounts.Login(t.Context(), accounts.Attempt{Name: "zoey", Password: "a long password"}))(t)
	change := func(body string) (e apitype.Ended) {
		t.Helper()
		a := s.call(t, "PATCH", "/api/v1/users/zoey", body)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", body, a.status, a.body)
		}
		a.into(t, &e)
		return e
	}
	if e := change(`{"admin":true}`); !e.User.Admin || e.User.ID != u.ID || e.SessionsEnded != 1 || e.TokensLeft != 1 {
		t.Errorf("got %+v", e)
	}
	if a := s.send(t, "GET", "/api/v1/users", zoey, nil); a.status != http.StatusOK {
		t.Errorf("list users as a new administrator: %d", a.status)
	}
	if e := change(`{"admin":false,"disabled":true}`); e.User.Admin || !e.User.Disabled {
		t.Errorf("got %+v", e)
	}
	s.send(t, "GET", "/api/v1/servers", zoey, nil).problem(t, http.StatusUnauthorized)
	s.call(t, "POST", "/api/v1/tokens", `{"label":"x","user":"Zoey"}`).problem(t, http.StatusConflict, "body.user")
	if e := change(`{"disabled":false,"password":"another long password","revoke_tokens":true}`); e.User.Disabled ||
		e.TokensRevoked != 1 || e.TokensLeft != 0 {
		t.Errorf("got %+v", e)
	}
	s.send(t, "GET", "/api/v1/servers", zoey, nil).problem(t, http.StatusUnauthorized)

	s.call(t, "PATCH", "/api/v1/users/zoey", `{"password":"short"}`).problem(t, http.StatusUnprocessableEntity, "body.password")
	s.call(t, "PATCH", "/api/v1/users/zoey", `{"role":"owner"}`).problem(t, http.StatusUnprocessableEntity)
	s.call(t, "PATCH", "/api/v1/users/nobody", `{"admin":true}`).problem(t, http.StatusNotFound)
	s.call(t, "PATCH", "/api/v1/users/admin", `{"admin":false}`).problem(t, http.StatusConflict)
	s.call(t, "PATCH", "/api/v1/users/admin", `{"password":"another long password"}`).problem(t, http.StatusForbidden)
	s.call(t, "DELETE", "/api/v1/users/admin", nil).problem(t, http.StatusConflict)
	s.call(t, "DELETE", "/api/v1/users/nobody", nil).problem(t, http.StatusNotFound)
	var e apitype.Ended
	if s.call(t, "DELETE", "/api/v1/users/zoey", nil).into(t, &e); e.User.Name != "Zoey" {
		t.Errorf("got %+v", e)
	}
	s.call(t, "DELETE", "/api/v1/users/zoey", nil).problem(t, http.StatusNotFound)
}

func TestGuestManagesOwnAccount(t *testing.T) {
	s := newSite(t)
	s.call(t, "POST", "/api/v1/users", `{"name":"zoey","password":"a long password"}`)
	var made apitype.Token
	s.call(t, "POST", "/api/v1/tokens", `{"label":"script","user":"zoey"}`).into(t, &made)
	zoey := bearer(made.Token)
	send := func(method, path, body string) answer {
		t.Helper()
		return s.send(t, method, path, zoey, strings.NewReader(body))
	}
	if a := send("POST", "/api/v1/tokens", `{"label":"mine"}`); a.status != http.StatusCreated {
		t.Errorf("create a token for oneself: %d %s", a.status, a.body)
	}
	send("POST", "/api/v1/tokens", `{"label":"x","user":"admin"}`).problem(t, http.StatusForbidden)
	send("POST", "/api/v1/tokens", `{"label":"x","user":"nobody"}`).problem(t, http.StatusForbidden)

	send("PUT", "/api/v1/me/password", `{"current_password":"wrong","password":"another long password"}`).problem(t,
		http.StatusUnprocessableEntity, "body.current_password")
	send("PUT", "/api/v1/me/password", `{"current_password":"a long password","password":"short"}`).problem(t,
		http.StatusUnprocessableEntity, "body.password")
	var e apitype.Ended
	if send("PUT", "/api/v1/me/password", `{"current_password":"a long password","password":"another long password"}`).into(t,
		&e); e.User.Name != "zoey" || e.TokensLeft != 2 {
		t.Errorf("got %+v", e)
	}
	must(s.accounts.Login(t.Context(), accounts.Attempt{Name: "zoey", Password: "another long password"}))(t)
	if send("DELETE", "/api/v1/me/sessions", "").into(t, &e); e.SessionsEnded != 1 || e.TokensLeft != 2 {
		t.Errorf("got %+v", e)
	}
	if send("PUT", "/api/v1/me/password",
		`{"current_password":"another long password","password":"a third long password","revoke_tokens":true}`).into(t,
		&e); e.TokensRevoked != 2 {
		t.Errorf("got %+v", e)
	}
	send("GET", "/api/v1/servers", "").problem(t, http.StatusUnauthorized)
}

// A stream also checks its token at each heartbeat. The interval of an hour rules that out here.
func TestStreamEndsWhenUserIsDisabled(t *testing.T) {
	s := newSiteBeating(t, time.Hour)
	r := must(http.NewRequestWithContext(t.Context(), "GET", s.url+"/api/v1/events", nil))(t)
	r.Header = bearer(s.guest)
	resp := must(http.DefaultClient.Do(r))(t)
	defer resp.Body.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, resp.Body)
		ended <- err
	}()
	next := s.stream(t, "/api/v1/events", nil) // stream of another user
	if a := s.call(t, "PATCH", "/api/v1/users/guest", `{"disabled":true}`); a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	select {
	case err := <-ended:
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %s, error %v", resp.Status, err)
		}
	case <-time.After(patience):
		t.Error("the stream did not end")
		resp.Body.Close()
		<-ended
	}
	s.create(t, "alpha")
	if e, ok := next(); !ok || e.name != "server" {
		t.Errorf("the other user's stream: %+v, %t", e, ok)
	}
}

// The actor of a token's actions is the token, on behalf of its owner; jobs show the owner.
func TestTokenIsActorOfItsActions(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	var j apitype.Job
	s.call(t, "POST", "/api/v1/servers/alpha/stop", nil).into(t, &j)
	if j.By != "admin" {
		t.Errorf("the job is by %q", j.By)
	}
	admin := must(s.store.Users().Get(t.Context(), "admin"))(t)
	want := left4me.Actor{Kind: left4me.TokenActor, ID: store.UserID(admin.ID), Name: "test", Owner: "admin"}
	kept := must(s.store.Jobs().Get(t.Context(), j.ID))(t)
	if kept.By != want {
		t.Errorf("its row is by %#v", kept.By)
	}
	all := must(s.store.Events().After(t.Context(), 0, 100))(t)
	seen := map[left4me.EventKind]bool{}
	for _, e := range all {
		if e.Kind == left4me.ServerCreated || e.Kind == left4me.JobAdded {
			seen[e.Kind] = true
			if e.Actor != want {
				t.Errorf("%s is by %#v", e.Kind, e.Actor)
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("events: %+v", all)
	}
}
