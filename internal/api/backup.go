package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

// backupRoutes handles requests about backups.
type backupRoutes struct{ core *core }

func backupOf(v left4me.Backup) apitype.Backup {
	b := apitype.Backup{
		Name: v.Name, CreatedAt: v.CreatedAt, Scheduled: v.Scheduled, Bytes: v.Bytes, Stored: v.Stored, Files: v.Files, SHA256: v.SHA256,
		Version: v.Version, State: v.State, VerifiedAt: v.VerifiedAt, Damage: v.Damage, Warnings: v.Warnings,
	}
	if b.Damage == nil {
		b.Damage = []string{}
	}
	if b.Warnings == nil {
		b.Warnings = []string{}
	}
	return b
}

func (a backupRoutes) listBackups(ctx context.Context, _ *ListInput) ([]apitype.Backup, error) {
	found, err := a.core.Backups.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]apitype.Backup, len(found))
	for i, v := range found {
		all[i] = backupOf(v)
	}
	return all, nil
}

func (a backupRoutes) createBackup(ctx context.Context, _ *none) (apitype.Job, error) {
	v, err := a.core.Backups.Create(ctx, actorOf(ctx).Cause())
	return jobFor(ctx, v), err
}

func (a backupRoutes) verifyBackup(ctx context.Context, n left4me.Name, _ *none) (apitype.Job, error) {
	v, err := a.core.Backups.Verify(ctx, actorOf(ctx).Cause(), n)
	return jobFor(ctx, v), err
}

func (a backupRoutes) deleteBackup(ctx context.Context, n left4me.Name, _ *none) (apitype.Deleted, error) {
	return apitype.Deleted{Name: n}, a.core.Backups.Delete(ctx, actorOf(ctx).Cause(), n)
}

// download is the operation that downloads an archive, also by ranges.
func (a backupRoutes) download(path, id, summary string) operationOn[left4me.Name] {
	return operationOn[left4me.Name]{get, path, id, http.StatusOK, summary, func(h huma.API, op huma.Operation) {
		op.Responses["200"] = &huma.Response{
			Description: "The archive, a tar file compressed with zstd. It contains secrets",
			Content:     map[string]*huma.MediaType{"application/zstd": binary},
		}
		inParts(&op)
		huma.Register(h, op, found(func(ctx context.Context, n left4me.Name, _ *none) (*huma.StreamResponse, error) {
			f, v, err := a.core.Backups.Open(ctx, n)
			if err != nil {
				return nil, problemOf(ctx, err)
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				defer f.Close()
				_, w := humago.Unwrap(hc)
				httpserver.Attachment(w, "application/zstd", backups.FileName(n))
				a.core.sendWhileAllowed(ctx, hc, func(r *http.Request) {
					httpserver.Content(w, r, v.CreatedAt, f, func(err error) {
						a.core.Log.ErrorContext(ctx, "download of a backup", "backup", n, "err", err)
					})
				})
			}}, nil
		}))
	}}
}

func policyOf(v left4me.BackupPolicy) apitype.BackupPolicy {
	return apitype.BackupPolicy{Enabled: v.Enabled, At: v.At, Daily: v.Daily, Weekly: v.Weekly}
}

func (a backupRoutes) showBackupPolicy(ctx context.Context, _ *none) (apitype.BackupPolicy, error) {
	v, err := a.core.Backups.Policy(ctx)
	return policyOf(v), err
}

func (a backupRoutes) setBackupPolicy(ctx context.Context, in *struct{ Body apitype.BackupPolicy }) (apitype.BackupPolicy, error) {
	b := in.Body
	v := left4me.BackupPolicy{Enabled: b.Enabled, At: b.At, BackupKeep: left4me.BackupKeep{Daily: b.Daily, Weekly: b.Weekly}}
	return b, a.core.Backups.SetPolicy(ctx, actorOf(ctx).Cause(), v)
}

// byTimeOfBackup orders backups newest first.
var byTimeOfBackup = order[apitype.Backup]{
	key:  func(v apitype.Backup) string { return fmt.Sprintf("%d %s", v.CreatedAt.UnixMilli(), v.Name) },
	down: true,
}

func (c *core) restores() backups.Restores {
	return backups.Restores{Backups: c.Backups, Servers: c.Servers, Overlays: c.Overlays}
}

func (a backupRoutes) showContents(ctx context.Context, n left4me.Name, _ *none) (apitype.BackupContents, error) {
	c, err := a.core.Backups.Contents(ctx, n)
	c = c.VisibleTo(actorOf(ctx))
	out := apitype.BackupContents{Servers: []apitype.BackupServer{}, Overlays: []apitype.BackupOverlay{}}
	for _, s := range c.Servers {
		out.Servers = append(out.Servers, apitype.BackupServer{
			Name: s.Name, Port: s.Port, Blueprint: s.Blueprint, Overlays: refsOf(s.Overlays), Deleted: s.Deleted, Bytes: s.Bytes,
		})
	}
	for _, o := range c.Overlays {
		out.Overlays = append(out.Overlays, apitype.BackupOverlay{Name: o.Name, Kind: o.Kind, Bytes: o.Bytes})
	}
	return out, err
}

// contains returns an error if the backup lacks the server or overlay, or the user may not see it.
func (a backupRoutes) contains(ctx context.Context, n left4me.Name, part left4me.Target) error {
	c, err := a.core.Backups.Contents(ctx, n)
	c = c.VisibleTo(actorOf(ctx))
	switch {
	case err != nil:
		return err
	case part.Kind == left4me.ServerTarget &&
		!slices.ContainsFunc(c.Servers, func(s backups.ServerInside) bool { return string(s.Name) == part.Name }):
		return left4me.NewError(left4me.NotFound, "backup.no_server", "server", part.Name)
	case part.Kind == left4me.OverlayTarget &&
		!slices.ContainsFunc(c.Overlays, func(o backups.OverlayInside) bool { return string(o.Name) == part.Name }):
		return left4me.NewError(left4me.NotFound, "backup.no_overlay", "overlay", part.Name)
	}
	return nil
}

type restorePartInput struct{ Body apitype.RestorePart }

func (a backupRoutes) restoreServer(ctx context.Context, n left4me.Name, in *restorePartInput) (apitype.Job, error) {
	b := in.Body
	if err := a.contains(ctx, n, left4me.OnServer(left4me.Name(b.Name))); err != nil {
		return apitype.Job{}, err
	}
	v, err := a.core.restores().Server(ctx, actorOf(ctx).Cause(), n, left4me.Name(b.Name),
		backups.How{As: left4me.Name(b.As), Replace: b.Replace})
	return jobFor(ctx, v), err
}

func (a backupRoutes) restoreOverlay(ctx context.Context, n left4me.Name, in *restorePartInput) (apitype.Job, error) {
	b := in.Body
	if err := a.contains(ctx, n, left4me.OnOverlay(left4me.Name(b.Name))); err != nil {
		return apitype.Job{}, err
	}
	v, err := a.core.restores().Overlay(ctx, actorOf(ctx).Cause(), n, left4me.Name(b.Name),
		backups.How{As: left4me.Name(b.As), Replace: b.Replace})
	return jobFor(ctx, v), err
}
