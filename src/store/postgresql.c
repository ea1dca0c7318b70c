/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL 15 and newer by libpq: connections, statements, rows. Values travel as text, which
 * libpq hands out without copying; only byte strings go in binary. A result arrives whole before
 * its first row is given out, so a connection is free for the next query meanwhile. COPY is in
 * postgresql_copy.c. */
#include <libpq-fe.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "store/postgresql.h"

enum { SERVER_VERSION_MIN = 150000, NUMBER_SIZE = 40 };

struct stmt {
    struct store_stmt base;
    char name[24]; /* "" for one that is not kept */
};

struct cursor {
    struct store_cursor base;
    PGresult *result;
    int row;
    struct dm_arena a; /* JSON and bytes of the row at hand */
};

struct store_pg *store_pg_of(struct store_conn *c)
{
    DM_BUG_UNLESS(c->driver == &store_driver_postgresql);
    return DM_CONTAINER_OF(c, struct store_pg, base);
}

static struct stmt *stmt_of(struct store_stmt *s)
{
    return DM_CONTAINER_OF(s, struct stmt, base);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct {
    const char *state; /* SQLSTATE or its first characters, longer ones first */
    int code;
    enum store_fault_kind fault;
} codes[] = {
    {"DM001", DM_ECONFLICT, STORE_FAULT_APPEND_ONLY}, /* ours, from the triggers */
    {"23505", DM_ECONFLICT, STORE_FAULT_UNIQUE},
    {"23503", DM_ECONFLICT, STORE_FAULT_FOREIGN_KEY},
    {"23514", DM_EBADINPUT, STORE_FAULT_CHECK},
    {"23502", DM_EBADINPUT, STORE_FAULT_NOT_NULL},
    {"22001", DM_EBADINPUT, STORE_FAULT_CHECK}, /* too long for its column, which is not named */
    {"55P03", DM_EBUSY, STORE_FAULT_NONE},      /* lock not available in time */
    {"57014", DM_EBUSY, STORE_FAULT_NONE},      /* statement time-out */
    {"53300", DM_EBUSY, STORE_FAULT_NONE},      /* too many connections */
    {"40", DM_EBUSY, STORE_FAULT_NONE},         /* serialization, deadlock */
    {"3D000", DM_ENOTFOUND, STORE_FAULT_NONE},
    {"57P", DM_EIO, STORE_FAULT_NONE}, /* shutting down, starting up */
    {"08", DM_EIO, STORE_FAULT_NONE},
    {"53", DM_EIO, STORE_FAULT_NONE}, /* disk full, out of memory */
    {"58", DM_EIO, STORE_FAULT_NONE},
    {"54", DM_ELIMIT, STORE_FAULT_NONE},
    {"22", DM_EBADINPUT, STORE_FAULT_NONE},
};

static void name_fault(const PGresult *r, struct store_fault *f)
{
    const char *table = PQresultErrorField(r, PG_DIAG_TABLE_NAME);
    const char *column = PQresultErrorField(r, PG_DIAG_COLUMN_NAME);
    const char *constraint = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    if (f->kind == STORE_FAULT_NOT_NULL) {
        (void)snprintf(f->name, sizeof(f->name), "%s_%s", table ? table : "", column ? column : "");
    } else if (f->kind == STORE_FAULT_APPEND_ONLY) {
        (void)snprintf(f->name, sizeof(f->name), "%s", table ? table : "");
    } else {
        (void)snprintf(f->name, sizeof(f->name), "%s", constraint ? constraint : "");
    }
}

/* libpq ends its messages with a newline and adds lines of detail, which may hold values. */
static int fail_line(struct dm_err *e, int code, const char *message)
{
    DM_FAIL(e, code, "PostgreSQL: %.*s", (int)strcspn(message, "\n"), message);
}

int store_pg_failure(struct store_pg *c, const PGresult *r, struct dm_err *e)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    int code = DM_EINTERNAL;
    for (size_t i = 0; state && i < DM_COUNT(codes); i++) {
        if (!strncmp(state, codes[i].state, strlen(codes[i].state))) {
            code = codes[i].code;
            c->base.fault.kind = codes[i].fault;
            break;
        }
    }
    if (PQstatus(c->pg) != CONNECTION_OK) {
        code = DM_EIO;
        c->base.fault.kind = STORE_FAULT_NONE;
    }
    PGTransactionStatusType status = PQtransactionStatus(c->pg);
    c->base.lost = status == PQTRANS_IDLE || status == PQTRANS_UNKNOWN;
    if (c->base.fault.kind != STORE_FAULT_NONE) {
        name_fault(r, &c->base.fault);
    }
    const char *primary = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    return fail_line(e, code, primary ? primary : PQerrorMessage(c->pg));
}

/* Take the result: DM_OK when it is what a command or a query gives. Freed on failure. */
static int accept_result(struct store_pg *c, PGresult *take_r, PGresult **ret, struct dm_err *e)
{
    ExecStatusType status = PQresultStatus(take_r);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        *ret = take_r;
        return DM_OK;
    }
    int code = store_pg_failure(c, take_r, e);
    PQclear(take_r);
    return code;
}

/* ---- connecting ------------------------------------------------------------------------------ */

/* ssl=require of asyncpg means sslmode=require. In place: the longer word needs its room. */
static char *normal_url(const char *rest)
{
    const char *ssl = strstr(rest, "?ssl=");
    ssl = ssl ? ssl : strstr(rest, "&ssl=");
    size_t head = ssl ? (size_t)(ssl + 1 - rest) : strlen(rest);
    const char *tail = ssl ? ssl + 5 : "";
    size_t n = strlen(rest) + 32;
    char *url = dm_alloc(n);
    if (url) {
        (void)snprintf(url, n, "postgresql:%.*s%s%s", (int)head, rest, ssl ? "sslmode=" : "", tail);
    }
    return url;
}

static int understand(struct store_target *t, struct dm_err *e)
{
    char *url = normal_url(t->url);
    if (!url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the address of the database");
    }
    dm_free(t->url);
    t->url = url;
    PQconninfoOption *options =
        !strncmp(url, "postgresql://", 13) ? PQconninfoParse(url, NULL) : NULL;
    if (!options) {
        DM_FAIL(e, DM_EBADINPUT,
                "not an address like postgresql://user:password@host:5432/database");
    }
    bool port_ok = true;
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        port_ok &= strcmp(o->keyword, "port") || !o->val || !o->val[strspn(o->val, "0123456789,")];
    }
    PQconninfoFree(options);
    if (!port_ok) {
        DM_FAIL(e, DM_EBADINPUT, "the port of the database is not a number");
    }
    return DM_OK;
}

static void disconnect(struct store_conn *base)
{
    struct store_pg *c = store_pg_of(base);
    PQfinish(c->pg);
    dm_free(c);
}

/* libpq's messages at connecting do not carry a code, only words. */
static int connect_failure(struct store_pg *c, struct dm_err *e)
{
    const char *message = PQerrorMessage(c->pg);
    bool answered = strstr(message, "FATAL:") != NULL;
    bool soon = strstr(message, "starting up") || strstr(message, "shutting down") ||
                strstr(message, "recovery") || strstr(message, "too many") ||
                strstr(message, "remaining connection slots");
    int code = !answered || soon                   ? DM_EIO
               : strstr(message, "does not exist") ? DM_ENOTFOUND
                                                   : DM_EBADINPUT;
    if (PQconnectionNeedsPassword(c->pg)) {
        code = DM_EBADINPUT;
    }
    return fail_line(e, code, message);
}

static int check_server(struct store_pg *c, struct dm_err *e)
{
    if (PQserverVersion(c->pg) < SERVER_VERSION_MIN) {
        DM_FAIL(e, DM_EUNSUPPORTED, "PostgreSQL %d is too old, 15 or newer is needed",
                PQserverVersion(c->pg) / 10000);
    }
    const char *encoding = PQparameterStatus(c->pg, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8")) {
        DM_FAIL(e, DM_EUNSUPPORTED, "the database is encoded in %s, UTF8 is needed",
                encoding ? encoding : "an unknown way");
    }
    return DM_OK;
}

static int set_up(struct store_pg *c, const struct store_target *t, struct dm_err *e)
{
    char sql[400];
    (void)snprintf(sql, sizeof(sql),
                   "SET TIME ZONE 'UTC'; SET DateStyle = 'ISO, YMD'; SET lock_timeout = %d;"
                   "SET statement_timeout = %d; SET client_min_messages = error;"
                   "SET bytea_output = hex; SET extra_float_digits = 1;"
                   "SET standard_conforming_strings = on;"
                   /* compiling the queries of a report takes ten times as long as running them */
                   "SET jit = off",
                   t->o.wait_ms, t->o.statement_ms > 0 ? t->o.statement_ms : 0);
    return c->base.driver->command(&c->base, sql, e);
}

static int connect_server(const struct store_target *t, enum store_mode mode,
                          struct store_conn **ret, struct dm_err *e)
{
    (void)mode;
    struct store_pg *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a connection");
    }
    c->base.driver = &store_driver_postgresql;
    c->base.statement_ms = t->o.statement_ms;
    char seconds[16];
    (void)snprintf(seconds, sizeof(seconds), "%d", DM_CLAMP(t->o.connect_ms / 1000, 2, 30));
    /* The URL comes last and wins over what stands before it. */
    const char *const keys[] = {"connect_timeout", "fallback_application_name",
                                "client_encoding", "keepalives_idle",
                                "dbname",          NULL};
    const char *const values[] = {seconds, "demeter", "UTF8", "30", t->url, NULL};
    c->pg = PQconnectdbParams(keys, values, 1);
    int code = PQstatus(c->pg) == CONNECTION_OK ? check_server(c, e) : connect_failure(c, e);
    if (code >= 0) {
        code = set_up(c, t, e);
    }
    if (code < 0) {
        disconnect(&c->base);
        return code;
    }
    *ret = &c->base;
    return DM_OK;
}

static bool alive(struct store_conn *base)
{
    const PGconn *pg =
        store_pg_of(base)->pg; /* one that is stuck in a pipeline is of no more use */
    return PQstatus(pg) == CONNECTION_OK && PQpipelineStatus(pg) == PQ_PIPELINE_OFF;
}

static int command(struct store_conn *base, const char *sql, struct dm_err *e)
{
    struct store_pg *c = store_pg_of(base);
    PGresult *r = NULL;
    DM_TRY(accept_result(c, PQexec(c->pg, sql), &r, e));
    /* A COMMIT of a transaction in error is answered with a rollback. */
    bool undone = !strcmp(sql, "COMMIT") && strcmp(PQcmdStatus(r), "COMMIT") != 0;
    PQclear(r);
    if (undone) {
        DM_FAIL(e, DM_EBUSY, "PostgreSQL: the transaction was rolled back");
    }
    return DM_OK;
}

/* ---- types ----------------------------------------------------------------------------------- */

/* Object ids of pg_type; fixed for all versions (src/include/catalog/pg_type.dat). */
enum {
    BOOLOID = 16,
    BYTEAOID = 17,
    NAMEOID = 19,
    INT8OID = 20,
    INT2OID = 21,
    INT4OID = 23,
    TEXTOID = 25,
    FLOAT4OID = 700,
    FLOAT8OID = 701,
    BPCHAROID = 1042,
    VARCHAROID = 1043,
    DATEOID = 1082,
    TIMESTAMPTZOID = 1184,
    NUMERICOID = 1700,
    UUIDOID = 2950,
    JSONBOID = 3802
};

static const struct {
    char letter;
    Oid parameter;
    Oid columns[5]; /* that may stand for the letter, ended by 0 */
} types[] = {
    {'i', INT8OID, {INT8OID, INT4OID, INT2OID, NUMERICOID}},
    {'r', FLOAT8OID, {FLOAT8OID, FLOAT4OID, NUMERICOID, INT8OID, INT4OID}},
    {'b', BOOLOID, {BOOLOID}},
    {'t', TEXTOID, {TEXTOID, VARCHAROID, BPCHAROID, NAMEOID}},
    {'j', JSONBOID, {JSONBOID}},
    {'T', TIMESTAMPTZOID, {TIMESTAMPTZOID}},
    {'D', DATEOID, {DATEOID}},
    {'u', UUIDOID, {UUIDOID}},
    {'x', BYTEAOID, {BYTEAOID}},
};

static size_t type_of(char letter)
{
    size_t i = 0;
    while (i < DM_COUNT(types) && types[i].letter != letter) {
        i++;
    }
    DM_BUG_UNLESS(i < DM_COUNT(types));
    return i;
}

static bool suits(char letter, Oid column)
{
    const Oid *allowed = types[type_of(letter)].columns;
    for (size_t i = 0; i < DM_COUNT(types[0].columns) && allowed[i]; i++) {
        if (allowed[i] == column) {
            return true;
        }
    }
    return false;
}

/* The columns of a result are as many and of the types that the query says. */
static int check_columns(const struct store_stmt *s, const PGresult *r, struct dm_err *e)
{
    if ((size_t)PQnfields(r) != s->n_cols) {
        DM_FAIL(e, DM_EINTERNAL, "%s: %d columns instead of '%s'", s->name, PQnfields(r), s->cols);
    }
    for (int k = 0; k < PQnfields(r); k++) {
        if (!suits(s->cols[k], PQftype(r, k))) {
            DM_FAIL(e, DM_EINTERNAL, "%s: column %d is not of the type %c", s->name, k + 1,
                    s->cols[k]);
        }
    }
    return DM_OK;
}

/* ---- statements ------------------------------------------------------------------------------ */

static int describe(struct store_pg *c, struct stmt *s, struct dm_err *e)
{
    PGresult *r = NULL;
    DM_TRY(accept_result(c, PQdescribePrepared(c->pg, s->name), &r, e));
    int code = check_columns(&s->base, r, e);
    if (code >= 0 && (size_t)PQnparams(r) != s->base.n_params) {
        code = dm_err_set(e, DM_EINTERNAL, __FILE__, __LINE__, "%d parameters instead of '%s'",
                          PQnparams(r), s->base.params);
    }
    PQclear(r);
    return code;
}

static int prepare(struct store_conn *base, const struct store_query *q, const char *sql,
                   struct store_stmt **ret, struct dm_err *e)
{
    struct store_pg *c = store_pg_of(base);
    struct stmt *s = dm_calloc(1, sizeof(*s));
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a statement");
    }
    store_stmt_init(&s->base, q);
    (void)snprintf(s->name, sizeof(s->name), "s%lu", ++c->statements);
    Oid oids[STORE_PARAMS_MAX];
    for (size_t k = 0; k < s->base.n_params; k++) {
        oids[k] = types[type_of(s->base.params[k])].parameter;
    }
    PGresult *r = NULL;
    int code = accept_result(c, PQprepare(c->pg, s->name, sql, (int)s->base.n_params, oids), &r, e);
    if (code >= 0) {
        PQclear(r);
        code = describe(c, s, e);
    }
    if (code < 0) {
        dm_free(s);
        return code;
    }
    *ret = &s->base;
    return DM_OK;
}

static void unprepare(struct store_conn *base, struct store_stmt *bs)
{
    struct store_pg *c = store_pg_of(base);
    struct stmt *s = stmt_of(bs);
    /* A statement in the cache goes with its connection. In a failed transaction the server would
     * refuse; the name is never used again. */
    if (!bs->cached && PQtransactionStatus(c->pg) == PQTRANS_INTRANS) {
        char sql[40];
        (void)snprintf(sql, sizeof(sql), "DEALLOCATE %s", s->name);
        PQclear(PQexec(c->pg, sql));
    }
    dm_free(s);
}

const char *store_pg_text(const struct store_value *v, char *room, size_t room_n)
{
    switch (v->type) {
    case 'i':
        (void)snprintf(room, room_n, "%lld", (long long)v->i);
        return room;
    case 'b':
        return v->b ? "t" : "f";
    case 'r':
        (void)snprintf(room, room_n, "%.17g", v->r);
        return room;
    case 'T':
        return store_time_text(v->i, room);
    default:
        return v->t;
    }
}

/* One row of arguments as libpq takes it. The texts lie in room or are borrowed. */
struct wire {
    const char *values[STORE_PARAMS_MAX];
    int lengths[STORE_PARAMS_MAX];
    int formats[STORE_PARAMS_MAX];
    char room[STORE_PARAMS_MAX][NUMBER_SIZE];
};

static void to_wire(const struct store_value *v, size_t n, struct wire *ret)
{
    for (size_t k = 0; k < n; k++) {
        const bool raw = v[k].type == 'x';
        ret->values[k] =
            v[k].null ? NULL : store_pg_text(&v[k], ret->room[k], sizeof(ret->room[k]));
        ret->formats[k] = raw;
        ret->lengths[k] = raw ? (int)v[k].n : 0;
    }
}

static int run(struct store_conn *base, struct store_stmt *bs, struct store_args args,
               struct store_cursor **ret, struct dm_err *e)
{
    struct store_pg *c = store_pg_of(base);
    struct wire w;
    to_wire(args.v, args.n, &w);
    struct cursor *cur = dm_calloc(1, sizeof(*cur));
    if (!cur) {
        DM_FAIL(e, DM_ENOMEM, "no memory for rows");
    }
    PGresult *r =
        PQexecPrepared(c->pg, stmt_of(bs)->name, (int)args.n, w.values, w.lengths, w.formats, 0);
    int code = accept_result(c, r, &cur->result, e);
    if (code < 0) {
        dm_free(cur);
        return code;
    }
    cur->base.stmt = bs;
    const char *changed = strncmp(PQcmdStatus(cur->result), "SELECT", 6) ? PQcmdTuples(r) : "";
    cur->base.changed = strtoll(changed, NULL, 10);
    *ret = &cur->base;
    return DM_OK;
}

/* ---- many runs of a statement ---------------------------------------------------------------- */

/* Sent before the answers are read: few enough that neither side waits for the other to read. */
enum { PIPELINE_RUNS = 64 };

static int send_runs(struct store_pg *c, struct store_stmt *s, const struct store_value *rows,
                     size_t n, struct dm_err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct wire w;
        to_wire(rows + i * s->n_params, s->n_params, &w);
        if (!PQsendQueryPrepared(c->pg, stmt_of(s)->name, (int)s->n_params, w.values, w.lengths,
                                 w.formats, 0)) {
            return store_pg_failure(c, NULL, e);
        }
    }
    return PQpipelineSync(c->pg) ? DM_OK : store_pg_failure(c, NULL, e);
}

static int take_int(struct store_pg *c, const struct store_stmt *s, PGresult *r, int64_t *ret,
                    struct dm_err *e)
{
    const ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        return store_pg_failure(c, r, e);
    }
    DM_TRY(store_one_row(s, PQntuples(r), e));
    if (ret) {
        *ret = strtoll(PQgetvalue(r, 0, 0), NULL, 10); /* a null is an empty text */
    }
    return DM_OK;
}

/* Read up to the end of the pipeline, whatever fails on the way. */
static int receive_runs(struct store_pg *c, const struct store_stmt *s, size_t n, int64_t *ret,
                        struct dm_err *e)
{
    int code = DM_OK;
    bool ended = false;
    for (size_t i = 0; !ended;) {
        PGresult *r = PQgetResult(c->pg); /* a null ends the results of each run */
        ended = PQstatus(c->pg) != CONNECTION_OK || PQresultStatus(r) == PGRES_PIPELINE_SYNC;
        if (ended && i < n && code >= 0) {
            code = store_pg_failure(c, r, e);
        } else if (r && !ended) {
            DM_BUG_UNLESS(i < n);
            code = code >= 0 ? take_int(c, s, r, ret ? &ret[i] : NULL, e) : code;
            i++;
        }
        PQclear(r);
    }
    return code;
}

static int each(struct store_conn *base, struct store_stmt *s, const struct store_value *rows,
                size_t n, int64_t *ret, struct dm_err *e)
{
    struct store_pg *c = store_pg_of(base);
    if (!PQenterPipelineMode(c->pg)) {
        return store_pg_failure(c, NULL, e);
    }
    int code = DM_OK;
    for (size_t at = 0; at < n && code >= 0; at += PIPELINE_RUNS) {
        const size_t m = DM_MIN(n - at, (size_t)PIPELINE_RUNS);
        code = send_runs(c, s, rows + at * s->n_params, m, e);
        code = code < 0 ? code : receive_runs(c, s, m, ret ? ret + at : NULL, e);
    }
    if (!PQexitPipelineMode(c->pg) && code >= 0) {
        code = store_pg_failure(c, NULL, e);
    }
    return code;
}

static int bytes(struct cursor *cur, const char *hex, struct store_value *v, struct dm_err *e)
{
    size_t n = 0;
    unsigned char *raw = PQunescapeBytea((const unsigned char *)hex, &n);
    unsigned char *copy = raw ? dm_arena_alloc(&cur->a, n + 1) : NULL;
    if (copy) {
        memcpy(copy, raw, n);
    }
    PQfreemem(raw);
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a byte string");
    }
    v->x = copy;
    v->n = n;
    return DM_OK;
}

static int column(struct cursor *cur, int k, struct store_value *v, struct dm_err *e)
{
    const char *text = PQgetvalue(cur->result, cur->row, k);
    *v = (struct store_value){.type = cur->base.stmt->cols[k]};
    v->n = (size_t)PQgetlength(cur->result, cur->row, k);
    if (PQgetisnull(cur->result, cur->row, k)) {
        *v = store_null();
        return DM_OK;
    }
    switch (v->type) {
    case 'i':
        v->i = strtoll(text, NULL, 10);
        return DM_OK;
    case 'r':
        v->r = strtod(text, NULL);
        return DM_OK;
    case 'b':
        v->b = text[0] == 't';
        return DM_OK;
    case 'T':
        return store_time_parse(text, &v->i, e);
    case 'j':
        return store_json_canonical(text, v->n, &cur->a, &v->t, &v->n, e);
    case 'x':
        return bytes(cur, text, v, e);
    default:
        v->t = text;
        return DM_OK;
    }
}

static int step(struct store_conn *base, struct store_cursor *bc, struct store_value *row,
                struct dm_err *e)
{
    (void)base;
    struct cursor *cur = DM_CONTAINER_OF(bc, struct cursor, base);
    dm_arena_clear(&cur->a);
    if (cur->row >= PQntuples(cur->result)) {
        return 0;
    }
    for (size_t k = 0; k < bc->stmt->n_cols; k++) {
        DM_TRY(column(cur, (int)k, &row[k], e));
    }
    cur->row++;
    return 1;
}

static void finish(struct store_conn *base, struct store_cursor *bc)
{
    (void)base;
    struct cursor *cur = DM_CONTAINER_OF(bc, struct cursor, base);
    PQclear(cur->result);
    dm_arena_clear(&cur->a);
    dm_free(cur);
}

/* ---- the engine ------------------------------------------------------------------------------ */

#define NOW    "date_trunc('milliseconds', statement_timestamp())"
#define REFUSE "FOR EACH ROW WHEN (NOT (%2)) EXECUTE FUNCTION demeter_append_only()"

// clang-format off
static const struct store_token tokens[] = {
    {"now", NOW},
    {"for_update", "FOR UPDATE"},
    {"skip_locked", "SKIP LOCKED"},
    {"same", "IS NOT DISTINCT FROM"},
    {"lower", "lower((%1) COLLATE \"C\")"},
    {"ids", "(SELECT jsonb_array_elements_text(%1)::bigint)"},
    {"texts", "(SELECT jsonb_array_elements_text(%1))"},
    {"day", "to_char((%1) AT TIME ZONE 'UTC' + (%2) * INTERVAL '1 minute', 'YYYY-MM-DD')"},
    {"month", "to_char((%1) AT TIME ZONE 'UTC' + (%2) * INTERVAL '1 minute', 'YYYY-MM')"},
    {"ms", "CAST(round(extract(epoch FROM %1) * 1000) AS BIGINT)"},
    {"int", "BIGINT"},
    {"real", "DOUBLE PRECISION"},
    {"greatest", "greatest"},
    {"least", "least"},
    {"true", "TRUE"},
    {"false", "FALSE"},
    /* columns */
    {"id", "id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
    {"fk", "%1 BIGINT REFERENCES %2 (id) %3 DEFERRABLE"},
    {"fk_later", "%1 BIGINT"},
    {"fk_now", "ALTER TABLE %1 ADD FOREIGN KEY (%2) REFERENCES %3 (id) %4 DEFERRABLE;"},
    {"int:", "%1 INTEGER"},
    {"int64", "%1 BIGINT"},
    {"real:", "%1 DOUBLE PRECISION"},
    {"bool", "%1 BOOLEAN"},
    {"text", "%1 VARCHAR(%2) COLLATE \"C\""},
    {"long", "%1 TEXT COLLATE \"C\""},
    {"json", "%1 JSONB"},
    {"ts", "%1 TIMESTAMPTZ(3)"},
    {"date", "%1 DATE"},
    {"uuid", "%1 UUID"},
    {"blob", "%1 BYTEA"},
    {"enum", "%1 VARCHAR(30) COLLATE \"C\" CONSTRAINT %t_%1_check CHECK (%1 IN (%2))"},
    {"check", "CONSTRAINT %t_%1_check CHECK (%2)"},
    {"chars", "CONSTRAINT %t_%1_chars_check CHECK (%1 !~ '[^%2]' AND char_length(%1) >= %3)"},
    {"index", "CREATE INDEX %1_%2_idx ON %1 (%2)"},
    {"created", "created_at TIMESTAMPTZ(3) NOT NULL DEFAULT " NOW},
    {"times", "created_at TIMESTAMPTZ(3) NOT NULL DEFAULT " NOW ", "
              "updated_at TIMESTAMPTZ(3) NOT NULL DEFAULT " NOW},
    {"generated", "%1 BIGINT GENERATED ALWAYS AS (%2) STORED"},
    {"no_update", "CREATE TRIGGER %1_no_update BEFORE UPDATE ON %1 " REFUSE},
    {"no_delete", "CREATE TRIGGER %1_no_delete BEFORE DELETE ON %1 " REFUSE ";"
                  "CREATE TRIGGER %1_no_truncate BEFORE TRUNCATE ON %1 "
                  "EXECUTE FUNCTION demeter_append_only()"},
    {NULL, NULL},
};
// clang-format on

static const char *const self_checks[] = {
    "SELECT 'index ' || indexrelid::regclass || ' is not valid' FROM pg_index WHERE NOT indisvalid",
    "SELECT 'constraint ' || conname || ' is not valid' FROM pg_constraint WHERE NOT convalidated",
    NULL,
};

/* Which transactions are visible: xmin, xmax and those in between that still run. Each commit that
 * wrote anything moves it. Source: PostgreSQL 15, 9.27, pg_current_snapshot. */
static const struct store_query state = {
    "store.state", "SELECT CAST(pg_current_snapshot() AS TEXT)", "", "t", false};

const struct store_driver store_driver_postgresql = {
    .name = "postgresql",
    .tokens = tokens,
    .begin = {[STORE_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
              [STORE_WRITE] = "BEGIN ISOLATION LEVEL READ COMMITTED"},
    .placeholder = '$',
    .understand = understand,
    .connect = connect_server,
    .disconnect = disconnect,
    .alive = alive,
    .command = command,
    .prepare = prepare,
    .unprepare = unprepare,
    .run = run,
    .step = step,
    .finish = finish,
    .each = each,
    .bulk = store_pg_copy,
    .migration_lock = /* "DMSN", ours alone */
    "SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(1145917774)",
    .defer_foreign_keys = "SET CONSTRAINTS ALL DEFERRED; SET LOCAL statement_timeout = 0",
    .fix_numbers = "SELECT setval(pg_get_serial_sequence('%1', 'id'), "
                   "(SELECT coalesce(max(id), 0) + 1 FROM %1), false)",
    .state = &state,
    .self_checks = self_checks,
};
