/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest: what a backup says of itself, and what a database says of itself to be compared
 * with it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_priv.h"
#include "base/point.h"
#include "inventory/verify.h"
#include "store/catalog.h"
#include "store/copy.h"

static void json_freep(json_t **j)
{
    json_decref(*j);
}

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for a manifest");
}

const struct backup_part *backup_part_of(const struct backup_manifest *m, const char *name)
{
    for (size_t i = 0; i < m->n_part; i++) {
        if (!strcmp(m->part[i].name, name)) {
            return &m->part[i];
        }
    }
    return NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *parts_json(const struct backup_manifest *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->n_part; i++) {
        const struct backup_part *p = &m->part[i];
        (void)json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name", p->name, "bytes",
                                                    (json_int_t)p->bytes, "sha256", p->sha256));
    }
    return list;
}

static json_t *tables_json(const struct backup_manifest *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->n_table; i++) {
        const struct backup_table *t = &m->table[i];
        (void)json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name", t->name, "rows",
                                                    (json_int_t)t->rows, "digest", t->digest));
    }
    return list;
}

static json_t *manifest_json(const struct backup_manifest *m)
{
    char time[STORE_TIME_SIZE];
    return json_pack("{s:i, s:s, s:s, s:I, s:s, s:s, s:s, s:i, s:{s:I, s:s}, s:{s:I, s:I, s:I},"
                     " s:{s:i, s:I}, s:o, s:o}",
                     "format", BACKUP_FORMAT, "id", m->id, "created_at",
                     store_time_text(m->created_ms, time), "created_ms", (json_int_t)m->created_ms,
                     "program", m->program, "revision", m->revision, "engine", m->engine, "schema",
                     m->schema, "database", "bytes", (json_int_t)m->database_bytes, "sha256",
                     m->database_sha256, "photos", "count", (json_int_t)m->photos, "bytes",
                     (json_int_t)m->photo_bytes, "missing", (json_int_t)m->missing, "invariants",
                     "held", m->held, "violations", (json_int_t)m->violations, "parts",
                     parts_json(m), "tables", tables_json(m));
}

int backup_manifest_put(const struct backup_site *s, const struct backup_manifest *m,
                        struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    char line[DM_SHA256_HEX_SIZE + 32];
    struct blob_info info;
    DM_CLEANUP(json_freep) json_t *j = manifest_json(m);
    char *text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
    if (!text) {
        return no_memory(e);
    }
    const int code = blob_put(s->place, backup_part_key(key, m->id, BACKUP_MANIFEST),
                              "application/json", text, strlen(text), &info, e);
    free(text); /* jansson's own memory */
    DM_TRY(code);
    dm_point("backup.manifest_put");
    const int n = snprintf(line, sizeof(line), "%s  %s\n", info.sha256, BACKUP_MANIFEST);
    return blob_put(s->place, backup_part_key(key, m->id, BACKUP_SUM), "text/plain", line,
                    (size_t)n, NULL, e);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Members that are not there or of another kind are "" and -1: read_all refuses them. */
static const char *text_of(const json_t *o, const char *name, struct dm_arena *a)
{
    const char *s = json_string_value(json_object_get(o, name));
    const char *copy = s ? dm_arena_strdup(a, s) : "";
    return copy ? copy : "";
}

static int64_t number_of(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return json_is_integer(v) ? json_integer_value(v) : -1;
}

static int read_parts(const json_t *list, struct dm_arena *a, struct backup_manifest *m,
                      struct dm_err *e)
{
    const size_t n = json_array_size(list);
    struct backup_part *p = dm_arena_calloc(a, n + 1, sizeof(*p));
    for (size_t i = 0; p && i < n; i++) {
        const json_t *row = json_array_get(list, i);
        p[i] = (struct backup_part){text_of(row, "name", a), number_of(row, "bytes"),
                                    text_of(row, "sha256", a)};
        if (!p[i].name[0] || strchr(p[i].name, '/') || p[i].bytes < 0 ||
            strlen(p[i].sha256) != DM_SHA256_HEX_SIZE - 1) {
            DM_FAIL(e, DM_ECONFLICT, "backup %s: part %zu of its manifest is none", m->id, i + 1);
        }
    }
    m->part = p;
    m->n_part = n;
    return p ? DM_OK : no_memory(e);
}

static int read_tables(const json_t *list, struct dm_arena *a, struct backup_manifest *m,
                       struct dm_err *e)
{
    const size_t n = json_array_size(list);
    struct backup_table *t = dm_arena_calloc(a, n + 1, sizeof(*t));
    for (size_t i = 0; t && i < n; i++) {
        const json_t *row = json_array_get(list, i);
        t[i] = (struct backup_table){text_of(row, "name", a), number_of(row, "rows"),
                                     text_of(row, "digest", a)};
        if (!t[i].name[0] || t[i].rows < 0) {
            DM_FAIL(e, DM_ECONFLICT, "backup %s: table %zu of its manifest is none", m->id, i + 1);
        }
    }
    m->table = t;
    m->n_table = n;
    return t ? DM_OK : no_memory(e);
}

static int read_all(const json_t *j, struct dm_arena *a, struct backup_manifest *m,
                    struct dm_err *e)
{
    const json_t *database = json_object_get(j, "database");
    const json_t *photos = json_object_get(j, "photos");
    const json_t *invariants = json_object_get(j, "invariants");
    const int64_t format = number_of(j, "format");
    if (format != BACKUP_FORMAT) {
        DM_FAIL(e, DM_ECONFLICT, "backup %s has format %d, this program knows %d", m->id,
                (int)format, BACKUP_FORMAT);
    }
    if (strcmp(text_of(j, "id", a), m->id) != 0) {
        DM_FAIL(e, DM_ECONFLICT, "backup %s has the manifest of another", m->id);
    }
    m->created_ms = number_of(j, "created_ms");
    m->program = text_of(j, "program", a);
    m->revision = text_of(j, "revision", a);
    m->engine = text_of(j, "engine", a);
    m->schema = (int)number_of(j, "schema");
    m->database_bytes = number_of(database, "bytes");
    m->database_sha256 = text_of(database, "sha256", a);
    m->photos = number_of(photos, "count");
    m->photo_bytes = number_of(photos, "bytes");
    m->missing = number_of(photos, "missing");
    m->held = (int)number_of(invariants, "held");
    m->violations = number_of(invariants, "violations");
    if (m->schema < 1 || m->database_bytes < 0 || m->photos < 0 || m->missing < 0) {
        DM_FAIL(e, DM_ECONFLICT, "backup %s: its manifest is incomplete", m->id);
    }
    DM_TRY(read_parts(json_object_get(j, "parts"), a, m, e));
    return read_tables(json_object_get(j, "tables"), a, m, e);
}

/* The checksum of the manifest, as the last file says it. */
static int read_sum(const struct backup_site *s, const char *id,
                    char ret[static DM_SHA256_HEX_SIZE], struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    struct dm_err why = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf line = dm_buf_init(256);
    const int code = blob_get_buf(s->place, backup_part_key(key, id, BACKUP_SUM),
                                  (struct blob_range){0}, NULL, &line, &why);
    if (code == DM_ENOTFOUND) {
        DM_FAIL(e, DM_ENOTFOUND, "there is no finished backup %s", id);
    }
    if (code < 0 && code != DM_ELIMIT) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    static const char rest[] = "  " BACKUP_MANIFEST "\n";
    const size_t n = DM_SHA256_HEX_SIZE - 1;
    if (code < 0 || line.len != n + sizeof(rest) - 1 || strcmp(dm_buf_str(&line) + n, rest) != 0) {
        DM_FAIL(e, DM_ECONFLICT, "backup %s: %s is damaged", id, BACKUP_SUM);
    }
    (void)snprintf(ret, DM_SHA256_HEX_SIZE, "%s", dm_buf_str(&line));
    return DM_OK;
}

int backup_read(const struct backup_site *s, const char *id, struct dm_arena *a,
                struct backup_manifest *ret, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    char sum[DM_SHA256_HEX_SIZE];
    struct backup_manifest m = {0};
    struct dm_err why = {0};
    if (!backup_id_valid(id)) {
        DM_FAIL(e, DM_ENOTFOUND, "\"%.40s\" is no backup", id);
    }
    DM_TRY(read_sum(s, id, sum, e));
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LIMIT_BACKUP_MANIFEST_BYTES);
    const int code = blob_get_buf(s->place, backup_part_key(key, id, BACKUP_MANIFEST),
                                  (struct blob_range){0}, sum, &text, &why);
    if (code < 0) {
        DM_FAIL(e, code == DM_EIO || code == DM_EAGAIN ? code : DM_ECONFLICT,
                "backup %s: its manifest is damaged or missing", id);
    }
    DM_CLEANUP(json_freep) json_t *j = json_loadb(dm_buf_str(&text), text.len, 0, NULL);
    m.id = dm_arena_strdup(a, id);
    DM_TRY(m.id ? read_all(j, a, &m, e) : no_memory(e));
    *ret = m;
    return DM_OK;
}

/* ---- which there are ------------------------------------------------------------------------- */

struct listing {
    struct dm_arena *a;
    struct backup_ids *ids;
    char at[BACKUP_ID_SIZE]; /* the folder being listed; its files come in one run */
    bool finished;
};

static int close_folder(struct listing *l, struct dm_err *e)
{
    struct backup_ids *ids = l->ids;
    if (!l->at[0]) {
        return DM_OK;
    }
    const char *id = dm_arena_strdup(l->a, l->at);
    if (!id) {
        return no_memory(e);
    }
    if (ids->n + ids->n_unfinished == LIMIT_BACKUPS) {
        DM_FAIL(e, DM_ELIMIT, "more than %d backups", LIMIT_BACKUPS);
    }
    if (l->finished) {
        ids->id[ids->n++] = id;
    } else {
        ids->unfinished[ids->n_unfinished++] = id;
    }
    return DM_OK;
}

static int on_key(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    struct listing *l = ctx;
    char id[BACKUP_ID_SIZE] = "";
    const char *name = key + strlen("backups/");
    const size_t n = strcspn(name, "/");
    (void)info;
    if (n == BACKUP_ID_SIZE - 1) {
        (void)snprintf(id, sizeof(id), "%.*s", (int)n, name);
    }
    if (!backup_id_valid(id)) {
        return DM_OK;
    }
    if (strcmp(id, l->at) != 0) {
        DM_TRY(close_folder(l, e));
        memcpy(l->at, id, sizeof(id));
        l->finished = false;
    }
    l->finished = l->finished || !strcmp(name + n, "/" BACKUP_SUM);
    return DM_OK;
}

int backup_list(const struct backup_site *s, struct dm_arena *a, struct backup_ids *ret,
                struct dm_err *e)
{
    struct backup_ids ids = {
        .id = dm_arena_calloc(a, LIMIT_BACKUPS, sizeof(*ids.id)),
        .unfinished = dm_arena_calloc(a, LIMIT_BACKUPS, sizeof(*ids.unfinished)),
    };
    struct listing l = {.a = a, .ids = &ids};
    if (!ids.id || !ids.unfinished) {
        return no_memory(e);
    }
    DM_TRY(blob_list(s->place, "backups/", on_key, &l, e));
    DM_TRY(close_folder(&l, e));
    *ret = ids;
    return DM_OK;
}

/* ---- what a database says of itself ---------------------------------------------------------- */

int backup_tables(struct store *s, int schema, struct dm_arena *a, struct backup_manifest *ret,
                  struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena own = {0};
    struct store_catalog c;
    struct verify_report report = {0};
    DM_TRY(store_catalog_read(store_migrations, (size_t)schema, a, &c, e));
    struct backup_table *t = dm_arena_calloc(a, c.n + 1, sizeof(*t));
    if (!t) {
        return no_memory(e);
    }
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    for (size_t i = 0; i < c.n; i++) {
        struct store_digest d;
        DM_TRY(store_table_digest(tx, &c.table[i], &d, e));
        t[i] = (struct backup_table){c.table[i].name, d.rows, dm_arena_strdup(a, d.hex)};
        if (!t[i].digest) {
            return no_memory(e);
        }
    }
    ret->schema = schema;
    ret->table = t;
    ret->n_table = c.n;
    ret->held = VERIFY_INVARIANTS;
    ret->violations = 0;
    if ((size_t)schema == store_migration_count) { /* older ones cannot be asked by this program */
        DM_TRY(verify_books(tx, 0, &own, &report, e));
        ret->held = report.held;
        ret->violations = report.total;
    }
    return DM_OK;
}

int backup_tables_differ(const struct backup_manifest *wanted, const struct backup_manifest *found,
                         const char *except, backup_fault fault, void *ctx)
{
    int n = 0;
    for (size_t i = 0; i < wanted->n_table; i++) {
        const struct backup_table *w = &wanted->table[i];
        const struct backup_table *f = i < found->n_table ? &found->table[i] : NULL;
        const bool excepted = except && !strcmp(except, w->name);
        if (!f || strcmp(f->name, w->name) != 0 || f->rows != w->rows ||
            (!excepted && strcmp(f->digest, w->digest) != 0)) {
            fault(ctx, w->name, "the table is not as the manifest says");
            n++;
        }
    }
    return n;
}
