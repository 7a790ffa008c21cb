package download_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/steamapi"
)

// forbiddenServer starts a server on this machine that must never be contacted, and returns its address and
// the number of connections.
func forbiddenServer(t *testing.T, at string) (address string, asked *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Skip(err)
	}
	asked = new(atomic.Int32)
	server := &httptest.Server{Listener: l, Config: &http.Server{ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			asked.Add(1)
		}
	}, Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}}
	server.Start()
	t.Cleanup(server.Close)
	return l.Addr().String(), asked
}

func TestFetchRefusesPrivateAddresses(t *testing.T) {
	c := serve(t, steamapi.Item{Data: noise(10)}, download.Options{})
	second, asked := forbiddenServer(t, "127.0.0.2:0")
	_, port, _ := net.SplitHostPort(second)
	six, asked6 := forbiddenServer(t, "[::1]:0")
	_, allowed, _ := net.SplitHostPort(c.host)
	for _, address := range []string{
		"http://" + second + "/", "http://127.1:" + port + "/", "http://localhost:" + port + "/", "http://" + six + "/",
		"http://[::ffff:127.0.0.2]:" + port + "/", "http://0.0.0.0:" + port + "/", "http://[::]:" + port + "/",
		"http://localhost:" + allowed + "/", // the exception applies to the address, not to names that resolve to it
		"http://10.1.2.3/", "http://192.168.1.1:8080/", "http://172.31.0.1/", "http://169.254.169.254/latest/meta-data/",
		"http://100.64.1.1/",
		"http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://[64:ff9b::a00:1]/", "http://[2002:7f00:1::]/", "https://168.63.129.16/",
	} {
		r := c.request()
		r.URL = address
		_, err := c.Fetch(t.Context(), r)
		if address == "http://127.1:"+port+"/" && errors.Is(err, download.Unreachable) {
			err = download.Refused // this resolver doesn't accept 127.1
		}
		if !errors.Is(err, download.Refused) {
			t.Errorf("%s: got %v, want Refused", address, err)
		}
		c.Change(func(s *steamapi.State) {
			s.Items[id] = steamapi.Item{Data: noise(10), Content: steamapi.Content{Redirect: address}}
		})
		_, err = c.Fetch(t.Context(), c.request())
		if !errors.Is(err, download.Refused) && address != "http://127.1:"+port+"/" {
			t.Errorf("redirect to %s: got %v, want Refused", address, err)
		}
		if errors.Is(err, download.Refused) &&
			(!strings.Contains(err.Error(), "redirects to") || !strings.Contains(err.Error(), "LEFT4ME_DOWNLOAD_ALLOW")) {
			t.Errorf("redirect to %s: got %v, want Refused", address, err)
		}
	}
	if asked.Load()+asked6.Load() > 0 {
		t.Error("a server on this machine was contacted")
	}
	c.checkNoFiles(t)
}

func TestFetchFollowsAtMostFiveRedirects(t *testing.T) {
	c := serve(t, steamapi.Item{Data: noise(10), Content: steamapi.Content{Redirect: "loop"}}, download.Options{})
	if _, err := c.Fetch(t.Context(), c.request()); !errors.Is(err, download.Refused) ||
		!strings.Contains(err.Error(), "too many redirects") {
		t.Errorf("got %v, want Refused", err)
	}
	if _, asked := c.Sent(id); asked != 6 {
		t.Errorf("got %d requests, want 6", asked)
	}
	for _, to := range []string{"file:///etc/passwd", "gopher://x/", "http://u:p@" + c.host + "/"} {
		c.Change(func(s *steamapi.State) {
			s.Items[id] = steamapi.Item{Data: noise(10), Content: steamapi.Content{Redirect: to}}
		})
		if _, err := c.Fetch(t.Context(), c.request()); !errors.Is(err, download.Refused) {
			t.Errorf("redirect to %s: got %v, want Refused", to, err)
		}
	}
	second := serve(t, steamapi.Item{Data: noise(20_000)}, download.Options{})
	path, size, sum := second.Path(id)
	c.Change(func(s *steamapi.State) {
		s.Items[id] = steamapi.Item{Data: noise(10), Content: steamapi.Content{Redirect: second.base + path}}
	})
	both, err := download.New(download.Options{Allow: []string{c.host, second.host}})
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	r := c.request()
	r.Size, r.Sum = size, "sha1:"+sum
	if _, err := both.Fetch(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// A proxy would resolve names itself, bypassing the address check.
func TestFetchIgnoresProxySettings(t *testing.T) {
	proxy, asked := forbiddenServer(t, "127.0.0.1:0")
	t.Setenv("HTTP_PROXY", "http://"+proxy)
	t.Setenv("http_proxy", "http://"+proxy)
	c := serve(t, steamapi.Item{Data: noise(10)}, download.Options{Attempts: 1, Stall: 100 * time.Millisecond})
	r := c.request()
	r.URL = "http://download.invalid/"
	if _, err := c.Fetch(t.Context(), r); err == nil || asked.Load() > 0 {
		t.Errorf("got %v and %d connections, want an error and none", err, asked.Load())
	}
}

func TestAllowRequiresHostAndPort(t *testing.T) {
	for _, bad := range []string{"", "mirror", "mirror:", ":80", "mirror:0", "mirror:70000", "http://mirror:80", "a b:80", "::1:80"} {
		if _, err := download.New(download.Options{Allow: []string{bad}}); !errors.Is(err, left4me.Invalid) {
			t.Errorf("Allow %q: got %v, want Invalid", bad, err)
		}
	}
	c, err := download.New(download.Options{Allow: []string{"Mirror.example:443", "[::1]:80"}})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"https://mirror.EXAMPLE/x": true,
		"http://mirror.example/":   false,
		"http://[::1]/":            true,
		"http://[::1]:81/":         false,
		"::":                       false,
	} {
		if c.Allowed(address) != want {
			t.Errorf("Allowed(%q) = %v, want %v", address, !want, want)
		}
	}
}

func TestOnInternetRejectsSpecialAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"1.1.1.1": true, "104.18.1.1": true, "2606:4700::1111": true, "64:ff9b::101:101": true, "::ffff:1.1.1.1": true,
		"0.0.0.0": false, "10.0.0.1": false, "100.64.0.1": false, "100.127.255.255": false, "100.128.0.1": true, "127.0.0.1": false,
		"127.255.0.1":     false,
		"169.254.169.254": false, "172.15.0.1": true, "172.16.0.1": false, "172.32.0.1": true, "192.0.0.192": false, "192.168.0.1": false,
		"198.18.0.1":   false,
		"198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "255.255.255.255": false, "168.63.129.16": false,
		"::": false, "::1": false, "::ffff:10.0.0.1": false, "::10.0.0.1": false, "64:ff9b::10.0.0.1": false, "64:ff9b:1::1": false,
		"100::1":  false,
		"2001::1": false, "2001:db8::1": false, "2002:a00:1::1": false, "fc00::1": false, "fd12::1": false, "fe80::1": false,
		"fe80::1%eth0": false,
		"fec0::1":      false, "ff02::1": false, "3fff::1": false, "4000::1": false,
	} {
		if got := download.OnInternet(netip.MustParseAddr(address)); got != want {
			t.Errorf("OnInternet(%s) = %v, want %v", address, got, want)
		}
	}
}

// mount mounts a small tmpfs.
func mount(t *testing.T, dir, size string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no small disk here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(os.NewSyscallError("umount", err))
		}
	})
}
