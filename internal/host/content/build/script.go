package build

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/host/content/script"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// printInterval is the interval at which the output of a running script is published.
const printInterval = 300 * time.Millisecond

func (r *Builder) scripts() *script.Builder {
	return &script.Builder{Root: string(r.Files.Root), Machine: r.Machine}
}

// scriptSource returns the source that runs an overlay's script.
func scriptSource() source {
	return source{steps: []string{left4me.StepRunScript}, fill: func(ctx context.Context, b *build) error {
		if b.spec.Overlay.Script == nil || strings.TrimSpace(b.spec.Overlay.Script.Text) == "" {
			return left4me.NewError(left4me.Invalid, "overlay.no_script", "overlay", b.spec.Overlay.Name)
		}
		b.meta.Origin = fmt.Sprintf("version %d", b.spec.Overlay.Script.Version)
		return b.p.Step(ctx, left4me.StepRunScript, b.runScript)
	}}
}

func (b *build) runScript(ctx context.Context) (left4me.Notes, error) {
	var reported time.Time
	took, err := b.builder.scripts().Run(ctx, script.Job{
		// A repeated job finds the existing run.
		ID: left4me.Name(strings.ToLower(string(b.id))), Overlay: b.spec.Overlay.Name, Script: b.spec.Overlay.Script.Text,
		Print: func(line string) {
			b.p.Print(line)
			if now := time.Now(); now.Sub(reported) > printInterval {
				reported = now
				b.p.Publish()
			}
		},
		Copied: b.copyProgress(left4me.StepRunScript),
	}, b.staging.Root(), func() bool { return job.Interrupted(ctx) })
	if err != nil {
		return nil, err
	}
	return left4me.Notes{left4me.NewNote("files.count_and_size", "count", took.Files, "size", left4me.Bytes(took.Bytes))}, nil
}

// SweepScripts ends runs of scripts whose job no longer exists.
func (r *Builder) SweepScripts(ctx context.Context) {
	if err := r.scripts().Sweep(ctx); err != nil {
		r.Log.WarnContext(ctx, "remove runs of scripts", "err", err)
	}
}
