/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter restore, demeter backup restore. */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"
#include "cmd/backup_box.h"
#include "cmd/commands.h"
#include "cmd/database.h"
#include "cmd/workshop.h"
#include "inventory/verify.h"
#include "store/migrate.h"

enum { WORDS_MAX = 32 };

struct restore_flags {
    bool drop_old, dry_run, replace;
    const char *from, *check, *to;
};

#define AT(field) DM_OPT_AT(struct restore_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "backup_from", .type = DM_OPT_STR, .flag = "from", .offset = AT(from), .def = "", .unit = "PLACE",
     .help = "backups of this place (dir:FOLDER, s3:BUCKET/PREFIX) instead of backup.url"},
    {.name = "drop_old", .type = DM_OPT_BOOL, .offset = AT(drop_old), .def = "false",
     .help = "do not keep the instance that was there"},
    {.name = "dry_run", .type = DM_OPT_BOOL, .offset = AT(dry_run), .def = "false",
     .help = "only say what would change"},
    {.name = "health_check", .type = DM_OPT_STR, .flag = "check", .offset = AT(check), .def = "", .unit = "COMMAND",
     .help = "command that must end well afterwards; else the instance before comes back"},
    {.name = "replace", .type = DM_OPT_BOOL, .offset = AT(replace), .def = "false",
     .help = "replace the instance that is there; the one before stays beside"},
    {.name = "restore_to", .type = DM_OPT_STR, .flag = "to", .offset = AT(to), .def = "", .unit = "URL",
     .help = "into this database instead of the configured one"},
};
static const struct cmd_example restore_examples[] = {
    {"demeter restore --dry-run", MSG_RESTORE_EXAMPLE_DRY},
    {"demeter restore --replace", MSG_RESTORE_EXAMPLE},
    {"demeter restore /media/disco/copias --to postgresql://demeter@db/demeter", MSG_RESTORE_EXAMPLE_TO},
    {0},
};
static const struct cmd_example inner_examples[] = {
    {"demeter backup restore --dry-run", MSG_RESTORE_EXAMPLE_DRY},
    {"demeter backup restore --replace", MSG_RESTORE_EXAMPLE},
    {0},
};
// clang-format on

struct restoring {
    struct cmd_run *r;
    const char *url; /* of the database */
    int64_t violations;
};

/* ---- which ----------------------------------------------------------------------------------- */

/* The operand: an id; the folder of a backup; the place where backups are. */
static int which(struct cmd_run *r, const char **ret_place, const char **ret_id, struct dm_err *e)
{
    const struct restore_flags *f = r->flags;
    const char *given = r->n_args ? r->args[0] : "";
    *ret_place = f->from;
    *ret_id = given;
    if (!strpbrk(given, "/:.")) {
        return DM_OK;
    }
    const size_t all = strlen(given);
    const size_t n = all > 1 && given[all - 1] == '/' ? all - 1 : all;
    const char *path = dm_arena_strndup(&r->arena, given, n);
    const char *inside = path ? strstr(path, "/backups/") : NULL;
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    *ret_id = inside ? inside + strlen("/backups/") : "";
    *ret_place = inside ? dm_arena_strndup(&r->arena, path, (size_t)(inside - path)) : path;
    return *ret_place ? DM_OK
                      : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for a path");
}

/* ---- dry run --------------------------------------------------------------------------------- */

static int dry_run(struct cmd_run *r, const struct backup_box *b, const char *id, const char *url,
                   struct dm_err *e)
{
    struct backup_manifest m;
    const int64_t *now = NULL;
    struct dm_err none = {0};
    DM_CLEANUP(store_closep) struct store *s = NULL;
    DM_TRY(backup_read(&b->site, id, &r->arena, &m, e));
    if (database_open(r, url, DATABASE_LOOK, &s, &none) >= 0) {
        DM_TRY(backup_compare(s, &m, &r->arena, &now, e));
    }
    for (size_t i = 0; i < m.n_table; i++) {
        const int64_t rows = now ? DM_MAX(now[i], 0) : 0;
        if (rows != m.table[i].rows || r->general.verbose) {
            (void)fprintf(r->out, "%s\n",
                          TF(r, RESTORE_DRY_LINE, m.table[i].name,
                             lang_integer(&r->arena, r->lang, m.table[i].rows),
                             lang_integer(&r->arena, r->lang, rows)));
        }
    }
    (void)fprintf(r->out, "%s\n",
                  TF(r, RESTORE_DRY, id, lang_integer(&r->arena, r->lang, m.photos)));
    return 0;
}

/* ---- is it well ------------------------------------------------------------------------------ */

static int run_check(struct cmd_run *r, const char *command, struct dm_err *e)
{
    char *words[WORDS_MAX + 1] = {0};
    char *rest = dm_arena_strdup(&r->arena, command);
    char *save = NULL;
    pid_t pid;
    int status = 0;
    size_t n = 0;
    for (char *w = rest ? strtok_r(rest, " ", &save) : NULL; w && n < WORDS_MAX;
         w = strtok_r(NULL, " ", &save)) {
        words[n++] = w;
    }
    if (!n || posix_spawnp(&pid, words[0], NULL, NULL, words, r->environ) != 0) {
        DM_FAIL(e, DM_ENOTFOUND, "%.80s cannot be run", command);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        DM_FAIL(e, DM_ECONFLICT, "%.80s: exit status %d", command,
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    return DM_OK;
}

/* As demeter verify and the start of a server see it, at its final place. */
static int health(void *ctx, struct dm_err *e)
{
    struct restoring *x = ctx;
    const struct restore_flags *f = x->r->flags;
    struct verify_report report = {0};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    {
        DM_CLEANUP(store_closep) struct store *s = NULL;
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        x->r->settings.v.database_statement_s = 3600; /* whole tables are read */
        DM_TRY(database_open(x->r, x->url, DATABASE_BOOKS, &s, e));
        DM_TRY(store_begin(s, STORE_READ, &tx, e));
        DM_TRY(verify_books(tx, 0, &a, &report, e));
    }
    if (report.total > x->violations) {
        DM_FAIL(e, DM_EINTERNAL, "%d of 25 rules hold", report.held);
    }
    return f->check[0] ? run_check(x->r, f->check, e) : DM_OK;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* The folder of photographs as the instance that is there wants it; made for one that is not. */
static int open_photos(struct cmd_run *r, const char *url, struct photo_place *ret,
                       struct dm_err *e)
{
    DM_CLEANUP(store_closep) struct store *s = NULL;
    struct store_schema_state state = {0};
    bool used = false;
    if (database_open(r, url, DATABASE_LOOK, &s, NULL) >= 0 &&
        store_schema_state(s, &state, NULL) >= 0 && state.applied > 0 &&
        photo_local_used(s, &used, NULL) >= 0 && used) {
        return workshop_place_open(r, s, ret, e);
    }
    return workshop_place_make(r, ret, e);
}

static int print_done(struct cmd_run *r, const struct backup_restored *done)
{
    (void)fprintf(r->out, "%s\n",
                  TF(r, RESTORE_DONE, done->manifest.id,
                     lang_integer(&r->arena, r->lang, done->photos),
                     lang_integer(&r->arena, r->lang, done->new_photos)));
    if (done->aside[0]) {
        (void)fprintf(r->out, "%s\n", TF(r, RESTORE_ASIDE, done->aside));
    }
    return 0;
}

static int restore(struct cmd_run *r, const struct backup_box *b, const char *id, const char *url,
                   struct dm_err *e)
{
    const struct restore_flags *f = r->flags;
    DM_CLEANUP(workshop_place_close) struct photo_place photos = {0};
    struct backup_restored done;
    struct backup_manifest m;
    struct restoring x = {.r = r, .url = url};
    const struct store_options o = {.connect_ms = r->settings.v.database_connect_s * 1000,
                                    .statement_ms = -1};
    DM_TRY(backup_read(&b->site, id, &r->arena, &m, e));
    x.violations = m.violations;
    DM_TRY(open_photos(r, url, &photos, e));
    const struct backup_target to = {.url = url,
                                     .options = &o,
                                     .photos = &photos,
                                     .replace = f->replace,
                                     .forget_old = f->drop_old,
                                     .health = health,
                                     .ctx = &x};
    DM_TRY(backup_restore(&b->site, id, &to, &r->arena, &done, e));
    return print_done(r, &done);
}

static int restore_run(struct cmd_run *r, struct dm_err *e)
{
    const struct restore_flags *f = r->flags;
    DM_CLEANUP(backup_box_close) struct backup_box b = {0};
    const char *place = NULL;
    const char *id = NULL;
    const char *url = f->to[0] ? f->to : database_url(r, DATABASE_LOOK);
    if (!url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the address of the database");
    }
    DM_TRY(which(r, &place, &id, e));
    DM_TRY(backup_box_open(r, place, false, &b, e));
    DM_TRY(backup_box_pick(&b, id, &id, e));
    return f->dry_run ? dry_run(r, &b, id, url, e) : restore(r, &b, id, url, e);
}

// clang-format off
const struct cmd cmd_restore = {
    .name = "restore", .operands = "[ID|PLACE]", .max_args = 1, .summary = MSG_RESTORE_SUMMARY,
    .about = MSG_RESTORE_ABOUT, .flags = flags, .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct restore_flags), .examples = restore_examples, .run = restore_run,
};
const struct cmd cmd_backup_restore = {
    .name = "restore", .operands = "[ID|PLACE]", .max_args = 1, .summary = MSG_RESTORE_SUMMARY,
    .about = MSG_RESTORE_ABOUT, .flags = flags, .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct restore_flags), .examples = inner_examples, .run = restore_run,
};
// clang-format on
