package instance

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"
)

func FuzzReadEnv(f *testing.F) {
	whole, err := Env{
		Port: 27015, Args: []string{"-game", "left4dead2", "+hostname", "Bündel \"x\""}, Lowerdirs: []string{"instances/alpha/config/1", "installation/base"},
		Ready: 2 * time.Minute, Watchdog: 90 * time.Second, SpecHash: "0123456789abcdef",
	}.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, s := range []string{"", "\n#x\n", "L4D2_PORT=0\n", "L4D2_ARGS=[\n", "L4D2_ARGS=null\n", "L4D2_READY_SECONDS=-1", "L4D2_LOWERDIRS=a:", "UNKNOWN=1\n", "x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := ReadEnv(bytes.NewReader(in))
		if err != nil {
			if !errors.Is(err, ErrEnv) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if e.Port < 0 || e.Port > 65535 || e.Ready < 0 || e.Watchdog < 0 {
			t.Fatalf("out of bounds: %+v", e)
		}
		out, err := e.Append(nil)
		if err != nil || e.Port == 0 {
			return // it lacks what Prepare always writes
		}
		again, err := ReadEnv(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("what is written for %+v can't be read: %v", e, err)
		}
		if len(e.Lowerdirs) > 0 && !reflect.DeepEqual(again, e) {
			t.Fatalf("%+v becomes %+v", e, again)
		}
	})
}
