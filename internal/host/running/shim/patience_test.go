package shim

import (
	"testing"
	"time"
)

// A game that has players gets time to exit; one that never answered gets little.
func TestStopTimeoutsDependOnReadiness(t *testing.T) {
	for _, c := range []struct {
		config          Config
		ready           bool
		quit, interrupt time.Duration
	}{
		{Config{}, true, 10 * time.Second, 5 * time.Second},
		{Config{}, false, time.Second, 500 * time.Millisecond},
		{Config{QuitTime: time.Minute, InterruptTime: time.Hour}, true, time.Minute, time.Hour},
		{Config{QuitTime: time.Minute, InterruptTime: time.Hour}, false, time.Second, 500 * time.Millisecond},
	} {
		if quit, interrupt := c.config.stopTimeouts(c.ready); quit != c.quit || interrupt != c.interrupt {
			t.Errorf("quit time %v, interrupt time %v, ready %v: got %v and %v", c.config.QuitTime, c.config.InterruptTime, c.ready, quit,
				interrupt)
		}
	}
}
