/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping order among backups: which ones stay, and what no backup needs any more. */
#include <sodium.h>
#include <string.h>

#include "backup/backup_priv.h"

struct pruning {
    const struct backup_site *s;
    const struct backup_keep *k;
    struct dm_arena *a;
    struct backup_pruned *ret;
    const char **key; /* to be removed */
    size_t n, cap;
};

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory to look at backups");
}

/* ---- which ones stay ------------------------------------------------------------------------- */

/* "2026-11-24" and "2026-11" of the nursery for an id's moment, which is UTC. */
static void days_of(const struct dm_zone *zone, const char *id, char day[static DM_DATE_SIZE],
                    char month[static DM_DATE_SIZE])
{
    struct dm_civil c = {0};
    int v[6] = {0};
    const int at[6] = {0, 4, 6, 9, 11, 13};
    const int n[6] = {4, 2, 2, 2, 2, 2};
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < n[i]; k++) {
            v[i] = v[i] * 10 + (id[at[i] + k] - '0');
        }
    }
    c = (struct dm_civil){v[0], v[1], v[2], v[3], v[4], v[5], 0};
    dm_zone_date(zone, dm_zone_instant(NULL, &c), day);
    (void)snprintf(month, DM_DATE_SIZE, "%.7s", day);
}

/* From the newest back: the newest of each day for so many days, likewise of months. */
static void choose(const struct backup_keep *k, const struct backup_ids *ids, bool *keep)
{
    char last_day[DM_DATE_SIZE] = "";
    char last_month[DM_DATE_SIZE] = "";
    int days = 0;
    int months = 0;
    for (size_t i = ids->n; i-- > 0;) {
        char day[DM_DATE_SIZE];
        char month[DM_DATE_SIZE];
        days_of(k->zone, ids->id[i], day, month);
        const bool new_day = strcmp(day, last_day) != 0;
        const bool new_month = strcmp(month, last_month) != 0;
        days += new_day;
        months += new_month;
        keep[i] =
            i == ids->n - 1 || (new_day && days <= k->daily) || (new_month && months <= k->monthly);
        memcpy(last_day, day, sizeof(day));
        memcpy(last_month, month, sizeof(month));
    }
}

/* ---- removing -------------------------------------------------------------------------------- */

static int remember(struct pruning *p, const char *key, struct dm_err *e)
{
    if (p->n == p->cap) {
        const size_t cap = p->cap ? p->cap * 2 : 256;
        const char **v = dm_arena_calloc(p->a, cap, sizeof(*v));
        if (!v) {
            return no_memory(e);
        }
        if (p->n) {
            memcpy(v, p->key, p->n * sizeof(*v));
        }
        p->key = v;
        p->cap = cap;
    }
    p->key[p->n] = dm_arena_strdup(p->a, key);
    return p->key[p->n++] ? DM_OK : no_memory(e);
}

static int on_key(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    (void)info;
    return remember(ctx, key, e);
}

/* The checksum goes first: from then on it is no backup, whatever happens. */
static int remove_backup(struct pruning *p, const char *id, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    p->n = 0;
    DM_TRY(blob_delete(p->s->place, backup_part_key(key, id, BACKUP_SUM), e));
    DM_TRY(blob_list(p->s->place, backup_part_key(key, id, ""), on_key, p, e));
    for (size_t i = 0; i < p->n; i++) {
        DM_TRY(blob_delete(p->s->place, p->key[i], e));
    }
    return DM_OK;
}

/* What the backups that stay need; DM_ECONFLICT when one of them cannot say. */
static int needed(struct pruning *p, const struct backup_ids *ids, const bool *keep,
                  struct backup_set *ret, struct dm_err *e)
{
    for (size_t i = 0; i < ids->n; i++) {
        DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
        struct backup_manifest m;
        if (keep[i]) {
            DM_TRY(backup_read(p->s, ids->id[i], &a, &m, e));
            DM_TRY(backup_set_of_list(p->s, &m, ret, e));
            backup_set_sort(ret); /* lists overlap: what is known already takes no room */
        }
    }
    return DM_OK;
}

static int remove_unneeded(struct pruning *p, const struct backup_set *there,
                           const struct backup_set *wanted, struct dm_err *e)
{
    char hex[DM_SHA256_HEX_SIZE];
    char key[BACKUP_KEY_SIZE];
    for (size_t i = 0; i < there->n; i++) {
        (void)sodium_bin2hex(hex, sizeof(hex), there->v[i].sha256, sizeof(there->v[i].sha256));
        if (backup_set_find(wanted, hex)) {
            continue;
        }
        p->ret->objects++;
        if (!p->k->dry_run) {
            DM_TRY(blob_delete(p->s->place, backup_object_key(key, hex), e));
        }
    }
    return DM_OK;
}

static int prune_backups(struct pruning *p, const struct backup_ids *ids, const bool *keep,
                         struct dm_err *e)
{
    p->ret->id = dm_arena_calloc(p->a, ids->n + 1, sizeof(*p->ret->id));
    if (!p->ret->id) {
        return no_memory(e);
    }
    for (size_t i = 0; i < ids->n; i++) {
        if (!keep[i]) {
            p->ret->id[p->ret->n++] = ids->id[i];
            DM_TRY(p->k->dry_run ? DM_OK : remove_backup(p, ids->id[i], e));
        }
    }
    for (size_t i = 0; i < ids->n_unfinished; i++) {
        p->ret->unfinished++;
        DM_TRY(p->k->dry_run ? DM_OK : remove_backup(p, ids->unfinished[i], e));
    }
    return DM_OK;
}

int backup_prune(const struct backup_site *s, const struct backup_keep *k, struct dm_arena *a,
                 struct backup_pruned *ret, struct dm_err *e)
{
    struct pruning p = {.s = s, .k = k, .a = a, .ret = ret};
    struct backup_ids ids;
    struct backup_set wanted = {0};
    struct backup_set there = {0};
    *ret = (struct backup_pruned){0};
    DM_TRY(backup_list(s, a, &ids, e));
    bool *keep = dm_arena_calloc(a, ids.n + 1, sizeof(*keep));
    if (!keep) {
        return no_memory(e);
    }
    choose(k, &ids, keep);
    int code = needed(&p, &ids, keep, &wanted, e);
    code = code < 0 ? code : backup_set_of_place(s, &there, NULL, NULL, NULL, e);
    code = code < 0 ? code : prune_backups(&p, &ids, keep, e);
    code = code < 0 ? code : remove_unneeded(&p, &there, &wanted, e);
    backup_set_clear(&wanted);
    backup_set_clear(&there);
    return code;
}
