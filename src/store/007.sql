-- Version 7.

-- Whether a pause is that of the portal's switch.
ALTER TABLE job ADD COLUMN turned_off INTEGER NOT NULL DEFAULT 0 CHECK (turned_off IN (0, 1));

-- How far the run under way has come, in pages of objects.
CREATE TABLE progress (
  job       TEXT PRIMARY KEY,
  cycle     INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  total     INTEGER NOT NULL,
  at        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs on demand of the last seconds, in wire time.
CREATE TABLE on_demand_call (
  job TEXT NOT NULL,
  at  TEXT NOT NULL
) STRICT;
