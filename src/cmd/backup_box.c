/* SPDX-License-Identifier: Apache-2.0
 *
 * Where backups are. */
#include "cmd/backup_box.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/database.h"
#include "cmd/model_shelf.h"
#include "cmd/version.h"
#include "cmd/workshop.h"
#include "inventory/inventory.h"
#include "queue/queue.h"
#include "store/migrate.h"

#define DUTY "backup"
enum { HOLD_MS = 15 * 60 * 1000, RENEW_MS = 60 * 1000, STALE_S = 86400, DUTIES_SINCE = 10 };

/* ---- the place ------------------------------------------------------------------------------- */

static const char *url_of(struct cmd_run *r, const char *given)
{
    const struct settings_values *v = &r->settings.v;
    const char *from = given && given[0] ? given : v->backup_url;
    if (!from[0] || !strcmp(from, "dir")) {
        const char *folder = dm_path_join(v->data_dir, "backups", &r->arena);
        return folder ? dm_arena_printf(&r->arena, "dir:%s", folder) : NULL;
    }
    const bool named = !strncmp(from, "dir:", 4) || !strncmp(from, "s3:", 3);
    return named ? from : dm_arena_printf(&r->arena, "dir:%s", from);
}

/* What a killed process left of an unpacked database. */
static void sweep_scratch(const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *f;
    struct stat st;
    while (d && (f = readdir(d))) {
        if (strstr(f->d_name, ".db") && !fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
            time(NULL) - st.st_mtime > STALE_S) {
            (void)unlinkat(dirfd(d), f->d_name, 0);
        }
    }
    if (d) {
        (void)closedir(d);
    }
}

/* In the folder of backups itself, which has room for a database; with a bucket in data.dir, else
 * in TMPDIR. Hidden: it is no object. */
static int make_scratch(struct backup_box *b, struct dm_err *e)
{
    struct cmd_run *r = b->r;
    const char *tmp = settings_getenv(r->environ, "TMPDIR");
    const char *const roots[] = {!strncmp(b->url, "dir:", 4) ? b->url + 4 : r->settings.v.data_dir,
                                 tmp && tmp[0] ? tmp : "/tmp"};
    struct dm_err why = {0};
    for (size_t i = 0; i < DM_COUNT(roots); i++) {
        const char *path = dm_path_join(roots[i], ".backup-work", &r->arena);
        if (!path) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a path");
        }
        if (dm_folder_make(path, &why) >= 0 && access(path, W_OK) == 0) {
            (void)chmod(path, 0700);
            sweep_scratch(path);
            b->site.scratch = path;
            return DM_OK;
        }
    }
    DM_FAIL(e, DM_EIO, "no folder for work under way: %s", dm_err_text(&why));
}

static void on_progress(void *ctx, const char *what, int64_t done, int64_t all)
{
    enum { EVERY_MS = 1000 };
    struct backup_box *b = ctx;
    struct cmd_run *r = b->r;
    const int64_t now_ms = store_now();
    if (b->lock && now_ms - b->renewed_ms > RENEW_MS &&
        queue_duty(b->lock, now_ms, DUTY, b->holder, HOLD_MS, NULL) > 0) {
        b->renewed_ms = now_ms;
    }
    if (r->general.verbose && now_ms - b->drawn_ms > EVERY_MS) {
        b->drawn_ms = now_ms;
        (void)fprintf(r->err, all > 0 ? "%s %s/%s\n" : "%s %s\n", what,
                      lang_integer(&r->arena, r->lang, done),
                      lang_integer(&r->arena, r->lang, all));
    }
}

int backup_box_open(struct cmd_run *r, const char *given, bool make, struct backup_box *b,
                    struct dm_err *e)
{
    char host[64] = "";
    *b = (struct backup_box){.r = r};
    if (r->settings.v.backup_key[0]) {
        return cmd_fail(r, e, DM_EUNSUPPORTED, T(r, BACKUP_NO_KEY));
    }
    b->url = url_of(r, given);
    if (!b->url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    const bool folder = !strncmp(b->url, "dir:", 4);
    if (folder && make) {
        DM_TRY(dm_folder_make(b->url + 4, e));
    }
    DM_TRY(folder ? blob_open(b->url, &(struct blob_options){.create = make}, &b->place, e)
                  : workshop_bucket_open(r, b->url, &b->place, e));
    b->site = (struct backup_site){.place = b->place, .progress = on_progress, .ctx = b};
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(b->holder, sizeof(b->holder), "%s-%ld", host, (long)getpid());
    return make_scratch(b, e);
}

void backup_box_close(struct backup_box *b)
{
    blob_close(b->place);
    *b = (struct backup_box){0};
}

/* Be the only one who makes or removes backups of this instance; not in books of a schema that has
 * no duties yet: there is an upgrade under way. DM_EBUSY: another process is. */
static int lock(struct backup_box *b, struct store *s, struct dm_err *e)
{
    struct store_schema_state state;
    DM_TRY(store_schema_state(s, &state, e));
    if (state.applied < DUTIES_SINCE) {
        return DM_OK;
    }
    const int mine = queue_duty(s, store_now(), DUTY, b->holder, HOLD_MS, e);
    DM_TRY(mine);
    if (!mine) {
        return cmd_fail(b->r, e, DM_EBUSY, T(b->r, BACKUP_RUNNING));
    }
    b->lock = s;
    b->renewed_ms = store_now();
    return DM_OK;
}

static void unlock(struct backup_box *b)
{
    if (b->lock) {
        (void)!queue_duty(b->lock, store_now(), DUTY, b->holder, 0, NULL);
        b->lock = NULL;
    }
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Every setting that is not its default, secrets as "(set)": for whoever sets a machine up anew. */
static int print_settings(struct cmd_run *r, struct dm_buf *out, struct dm_err *e)
{
    for (size_t k = 0; k < SETTINGS_SETS; k++) {
        const struct dm_opt_set *set = &r->settings.set[k];
        for (size_t i = 0; i < set->n; i++) {
            const char *value = dm_opt_print(set, i, &r->arena);
            if (value && set->sources[i].origin != DM_ORIGIN_DEFAULT) {
                dm_buf_printf(out, "%s = %s\n", set->table[i].name, value);
            }
        }
    }
    return dm_buf_ok(out, e);
}

static void read_models(struct cmd_run *r, struct dm_buf *out)
{
    const char *dir = r->settings.v.model_dir;
    const char *path = dir[0] ? dm_path_join(dir, MODEL_SHELF_MANIFEST, &r->arena) : NULL;
    if (path && dm_buf_read_file(out, path, NULL) < 0) {
        dm_buf_clear(out); /* no list of models is no fault */
    }
}

int backup_box_create(struct backup_box *b, struct dm_arena *a, struct backup_made *ret,
                      struct dm_err *e)
{
    struct cmd_run *r = b->r;
    DM_CLEANUP(store_closep) struct store *s = NULL;
    DM_CLEANUP(workshop_place_close) struct photo_place photos = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf settings = dm_buf_init(LIMIT_BACKUP_PART_BYTES);
    DM_CLEANUP(dm_buf_clear) struct dm_buf models = dm_buf_init(LIMIT_BACKUP_PART_BYTES);
    DM_TRY(database_open(r, NULL, DATABASE_LOOK, &s, e));
    DM_TRY(workshop_place_look(r, s, &photos, e));
    DM_TRY(print_settings(r, &settings, e));
    read_models(r, &models);
    const struct backup_extra extra[] = {
        {"settings.conf", dm_buf_str(&settings), settings.len},
        {MODEL_SHELF_MANIFEST, dm_buf_str(&models), models.len},
    };
    const struct backup_source from = {.store = s,
                                       .photos = &photos,
                                       .program = DEMETER_VERSION,
                                       .revision = version_commit(),
                                       .extra = extra,
                                       .n_extra = models.len ? 2 : 1};
    int code = lock(b, s, e);
    code = code < 0 ? code : backup_create(&b->site, &from, a, ret, e);
    unlock(b);
    return code;
}

/* ---- choosing, removing ---------------------------------------------------------------------- */

int backup_box_pick(struct backup_box *b, const char *given, const char **ret, struct dm_err *e)
{
    struct backup_ids ids;
    if (given && given[0] && strcmp(given, "latest") != 0) {
        *ret = given;
        return DM_OK;
    }
    DM_TRY(backup_list(&b->site, &b->r->arena, &ids, e));
    if (!ids.n) {
        return cmd_fail(b->r, e, DM_ENOTFOUND, TF(b->r, BACKUP_NONE, b->url));
    }
    *ret = ids.id[ids.n - 1];
    return DM_OK;
}

static int load_zone(struct store *s, struct cmd_run *r, struct dm_zone **ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct inv_settings settings;
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    DM_TRY(inv_settings_load(tx, &r->arena, &settings, e));
    return dm_zone_load(settings.timezone, ret, e);
}

int backup_box_prune(struct backup_box *b, bool dry_run, struct backup_pruned *ret,
                     struct dm_err *e)
{
    const struct settings_values *v = &b->r->settings.v;
    DM_CLEANUP(store_closep) struct store *s = NULL;
    DM_CLEANUP(dm_zone_freep) struct dm_zone *zone = NULL;
    DM_TRY(database_open(b->r, NULL, DATABASE_LOOK, &s, e));
    DM_TRY(load_zone(s, b->r, &zone, e));
    const struct backup_keep keep = {.daily = v->backup_keep_daily,
                                     .monthly = v->backup_keep_monthly,
                                     .zone = zone,
                                     .dry_run = dry_run};
    int code = lock(b, s, e);
    code = code < 0 ? code : backup_prune(&b->site, &keep, &b->r->arena, ret, e);
    unlock(b);
    return code;
}
