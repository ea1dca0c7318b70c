/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter backup: making, listing, checking and removing copies of the whole instance. */
#include <string.h>

#include <jansson.h>

#include "cmd/backup_box.h"
#include "cmd/commands.h"

struct backup_flags {
    bool all, dry_run, full, json;
    const char *from, *to;
};

#define AT(field) DM_OPT_AT(struct backup_flags, field)
#define FROM                                                                                       \
    {                                                                                              \
        .name = "backup_from", .type = DM_OPT_STR, .flag = "from", .offset = AT(from), .def = "",  \
        .unit = "PLACE",                                                                           \
        .help = "backups of this place (dir:FOLDER, s3:BUCKET/PREFIX) instead of backup.url"       \
    }
#define JSON                                                                                       \
    {                                                                                              \
        .name = "json", .type = DM_OPT_BOOL, .offset = AT(json), .def = "false",                   \
        .help = "print NDJSON, one object a line"                                                  \
    }

// clang-format off
static const struct dm_opt create_flags[] = {
    {.name = "backup_to", .type = DM_OPT_STR, .flag = "to", .offset = AT(to), .def = "", .unit = "PLACE",
     .help = "to this place (dir:FOLDER, s3:BUCKET/PREFIX) instead of backup.url"},
    JSON,
};
static const struct dm_opt list_flags[] = {FROM, JSON};
static const struct dm_opt verify_flags[] = {
    {.name = "all", .type = DM_OPT_BOOL, .offset = AT(all), .def = "false",
     .help = "all backups, and whether there are files that belong to none"},
    FROM,
    {.name = "full", .type = DM_OPT_BOOL, .offset = AT(full), .def = "false",
     .help = "unpack the database as well, examine and compare it"},
    JSON,
};
static const struct dm_opt prune_flags[] = {
    FROM,
    {.name = "dry_run", .type = DM_OPT_BOOL, .offset = AT(dry_run), .def = "false",
     .help = "only say what would go"},
};
static const char *const keep_settings[] = {"backup.keep_daily", "backup.keep_monthly", NULL};
static const struct cmd_example create_examples[] = {
    {"demeter backup create", MSG_BACKUP_CREATE_EXAMPLE},
    {"demeter backup create --to /media/disco/copias", MSG_BACKUP_CREATE_EXAMPLE_TO},
    {0},
};
static const struct cmd_example list_examples[] = {
    {"demeter backup list", MSG_BACKUP_LIST_EXAMPLE},
    {0},
};
static const struct cmd_example verify_examples[] = {
    {"demeter backup verify --full", MSG_BACKUP_VERIFY_EXAMPLE},
    {"demeter backup verify --all --from /media/disco/copias", MSG_BACKUP_VERIFY_EXAMPLE_ALL},
    {0},
};
static const struct cmd_example check_examples[] = {
    {"demeter backup check --full", MSG_BACKUP_VERIFY_EXAMPLE},
    {0},
};
static const struct cmd_example prune_examples[] = {
    {"demeter backup prune --dry-run", MSG_BACKUP_PRUNE_EXAMPLE},
    {0},
};
// clang-format on

static const char *integer(struct cmd_run *r, int64_t n)
{
    return lang_integer(&r->arena, r->lang, n);
}

static int print_json(struct cmd_run *r, json_t *take_j, struct dm_err *e)
{
    const bool failed = !take_j || json_dumpf(take_j, r->out, JSON_COMPACT) < 0;
    json_decref(take_j);
    if (failed) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
    }
    (void)fputc('\n', r->out);
    return DM_OK;
}

static int64_t rows_of(const struct backup_manifest *m)
{
    int64_t n = 0;
    for (size_t i = 0; i < m->n_table; i++) {
        n += m->table[i].rows;
    }
    return n;
}

static json_t *manifest_json(const struct backup_manifest *m)
{
    char time[STORE_TIME_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I}", "id", m->id,
                     "created_at", store_time_text(m->created_ms, time), "engine", m->engine,
                     "program", m->program, "schema", m->schema, "rows", (json_int_t)rows_of(m),
                     "photos", (json_int_t)m->photos, "photo_bytes", (json_int_t)m->photo_bytes,
                     "missing", (json_int_t)m->missing, "violations", (json_int_t)m->violations);
}

/* ---- create ---------------------------------------------------------------------------------- */

static int print_made(struct cmd_run *r, const struct backup_made *made, struct dm_err *e)
{
    const struct backup_flags *f = r->flags;
    const struct backup_manifest *m = &made->manifest;
    if (f->json) {
        json_t *j = manifest_json(m);
        (void)json_object_set_new(j, "new_photos", json_integer(made->new_photos));
        (void)json_object_set_new(j, "new_bytes", json_integer(made->new_bytes));
        return print_json(r, j, e);
    }
    (void)fprintf(r->out, "%s\n",
                  TF(r, BACKUP_CREATED, m->id, integer(r, rows_of(m)), integer(r, m->photos),
                     integer(r, made->new_photos), integer(r, made->new_bytes)));
    return DM_OK;
}

static int create_run(struct cmd_run *r, struct dm_err *e)
{
    const struct backup_flags *f = r->flags;
    DM_CLEANUP(backup_box_close) struct backup_box b;
    struct backup_made made;
    DM_TRY(backup_box_open(r, f->to, true, &b, e));
    DM_TRY(backup_box_create(&b, &r->arena, &made, e));
    DM_TRY(print_made(r, &made, e));
    if (made.manifest.missing) {
        (void)fprintf(r->err, "%s\n", TN(r, BACKUP_MISSING, made.manifest.missing));
    }
    return made.manifest.missing ? 6 : 0;
}

/* ---- list ------------------------------------------------------------------------------------ */

static int show_one(struct cmd_run *r, const struct backup_box *b, const char *id, int *ret_bad,
                    struct dm_err *e)
{
    const struct backup_flags *f = r->flags;
    struct backup_manifest m;
    struct dm_err why = {0};
    const int code = backup_read(&b->site, id, &r->arena, &m, &why);
    if (code < 0 && code != DM_ECONFLICT) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    if (code < 0) {
        ++*ret_bad;
        if (f->json) {
            return print_json(r, json_pack("{s:s, s:s}", "id", id, "fault", dm_err_text(&why)), e);
        }
        (void)fprintf(r->out, "%s  %s\n", id, dm_err_text(&why));
        return DM_OK;
    }
    if (f->json) {
        return print_json(r, manifest_json(&m), e);
    }
    (void)fprintf(r->out, "%s\n",
                  TF(r, BACKUP_LIST_LINE, id, m.engine, integer(r, m.schema),
                     integer(r, rows_of(&m)), integer(r, m.photos)));
    return DM_OK;
}

static int list_run(struct cmd_run *r, struct dm_err *e)
{
    const struct backup_flags *f = r->flags;
    DM_CLEANUP(backup_box_close) struct backup_box b;
    struct backup_ids ids;
    int bad = 0;
    DM_TRY(backup_box_open(r, f->from, false, &b, e));
    DM_TRY(backup_list(&b.site, &r->arena, &ids, e));
    for (size_t i = 0; i < ids.n; i++) {
        DM_TRY(show_one(r, &b, ids.id[i], &bad, e));
    }
    for (size_t i = 0; i < ids.n_unfinished; i++) {
        if (f->json) {
            DM_TRY(print_json(r, json_pack("{s:s, s:b}", "id", ids.unfinished[i], "unfinished", 1),
                              e));
        } else {
            (void)fprintf(r->out, "%s\n", TF(r, BACKUP_UNFINISHED, ids.unfinished[i]));
        }
    }
    if (!ids.n && !f->json) {
        (void)fprintf(r->out, "%s\n", TF(r, BACKUP_NONE, b.url));
    }
    return bad ? 6 : 0;
}

/* ---- verify ---------------------------------------------------------------------------------- */

struct finding {
    struct cmd_run *r;
    const char *id;
    int code; /* of printing */
};

static void on_fault(void *ctx, const char *file, const char *what)
{
    struct finding *x = ctx;
    const struct backup_flags *f = x->r->flags;
    if (f->json) {
        const int code = print_json(
            x->r, json_pack("{s:s?, s:s, s:s}", "id", x->id, "file", file, "fault", what), NULL);
        x->code = code < 0 ? code : x->code;
    } else {
        (void)fprintf(x->r->out, "%s: %s\n", file, what);
    }
}

static int verify_one(struct cmd_run *r, const struct backup_box *b, const char *id, int *ret_bad,
                      struct dm_err *e)
{
    const struct backup_flags *f = r->flags;
    struct finding x = {.r = r, .id = id};
    const int faults = backup_verify(&b->site, id, f->full, on_fault, &x, e);
    DM_TRY(faults);
    DM_TRY(x.code);
    *ret_bad += faults;
    if (f->json) {
        return print_json(
            r, json_pack("{s:s, s:i, s:b}", "id", id, "faults", faults, "full", f->full), e);
    }
    (void)fprintf(r->out, "%s\n",
                  faults ? TF(r, BACKUP_FAULTS, id, integer(r, faults)) : TF(r, BACKUP_SOUND, id));
    return DM_OK;
}

static int verify_all(struct cmd_run *r, const struct backup_box *b, int *ret_bad, struct dm_err *e)
{
    struct backup_ids ids;
    struct finding x = {.r = r};
    DM_TRY(backup_list(&b->site, &r->arena, &ids, e));
    for (size_t i = 0; i < ids.n; i++) {
        DM_TRY(verify_one(r, b, ids.id[i], ret_bad, e));
    }
    const int foreign = backup_strangers(&b->site, on_fault, &x, e);
    DM_TRY(foreign);
    *ret_bad += foreign;
    return ids.n ? DM_OK : cmd_fail(r, e, DM_ENOTFOUND, TF(r, BACKUP_NONE, b->url));
}

static int verify_run(struct cmd_run *r, struct dm_err *e)
{
    const struct backup_flags *f = r->flags;
    DM_CLEANUP(backup_box_close) struct backup_box b;
    const char *id = NULL;
    int bad = 0;
    DM_TRY(backup_box_open(r, f->from, false, &b, e));
    if (f->all) {
        DM_TRY(verify_all(r, &b, &bad, e));
        return bad ? 6 : 0;
    }
    DM_TRY(backup_box_pick(&b, r->n_args ? r->args[0] : NULL, &id, e));
    DM_TRY(verify_one(r, &b, id, &bad, e));
    return bad ? 6 : 0;
}

/* ---- prune ----------------------------------------------------------------------------------- */

static int prune_run(struct cmd_run *r, struct dm_err *e)
{
    const struct backup_flags *f = r->flags;
    DM_CLEANUP(backup_box_close) struct backup_box b;
    struct backup_pruned pruned;
    DM_TRY(backup_box_open(r, f->from, false, &b, e));
    DM_TRY(backup_box_prune(&b, f->dry_run, &pruned, e));
    for (size_t i = 0; i < pruned.n; i++) {
        (void)fprintf(r->out, "%s\n", pruned.id[i]);
    }
    const char *numbers[] = {integer(r, (int64_t)pruned.n), integer(r, pruned.unfinished),
                             integer(r, pruned.objects), NULL};
    (void)fprintf(r->out, "%s\n",
                  lang_fill(&r->arena, r->lang,
                            f->dry_run ? MSG_BACKUP_PRUNE_WOULD : MSG_BACKUP_PRUNED, numbers));
    return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define FLAGS(table)                                                                               \
    .flags = (table), .n_flags = DM_COUNT(table), .flags_size = sizeof(struct backup_flags)

// clang-format off
static const struct cmd create = {
    .name = "create", .operands = "", .summary = MSG_BACKUP_CREATE_SUMMARY,
    .about = MSG_BACKUP_CREATE_ABOUT, FLAGS(create_flags), .examples = create_examples,
    .run = create_run,
};
static const struct cmd list = {
    .name = "list", .operands = "", .summary = MSG_BACKUP_LIST_SUMMARY, .about = MSG_EMPTY,
    FLAGS(list_flags), .examples = list_examples, .run = list_run,
};
static const struct cmd verify = {
    .name = "verify", .operands = "[ID]", .max_args = 1, .summary = MSG_BACKUP_VERIFY_SUMMARY,
    .about = MSG_BACKUP_VERIFY_ABOUT, FLAGS(verify_flags), .examples = verify_examples,
    .run = verify_run,
};
static const struct cmd check = {
    .name = "check", .operands = "[ID]", .max_args = 1, .summary = MSG_BACKUP_CHECK_SUMMARY,
    .about = MSG_BACKUP_VERIFY_ABOUT, FLAGS(verify_flags), .examples = check_examples,
    .run = verify_run,
};
static const struct cmd prune = {
    .name = "prune", .operands = "", .summary = MSG_BACKUP_PRUNE_SUMMARY,
    .about = MSG_BACKUP_PRUNE_ABOUT, FLAGS(prune_flags), .settings = keep_settings,
    .examples = prune_examples, .run = prune_run,
};
// clang-format on
static const struct cmd *const inside[] = {
    &check, &create, &list, &prune, &cmd_backup_restore, &cmd_backup_run, &verify, NULL};

const struct cmd cmd_backup = {
    .name = "backup",
    .operands = "",
    .summary = MSG_BACKUP_SUMMARY,
    .about = MSG_EMPTY,
    .sub = inside,
};
