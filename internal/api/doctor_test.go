package api_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

func TestDoctorAndConnectivityChecksAreReturned(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	good := left4me.Check{Name: "process", State: left4me.CheckOK, Text: "it runs"}
	bad := left4me.Check{Name: "sv_lan", State: left4me.CheckBroken, Text: "it is 1", Mend: "`sv_lan 0`"}
	for _, checks := range [][]left4me.Check{nil, {good}, {good, bad}} {
		s.host.set(func() { s.host.checks = checks })
		healthy := len(checks) < 2
		var d apitype.HostDoctor
		s.call(t, "GET", "/api/v1/hosts/local/doctor", nil).into(t, &d)
		if d.Healthy != healthy || len(d.Checks) != len(checks) || d.Checks == nil || d.Host != "local" {
			t.Errorf("%v: %+v", checks, d)
		}
		var r apitype.ServerReach
		s.call(t, "GET", "/api/v1/servers/alpha/reach", nil).into(t, &r)
		if r.Joinable != healthy || len(r.Checks) != len(checks) || (r.First != nil) == healthy ||
			r.First != nil && !reflect.DeepEqual(*r.First, bad) {
			t.Errorf("%v: %+v", checks, r)
		}
	}
	s.call(t, "GET", "/api/v1/hosts/nowhere/doctor", nil).problem(t, http.StatusNotFound)
	s.call(t, "GET", "/api/v1/hosts/NO.WHERE/doctor", nil).problem(t, http.StatusUnprocessableEntity, "path.name")
	s.call(t, "GET", "/api/v1/servers/nobody/reach", nil).problem(t, http.StatusNotFound)
}
