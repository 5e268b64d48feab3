-- Version 2.

-- A job's schema as it was imported; without a row the job's profile holds.
CREATE TABLE job_schema (
  job      TEXT PRIMARY KEY,
  document TEXT NOT NULL                     -- synchronizationSchema, JSON
) STRICT, WITHOUT ROWID;

-- A row is stored once, and wide rows stay out of the key's tree.
CREATE TABLE object_2 (
  kind        TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  id          TEXT NOT NULL,                 -- objectId
  position    INTEGER NOT NULL,              -- order in which the source first delivered it
  id_given    INTEGER NOT NULL CHECK (id_given IN (0, 1)),
  label       TEXT NOT NULL,                 -- userPrincipalName or displayName
  label_key   TEXT NOT NULL,                 -- the same in lower case, for look-ups
  manager     TEXT,                          -- as the effective row writes it
  fingerprint BLOB NOT NULL,                 -- of the row as last imported
  file_row    TEXT NOT NULL,                 -- attributes as last imported, JSON
  edited_row  TEXT,                          -- the same as edited by command; NULL: not edited
  row         TEXT NOT NULL GENERATED ALWAYS AS (COALESCE(edited_row, file_row)) VIRTUAL,  -- in effect
  edited      INTEGER NOT NULL CHECK (edited IN (0, 1)),
  in_file     INTEGER NOT NULL CHECK (in_file IN (0, 1)),
  state       TEXT NOT NULL CHECK (state IN ('active', 'recycled', 'gone')),
  deleted_at  TEXT,                          -- since when in the recycle bin
  PRIMARY KEY (id, kind),                    -- ids are looked up without a kind too
  CHECK ((state = 'active') = (deleted_at IS NULL))
) STRICT;
INSERT INTO object_2 (kind, id, position, id_given, label, label_key, manager, fingerprint, file_row, edited_row,
                      edited, in_file, state, deleted_at)
SELECT kind, id, position, id_given, label, label_key, manager, fingerprint, file_row,
       CASE WHEN row <> file_row THEN row END, edited, in_file, state, deleted_at FROM object;
DROP TABLE object;
ALTER TABLE object_2 RENAME TO object;
CREATE UNIQUE INDEX object_position ON object (kind, position);
CREATE INDEX object_label ON object (label_key, kind);
CREATE INDEX object_edited ON object (kind, id) WHERE edited = 1;
CREATE INDEX object_deleted ON object (deleted_at) WHERE state = 'recycled';

CREATE TABLE log_entry_2 (
  job        TEXT NOT NULL REFERENCES job (name),
  cycle      INTEGER NOT NULL,
  position   INTEGER NOT NULL,               -- phase and place of the object in the cycle
  id         TEXT NOT NULL,
  at         TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  source_id  TEXT NOT NULL,
  label      TEXT NOT NULL,
  target_id  TEXT,
  action     TEXT NOT NULL,
  status     TEXT NOT NULL CHECK (status IN ('success', 'warning', 'failure', 'skipped')),
  error_code TEXT,
  entry      TEXT NOT NULL,                  -- JSON: steps, modified properties, reason
  PRIMARY KEY (job, cycle, position)
) STRICT;
INSERT INTO log_entry_2 SELECT * FROM log_entry;
DROP TABLE log_entry;
ALTER TABLE log_entry_2 RENAME TO log_entry;
CREATE INDEX log_entry_source ON log_entry (job, source_id, cycle, position);

CREATE TABLE embedded_2 (
  job      TEXT NOT NULL,
  id       TEXT NOT NULL,
  position INTEGER NOT NULL,
  resource TEXT NOT NULL,
  PRIMARY KEY (job, id)
) STRICT;
INSERT INTO embedded_2 SELECT * FROM embedded;
DROP TABLE embedded;
ALTER TABLE embedded_2 RENAME TO embedded;
CREATE INDEX embedded_position ON embedded (job, position);

CREATE INDEX change_members ON change (object, seq) WHERE what IN ('member added', 'member removed');
CREATE INDEX link_target ON link (job, kind, target_id);
CREATE INDEX reference_other ON reference (job, other_id);

-- Newest seq when the full read under way first began.
ALTER TABLE job ADD COLUMN full_read INTEGER;
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
