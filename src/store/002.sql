-- Version 2.

-- A job's schema as it was imported; without a row the job's profile holds.
CREATE TABLE job_schema (
  job      TEXT PRIMARY KEY,
  document TEXT NOT NULL                     -- synchronizationSchema, JSON
) STRICT, WITHOUT ROWID;

-- A job after 28 days of quarantine, after an initial cycle with too many failures, and after `deletions allow`.
ALTER TABLE job ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));
ALTER TABLE job ADD COLUMN escrows_pruned INTEGER NOT NULL DEFAULT 0 CHECK (escrows_pruned IN (0, 1));
ALTER TABLE job ADD COLUMN force_deletes INTEGER NOT NULL DEFAULT 0 CHECK (force_deletes IN (0, 1));
ALTER TABLE job ADD COLUMN exported INTEGER NOT NULL DEFAULT 0;      -- objects, since the last restart

-- All that an account refers to is still to be looked at.
ALTER TABLE link ADD COLUMN references_due INTEGER NOT NULL DEFAULT 0 CHECK (references_due IN (0, 1));
CREATE INDEX link_references_due ON link (job, kind, source_id) WHERE references_due = 1;
-- What takes the account away was written already: it is no deletion a second time.
ALTER TABLE link ADD COLUMN removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1));

-- Deletes and disables that the deletion guard holds back.
CREATE TABLE staged (
  job       TEXT NOT NULL REFERENCES job (name),
  kind      TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  source_id TEXT NOT NULL,
  cycle     INTEGER NOT NULL,                -- the last one that wanted it
  PRIMARY KEY (job, kind, source_id)
) STRICT, WITHOUT ROWID;

-- An escrow that is given up is not tried again: it has no next time.
CREATE TABLE escrow_2 (
  job           TEXT NOT NULL REFERENCES job (name),
  kind          TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  source_id     TEXT NOT NULL,
  is_reference  INTEGER NOT NULL CHECK (is_reference IN (0, 1)),
  label         TEXT NOT NULL,
  target_id     TEXT,
  operation     TEXT NOT NULL,
  first_failure TEXT NOT NULL,
  retries       INTEGER NOT NULL,
  next_retry    TEXT,
  error_code    TEXT NOT NULL,
  reason        TEXT NOT NULL,
  http_status   INTEGER,
  PRIMARY KEY (job, kind, source_id, is_reference)
) STRICT, WITHOUT ROWID;
INSERT INTO escrow_2 SELECT * FROM escrow;
DROP TABLE escrow;
ALTER TABLE escrow_2 RENAME TO escrow;
