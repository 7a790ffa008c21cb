//go:build proxy

package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// example returns the indented block after a heading.
func example(docs, heading string) (string, error) {
	_, rest, ok := strings.Cut(docs, "\n### "+heading+"\n")
	if !ok {
		return "", errors.New("docs/install.md has no heading " + heading)
	}
	var b strings.Builder
	for line := range strings.Lines(rest) {
		code, ok := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(line, "#"), !ok && b.Len() > 0 && strings.TrimSpace(line) != "":
			return b.String(), nil
		case ok:
			b.WriteString(code)
		case b.Len() > 0:
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

// swap replaces names of the documentation with those of the test. Each must occur in config.
func swap(t *testing.T, config string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(config, pairs[i]) {
			t.Fatalf("the configuration does not contain %q:\n%s", pairs[i], config)
		}
		config = strings.ReplaceAll(config, pairs[i], pairs[i+1])
	}
	return config
}

const live = "/etc/letsencrypt/live/" + site + "/"

func (b *behind) write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(b.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func runNginx(b *behind, t *testing.T, config string, https, http int) *exec.Cmd {
	config = swap(t, config, "127.0.0.1:8000", b.Address, live+"fullchain.pem", b.certs.chain, live+"privkey.pem", b.certs.key,
		"listen 443 ", fmt.Sprintf("listen %d ", https), "listen [::]:443 ", fmt.Sprintf("listen [::]:%d ", https),
		"listen 80;", fmt.Sprintf("listen %d;", http), "listen [::]:80;", fmt.Sprintf("listen [::]:%d;", http))
	return b.nginx(t, config)
}

// nginx runs nginx with the given server blocks and defaults for everything else.
func (b *behind) nginx(t *testing.T, servers string) *exec.Cmd {
	t.Helper()
	file := b.write(t, "nginx.conf",
		fmt.Sprintf("daemon off;\npid %[1]s/nginx.pid;\nerror_log stderr warn;\nevents {}\nhttp {\naccess_log off;\n"+
			"client_body_temp_path %[1]s/body;\nproxy_temp_path %[1]s/proxy;\nfastcgi_temp_path %[1]s/fastcgi;\n"+
			"uwsgi_temp_path %[1]s/uwsgi;\nscgi_temp_path %[1]s/scgi;\n%[2]s}\n", b.dir, servers))
	return exec.Command("nginx", "-p", b.dir, "-e", "stderr", "-c", file)
}

func runCaddy(b *behind, t *testing.T, config string, https, http int) *exec.Cmd {
	config = fmt.Sprintf("{\nadmin off\nhttp_port %d\nhttps_port %d\n}\n", http, https) +
		swap(t, config, "127.0.0.1:8000", b.Address, site+" {\n", fmt.Sprintf("%s {\ntls %s %s\n", site, b.certs.chain, b.certs.key))
	cmd := exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", b.write(t, "Caddyfile", config))
	cmd.Env = append(os.Environ(), "HOME="+b.dir, "XDG_DATA_HOME="+b.dir, "XDG_CONFIG_HOME="+b.dir)
	return cmd
}

// modules are the modules that Debian's apache2 loads by default, and those that the documentation
// names.
var modules = strings.Fields("mpm_event authz_core alias ssl http2 proxy proxy_http headers socache_shmcb")

func runApache(b *behind, t *testing.T, config string, https, http int) *exec.Cmd {
	docs, err := os.ReadFile("../../docs/install.md")
	if err != nil || !strings.Contains(string(docs), "`a2enmod ssl http2 proxy proxy_http headers`") {
		t.Fatalf("the documentation names other modules (%v)", err)
	}
	var conf strings.Builder
	for _, m := range modules {
		fmt.Fprintf(&conf, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", m, m)
	}
	fmt.Fprintf(&conf,
		"PidFile %[1]s/apache.pid\nServerName localhost\nDefaultRuntimeDir %[1]s\nMutex file:%[1]s\nErrorLog /dev/stderr\n"+
			"Listen %[2]d https\nListen %[3]d\n", b.dir, https, http)
	if os.Geteuid() == 0 {
		conf.WriteString("User www-data\nGroup www-data\n")
	}
	conf.WriteString(swap(t, config, "127.0.0.1:8000", b.Address, live+"fullchain.pem", b.certs.chain, live+"privkey.pem", b.certs.key,
		"<VirtualHost *:443>", fmt.Sprintf("<VirtualHost *:%d>", https), "<VirtualHost *:80>", fmt.Sprintf("<VirtualHost *:%d>", http)))
	return exec.Command("apache2", "-D", "FOREGROUND", "-d", b.dir, "-f", b.write(t, "apache.conf", conf.String()))
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// certs is a self-signed certificate of the site.
type certs struct {
	chain, key string
	pool       *x509.CertPool
}

func newCerts(t *testing.T, dir string) certs {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: site}, DNSNames: []string{site}, IsCA: true,
		BasicConstraintsValid: true,
		NotBefore:             time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	made := certs{filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()}
	for file, block := range map[string]*pem.Block{
		made.chain: {Type: "CERTIFICATE", Bytes: der},
		made.key:   {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	made.pool.AddCert(signed)
	return made
}

// tunnel starts an HTTP proxy that connects every name to one port, because no resolver knows the
// name of the site.
func tunnel(t *testing.T, port int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil || r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer to.Close()
		w.WriteHeader(http.StatusOK)
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(conn, to)
			conn.Close()
		}()
		_, _ = io.Copy(to, buf)
		to.Close()
		<-back
	}))
	t.Cleanup(s.Close)
	return s.URL
}
