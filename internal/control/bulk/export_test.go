package bulk

import "time"

// Ahead sets the clock forward.
func (b *Bulk) Ahead(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = func() time.Time { return time.Now().Add(by) }
}
