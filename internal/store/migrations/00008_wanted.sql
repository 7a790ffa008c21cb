-- +goose Up
ALTER TABLE server ADD COLUMN autostart  TEXT NOT NULL DEFAULT 'last';    -- last, always or never
ALTER TABLE server ADD COLUMN wanted     TEXT NOT NULL DEFAULT 'stopped'; -- running or stopped, as last requested
ALTER TABLE server ADD COLUMN wanted_by  TEXT NOT NULL DEFAULT '';        -- requester
ALTER TABLE server ADD COLUMN wanted_at  INTEGER;
ALTER TABLE server ADD COLUMN wanted_job TEXT NOT NULL DEFAULT '';        -- job that requested it, or empty
ALTER TABLE server ADD COLUMN held       TEXT NOT NULL DEFAULT '';        -- why it is not started automatically: crashed, boot or restored
ALTER TABLE server ADD COLUMN boot_id    TEXT NOT NULL DEFAULT '';        -- the host's boot id at the last autostart decision
ALTER TABLE job ADD COLUMN wanted_before TEXT NOT NULL DEFAULT '';        -- wanted state of its server before the job
ALTER TABLE job ADD COLUMN reason        TEXT NOT NULL DEFAULT '';        -- why left4me added it

-- The wanted state follows from the last job.
UPDATE server SET (wanted, wanted_by, wanted_at, wanted_job) = (
  SELECT CASE kind WHEN 'server.stop' THEN 'stopped' WHEN 'server.delete' THEN 'stopped' ELSE 'running' END, asked_by, created_at, id
  FROM job WHERE noun = 'server' AND target = server.name AND state <> 'cancelled'
    AND kind IN ('server.start', 'server.restart', 'server.reset', 'server.stop', 'server.delete')
  ORDER BY id DESC LIMIT 1)
WHERE EXISTS (
  SELECT 1 FROM job WHERE noun = 'server' AND target = server.name AND state <> 'cancelled'
    AND kind IN ('server.start', 'server.restart', 'server.reset', 'server.stop', 'server.delete'));

-- A server that has crashed since may have given up. A running server is released as soon as its
-- host reports it.
UPDATE server SET held = 'crashed' WHERE wanted = 'running'
  AND EXISTS (SELECT 1 FROM crash WHERE crash.server = server.name AND crash.host = server.host AND crash.at >= server.wanted_at);
