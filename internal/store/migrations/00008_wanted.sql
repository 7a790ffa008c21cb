-- +goose Up
ALTER TABLE server ADD COLUMN autostart  TEXT NOT NULL DEFAULT 'last';    -- last, always or never
ALTER TABLE server ADD COLUMN wanted     TEXT NOT NULL DEFAULT 'stopped'; -- running or stopped: what was last asked
ALTER TABLE server ADD COLUMN wanted_by  TEXT NOT NULL DEFAULT '';        -- who asked
ALTER TABLE server ADD COLUMN wanted_at  INTEGER;
ALTER TABLE server ADD COLUMN wanted_job TEXT NOT NULL DEFAULT '';        -- the job that asked; empty when it was none
ALTER TABLE server ADD COLUMN held       TEXT NOT NULL DEFAULT '';        -- why it is not started until somebody asks: crashed, boot or restored
ALTER TABLE server ADD COLUMN boot_id    TEXT NOT NULL DEFAULT '';        -- the boot of its host for which autostart was last decided
ALTER TABLE job ADD COLUMN wanted_before TEXT NOT NULL DEFAULT '';        -- wanted of its server before the job was asked for
ALTER TABLE job ADD COLUMN reason        TEXT NOT NULL DEFAULT '';        -- why left4me asked for it

-- The last job says what people wanted so far.
UPDATE server SET (wanted, wanted_by, wanted_at, wanted_job) = (
  SELECT CASE kind WHEN 'server.stop' THEN 'stopped' WHEN 'server.delete' THEN 'stopped' ELSE 'running' END, asked_by, created_at, id
  FROM job WHERE noun = 'server' AND target = server.name AND state <> 'cancelled'
    AND kind IN ('server.start', 'server.restart', 'server.reset', 'server.stop', 'server.delete')
  ORDER BY id DESC LIMIT 1)
WHERE EXISTS (
  SELECT 1 FROM job WHERE noun = 'server' AND target = server.name AND state <> 'cancelled'
    AND kind IN ('server.start', 'server.restart', 'server.reset', 'server.stop', 'server.delete'));

-- A server that crashed since may have given up. One that runs is not held any
-- more as soon as its host says that it runs.
UPDATE server SET held = 'crashed' WHERE wanted = 'running'
  AND EXISTS (SELECT 1 FROM crash WHERE crash.server = server.name AND crash.host = server.host AND crash.at >= server.wanted_at);
