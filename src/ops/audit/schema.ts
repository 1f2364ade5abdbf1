/**
 * The tables of the audit, in a schema of their own. PostgreSQL 14 or later.
 *
 * Append-only: UPDATE, DELETE and TRUNCATE are refused by triggers whoever asks, the owner too, and
 * on each partition by itself; and a role that `freshet_audit.allow` was called for may do no more
 * than INSERT and SELECT. Only whole days go, by `drop_expired`, which reads how long they are kept
 * where that role cannot write.
 *
 * A position begins with milliseconds, so a day of the log is a range of positions, and the primary
 * key is the position alone. In the tables it has all its zeros, so that its order is that of text.
 */

export const SCHEMA_VERSION = 1;

const NAME = 'freshet_audit';

/** Makes what is not there yet; running it again changes nothing. */
export const AUDIT_SQL = `
SELECT pg_advisory_xact_lock(hashtextextended('${NAME} schema', 0));
CREATE SCHEMA IF NOT EXISTS ${NAME};

CREATE TABLE IF NOT EXISTS ${NAME}.setting (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL,
  retention_days integer NOT NULL CHECK (retention_days >= 1)
);
INSERT INTO ${NAME}.setting VALUES (1, ${SCHEMA_VERSION}, 90)
  ON CONFLICT (id) DO UPDATE SET version = excluded.version;

-- How far the log has been read: all before it is in the tables.
CREATE TABLE IF NOT EXISTS ${NAME}.progress (
  id integer PRIMARY KEY CHECK (id = 1),
  position text NOT NULL
);

CREATE TABLE IF NOT EXISTS ${NAME}.record (
  position text COLLATE "C" PRIMARY KEY CHECK (position ~ '^[0-9]{15}-[0-9]{16}$'),
  message_id text NOT NULL,
  action text NOT NULL,
  entity_type text NOT NULL,
  entity_id text,
  pattern text,
  keys text[],
  cascade text[],
  created boolean NOT NULL,
  soft boolean NOT NULL,
  source_service text NOT NULL,
  actor text,
  reason text,
  request_id text,
  triggered_by text,
  sent_at text NOT NULL,
  logged_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  latency_ms bigint
) PARTITION BY RANGE (position);
COMMENT ON COLUMN ${NAME}.record.sent_at IS 'the time in the message, as its sender wrote it';
COMMENT ON COLUMN ${NAME}.record.logged_at IS 'when the log took it, by the clock of the log';
COMMENT ON COLUMN ${NAME}.record.latency_ms IS 'from sent_at to logged_at, by two clocks';

-- Records after from_position and up to to_position that the log did not hold any more.
CREATE TABLE IF NOT EXISTS ${NAME}.gap (
  from_position text COLLATE "C" NOT NULL,
  to_position text COLLATE "C" NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (to_position, from_position)
) PARTITION BY RANGE (to_position);

CREATE OR REPLACE FUNCTION ${NAME}.refuse() RETURNS trigger LANGUAGE plpgsql AS $refuse$
BEGIN
  RAISE EXCEPTION 'the audit is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege';
END
$refuse$;
${['record', 'gap'].map(refusals).join('')}
-- Days since 1970-01-01, of positions. A day that is there already is left as it is.
CREATE OR REPLACE FUNCTION ${NAME}.add_days(days bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $add$
DECLARE
  day bigint;
  parent text;
  name text;
  ends bigint;
BEGIN
  FOR day, parent IN SELECT d, p FROM unnest(days) d, unnest(ARRAY['record', 'gap']) p LOOP
    name := parent || to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', '_YYYY_MM_DD');
    CONTINUE WHEN to_regclass('${NAME}.' || quote_ident(name)) IS NOT NULL;
    PERFORM pg_advisory_xact_lock(hashtextextended('${NAME} schema', 0));
    CONTINUE WHEN to_regclass('${NAME}.' || quote_ident(name)) IS NOT NULL;
    ends := (day + 1) * 86400000;
    -- Attached, which lets others go on reading meanwhile.
    EXECUTE format('CREATE TABLE ${NAME}.%I (LIKE ${NAME}.%I INCLUDING DEFAULTS
      INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('ALTER TABLE ${NAME}.%I ATTACH PARTITION ${NAME}.%I
      FOR VALUES FROM (%L) TO (%L)', parent, name, lpad((day * 86400000)::text, 15, '0'),
      CASE WHEN ends > 999999999999999 THEN ':' ELSE lpad(ends::text, 15, '0') END);
    EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE
      ON ${NAME}.%I FOR EACH STATEMENT EXECUTE FUNCTION ${NAME}.refuse()', name);
  END LOOP;
END
$add$;

-- Drops the days that are over for longer than the retention.
CREATE OR REPLACE FUNCTION ${NAME}.drop_expired() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $drop$
DECLARE
  name text;
  dropped integer := 0;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, ${NAME}.setting
    WHERE i.inhparent IN ('${NAME}.record'::regclass, '${NAME}.gap'::regclass)
      AND substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([0-9]{15})''\\)')::bigint
        <= (extract(epoch FROM now()) - retention_days * 86400.0) * 1000
  LOOP
    EXECUTE format('DROP TABLE ${NAME}.%I', name);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END
$drop$;

-- What a role needs to write the audit and to search in it, and no more.
CREATE OR REPLACE FUNCTION ${NAME}.allow(role regrole) RETURNS void
LANGUAGE plpgsql AS $allow$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA ${NAME} TO %s', role);
  EXECUTE format('GRANT SELECT, INSERT ON ${NAME}.record, ${NAME}.gap TO %s', role);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON ${NAME}.progress TO %s', role);
  EXECUTE format('GRANT SELECT ON ${NAME}.setting TO %s', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION ${NAME}.add_days(bigint[]),
    ${NAME}.drop_expired() TO %s', role);
END
$allow$;
REVOKE ALL ON FUNCTION ${NAME}.add_days(bigint[]), ${NAME}.drop_expired(),
  ${NAME}.allow(regrole) FROM PUBLIC;
`;

/** On rows, which every partition inherits, and on statements, which say so where no row is hit. */
function refusals(table: string): string {
  return `CREATE OR REPLACE TRIGGER refuse_row BEFORE UPDATE OR DELETE ON ${NAME}.${table}
  FOR EACH ROW EXECUTE FUNCTION ${NAME}.refuse();
CREATE OR REPLACE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ${NAME}.${table}
  FOR EACH STATEMENT EXECUTE FUNCTION ${NAME}.refuse();
`;
}
