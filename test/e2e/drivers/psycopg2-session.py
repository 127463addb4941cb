"""A session of psycopg2 with all it can do; prints what it saw as JSON. The connection is in libpq's environment variables."""

import io
import json
import sys
import threading
import time

import psycopg2
import psycopg2.extensions
import psycopg2.extras

seen = []


def plain(value):
    """JSON knows neither infinity nor bytes nor dates."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return bytes(value).hex() if isinstance(value, memoryview) else repr(value)


def see(what, value):
    seen.append([what, plain(value)])


def see_result(what, cursor):
    description = cursor.description and [[c.name, c.type_code, c.internal_size, c.precision, c.scale] for c in cursor.description]
    rows = cursor.fetchall() if cursor.description else None
    see(what, [cursor.statusmessage, cursor.rowcount, description, rows])


def see_error(what, action):
    try:
        action()
        see(what, "no error")
    except psycopg2.Error as error:
        fields = ["sqlstate", "severity", "message_primary", "message_detail", "message_hint", "statement_position", "context",
                  "constraint_name", "table_name", "source_file", "source_line", "source_function"]
        see(what, [type(error).__name__, str(error), error.pgcode, {f: getattr(error.diag, f) for f in fields}])


romans = "select * from place where name = %s order by id"
pairs = "select p.id, v.rating, v.at from place p join visit v using (region_id) where v.place_id = p.id and p.name = %(name)s order by 1"

connection = psycopg2.connect("")
cursor = connection.cursor()

# A transaction is begun before the first statement, as psycopg2 does unless it is told not to.
cursor.execute(romans, ("Rome",))
see_result("in a transaction", cursor)
connection.commit()

connection.autocommit = True
for name in ["Rome", "Ü€😀", "Nowhere", "it's 100 %"]:
    cursor.execute(romans, (name,))
    see_result("autocommit", cursor)
cursor.execute(pairs, {"name": "Rome"})
see_result("pairs", cursor)
see_error("an error with a position", lambda: cursor.execute("select 'Ü€😀', id from place where name = 'Rome' and id = 'x'"))
see_error("division", lambda: cursor.execute("select id / (id - id) from place where name = 'Rome'"))
connection.autocommit = False

# Server-side cursors, which are SQL's.
with connection.cursor("named") as named:
    named.itersize = 4
    named.execute(romans, ("Rome",))
    see("named cursor", list(named))
with connection.cursor("scrolled", scrollable=True, withhold=True) as scrolled:
    scrolled.execute(romans, ("Rome",))
    connection.commit()
    scrolled.scroll(5)
    see("scrolled", scrolled.fetchone())
    scrolled.scroll(-3)
    see("scrolled back", scrolled.fetchmany(2))
connection.commit()

# Rows in, many at once.
cursor.executemany("insert into note (text, amount) values (%s, %s)", [(f"many {i}", i) for i in range(20)])
see("executemany", cursor.rowcount)
psycopg2.extras.execute_values(cursor, "insert into note (text, amount) values %s", [(f"values {i}", i) for i in range(250)], page_size=100)
psycopg2.extras.execute_batch(cursor, "insert into note (text, amount) values (%s, %s)", [(f"batch {i}", i) for i in range(50)])
cursor.execute("select count(*), sum(amount) from note")
see_result("written", cursor)
cursor.execute("savepoint s")
see_error("a constraint", lambda: cursor.execute("insert into note (id, text, amount) overriding system value values (0, 'x', -1)"))
see_error("a failed transaction", lambda: cursor.execute(romans, ("Rome",)))
cursor.execute("rollback to savepoint s")
cursor.execute(romans, ("Rome",))
see_result("after the savepoint", cursor)

# COPY
cursor.copy_expert("copy note (text, amount) from stdin with csv", io.StringIO("".join(f'"Ü€😀 {i}",{i}\n' for i in range(3000))))
see("copy in", cursor.rowcount)
out = io.BytesIO()
cursor.copy_expert("copy (select id, name from place where name = 'Rome' order by id) to stdout with binary", out)
see("copy out", out.getvalue().hex())
out = io.StringIO()
cursor.copy_expert("copy (select text, amount from note order by text, amount) to stdout", out)
see("copy of what was written", out.getvalue())
cursor.execute("savepoint s")
see_error("copy of nonsense", lambda: cursor.copy_expert("copy note (text, amount) from stdin", io.StringIO("x\ty\n")))
cursor.execute("rollback to savepoint s")
connection.rollback()

# Notices and notifications
del connection.notices[:]
cursor.execute("begin; listen news; notify news, 'read all about it'")
connection.commit()
connection.poll()
see("notices", connection.notices)
see("notifications", [[n.channel, n.payload, n.pid == connection.get_backend_pid()] for n in connection.notifies])

# Two-phase commit
xid = connection.xid(1, "matrix", "branch")
connection.tpc_begin(xid)
cursor.execute("insert into note (text) values ('prepared')")
connection.tpc_prepare()
connection.reset()
see("recovered", [[x.format_id, x.gtrid, x.bqual, x.database] for x in connection.tpc_recover()])
connection.commit()
connection.tpc_rollback(xid)
cursor.execute("select count(*) from note where text = 'prepared'")
see_result("rolled back", cursor)
connection.commit()

# A cancel request from another thread, while the statement is seen to run
def cancel():
    with psycopg2.connect("") as other:
        asked = other.cursor()
        while True:
            asked.execute("select 1 from pg_stat_activity where pid = %s and wait_event = 'PgSleep'", (connection.get_backend_pid(),))
            if asked.fetchone():
                break
            other.rollback()
            time.sleep(0.01)
    connection.cancel()

canceler = threading.Thread(target=cancel)
canceler.start()
see_error("canceled", lambda: cursor.execute("select pg_sleep(60)"))
canceler.join()
connection.rollback()

# Large objects are FunctionCall messages and their SQL.
large = connection.lobject(0, "wb")
large.write(b"x" * 100_000)
large.seek(50_000)
large.truncate(60_000)
large.close()
again = connection.lobject(large.oid, "rb")
see("large object", len(again.read()))
again.close()
connection.rollback()

# Settings of the session
connection.set_session(isolation_level="SERIALIZABLE", readonly=True)
cursor.execute(romans, ("Rome",))
see_result("serializable", cursor)
see_error("read only", lambda: cursor.execute("insert into note (text) values ('x')"))
connection.rollback()
connection.set_session(isolation_level="DEFAULT", readonly=False, autocommit=True)
connection.set_client_encoding("LATIN1")
cursor.execute("select id, name from place where name = 'Rome' order by id")
see_result("latin1", cursor)
connection.set_client_encoding("UTF8")
cursor.execute("set timezone = 'Asia/Tokyo'")
cursor.execute("select id, seen, founded from place where name = 'Rome' order by id")
see_result("in Tokyo", cursor)
connection.close()

# Asynchronous
connection = psycopg2.connect("", async_=True)
psycopg2.extras.wait_select(connection)
cursor = connection.cursor()
cursor.execute(romans, ("Rome",))
psycopg2.extras.wait_select(connection)
see_result("asynchronous", cursor)
connection.close()

json.dump(seen, sys.stdout)
