package jobs

import "time"

// SendAgainEvery is for tests that don't want to wait for a minute.
func (j *Jobs) SendAgainEvery(d time.Duration) { j.again = d }
