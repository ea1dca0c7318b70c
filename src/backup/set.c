/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of photographs: sorted arrays of checksums, 40 bytes each. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_priv.h"
#include "base/alloc.h"

static bool parse(const char *hex, unsigned char ret[static 32])
{
    size_t n = 0;
    return strlen(hex) == DM_SHA256_HEX_SIZE - 1 &&
           sodium_hex2bin(ret, 32, hex, DM_SHA256_HEX_SIZE - 1, NULL, &n, NULL) == 0 && n == 32;
}

static int by_hash(const void *a, const void *b)
{
    const struct backup_object *p = a;
    const struct backup_object *q = b;
    return memcmp(p->sha256, q->sha256, sizeof(p->sha256));
}

int backup_set_add(struct backup_set *s, const char *hex, int64_t bytes, struct dm_err *e)
{
    struct backup_object o = {.bytes = bytes};
    if (!parse(hex, o.sha256)) {
        DM_FAIL(e, DM_EBADINPUT, "\"%.70s\" is no checksum", hex);
    }
    if (s->n == s->cap) {
        const size_t cap = s->cap ? s->cap * 2 : 1024;
        if (s->n >= LIMIT_BACKUP_OBJECTS) {
            DM_FAIL(e, DM_ELIMIT, "more than %zu photographs", LIMIT_BACKUP_OBJECTS);
        }
        struct backup_object *v = dm_realloc(s->v, cap * sizeof(*v));
        if (!v) {
            DM_FAIL(e, DM_ENOMEM, "no memory for %zu photographs", cap);
        }
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = o;
    return DM_OK;
}

void backup_set_sort(struct backup_set *s)
{
    size_t n = 0;
    if (s->n) {
        qsort(s->v, s->n, sizeof(*s->v), by_hash);
    }
    for (size_t i = 0; i < s->n; i++) {
        if (n == 0 || by_hash(&s->v[n - 1], &s->v[i]) != 0) {
            s->v[n++] = s->v[i];
        }
    }
    s->n = n;
}

const struct backup_object *backup_set_find(const struct backup_set *s, const char *hex)
{
    struct backup_object o;
    return s->n && parse(hex, o.sha256) ? bsearch(&o, s->v, s->n, sizeof(*s->v), by_hash) : NULL;
}

void backup_set_clear(struct backup_set *s)
{
    dm_free(s->v);
    *s = (struct backup_set){0};
}

/* ---- what is there --------------------------------------------------------------------------- */

struct listing {
    struct backup_set *set;
    backup_fault fault;
    void *ctx;
    int foreign;
};

static int on_key(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    struct listing *l = ctx;
    char wanted[BACKUP_KEY_SIZE];
    unsigned char raw[32];
    const char *name = strrchr(key, '/');
    name = name ? name + 1 : key;
    if (parse(name, raw) && !strcmp(backup_object_key(wanted, name), key)) {
        return backup_set_add(l->set, name, info->size_bytes, e);
    }
    l->foreign++;
    if (l->fault) {
        l->fault(l->ctx, key, "not of a backup");
    }
    return DM_OK;
}

int backup_set_of_place(const struct backup_site *s, struct backup_set *ret, backup_fault fault,
                        void *ctx, int *ret_foreign, struct dm_err *e)
{
    struct listing l = {ret, fault, ctx, 0};
    DM_TRY(blob_list(s->place, "photos/", on_key, &l, e));
    backup_set_sort(ret);
    if (ret_foreign) {
        *ret_foreign = l.foreign;
    }
    return DM_OK;
}

/* ---- what a list names ----------------------------------------------------------------------- */

struct lines {
    struct backup_set *set;
    char line[256];
    size_t n;
};

/* "HEX  photos/ab/HEX" */
static int take_line(struct lines *l, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    unsigned char raw[32];
    l->line[l->n] = '\0';
    l->n = 0;
    char *rest = strchr(l->line, ' ');
    if (!rest || rest[1] != ' ') {
        DM_FAIL(e, DM_ECONFLICT, "a list of photographs has a line that is none");
    }
    *rest = '\0';
    if (!parse(l->line, raw) || strcmp(backup_object_key(key, l->line), rest + 2) != 0) {
        DM_FAIL(e, DM_ECONFLICT, "a list of photographs names a wrong place");
    }
    return backup_set_add(l->set, l->line, -1, e);
}

static int on_bytes(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    struct lines *l = ctx;
    const char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n') {
            DM_TRY(take_line(l, e));
        } else if (l->n == sizeof(l->line) - 1) {
            DM_FAIL(e, DM_ECONFLICT, "a list of photographs has a line without end");
        } else {
            l->line[l->n++] = p[i];
        }
    }
    return DM_OK;
}

int backup_set_of_list(const struct backup_site *s, const struct backup_manifest *m,
                       struct backup_set *ret, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    struct lines l = {.set = ret};
    const struct backup_part *part = backup_part_of(m, BACKUP_OBJECTS);
    if (!part) {
        DM_FAIL(e, DM_ECONFLICT, "backup %s has no list of photographs", m->id);
    }
    return blob_get(s->place, backup_part_key(key, m->id, BACKUP_OBJECTS), (struct blob_range){0},
                    part->sha256, on_bytes, &l, e);
}
