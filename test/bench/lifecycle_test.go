//go:build bench

package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/source/a2s"
	"github.com/left4me/left4me/test/stage"
)

func inode(name string) (ino uint64, blocks int64) {
	var st syscall.Stat_t
	if err := syscall.Lstat(name, &st); err != nil {
		return 0, 0
	}
	return st.Ino, st.Blocks
}

// TestLifecycle creates, starts, stops and deletes a server over the API. The reference is the
// minimum by hand: mount(8), the game, A2S queries until it answers, SIGINT, umount(8), rm.
func TestLifecycle(t *testing.T) {
	fmt.Println("\n| map loads in | left4me | by hand | ratio |\n| --- | --- | --- | --- |")
	for _, load := range []string{"0s", "1s"} {
		s := stage.New(t, 28400, "SIM_MAP_LOAD="+load, "SIM_PLAYERS=0")
		s.Serve(t)
		var ours, hand []time.Duration
		for i := range 9 {
			name := fmt.Sprintf("b%d", i)
			begin := time.Now()
			s.Create(t, name, nil)
			s.Follow(t, "start", name)
			s.Follow(t, "stop", name)
			s.Follow(t, "delete", name)
			ours = append(ours, time.Since(begin))
			hand = append(hand, byHand(t, s, load))
		}
		a, b := median(ours), median(hand)
		row(load, a, b, float64(a)/float64(b))
		s.Stop()
	}
}

func byHand(t *testing.T, s *stage.Stage, load string) time.Duration {
	t.Helper()
	const port = 28499
	dir := filepath.Join(s.Root, "byhand")
	begin := time.Now()
	for _, d := range []string{"upper", "work", "merged"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	merged := filepath.Join(dir, "merged")
	run(t, "mount", "-t", "overlay", "overlay", "-o", fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s",
		filepath.Join(s.Root, "installation/base"), filepath.Join(dir, "upper"), filepath.Join(dir, "work")), merged)
	game := exec.Command("./srcds_linux", "-game", "left4dead2", "-console", "-ip", "0.0.0.0", "-port", fmt.Sprint(port), "+map",
		"c1m1_hotel")
	game.Dir, game.Env = merged, append(os.Environ(), "SIM_MAP_LOAD="+load, "SIM_PLAYERS=0")
	if err := game.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		c, err := a2s.Dial(ctx, net.JoinHostPort("127.0.0.1", fmt.Sprint(port)))
		if err == nil {
			_, err = c.Info(ctx)
			c.Close()
		}
		cancel()
		if err == nil {
			break
		}
		time.Sleep(2 * time.Millisecond) // a closed port refuses immediately
	}
	if err := game.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = game.Wait()
	run(t, "umount", merged)
	run(t, "rm", "-rf", dir)
	return time.Since(begin)
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v %s", name, strings.Join(args, " "), err, out)
	}
}
