// Package steamapi simulates the Steam Web API and its content servers for demos and tests: it answers
// the calls that left4me makes, serves the files of workshop items, and fails on demand. In addition,
// POST /sim accepts a [State] as JSON and POST /sim/items/ID changes an [Item], so tests in other
// processes can control it.
package steamapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// State is the content of the simulated Steam and its behaviour.
type State struct {
	Versions map[int]int `json:"versions"` // newest version by app; other apps have no version check
	Servers  []string    `json:"servers"`  // servers known to Steam, as ip:port

	Items map[string]Item `json:"items"` // workshop items by ID

	After      int           `json:"after"`       // number of requests that succeed before Status applies
	Result     int           `json:"result"`      // result of every workshop answer, instead of 1; 84 means throttled
	Status     int           `json:"status"`      // status of every answer instead, such as 429 or 503
	Times      int           `json:"times"`       // number of failures; 0 for all
	RetryAfter int           `json:"retry_after"` // Retry-After in seconds, sent with Status
	Delay      time.Duration `json:"delay"`       // delay before each answer
	Body       string        `json:"body"`        // sent with status 200 instead of the correct answer
	Type       string        `json:"type"`        // Content-Type of Body
}

// Server is a simulated Steam. Create it with New.
type Server struct {
	mux *http.ServeMux

	mu      sync.Mutex
	state   State
	asked   []string
	blobs   map[string]*blob
	handles map[string]string // item by content handle
	sent    map[string]count
}

var _ http.Handler = (*Server)(nil)

// New returns a Server with the given state.
func New(s State) *Server {
	server := &Server{mux: http.NewServeMux(), state: s, blobs: map[string]*blob{}, handles: map[string]string{}, sent: map[string]count{}}
	server.mux.HandleFunc("GET /ISteamApps/UpToDateCheck/v1/", server.upToDate)
	server.mux.HandleFunc("GET /ISteamApps/GetServersAtAddress/v1/", server.serversAt)
	server.mux.HandleFunc("POST /ISteamRemoteStorage/GetPublishedFileDetails/v1/", server.published)
	server.mux.HandleFunc("POST /ISteamRemoteStorage/GetCollectionDetails/v1/", server.collection)
	server.mux.HandleFunc("GET /ugc/", server.content)
	server.mux.HandleFunc("POST /sim", server.control)
	server.mux.HandleFunc("POST /sim/items/{id}", server.setItem)
	return server
}

// Change changes the state.
func (s *Server) Change(f func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.state)
}

// Asked returns the requests so far, except those for contents, as paths with their queries.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// ServeHTTP answers a request, or fails as configured.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/sim" || strings.HasPrefix(r.URL.Path, "/sim/") || strings.HasPrefix(r.URL.Path, "/ugc/") {
		s.mux.ServeHTTP(w, r)
		return
	}
	st, fail := s.next(r)
	if st.Delay > 0 {
		select {
		case <-time.After(st.Delay):
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case fail:
		if st.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(st.RetryAfter))
		}
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(st.Status)
		_, _ = io.WriteString(w, "<html><head><title>"+http.StatusText(st.Status)+"</title></head></html>")
	case st.Body != "":
		w.Header().Set("Content-Type", st.Type)
		_, _ = io.WriteString(w, st.Body)
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// next records a request and reports whether it must fail.
func (s *Server) next(r *http.Request) (State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.RequestURI())
	st := s.state
	if st.Status == 0 {
		return st, false
	}
	if st.After > 0 {
		s.state.After--
		return st, false
	}
	if s.state.Times > 0 {
		if s.state.Times--; s.state.Times == 0 {
			s.state.Status = 0
		}
	}
	return st, true
}

// control replaces the state.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	var st State
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&st); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Change(func(old *State) { *old = st })
}

// upToDate implements ISteamApps/UpToDateCheck.
func (s *Server) upToDate(w http.ResponseWriter, r *http.Request) {
	app, errApp := strconv.Atoi(r.FormValue("appid"))
	version, errVersion := strconv.Atoi(r.FormValue("version"))
	if errApp != nil || errVersion != nil {
		badRequest(w)
		return
	}
	s.mu.Lock()
	newest := s.state.Versions[app]
	s.mu.Unlock()
	switch {
	case newest == 0:
		respond(w, map[string]any{"success": false, "error": "Couldn't get app info for the app specified."})
	case version >= newest:
		respond(w, map[string]any{"success": true, "up_to_date": true, "version_is_listable": true})
	default:
		respond(w, map[string]any{
			"success": true, "up_to_date": false, "version_is_listable": false, "required_version": newest,
			"message": "Your server is out of date, please upgrade",
		})
	}
}

// serversAt implements ISteamApps/GetServersAtAddress.
func (s *Server) serversAt(w http.ResponseWriter, r *http.Request) {
	addr := r.FormValue("addr")
	_, errPort := netip.ParseAddrPort(addr)
	if _, err := netip.ParseAddr(addr); err != nil && errPort != nil {
		respond(w, map[string]any{"success": false, "message": "Invalid IP address"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	servers := []any{}
	for i, at := range s.state.Servers {
		seen, err := netip.ParseAddrPort(at)
		if err != nil || at != addr && seen.Addr().String() != addr {
			continue
		}
		servers = append(servers, map[string]any{
			"addr": at, "gmsindex": -1, "steamid": strconv.Itoa(90071992547409920 + i), "appid": 550, "gamedir": "left4dead2",
			"region": -1, "secure": true, "lan": strings.HasPrefix(at, "192.168."), "gameport": seen.Port(), "specport": 0,
		})
	}
	respond(w, map[string]any{"success": true, "servers": servers})
}

func respond(w http.ResponseWriter, response any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(map[string]any{"response": response})
}

// badRequest sends an HTML page, as Steam does.
func badRequest(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, "<html><head><title>Bad Request</title></head><body><h1>Bad Request</h1></body></html>")
}
