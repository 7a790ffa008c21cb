package store

import (
	"context"
	"fmt"
)

// Site returns the identity of this left4me: random, and the same for the life of
// its database, also when that is moved or restored.
func (s *Store) Site(ctx context.Context) (id string, err error) {
	if err := s.read.QueryRowContext(ctx, `SELECT id FROM site`).Scan(&id); err != nil {
		return "", fmt.Errorf("get the identity of this left4me: %w", err)
	}
	return id, nil
}
