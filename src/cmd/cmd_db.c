/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter db, migrate, verify: the schema, the health of the books, and moving them between
 * engines. */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "cmd/commands.h"
#include "cmd/database.h"
#include "inventory/verify.h"
#include "store/copy.h"

struct db_flags {
    bool dry_run, json, status;
    const char *from, *to;
    int32_t wait_s;
};

#define AT(field) DM_OPT_AT(struct db_flags, field)

// clang-format off
static const struct dm_opt migrate_flags[] = {
    {.name = "dry_run", .type = DM_OPT_BOOL, .offset = AT(dry_run), .def = "false",
     .help = "print the SQL of the steps that are missing, and change nothing"},
    {.name = "status", .type = DM_OPT_BOOL, .offset = AT(status), .def = "false",
     .help = "only say where the schema stands"},
    {.name = "wait", .type = DM_OPT_I32, .offset = AT(wait_s), .def = "0", .min = 0, .max = 3600,
     .unit = "s", .help = "how long to wait for the database; 0 takes database.connect_timeout"},
};
static const struct dm_opt json_flag[] = {
    {.name = "json", .type = DM_OPT_BOOL, .offset = AT(json), .def = "false",
     .help = "print NDJSON, one object a line"},
};
static const struct dm_opt copy_flags[] = {
    {.name = "from", .type = DM_OPT_STR, .offset = AT(from), .def = "", .unit = "URL",
     .help = "from this database instead of the configured one"},
    {.name = "to", .type = DM_OPT_STR, .offset = AT(to), .def = "", .unit = "URL",
     .help = "to this database, which is empty"},
};
static const struct cmd_example db_migrate_examples[] = {
    {"demeter db migrate", MSG_MIGRATE_EXAMPLE},
    {"demeter db migrate --dry-run", MSG_MIGRATE_EXAMPLE_DRY},
    {0},
};
static const struct cmd_example migrate_examples[] = {
    {"demeter migrate", MSG_MIGRATE_EXAMPLE},
    {"demeter migrate --status", MSG_MIGRATE_EXAMPLE_STATUS},
    {"demeter migrate --dry-run", MSG_MIGRATE_EXAMPLE_DRY},
    {0},
};
static const struct cmd_example status_examples[] = {
    {"demeter db status", MSG_DB_STATUS_EXAMPLE},
    {0},
};
static const struct cmd_example db_verify_examples[] = {
    {"demeter db verify --json", MSG_VERIFY_EXAMPLE},
    {0},
};
static const struct cmd_example verify_examples[] = {
    {"demeter verify --json", MSG_VERIFY_EXAMPLE},
    {0},
};
static const struct cmd_example copy_examples[] = {
    {"demeter db copy --to postgresql://demeter@db/demeter", MSG_DB_COPY_EXAMPLE},
    {0},
};
static const struct cmd_example move_examples[] = {
    {"demeter db move --to postgresql://demeter@db/demeter", MSG_DB_COPY_EXAMPLE},
    {0},
};
// clang-format on

static int out_of_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
}

static int print_json(struct cmd_run *r, json_t *take_j, struct dm_err *e)
{
    if (!take_j || json_dumpf(take_j, r->out, JSON_COMPACT) < 0) {
        json_decref(take_j);
        return out_of_memory(e);
    }
    (void)fputc('\n', r->out);
    json_decref(take_j);
    return DM_OK;
}

static const char *integer(struct cmd_run *r, int64_t n)
{
    return lang_integer(&r->arena, r->lang, n);
}

/* ---- status ---------------------------------------------------------------------------------- */

static int print_status(struct cmd_run *r, struct store *s, struct dm_err *e)
{
    const struct db_flags *f = r->flags;
    struct store_schema_state state;
    DM_TRY(store_schema_state(s, &state, e));
    const char *url = store_url_redact(database_url(r, DATABASE_LOOK), &r->arena);
    if (!url) {
        return out_of_memory(e);
    }
    if (f->json) {
        DM_TRY(print_json(r,
                          json_pack("{s:s, s:s, s:i, s:i}", "engine", store_engine(s), "url", url,
                                    "applied", state.applied, "known", state.known),
                          e));
    } else {
        (void)fprintf(r->out, "%s  %s\n%s\n", store_engine(s), url,
                      TF(r, SCHEMA_STATE, integer(r, state.applied), integer(r, state.known)));
    }
    return state.applied == state.known ? 0 : 6;
}

static int status_run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(store_closep) struct store *s = NULL;
    DM_TRY(database_open(r, NULL, DATABASE_LOOK, &s, e));
    return print_status(r, s, e);
}

/* ---- migrate --------------------------------------------------------------------------------- */

static int print_steps(struct cmd_run *r, struct store *s, struct dm_err *e)
{
    struct dm_buf sql = dm_buf_init((size_t)4 << 20);
    int code = store_migrate_print(s, &sql, e);
    if (code >= 0) {
        (void)fwrite(dm_buf_str(&sql), 1, sql.len, r->out);
    }
    dm_buf_clear(&sql);
    return code;
}

/* An upgrade of a file is preceded by a copy of it; a server has its own backups. */
static int copy_before(struct cmd_run *r, struct store *s, struct dm_err *e)
{
    struct store_schema_state state;
    DM_TRY(store_schema_state(s, &state, e));
    if (strcmp(store_engine(s), "sqlite") != 0 || state.applied == 0 ||
        state.applied == state.known) {
        return DM_OK;
    }
    const char *path = NULL;
    DM_TRY(store_snapshot_beside(s, state.applied, &r->arena, &path, e));
    if (!r->general.quiet) {
        (void)fprintf(r->err, "%s\n", TF(r, MIGRATE_COPY, path));
    }
    return DM_OK;
}

static int migrate_run(struct cmd_run *r, struct dm_err *e)
{
    const struct db_flags *f = r->flags;
    DM_CLEANUP(store_closep) struct store *s = NULL;
    const bool status = f->status || (r->n_args && !strcmp(r->args[0], "status"));
    if (r->n_args && !status && strcmp(r->args[0], "up") != 0) {
        return cmd_fail(r, e, DM_EUSAGE, TF(r, MIGRATE_UNKNOWN_WORD, r->args[0]));
    }
    if (f->wait_s) {
        r->settings.v.database_connect_s = f->wait_s;
    }
    DM_TRY(database_open(r, NULL, status ? DATABASE_LOOK : DATABASE_MAKE, &s, e));
    if (status) {
        return print_status(r, s, e);
    }
    if (f->dry_run) {
        return print_steps(r, s, e);
    }
    int steps = 0;
    DM_TRY(copy_before(r, s, e));
    DM_TRY(store_migrate(s, &steps, e));
    struct store_schema_state state;
    DM_TRY(store_schema_state(s, &state, e));
    (void)fprintf(r->out, "%s%s%s\n",
                  TF(r, SCHEMA_STATE, integer(r, state.applied), integer(r, state.known)), ", ",
                  TN(r, MIGRATE_STEPS, steps));
    return 0;
}

/* ---- verify ---------------------------------------------------------------------------------- */

struct found {
    struct cmd_run *r;
    int code; /* of printing */
};

static void print_fault(void *ctx, const char *what)
{
    struct found *f = ctx;
    const struct db_flags *flags = f->r->flags;
    if (flags->json) {
        f->code =
            print_json(f->r, json_pack("{s:s, s:s}", "check", "engine", "detail", what), NULL);
    } else {
        (void)fprintf(f->r->out, "%s\n", what);
    }
}

static int print_violation(struct cmd_run *r, const struct verify_violation *v, struct dm_err *e)
{
    const struct db_flags *flags = r->flags;
    if (flags->json) {
        return print_json(r,
                          json_pack("{s:i, s:s, s:s, s:I, s:s}", "invariant", v->invariant, "check",
                                    v->check, "entity", v->entity, "id", (json_int_t)v->id,
                                    "detail", v->detail),
                          e);
    }
    (void)fprintf(r->out, "%2d %s  %s %" PRId64 ": %s\n", v->invariant, v->check, v->entity, v->id,
                  v->detail);
    return DM_OK;
}

/* All that was looked at, and how many rows break each. */
static void print_invariants(struct cmd_run *r, const struct verify_report *report)
{
    for (int i = 1; i <= VERIFY_INVARIANTS; i++) {
        (void)fprintf(r->out, "%2d %8s  %s\n", i, integer(r, report->by_invariant[i]),
                      verify_title(i));
    }
}

static int verify_run(struct cmd_run *r, struct dm_err *e)
{
    const struct db_flags *flags = r->flags;
    DM_CLEANUP(store_closep) struct store *s = NULL;
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct verify_report report = {0};
    struct found found = {.r = r};
    r->settings.v.database_statement_s = 3600; /* whole tables are read */
    DM_TRY(database_open(r, NULL, DATABASE_BOOKS, &s, e));
    int engine_faults = store_self_check(s, print_fault, &found, e);
    DM_TRY(engine_faults);
    DM_TRY(found.code);
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    DM_TRY(verify_books(tx, 0, &r->arena, &report, e));
    if (r->general.verbose && !flags->json) {
        print_invariants(r, &report);
    }
    for (size_t i = 0; i < report.n; i++) {
        DM_TRY(print_violation(r, &report.list[i], e));
    }
    if (flags->json) {
        DM_TRY(print_json(r,
                          json_pack("{s:i, s:i, s:I, s:i}", "held", report.held, "invariants",
                                    VERIFY_INVARIANTS, "violations", (json_int_t)report.total,
                                    "engine_faults", engine_faults),
                          e));
    } else {
        (void)fprintf(r->out, "%s\n",
                      TF(r, VERIFY_HELD, integer(r, report.held), integer(r, VERIFY_INVARIANTS)));
    }
    return report.total || engine_faults ? 6 : 0;
}

/* ---- copy ------------------------------------------------------------------------------------ */

struct progress {
    struct cmd_run *r;
    int64_t tables, rows;
};

static void table_copied(void *ctx, const char *table, int64_t rows)
{
    struct progress *p = ctx;
    p->tables++;
    p->rows += rows;
    if (p->r->general.verbose) {
        (void)fprintf(p->r->err, "%-28s %12s\n", table, integer(p->r, rows));
    }
}

static int copy_run(struct cmd_run *r, struct dm_err *e)
{
    const struct db_flags *f = r->flags;
    DM_CLEANUP(store_closep) struct store *from = NULL;
    DM_CLEANUP(store_closep) struct store *to = NULL;
    struct progress p = {.r = r};
    if (!f->to[0]) {
        return cmd_fail(r, e, DM_EUSAGE, T(r, DB_COPY_WHERE));
    }
    DM_TRY(database_open(r, f->from[0] ? f->from : NULL, DATABASE_LOOK, &from, e));
    DM_TRY(database_open(r, f->to, DATABASE_MAKE, &to, e));
    DM_TRY(store_copy(from, to, table_copied, &p, e));
    (void)fprintf(r->out, "%s\n", TF(r, DB_COPIED, integer(r, p.rows), integer(r, p.tables)));
    return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define FLAGS(table)                                                                               \
    .flags = (table), .n_flags = DM_COUNT(table), .flags_size = sizeof(struct db_flags)

static const struct cmd db_copy = {
    .name = "copy",
    .operands = "",
    .summary = MSG_DB_COPY_SUMMARY,
    .about = MSG_DB_COPY_ABOUT,
    FLAGS(copy_flags),
    .examples = copy_examples,
    .run = copy_run,
};
static const struct cmd db_migrate = {
    .name = "migrate",
    .operands = "[up|status]",
    .max_args = 1,
    .summary = MSG_MIGRATE_SUMMARY,
    .about = MSG_MIGRATE_ABOUT,
    FLAGS(migrate_flags),
    .examples = db_migrate_examples,
    .run = migrate_run,
};
static const struct cmd db_move = {
    .name = "move",
    .operands = "",
    .summary = MSG_DB_MOVE_SUMMARY,
    .about = MSG_DB_COPY_ABOUT,
    FLAGS(copy_flags),
    .examples = move_examples,
    .run = copy_run,
};
static const struct cmd db_status = {
    .name = "status",
    .operands = "",
    .summary = MSG_DB_STATUS_SUMMARY,
    .about = MSG_EMPTY,
    FLAGS(json_flag),
    .examples = status_examples,
    .run = status_run,
};
static const struct cmd db_verify = {
    .name = "verify",
    .operands = "",
    .summary = MSG_VERIFY_SUMMARY,
    .about = MSG_VERIFY_ABOUT,
    FLAGS(json_flag),
    .examples = db_verify_examples,
    .run = verify_run,
};
static const struct cmd *const inside_db[] = {&db_copy,   &db_migrate, &db_move,
                                              &db_status, &db_verify,  NULL};

const struct cmd cmd_db = {
    .name = "db",
    .operands = "",
    .summary = MSG_DB_SUMMARY,
    .about = MSG_EMPTY,
    .sub = inside_db,
};
const struct cmd cmd_migrate = {
    .name = "migrate",
    .operands = "[up|status]",
    .max_args = 1,
    .summary = MSG_MIGRATE_SUMMARY,
    .about = MSG_MIGRATE_ABOUT,
    FLAGS(migrate_flags),
    .examples = migrate_examples,
    .run = migrate_run,
};
const struct cmd cmd_verify = {
    .name = "verify",
    .operands = "",
    .summary = MSG_VERIFY_SUMMARY,
    .about = MSG_VERIFY_ABOUT,
    FLAGS(json_flag),
    .examples = verify_examples,
    .run = verify_run,
};
