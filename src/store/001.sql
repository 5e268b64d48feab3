-- Version 1. Times are UTC text of fixed width (2026-01-15T09:20:00.000000Z), so they sort as they read.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Directory (tenant): one row a user or group ever seen.
CREATE TABLE object (
  kind        TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  id          TEXT NOT NULL,                 -- objectId
  position    INTEGER NOT NULL,              -- order in which the source first delivered it
  id_given    INTEGER NOT NULL CHECK (id_given IN (0, 1)),
  label       TEXT NOT NULL,                 -- userPrincipalName or displayName
  label_key   TEXT NOT NULL,                 -- the same in lower case, for look-ups
  manager     TEXT,                          -- as the effective row writes it
  fingerprint BLOB NOT NULL,                 -- of the row as last imported
  file_row    TEXT NOT NULL,                 -- attributes as last imported, JSON
  row         TEXT NOT NULL,                 -- attributes in effect: file_row, or as edited by command
  edited      INTEGER NOT NULL CHECK (edited IN (0, 1)),
  in_file     INTEGER NOT NULL CHECK (in_file IN (0, 1)),
  state       TEXT NOT NULL CHECK (state IN ('active', 'recycled', 'gone')),
  deleted_at  TEXT,                          -- since when in the recycle bin
  PRIMARY KEY (id, kind),                    -- ids are looked up without a kind too
  CHECK ((state = 'active') = (deleted_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX object_position ON object (kind, position);
CREATE INDEX object_label ON object (label_key, kind);
CREATE INDEX object_manager ON object (manager) WHERE manager IS NOT NULL;
CREATE INDEX object_edited ON object (kind, id) WHERE edited = 1;
CREATE INDEX object_deleted ON object (deleted_at) WHERE state = 'recycled';

-- What the files say (in_file) and what a command said instead (edited); a change in the file ends the edit.
CREATE TABLE membership (
  parent  TEXT NOT NULL,                     -- objectId of the group
  member  TEXT NOT NULL,                     -- objectId of a user or group
  in_file INTEGER NOT NULL CHECK (in_file IN (0, 1)),
  edited  INTEGER CHECK (edited IN (0, 1)),
  present INTEGER NOT NULL GENERATED ALWAYS AS (COALESCE(edited, in_file)) STORED,
  PRIMARY KEY (parent, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_member ON membership (member, present);

CREATE TABLE assignment (
  job       TEXT NOT NULL,                   -- '' for every job
  principal TEXT NOT NULL,                   -- objectId of a user or group
  role      TEXT NOT NULL,                   -- app role by value, '' for default access
  in_file   INTEGER NOT NULL CHECK (in_file IN (0, 1)),
  edited    INTEGER CHECK (edited IN (0, 1)),
  present   INTEGER NOT NULL GENERATED ALWAYS AS (COALESCE(edited, in_file)) STORED,
  PRIMARY KEY (principal, job, role)
) STRICT, WITHOUT ROWID;

-- The change log; a watermark is a seq of it.
CREATE TABLE change (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  at     TEXT NOT NULL,
  kind   TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  object TEXT NOT NULL,
  what   TEXT NOT NULL CHECK (what IN ('added', 'updated', 'recycled', 'restored', 'purged',
                                       'member added', 'member removed', 'assigned', 'unassigned')),
  other  TEXT                                -- the member of a membership, the role of an assignment
) STRICT;

-- The files of the last accepted import.
CREATE TABLE source_file (
  path TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  rows INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Jobs.
CREATE TABLE job (
  name           TEXT PRIMARY KEY,
  id             TEXT NOT NULL,
  watermark      INTEGER,                    -- NULL: the next cycle is an initial one
  cycle          INTEGER NOT NULL,           -- number of the last cycle begun
  definition     TEXT NOT NULL,              -- fingerprint of mappings and filters
  paused         INTEGER NOT NULL CHECK (paused IN (0, 1)),
  failures       INTEGER NOT NULL,           -- failed runs in a row
  steady_first   TEXT,
  steady_last    TEXT,
  users_linked   INTEGER NOT NULL,           -- ever linked; never falls
  groups_linked  INTEGER NOT NULL,
  next_cycle     TEXT,
  quarantine     TEXT                        -- JSON, NULL when not in quarantine
) STRICT, WITHOUT ROWID;

CREATE TABLE execution (
  job        TEXT NOT NULL REFERENCES job (name),
  cycle      INTEGER NOT NULL,
  id         TEXT NOT NULL,                  -- cycleId, activityIdentifier
  initial    INTEGER NOT NULL CHECK (initial IN (0, 1)),
  began      TEXT NOT NULL,
  ended      TEXT,                           -- NULL: running, or killed
  state      TEXT CHECK (state IN ('Succeeded', 'Failed', 'EntryLevelErrors')),
  statistics TEXT NOT NULL,                  -- JSON
  PRIMARY KEY (job, cycle)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
  job       TEXT NOT NULL REFERENCES job (name),
  kind      TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  source_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  label     TEXT NOT NULL,
  managed   INTEGER NOT NULL CHECK (managed IN (0, 1)),  -- in scope when last evaluated
  PRIMARY KEY (job, kind, source_id)
) STRICT, WITHOUT ROWID;

-- References as this job wrote them: group members, managers.
CREATE TABLE reference (
  job       TEXT NOT NULL REFERENCES job (name),
  source_id TEXT NOT NULL,                   -- the group, or the user who has the manager
  attribute TEXT NOT NULL CHECK (attribute IN ('members', 'manager')),
  other_id  TEXT NOT NULL,                   -- source id of the member or manager
  target_id TEXT NOT NULL,                   -- target id of the member or manager, as sent
  confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),  -- the target said that it took it
  PRIMARY KEY (job, source_id, attribute, other_id)
) STRICT, WITHOUT ROWID;

-- A create that was about to leave: what to look for first after a kill.
CREATE TABLE intent (
  job       TEXT NOT NULL REFERENCES job (name),
  kind      TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  source_id TEXT NOT NULL,
  path      TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (job, kind, source_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE escrow (
  job           TEXT NOT NULL REFERENCES job (name),
  kind          TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
  source_id     TEXT NOT NULL,
  is_reference  INTEGER NOT NULL CHECK (is_reference IN (0, 1)),
  label         TEXT NOT NULL,
  target_id     TEXT,
  operation     TEXT NOT NULL,
  first_failure TEXT NOT NULL,
  retries       INTEGER NOT NULL,
  next_retry    TEXT NOT NULL,
  error_code    TEXT NOT NULL,
  reason        TEXT NOT NULL,
  http_status   INTEGER,
  PRIMARY KEY (job, kind, source_id, is_reference)
) STRICT, WITHOUT ROWID;

-- Provisioning log.
CREATE TABLE log_entry (
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
) STRICT, WITHOUT ROWID;
CREATE INDEX log_entry_source ON log_entry (job, source_id);

-- Content of the embedded app when it serves a configured job.
CREATE TABLE embedded (
  job      TEXT NOT NULL,
  id       TEXT NOT NULL,
  position INTEGER NOT NULL,
  resource TEXT NOT NULL,
  PRIMARY KEY (job, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX embedded_position ON embedded (job, position);
