package store

import (
	"context"
	"fmt"

	"github.com/left4me/left4me"
)

// OverlayCfg returns the raw lines for server.cfg of all overlays that have some.
func (s *Store) OverlayCfg(ctx context.Context) (map[left4me.Name][]string, error) {
	type lines struct {
		name left4me.Name
		cfg  []string
	}
	rows, err := s.read.QueryContext(ctx, `SELECT name, json_extract(definition, '$.cfg') FROM overlay
		WHERE json_array_length(definition, '$.cfg') > 0 AND deleted_at IS NULL`)
	all, err := collect(rows, err, func(r row) (v lines, err error) {
		var cfg string
		if err := r.Scan(&v.name, &cfg); err != nil {
			return v, err
		}
		return v, fromJSON(cfg, &v.cfg)
	})
	if err != nil {
		return nil, fmt.Errorf("lines of overlays: %w", err)
	}
	byName := make(map[left4me.Name][]string, len(all))
	for _, v := range all {
		byName[v.name] = v.cfg
	}
	return byName, nil
}
