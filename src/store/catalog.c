/* SPDX-License-Identifier: Apache-2.0
 *
 * A migration is scanned for "CREATE TABLE t (" and "ALTER TABLE t ADD COLUMN" and for the tokens
 * that stand for columns. tests/unit/store/test_copy.c compares the result with what the engines
 * made of it. */
#include "store/catalog.h"

#include <ctype.h>
#include <string.h>

#include "store/driver.h"

static const struct {
    const char *token;
    char letter;
} kinds[] = {
    {"id", 'i'},   {"fk", 'i'},   {"fk_later", 'i'}, {"int", 'i'},  {"int64", 'i'},
    {"real", 'r'}, {"bool", 'b'}, {"text", 't'},     {"long", 't'}, {"json", 'j'},
    {"ts", 'T'},   {"date", 'D'}, {"uuid", 'u'},     {"blob", 'x'}, {"enum", 't'},
};

struct scan {
    struct dm_arena *a;
    struct store_catalog *c;
    struct store_catalog_table *at; /* the table being made, NULL outside */
    struct dm_err *e;
};

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for the catalog");
}

/* Room for one more element of size bytes in an array of n; doubled in the arena. */
static void *grow(struct dm_arena *a, void *array, size_t n, size_t size)
{
    if (n && (n & (n - 1))) {
        return array;
    }
    void *grown = dm_arena_calloc(a, n ? n * 2 : 1, size);
    if (grown && n) {
        memcpy(grown, array, n * size);
    }
    return grown;
}

static int add_column(struct scan *s, const char *name, size_t n, char letter, bool generated)
{
    struct store_catalog_table *t = s->at;
    t->column = grow(s->a, t->column, t->n, sizeof(*t->column));
    const char *copy = dm_arena_strndup(s->a, name, n);
    if (!t->column || !copy) {
        return no_memory(s->e);
    }
    t->column[t->n++] = (struct store_column){copy, letter, generated};
    return DM_OK;
}

/* The table of that name, made when it is new. */
static int enter_table(struct scan *s, const char *name)
{
    size_t n = 0;
    while (isalnum((unsigned char)name[n]) || name[n] == '_') {
        n++;
    }
    struct store_catalog *c = s->c;
    for (size_t i = 0; i < c->n; i++) {
        if (strlen(c->table[i].name) == n && !memcmp(c->table[i].name, name, n)) {
            s->at = &c->table[i];
            return DM_OK;
        }
    }
    c->table = grow(s->a, c->table, c->n, sizeof(*c->table));
    const char *copy = dm_arena_strndup(s->a, name, n);
    if (!c->table || !copy) {
        return no_memory(s->e);
    }
    s->at = &c->table[c->n++];
    *s->at = (struct store_catalog_table){.name = copy};
    return DM_OK;
}

static bool is(const struct store_token_use *u, const char *name)
{
    return strlen(name) == u->name_n && !memcmp(name, u->name, u->name_n);
}

static int token(struct scan *s, const struct store_token_use *u)
{
    if (is(u, "id")) {
        s->at->has_id = true;
        return add_column(s, "id", 2, 'i', false);
    }
    if (is(u, "times") || is(u, "created")) {
        DM_TRY(add_column(s, "created_at", 10, 'T', false));
        return is(u, "times") ? add_column(s, "updated_at", 10, 'T', false) : DM_OK;
    }
    if (is(u, "generated")) {
        return add_column(s, u->arg[0], u->arg_n[0], 'i', true);
    }
    for (size_t i = 0; i < DM_COUNT(kinds); i++) {
        if (is(u, kinds[i].token) && u->n_args) {
            return add_column(s, u->arg[0], u->arg_n[0], kinds[i].letter, false);
        }
    }
    return DM_OK; /* a check, or no column at all */
}

static int scan_step(struct scan *s, const char *sql)
{
    static const char create[] = "CREATE TABLE ";
    static const char alter[] = "ALTER TABLE ";
    const char *end = sql + strlen(sql);
    s->at = NULL;
    for (const char *p = sql; p < end;) {
        if (!strncmp(p, create, sizeof(create) - 1) || !strncmp(p, alter, sizeof(alter) - 1)) {
            p += *p == 'C' ? sizeof(create) - 1 : sizeof(alter) - 1;
            DM_TRY(enter_table(s, p));
        } else if (!strncmp(p, "--", 2)) {
            p += strcspn(p, "\n");
        } else if (*p == '{') {
            struct store_token_use u = {0};
            DM_TRY(store_token_parse(p, end, &u, s->e));
            DM_TRY(s->at ? token(s, &u) : DM_OK);
            p = u.end;
        } else {
            s->at = *p == ';' ? NULL : s->at;
            p++;
        }
    }
    return DM_OK;
}

int store_catalog_read(const struct store_migration *steps, size_t n_steps, struct dm_arena *a,
                       struct store_catalog *ret, struct dm_err *e)
{
    struct store_catalog c = {0};
    struct scan s = {.a = a, .c = &c, .e = e};
    for (size_t i = 0; i < n_steps; i++) {
        DM_TRY(scan_step(&s, steps[i].sql));
    }
    *ret = c;
    return DM_OK;
}

const char *store_catalog_columns(const struct store_catalog_table *t, struct dm_arena *a)
{
    const char *list = "";
    for (size_t k = 0; k < t->n && list; k++) {
        if (!t->column[k].generated) {
            list = dm_arena_printf(a, "%s%s%s", list, *list ? ", " : "", t->column[k].name);
        }
    }
    return list;
}

const char *store_catalog_letters(const struct store_catalog_table *t, struct dm_arena *a)
{
    char *letters = dm_arena_calloc(a, t->n + 1, 1);
    for (size_t k = 0, n = 0; letters && k < t->n; k++) {
        if (!t->column[k].generated) {
            letters[n++] = t->column[k].letter;
        }
    }
    return letters;
}
