// Package rollouts contains what the pages of game rollouts and overlay rollouts share: the choice of
// when servers restart, and the rows that show servers with their state in the rollout.
package rollouts
