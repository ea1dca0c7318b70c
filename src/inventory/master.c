/* SPDX-License-Identifier: Apache-2.0
 *
 * Master data of every kind: read, list, create, change, remove. SQL is made from the table of
 * fields, so a column is written once. */
#include "inventory/master.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "inventory/master_private.h"

enum { LIST_MAX = 1000, LIST_DEFAULT = 50, FIELDS_MAX = 32 };

void master_row_clear(struct master_row *r)
{
    json_decref(r->row);
    json_decref(r->warnings);
    *r = (struct master_row){0};
}

void master_op_clear(struct master_op *op)
{
    json_decref(op->before);
    json_decref(op->row);
    json_decref(op->warnings);
    op->before = op->row = op->warnings = NULL;
}

const char *master_table(enum master_kind kind)
{
    return master_entities[kind].table;
}

const char *master_noun(enum master_kind kind)
{
    return master_entities[kind].noun;
}

/* ---- SQL ------------------------------------------------------------------------------------ */

/* A query under construction; params collects the letters of its values. */
struct building {
    struct dm_buf sql;
    char params[FIELDS_MAX + 8];
    struct store_value value[FIELDS_MAX + 8];
    size_t n;
    char cols[FIELDS_MAX + 8];
};

static void building_clear(struct building *b)
{
    dm_buf_clear(&b->sql);
}

#define BUILDING                                                                                   \
    {                                                                                              \
        .sql = {.max = LIMIT_SQL_BYTES }                                                           \
    }

/* Next parameter, "?n". */
static void put_param(struct building *b, char letter, struct store_value v)
{
    b->params[b->n] = letter;
    b->value[b->n++] = v;
    b->params[b->n] = '\0';
    dm_buf_printf(&b->sql, "?%zu", b->n);
}

static int finish(struct building *b, const char *name, struct store_query *ret, struct dm_err *e)
{
    DM_TRY(dm_buf_ok(&b->sql, e));
    *ret = (struct store_query){.name = name,
                                .sql = dm_buf_str(&b->sql),
                                .params = b->params,
                                .cols = b->cols,
                                .built = true};
    return DM_OK;
}

/* "SELECT id, every field, created_at, updated_at FROM table t". */
static void put_select(struct building *b, const struct master_entity *entity)
{
    size_t k = 0;
    dm_buf_puts(&b->sql, "SELECT t.id");
    b->cols[k++] = 'i';
    for (size_t i = 0; i < entity->n_field; i++) {
        dm_buf_printf(&b->sql, ", t.%s", entity->field[i].name);
        b->cols[k++] = entity->field[i].letter;
    }
    dm_buf_printf(&b->sql, ", t.created_at, t.updated_at FROM %s t", entity->table);
    b->cols[k++] = 'T';
    b->cols[k++] = 'T';
    b->cols[k] = '\0';
}

static int row_json(const struct master_entity *entity, const struct store_value *row, json_t **ret,
                    struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *o = json_object();
    DM_TRY(inv_json_set(o, "id", inv_json_of_value(&row[0]), e));
    for (size_t i = 0; i < entity->n_field; i++) {
        DM_TRY(inv_json_set(o, entity->field[i].name, inv_json_of_value(&row[1 + i]), e));
    }
    DM_TRY(inv_json_set(o, "created_at", inv_json_of_value(&row[1 + entity->n_field]), e));
    DM_TRY(inv_json_set(o, "updated_at", inv_json_of_value(&row[2 + entity->n_field]), e));
    *ret = DM_STEAL(o);
    return DM_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

static int not_found(const struct master_entity *entity, int64_t id, struct dm_err *e)
{
    DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", entity->noun), DM_I("identifier", id)),
              "there is no %s %lld", entity->noun, (long long)id);
}

int master_read(struct store_tx *tx, enum master_kind kind, int64_t id, bool lock,
                struct dm_arena *a, json_t **ret, struct dm_err *e)
{
    const struct master_entity *entity = &master_entities[kind];
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    struct store_query q;
    const struct store_value *row;
    put_select(&b, entity);
    dm_buf_puts(&b.sql, " WHERE t.id = ");
    put_param(&b, 'i', store_i(id));
    dm_buf_puts(&b.sql, lock ? " {for_update}" : "");
    DM_TRY(finish(&b, "master.read", &q, e));
    const int found = store_maybe(tx, &q, (struct store_args){b.value, b.n}, a, &row, e);
    if (found < 0) {
        return found;
    }
    return found ? row_json(entity, row, ret, e) : not_found(entity, id, e);
}

/* Whether codes of the entity are stored in upper case; then their unique index finds them. */
static bool upper_codes(const struct master_entity *entity)
{
    for (size_t i = 0; i < entity->n_field; i++) {
        if (!strcmp(entity->field[i].name, entity->code)) {
            return entity->field[i].flags & MASTER_UPPER;
        }
    }
    return false;
}

int master_lookup(struct store_tx *tx, enum master_kind kind, const char *text, struct dm_arena *a,
                  json_t **ret, struct dm_err *e)
{
    const struct master_entity *entity = &master_entities[kind];
    const bool upper = upper_codes(entity);
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    struct store_query q;
    const struct store_value *row;
    char *code = dm_arena_strdup(a, text);
    if (!code) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a code");
    }
    for (char *c = code; upper && *c; c++) {
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    put_select(&b, entity);
    dm_buf_printf(&b.sql, upper ? " WHERE t.%s = " : " WHERE {lower:t.%s} = {lower:", entity->code);
    put_param(&b, 't', store_t(code));
    dm_buf_puts(&b.sql, upper ? "" : "}");
    if (kind == MASTER_LOCATION) { /* a code before a label */
        dm_buf_puts(&b.sql, " OR t.qr_code = ?1");
    }
    dm_buf_printf(&b.sql, " ORDER BY CASE WHEN t.%s = ?1 THEN 0 ELSE 1 END, t.id LIMIT 1",
                  entity->code);
    DM_TRY(finish(&b, "master.find", &q, e));
    const int found = store_maybe(tx, &q, (struct store_args){b.value, b.n}, a, &row, e);
    if (found > 0) {
        DM_TRY(row_json(entity, row, ret, e));
    }
    return found;
}

/* Everything one call needs, whatever it does. */
struct call {
    const struct inv_ctx *c;
    enum master_kind kind;
    int64_t id;
    const char *text;
    const json_t *values;
    const struct master_list *list;
    bool active;
    struct master_row *row;
    json_t *rows;
    int64_t total;
};

static int may_read(const struct inv_ctx *c, enum master_kind kind, struct dm_err *e)
{
    return inv_permit(c, kind == MASTER_PRICE ? INV_DO_SEE_PRICES : INV_DO_READ, e);
}

/* What a worker must not see is null for him. */
static int hide_money(const struct inv_ctx *c, enum master_kind kind, json_t *row, struct dm_err *e)
{
    const struct master_entity *entity = &master_entities[kind];
    if (inv_grant_of(c->role, INV_DO_SEE_PRICES) != INV_GRANT_NO) {
        return DM_OK;
    }
    for (size_t i = 0; i < entity->n_field; i++) {
        if (entity->field[i].flags & MASTER_MONEY) {
            DM_TRY(inv_json_set(row, entity->field[i].name, json_null(), e));
        }
    }
    return DM_OK;
}

static int get_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct call *call = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    if (call->text) {
        const int found = master_lookup(tx, call->kind, call->text, &a, &row, e);
        if (found < 0) {
            return found;
        }
        if (!found) {
            DM_REFUSE(e, INV_NOT_FOUND,
                      DM_FIELDS(DM_S("resource", master_noun(call->kind)),
                                DM_S("identifier", call->text)),
                      "there is no %s '%.60s'", master_noun(call->kind), call->text);
        }
    } else {
        DM_TRY(master_read(tx, call->kind, call->id, false, &a, &row, e));
    }
    DM_TRY(hide_money(call->c, call->kind, row, e));
    json_t *warnings = json_array();
    if (!warnings) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a row");
    }
    *call->row = (struct master_row){inv_json_int(row, "id"), DM_STEAL(row), warnings};
    return DM_OK;
}

int master_get(const struct inv_ctx *c, enum master_kind kind, int64_t id, struct master_row *ret,
               struct dm_err *e)
{
    struct call call = {.c = c, .kind = kind, .id = id, .row = ret};
    DM_TRY(may_read(c, kind, e));
    return store_run(c->store, STORE_READ, get_in, &call, e);
}

int master_find(const struct inv_ctx *c, enum master_kind kind, const char *text,
                struct master_row *ret, struct dm_err *e)
{
    struct call call = {.c = c, .kind = kind, .text = text, .row = ret};
    DM_TRY(may_read(c, kind, e));
    return store_run(c->store, STORE_READ, get_in, &call, e);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static const struct master_field *equal_field(const struct master_entity *entity, const char *name)
{
    for (size_t i = 0; i < entity->n_field; i++) {
        if (!strcmp(entity->field[i].name, name) && entity->field[i].letter != 'j') {
            return &entity->field[i];
        }
    }
    return NULL;
}

/* '%' and friends of a search text stand for themselves. */
static const char *like_pattern(const char *q, struct dm_arena *a)
{
    char *text = dm_arena_alloc(a, 2 * strlen(q) + 3);
    char *to = text;
    if (!text) {
        return NULL;
    }
    *to++ = '%';
    for (; *q; q++) {
        if (strchr("%_\\", *q)) {
            *to++ = '\\';
        }
        *to++ = *q;
    }
    memcpy(to, "%", 2);
    return text;
}

static int put_equal(struct building *b, const struct master_entity *entity, const json_t *equal,
                     struct dm_arena *a, struct dm_err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)equal, name, value)
    {
        struct store_value v;
        const struct master_field *f = equal_field(entity, name);
        if (!f || b->n + 4 > FIELDS_MAX) {
            return master_invalid(name, "there is no such filter", e);
        }
        DM_TRY(master_value(f, value, a, &v, e));
        dm_buf_printf(&b->sql, " AND t.%s {same} ", f->name);
        put_param(b, f->letter, v);
    }
    return DM_OK;
}

static int put_where(struct building *b, const struct call *call, struct dm_arena *a,
                     struct dm_err *e)
{
    const struct master_entity *entity = &master_entities[call->kind];
    dm_buf_puts(&b->sql, " WHERE 1 = 1");
    if (entity->has_active && !call->list->with_inactive) {
        dm_buf_puts(&b->sql, " AND t.active");
    }
    DM_TRY(put_equal(b, entity, call->list->equal, a, e));
    if (call->list->q && call->list->q[0]) {
        const char *pattern = like_pattern(call->list->q, a);
        if (!pattern) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the search");
        }
        for (const char *const *s = entity->search; *s; s++) {
            dm_buf_printf(&b->sql,
                          "%s{lower:t.%s} LIKE {lower:", s == entity->search ? " AND (" : " OR ",
                          *s);
            put_param(b, 't', store_t(pattern));
            dm_buf_puts(&b->sql, "} ESCAPE '\\'");
        }
        dm_buf_puts(&b->sql, ")");
    }
    return DM_OK;
}

static int count_rows(struct store_tx *tx, struct call *call, struct dm_arena *a, struct dm_err *e)
{
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    struct store_query q;
    dm_buf_printf(&b.sql, "SELECT count(*) FROM %s t", master_table(call->kind));
    memcpy(b.cols, "i", 2);
    DM_TRY(put_where(&b, call, a, e));
    DM_TRY(finish(&b, "master.count", &q, e));
    return store_int(tx, &q, (struct store_args){b.value, b.n}, &call->total, e);
}

static int all_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct call *call = ctx;
    const struct master_entity *entity = &master_entities[call->kind];
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    DM_CLEANUP(inv_json_freep) json_t *rows = json_array();
    struct store_query q;
    struct store_table table;
    const int64_t per_page = call->list->per_page ? call->list->per_page : LIST_DEFAULT;
    const int64_t page = call->list->page ? call->list->page : 1;
    if (page < 1 || per_page < 1 || per_page > LIST_MAX || page > INT64_C(1) << 40) {
        return master_invalid("page", "pages count from 1 and have at most 1000 rows", e);
    }
    DM_TRY(count_rows(tx, call, &a, e));
    put_select(&b, entity);
    DM_TRY(put_where(&b, call, &a, e));
    dm_buf_printf(&b.sql, " ORDER BY %s, t.id LIMIT ", entity->order);
    put_param(&b, 'i', store_i(per_page));
    dm_buf_puts(&b.sql, " OFFSET ");
    put_param(&b, 'i', store_i((page - 1) * per_page));
    DM_TRY(finish(&b, "master.all", &q, e));
    DM_TRY(store_all(tx, &q, (struct store_args){b.value, b.n}, &a, &table, e));
    for (size_t i = 0; i < table.n; i++) {
        json_t *row = NULL;
        DM_TRY(row_json(entity, store_row(&table, i), &row, e));
        const int code = hide_money(call->c, call->kind, row, e);
        if (json_array_append_new(rows, row) || code < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the list");
        }
    }
    json_decref(call->rows);
    call->rows = DM_STEAL(rows);
    return DM_OK;
}

int master_all(const struct inv_ctx *c, enum master_kind kind, const struct master_list *list,
               json_t **ret, int64_t *ret_total, struct dm_err *e)
{
    struct call call = {.c = c, .kind = kind, .list = list};
    DM_TRY(may_read(c, kind, e));
    const int code = store_run(c->store, STORE_READ, all_in, &call, e);
    if (code < 0) {
        json_decref(call.rows);
        return code;
    }
    *ret = call.rows;
    if (ret_total) {
        *ret_total = call.total;
    }
    return DM_OK;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* A unique rule refused the row: TABLE_COLUMN_COLUMN_key names the columns. The last one whose
 * value people chose is what they can change. */
static int taken(const struct master_op *op, struct dm_err *e)
{
    const char *rule = store_fault(op->tx)->name;
    const size_t n = strlen(op->entity->table);
    const char *columns =
        !strncmp(rule, op->entity->table, n) && rule[n] == '_' ? rule + n + 1 : rule;
    const char *field = op->entity->code;
    for (size_t i = 0; i < op->entity->n_field; i++) {
        const struct master_field *f = &op->entity->field[i];
        const char *at = strstr(columns, f->name);
        if (at && !strcmp(at + strlen(f->name), "_key")) {
            field = f->name;
        }
    }
    const char *value = inv_json_str(op->row, field);
    DM_REFUSE(e, INV_DUPLICATE_CODE,
              DM_FIELDS(DM_S("field", field), DM_S("value", value ? value : "")),
              "another %s has this %s '%.60s'", op->entity->noun, field, value ? value : "");
}

/* What the database refused, in words of the domain. */
static int refused(const struct master_op *op, int code, struct dm_err *e)
{
    if (code == DM_ECONFLICT && store_fault(op->tx)->kind == STORE_FAULT_UNIQUE) {
        return taken(op, e);
    }
    return code;
}

static int insert(struct master_op *op, struct dm_err *e)
{
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    struct store_query q;
    struct store_value v;
    dm_buf_printf(&b.sql, "INSERT INTO %s (", op->entity->table);
    for (size_t i = 0; i < op->entity->n_field; i++) {
        dm_buf_printf(&b.sql, "%s, ", op->entity->field[i].name);
    }
    dm_buf_puts(&b.sql, "created_at, updated_at) VALUES (");
    for (size_t i = 0; i < op->entity->n_field; i++) {
        const struct master_field *f = &op->entity->field[i];
        DM_TRY(master_value(f, json_object_get(op->row, f->name), op->a, &v, e));
        put_param(&b, f->letter, v);
        dm_buf_puts(&b.sql, ", ");
    }
    put_param(&b, 'T', store_at(op->c->now_ms));
    dm_buf_printf(&b.sql, ", ?%zu) RETURNING id", b.n);
    memcpy(b.cols, "i", 2);
    DM_TRY(finish(&b, "master.insert", &q, e));
    const int code = store_int(op->tx, &q, (struct store_args){b.value, b.n}, &op->id, e);
    return code < 0 ? refused(op, code, e) : code;
}

static int update(struct master_op *op, struct dm_err *e)
{
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    struct store_query q;
    struct store_value v;
    dm_buf_printf(&b.sql, "UPDATE %s SET ", op->entity->table);
    for (size_t i = 0; i < op->entity->n_field; i++) {
        const struct master_field *f = &op->entity->field[i];
        const json_t *value = json_object_get(op->row, f->name);
        if (!json_equal(value, json_object_get(op->before, f->name))) {
            DM_TRY(master_value(f, value, op->a, &v, e));
            dm_buf_printf(&b.sql, "%s = ", f->name);
            put_param(&b, f->letter, v);
            dm_buf_puts(&b.sql, ", ");
        }
    }
    dm_buf_puts(&b.sql, "updated_at = ");
    put_param(&b, 'T', store_at(op->c->now_ms));
    dm_buf_puts(&b.sql, " WHERE id = ");
    put_param(&b, 'i', store_i(op->id));
    DM_TRY(finish(&b, "master.update", &q, e));
    const int code = store_exec(op->tx, &q, (struct store_args){b.value, b.n}, NULL, e);
    return code < 0 ? refused(op, code, e) : code;
}

static int begin(struct master_op *op, struct dm_err *e)
{
    op->entity = &master_entities[op->kind];
    op->warnings = json_array();
    if (!op->row || !op->warnings) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a row");
    }
    return DM_OK;
}

/* The row as it is stored, for the answer and the audit trail. */
static int reread(struct master_op *op, struct dm_err *e)
{
    json_t *row;
    DM_TRY(master_read(op->tx, op->kind, op->id, false, op->a, &row, e));
    json_decref(op->row);
    op->row = row;
    return DM_OK;
}

int master_op_create(struct master_op *op, const json_t *values, struct dm_err *e)
{
    op->row = json_object();
    DM_TRY(begin(op, e));
    DM_TRY(master_merge(op, values, e));
    if (op->entity->prepare) {
        DM_TRY(op->entity->prepare(op, e));
    }
    DM_TRY(master_complete(op, e));
    DM_TRY(insert(op, e));
    if (op->entity->after) {
        DM_TRY(op->entity->after(op, e));
    }
    DM_TRY(reread(op, e));
    return audit_write(op->tx, op->c, "create", op->entity->table, op->id, NULL, op->row, e);
}

int master_op_change(struct master_op *op, int64_t id, const json_t *values, struct dm_err *e)
{
    op->id = id;
    DM_TRY(master_read(op->tx, op->kind, id, true, op->a, &op->before, e));
    op->row = json_copy(op->before);
    DM_TRY(begin(op, e));
    DM_TRY(master_merge(op, values, e));
    if (json_equal(op->row, op->before)) {
        return DM_OK;
    }
    if (op->entity->prepare) {
        DM_TRY(op->entity->prepare(op, e));
    }
    DM_TRY(master_complete(op, e));
    DM_TRY(update(op, e));
    if (op->entity->after) {
        DM_TRY(op->entity->after(op, e));
    }
    DM_TRY(reread(op, e));
    if (op->bulk_id) { /* the operation has one audit row for all */
        return DM_OK;
    }
    return audit_write(op->tx, op->c, "update", op->entity->table, op->id, op->before, op->row, e);
}

static int write_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct call *call = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(master_op_clear)
    struct master_op op = {.c = call->c, .tx = tx, .a = &a, .kind = call->kind};
    DM_TRY(call->id ? master_op_change(&op, call->id, call->values, e)
                    : master_op_create(&op, call->values, e));
    master_row_clear(call->row); /* of an attempt before */
    *call->row = (struct master_row){op.id, DM_STEAL(op.row), DM_STEAL(op.warnings)};
    return DM_OK;
}

static int write_row(struct call *call, struct master_row *ret, struct dm_err *e)
{
    struct master_row row = {0};
    call->row = &row;
    DM_TRY(inv_permit(call->c, master_entities[call->kind].write, e));
    const int code = store_run(call->c->store, STORE_WRITE, write_in, call, e);
    if (code < 0) {
        master_row_clear(&row);
        return code;
    }
    *ret = row;
    return DM_OK;
}

int master_create(const struct inv_ctx *c, enum master_kind kind, const json_t *values,
                  struct master_row *ret, struct dm_err *e)
{
    struct call call = {.c = c, .kind = kind, .values = values};
    return write_row(&call, ret, e);
}

int master_change(const struct inv_ctx *c, enum master_kind kind, int64_t id, const json_t *values,
                  struct master_row *ret, struct dm_err *e)
{
    struct call call = {.c = c, .kind = kind, .id = id, .values = values};
    if (json_object_get(values, "active")) {
        return master_invalid("active", "it is changed by activating and deactivating", e);
    }
    return write_row(&call, ret, e);
}

/* ---- active, removed ------------------------------------------------------------------------ */

static int activate_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct call *call = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(master_op_clear)
    struct master_op op = {.c = call->c, .tx = tx, .a = &a, .kind = call->kind};
    op.id = call->id;
    DM_TRY(master_read(tx, call->kind, call->id, true, &a, &op.before, e));
    op.row = json_copy(op.before);
    DM_TRY(begin(&op, e));
    DM_TRY(inv_json_set(op.row, "active", json_boolean(call->active), e));
    if (json_equal(op.row, op.before)) {
        return DM_OK;
    }
    if (call->kind <= MASTER_BIN_TYPE) {
        DM_TRY(places_set_active(&op, call->active, e));
    }
    DM_TRY(update(&op, e));
    return audit_write(tx, call->c, call->active ? "activate" : "deactivate", op.entity->table,
                       op.id, op.before, op.row, e);
}

int master_set_active(const struct inv_ctx *c, enum master_kind kind, int64_t id, bool active,
                      struct dm_err *e)
{
    struct call call = {.c = c, .kind = kind, .id = id, .active = active};
    DM_TRY(inv_permit(c, master_entities[kind].write, e));
    if (!master_entities[kind].has_active) {
        return master_invalid("active", "this kind of row is not deactivated", e);
    }
    return store_run(c->store, STORE_WRITE, activate_in, &call, e);
}

/* Refuse with how many rows of which tables refer to the row. */
static int count_references(struct store_tx *tx, const struct master_entity *entity, int64_t id,
                            struct dm_err *e)
{
    struct dm_field in_use[DM_ERR_FIELDS_MAX + 1] = {{.type = DM_FIELD_END}};
    size_t n_use = 0;
    for (const struct master_reference *r = entity->references; r && r->table; r++) {
        DM_CLEANUP(building_clear) struct building b = BUILDING;
        struct store_query q;
        int64_t n;
        dm_buf_printf(&b.sql, "SELECT count(*) FROM %s WHERE %s = ", r->table, r->column);
        put_param(&b, 'i', store_i(id));
        memcpy(b.cols, "i", 2);
        DM_TRY(finish(&b, "master.references", &q, e));
        DM_TRY(store_int(tx, &q, (struct store_args){b.value, b.n}, &n, e));
        if (n > 0 && n_use < DM_ERR_FIELDS_MAX) {
            in_use[n_use++] = DM_I(r->table, n);
            in_use[n_use].type = DM_FIELD_END;
        }
    }
    if (n_use > 0) {
        DM_REFUSE(e, INV_IN_USE, in_use, "the %s is in use: deactivate it instead", entity->noun);
    }
    return DM_OK;
}

int master_delete(struct store_tx *tx, const struct inv_ctx *c, enum master_kind kind, int64_t id,
                  struct dm_arena *a, struct dm_err *e)
{
    const struct master_entity *entity = &master_entities[kind];
    DM_CLEANUP(inv_json_freep) json_t *before = NULL;
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    struct store_query q;
    DM_TRY(master_read(tx, kind, id, true, a, &before, e));
    DM_TRY(count_references(tx, entity, id, e));
    dm_buf_printf(&b.sql, "DELETE FROM %s WHERE id = ", entity->table);
    put_param(&b, 'i', store_i(id));
    DM_TRY(finish(&b, "master.delete", &q, e));
    const int code = store_exec(tx, &q, (struct store_args){b.value, b.n}, NULL, e);
    if (code == DM_ECONFLICT) { /* a table that does not stand in the list, or one just written */
        DM_REFUSE(e, INV_IN_USE, DM_FIELDS(DM_S("rule", store_fault(tx)->name)), "the %s is in use",
                  entity->noun);
    }
    DM_TRY(code);
    return audit_write(tx, c, "delete", entity->table, id, before, NULL, e);
}

static int remove_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct call *call = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    if (call->kind == MASTER_PRICE) {
        DM_CLEANUP(master_op_clear)
        struct master_op op = {.c = call->c, .tx = tx, .a = &a, .kind = call->kind};
        DM_CLEANUP(inv_json_freep)
        json_t *gone = json_pack("{s:s}", "availability", "discontinued");
        return master_op_change(&op, call->id, gone, e);
    }
    return master_delete(tx, call->c, call->kind, call->id, &a, e);
}

int master_remove(const struct inv_ctx *c, enum master_kind kind, int64_t id, struct dm_err *e)
{
    struct call call = {.c = c, .kind = kind, .id = id};
    DM_TRY(inv_permit(c, master_entities[kind].write, e));
    if (!master_entities[kind].references && kind != MASTER_PRICE) {
        return master_invalid("id", "places and containers are not removed", e);
    }
    return store_run(c->store, STORE_WRITE, remove_in, &call, e);
}

/* First code stem, stem-2, stem-3... that the column does not have. */
int master_free_code(struct store_tx *tx, const char *table, const char *column, const char *stem,
                     struct dm_arena *a, const char **ret, struct dm_err *e)
{
    enum { TRIES = 10000 };
    DM_CLEANUP(building_clear) struct building b = BUILDING;
    struct store_query q;
    const char *code = stem;
    dm_buf_printf(&b.sql, "SELECT count(*) FROM %s WHERE {lower:%s} = {lower:", table, column);
    put_param(&b, 't', store_t(code));
    dm_buf_puts(&b.sql, "}");
    memcpy(b.cols, "i", 2);
    DM_TRY(finish(&b, "master.code_taken", &q, e));
    for (int i = 2; i < TRIES; i++) {
        int64_t n;
        DM_TRY(store_int(tx, &q, STORE_ARGS(store_t(code)), &n, e));
        if (n == 0) {
            *ret = code;
            return DM_OK;
        }
        code = dm_arena_printf(a, "%s-%d", stem, i);
        if (!code) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a code");
        }
    }
    DM_REFUSE(e, INV_DUPLICATE_CODE, DM_FIELDS(DM_S("field", column), DM_S("value", stem)),
              "there are too many codes like %s", stem);
}
