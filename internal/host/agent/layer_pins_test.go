package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

func layersOf(l ...string) instance.Env { return instance.Env{Lowerdirs: l} }

func TestPinnedLayersAreNotRemoved(t *testing.T) {
	m := newLayerPins()
	early := m.survey()
	defer early.end()
	release, err := m.pin(t.Context(), "alpha", layersOf("overlays/maps/2", "installation/base"))
	if err != nil {
		t.Fatal(err)
	}
	late := m.survey()
	defer late.end()
	release()
	after := m.survey()
	defer after.end()
	no := func() error { t.Error("a pinned layer was removed"); return nil }
	// alpha may have been mounted after the survey asked the supervisor.
	for name, s := range map[string]*survey{"survey that began before the pin": early, "survey that began during the pin": late} {
		for _, dir := range []string{"overlays/maps/2", "overlays/maps", "installation/base"} {
			if err := s.remove(dir, no); !errors.Is(err, left4me.Busy) || !strings.Contains(err.Error(), "alpha") {
				t.Errorf("%s, %s: %v", name, dir, err)
			}
		}
		if err := s.remove("overlays/maps/20", func() error { return nil }); err != nil {
			t.Errorf("%s: unrelated layer: %v", name, err)
		}
	}
	if err := after.remove("overlays/maps/2", func() error { return nil }); err != nil {
		t.Error("survey that began after the release:", err)
	}
}

func TestStartWaitsOnlyForRemovalOfItsOwnLayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newLayerPins()
		first, second := make(chan struct{}), make(chan struct{})
		for _, end := range []chan struct{}{first, second} { // two requests to remove the same directory
			go func() {
				s := m.survey()
				defer s.end()
				if err := s.remove("overlays/maps", func() error { <-end; return nil }); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		release, err := m.pin(t.Context(), "beta", layersOf("overlays/mods/1", "overlays/maps2/1"))
		if err != nil {
			t.Fatal(err)
		}
		release()
		pinned := false
		go func() {
			release, err := m.pin(t.Context(), "alpha", layersOf("overlays/maps/3"))
			if err != nil {
				t.Error(err)
				return
			}
			pinned = true
			release()
		}()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := m.pin(ctx, "gamma", layersOf("overlays/maps/3"))
			ended <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled start: got %v", err)
		}
		close(first)
		synctest.Wait()
		if pinned {
			t.Error("the layer was pinned during a removal")
		}
		close(second)
		synctest.Wait()
		if !pinned {
			t.Error("the layer was not pinned after the removals")
		}
		if len(m.removals)+len(m.pins)+len(m.surveys) != 0 {
			t.Errorf("entries left: %+v", m)
		}
	})
}
