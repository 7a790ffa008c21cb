package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// within is what a body may take in these tests.
const within, longer = 100 * time.Millisecond, 300 * time.Millisecond

func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	got := make(chan error, 1)
	server := httptest.NewServer(inTime(within, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		got <- err
	})))
	defer server.Close()
	c, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	select {
	case err := <-got:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the body: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it is still waited for")
	}
}

func TestARequestWhoseBodyIsThereMayTakeItsTime(t *testing.T) {
	server := httptest.NewServer(inTime(within, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(longer): // as a console command while a map loads
		case <-r.Context().Done():
			http.Error(w, "given up", http.StatusServiceUnavailable)
		}
	})))
	defer server.Close()
	c, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", // the next one on the same connection
	} {
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%.4s: %+v, %v", request, res, err)
		}
		res.Body.Close()
	}
}
