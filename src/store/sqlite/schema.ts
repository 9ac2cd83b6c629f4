/** The tables, as a numbered list of migrations. A published migration is never edited; a change is a new one. */

export interface Migration {
  /** Schema version after it. */
  readonly to: number;
  /** Oldest program (by the schema version it knows) that still works on the result. */
  readonly min: number;
  readonly sql: string;
}

const FIRST = `
-- One small row per task: all that is searched, guarded or listed. The ids are time-ordered.
CREATE TABLE tasks (
  id TEXT NOT NULL PRIMARY KEY,
  n INTEGER NOT NULL,          -- row of bodies and heads
  rev INTEGER NOT NULL,
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  ready INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  class TEXT NOT NULL,
  prio INTEGER NOT NULL,
  destination TEXT,            -- of the active attempt, like the next two
  epoch INTEGER,
  job TEXT
) STRICT, WITHOUT ROWID;
-- Without access control all tasks have the empty owner, and these two stay empty.
CREATE INDEX tasks_owner ON tasks (owner, id) WHERE owner <> '';
CREATE INDEX tasks_owner_state ON tasks (owner, state, id) WHERE owner <> '';
CREATE INDEX tasks_state ON tasks (state, id);
CREATE INDEX tasks_ready ON tasks (class, owner, prio DESC, id) WHERE ready = 1;
CREATE INDEX tasks_active ON tasks (destination, epoch) WHERE destination IS NOT NULL;

-- What never changes, and what every write replaces, as JSON text.
CREATE TABLE bodies (n INTEGER PRIMARY KEY, name TEXT, body TEXT NOT NULL) STRICT;
CREATE TABLE heads (n INTEGER PRIMARY KEY, head TEXT NOT NULL) STRICT;

-- Search entries (entries.ts), newest first by reading backwards.
CREATE TABLE entries (
  entry TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (entry, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE debts (
  id TEXT NOT NULL, destination TEXT NOT NULL, PRIMARY KEY (id, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX debts_destination ON debts (destination, id);

CREATE TABLE parts (
  task TEXT NOT NULL, attempt INTEGER NOT NULL, kind TEXT NOT NULL, i INTEGER NOT NULL,
  text TEXT NOT NULL, PRIMARY KEY (task, attempt, kind, i)
) STRICT;

CREATE TABLE leases (
  destination TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL,
  beat INTEGER NOT NULL, address TEXT NOT NULL
) STRICT;

CREATE TABLE classes (class TEXT NOT NULL PRIMARY KEY, requirements TEXT NOT NULL)
  STRICT, WITHOUT ROWID;

-- How many tasks of a class and owner wait, kept by triggers so that it can never be forgotten.
CREATE TABLE waiting (
  class TEXT NOT NULL, owner TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (class, owner)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER waiting_insert AFTER INSERT ON tasks WHEN NEW.ready = 1 BEGIN
  INSERT INTO waiting VALUES (NEW.class, NEW.owner, 1)
    ON CONFLICT (class, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER waiting_more AFTER UPDATE OF ready ON tasks WHEN NEW.ready > OLD.ready BEGIN
  INSERT INTO waiting VALUES (NEW.class, NEW.owner, 1)
    ON CONFLICT (class, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER waiting_less AFTER UPDATE OF ready ON tasks WHEN NEW.ready < OLD.ready BEGIN
  UPDATE waiting SET count = count - 1 WHERE class = NEW.class AND owner = NEW.owner;
  DELETE FROM waiting WHERE class = NEW.class AND owner = NEW.owner AND count = 0;
END;
`;

/** Creations that may be repeated, until they may be made anew; an older program leaves the table alone. */
const IDEMPOTENCY = `
CREATE TABLE idempotency (
  key TEXT NOT NULL PRIMARY KEY, print TEXT NOT NULL, task TEXT NOT NULL, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_until ON idempotency (until);
`;

/** What the destination of a lease offers, as JSON text; an older program leaves it as it is. */
const LEASE_CAPACITY = 'ALTER TABLE leases ADD COLUMN capacity TEXT';

/** How many tasks each owner has in each state, kept by triggers like the table of waiting ones; an older program keeps it too. */
const OWNED = `
CREATE TABLE owned (
  owner TEXT NOT NULL, state TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (owner, state)
) STRICT, WITHOUT ROWID;
INSERT INTO owned SELECT owner, state, count(*) FROM tasks GROUP BY owner, state;
CREATE TRIGGER owned_insert AFTER INSERT ON tasks BEGIN
  INSERT INTO owned VALUES (NEW.owner, NEW.state, 1)
    ON CONFLICT (owner, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER owned_move AFTER UPDATE OF state ON tasks WHEN NEW.state <> OLD.state BEGIN
  UPDATE owned SET count = count - 1 WHERE owner = OLD.owner AND state = OLD.state;
  INSERT INTO owned VALUES (NEW.owner, NEW.state, 1)
    ON CONFLICT (owner, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER owned_delete AFTER DELETE ON tasks BEGIN
  UPDATE owned SET count = count - 1 WHERE owner = OLD.owner AND state = OLD.state;
END;
`;

/** The tables stay, but a program that knows nothing of sealed secrets would run tasks with what is left of their URLs. */
const SEALED = '';

export const MIGRATIONS: readonly Migration[] = [
  { to: 1, min: 1, sql: FIRST },
  { to: 2, min: 1, sql: IDEMPOTENCY },
  { to: 3, min: 1, sql: LEASE_CAPACITY },
  { to: 4, min: 1, sql: OWNED },
  { to: 5, min: 5, sql: SEALED },
];
