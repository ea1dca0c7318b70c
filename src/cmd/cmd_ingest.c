/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter ingest: photographs of a folder into the books, the way the API takes them. The keeper of
 * the workers is forked first; this process sends photos, watches their jobs and prints. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "cmd/database.h"
#include "cmd/inputs.h"
#include "cmd/progress.h"
#include "cmd/worker_options.h"
#include "cmd/workshop.h"
#include "store/migrate.h"

enum {
    WORKERS_AUTO = -1,
    TRANSFERS = 4,
    WORKERS_MOST = 4,
    POLL_MS = 200,
    SCAN_MS = 2000,
    BATCH_FILES = 1000
};

struct ingest_flags {
    bool force, json, recursive, watch;
    int32_t workers;
    const char *blob, *database, *location, *notes, *failed_to;
};

#define AT(field) .offset = DM_OPT_AT(struct ingest_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "blob", .type = DM_OPT_STR, AT(blob), .def = "", .unit = "URL",
     .help = "where photos are kept: dir:/FOLDER or s3:BUCKET, instead of the configured place"},
    {.name = "database", .type = DM_OPT_STR, AT(database), .def = "", .unit = "URL",
     .help = "these books instead of the configured ones"},
    {.name = "failed_to", .type = DM_OPT_STR, AT(failed_to), .def = "", .unit = "FILE",
     .help = "write the paths of the photos that failed to this file, one a line"},
    {.name = "force", .type = DM_OPT_BOOL, AT(force), .def = "false",
     .help = "also photos that are stored already"},
    {.name = "json", .type = DM_OPT_BOOL, AT(json), .def = "false",
     .help = "print NDJSON, one object a line"},
    {.name = "location", .type = DM_OPT_STR, AT(location), .def = "", .unit = "CLARO",
     .help = "the claro of all these photos, by its code or label; else what the photos know"},
    {.name = "notes", .type = DM_OPT_STR, AT(notes), .def = "", .unit = "TEXT",
     .help = "kept with the upload"},
    {.name = "recursive", .type = DM_OPT_BOOL, AT(recursive), .def = "false",
     .help = "look into the folders inside folders"},
    {.name = "watch", .type = DM_OPT_BOOL, AT(watch), .def = "false",
     .help = "go on: take photos as they come into the folder, until interrupted"},
    {.name = "workers", .type = DM_OPT_I32, AT(workers), .def = "-1", .min = -1, .max = LIMIT_JOBS,
     .help = "processes that count; -1 follows the processors, 0 leaves it to workers elsewhere"},
};
static const char *const settings[] = {"count.model_detect", "count.model_segment", "count.precision",
                                       "count.threads", "model.dir", NULL};
static const struct cmd_example examples[] = {
    {"demeter ingest fotos/", MSG_INGEST_EXAMPLE},
    {"demeter ingest claro07.jpg --location NAVE03-N-C07", MSG_INGEST_EXAMPLE_ONE},
    {"demeter ingest /srv/fotos --watch --workers 4", MSG_INGEST_EXAMPLE_WATCH},
    {0},
};
// clang-format on

/* ---- what happens to each photo ---- */

struct item {
    const char *path;
    int code; /* refused: why, with the words in error */
    const char *error;
    bool known; /* its bytes were stored before */
    int64_t session_id;
    bool ended;
    struct photo_state state; /* once ended; texts in the run's arena */
};

struct ingest {
    struct cmd_run *r;
    const struct ingest_flags *f;
    struct books books;
    struct photo_place place;
    struct queue_worker *workers;
    struct queue_carrier *carrier; /* to workers elsewhere */
    int64_t location_id;
    struct progress bar;
    struct item *item; /* of the batch in work */
    size_t n;
    int64_t posted, held, known, failed, plants, all;
    int status; /* exit status of the first failure; 0 when they differ */
    struct dm_buf failed_paths;
};

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    stop_signal = 0;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void pause_ms(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

/* ---- sending ---- */

static int send_one(struct ingest *g, struct item *it, const struct photo_batch *batch,
                    const char *key, struct dm_err *e)
{
    DM_CLEANUP(photo_file_freep) struct photo_file *file = NULL;
    const int64_t most = (int64_t)g->books.settings.upload_file_mib << 20;
    struct photo_accepted taken;
    struct inv_ctx c = g->books.ctx;
    c.now_ms = store_now();
    const int fd = open(it->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        DM_FAIL(e, errno == ENOENT ? DM_ENOTFOUND : DM_EIO, "%s", strerror(errno));
    }
    int code = photo_file_begin(&g->place, most, &file, e);
    code = code < 0 ? code : photo_file_copy(file, fd, e);
    (void)close(fd);
    DM_TRY(code);
    const struct photo_new what = {.key = key,
                                   .filename = it->path,
                                   .source = PHOTO_API,
                                   .batch_id = batch->id,
                                   .batch_job_id = batch->job_id,
                                   .location_id = g->location_id,
                                   .force = g->f->force};
    DM_TRY(photo_accept(&c, &g->place, file, &what, &taken, e));
    it->session_id = taken.session_id;
    (void)queue_carrier_publish(g->carrier, queue_kind_info(QUEUE_PROCESS_PHOTO)->queue,
                                taken.job_uuid, NULL, NULL);
    return DM_OK;
}

static void note_failure(struct ingest *g, const struct item *it)
{
    const int status = it->code < 0 ? dm_code_info(it->code)->exit_status : 5;
    g->status = g->failed == 0 || g->status == status ? status : 0;
    g->failed++;
    dm_buf_printf(&g->failed_paths, "%s\n", it->path);
}

static const char *kept(struct ingest *g, const char *text)
{
    const char *copy = dm_arena_strdup(&g->r->arena, text);
    return copy ? copy : "";
}

static void print_item(struct ingest *g, const struct item *it);

static int send_all(struct ingest *g, const struct photo_batch *batch, json_t *rejections,
                    struct dm_err *e)
{
    for (size_t i = 0; i < g->n && !stop_signal; i++) {
        struct item *it = &g->item[i];
        struct dm_err why = {0};
        char key[STORE_UUID_SIZE];
        photo_batch_key(batch->uuid, i, key);
        if (it->code >= 0) {
            it->code = send_one(g, it, batch, key, &why);
            it->error = it->code < 0 ? kept(g, lang_error(&g->r->arena, g->r->lang, &why)) : "";
        }
        if (it->code >= 0) {
            queue_worker_poke(g->workers);
            progress_draw(&g->bar, g->r);
            continue;
        }
        it->ended = true;
        it->known = it->code == INV_DUPLICATE_PHOTO;
        g->known += it->known;
        const int added = json_array_append_new(
            rejections, json_pack("{s:I, s:s, s:s, s:s}", "index", (json_int_t)i, "filename",
                                  dm_path_base(it->path), "code", dm_code_info(it->code)->slug,
                                  "message", it->error));
        if (added < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the list of refused photos");
        }
        print_item(g, it);
    }
    return DM_OK;
}

/* ---- printing ---- */

static const char *state_words(struct ingest *g, const struct photo_state *s)
{
    struct cmd_run *r = g->r;
    if (!strcmp(s->posting, "posted")) {
        return T(r, INGEST_POSTED);
    }
    const char *why = s->warning[0] ? s->warning : s->holds;
    return TF(r, INGEST_HELD, why);
}

static void print_json(struct ingest *g, const struct item *it)
{
    const struct photo_state *s = &it->state;
    json_t *j =
        it->code < 0
            ? json_pack("{s:s, s:b, s:{s:s, s:s}}", "path", it->path, "known", it->known, "error",
                        "code", dm_code_info(it->code)->slug, "message", it->error)
            : json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:i}", "path", it->path,
                        "image_id", s->image_uuid, "session_id", s->session_uuid, "status",
                        s->status, "posting_status", s->posting, "warning", s->warning, "location",
                        s->claro, "detected", (json_int_t)s->detected, "estimated",
                        (json_int_t)s->estimated, "error", s->error, "attempts", s->attempts);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    (void)fprintf(g->r->out, "%s\n", text ? text : "{}");
    free(text);
    json_decref(j);
}

static void print_item(struct ingest *g, const struct item *it)
{
    struct cmd_run *r = g->r;
    const struct photo_state *s = &it->state;
    const bool bad =
        (it->code < 0 && !it->known) || (it->code >= 0 && strcmp(s->status, "completed") != 0);
    if (bad) {
        note_failure(g, it);
    }
    progress_hide(&g->bar, r);
    if (g->f->json) {
        print_json(g, it);
        return;
    }
    const char *path = dm_text_clean(it->path, DM_TEXT_TERMINAL, &r->arena);
    const char *words = it->known ? T(r, INGEST_KNOWN)
                        : bad     ? it->code < 0 ? it->error : s->error
                                  : state_words(g, s);
    (void)fprintf(
        r->out, "%-32s  %-18s %10s  %s\n", path ? path : "?",
        it->code >= 0 && s->claro[0] ? s->claro : "-",
        it->code < 0 || bad ? "" : lang_integer(&r->arena, r->lang, s->detected + s->estimated),
        words);
}

/* ---- waiting ---- */

static struct item *item_of(const struct ingest *g, int64_t session_id)
{
    for (size_t i = 0; i < g->n; i++) {
        if (g->item[i].session_id == session_id) {
            return &g->item[i];
        }
    }
    return NULL;
}

static bool is_over(const struct photo_state *s)
{
    return !strcmp(s->job, "completed") || !strcmp(s->job, "completed_with_warning") ||
           !strcmp(s->job, "failed") || !strcmp(s->job, "cancelled");
}

static struct photo_state keep_state(struct ingest *g, struct photo_state s)
{
    const char **text[] = {&s.job_uuid, &s.session_uuid, &s.image_uuid, &s.filename, &s.job,
                           &s.phase,    &s.status,       &s.posting,    &s.warning,  &s.holds,
                           &s.error,    &s.error_code,   &s.claro};
    for (size_t i = 0; i < DM_COUNT(text); i++) {
        *text[i] = kept(g, *text[i]);
    }
    return s;
}

/* A job that died leaves its session to the worker that buries it, a moment later. */
static bool is_unburied(const struct photo_state *s)
{
    return (!strcmp(s->job, "failed") || !strcmp(s->job, "cancelled")) &&
           (!strcmp(s->status, "pending") || !strcmp(s->status, "processing"));
}

/* Print what has ended since; how many are under way in *ret_open. */
static int look(struct ingest *g, int64_t batch_id, int64_t *since, size_t *ret_open,
                struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct photo_state *list = NULL;
    size_t n = 0;
    size_t open = 0;
    int64_t latest = *since;
    bool unburied = false;
    DM_TRY(photo_batch_states(&g->books.ctx, batch_id, *since, &a, &list, &n, e));
    for (size_t i = 0; i < n; i++) {
        struct item *it = item_of(g, list[i].session_id);
        latest = DM_MAX(latest, list[i].updated_at - 5000); /* clocks of several machines */
        if (!it || it->ended || !is_over(&list[i])) {
            continue;
        }
        if (is_unburied(
                &list[i])) { /* its row is asked for again: the job itself changes no more */
            unburied = true;
            continue;
        }
        it->ended = true;
        it->state = keep_state(g, list[i]);
        g->posted += !strcmp(it->state.posting, "posted");
        g->held += !strcmp(it->state.posting, "held");
        g->plants += it->state.detected + it->state.estimated;
        print_item(g, it);
    }
    for (size_t i = 0; i < g->n; i++) {
        open += !g->item[i].ended;
    }
    *ret_open = open;
    *since = unburied ? *since : latest;
    return DM_OK;
}

static int wait_all(struct ingest *g, int64_t batch_id, struct dm_err *e)
{
    int64_t since = 0;
    size_t open = g->n;
    while (!stop_signal) {
        struct dm_err why = {0};
        const int code = look(g, batch_id, &since, &open, &why);
        if (code < 0 && !dm_code_info(code)->retry) {
            DM_FAIL(e, code, "%s", dm_err_text(&why));
        }
        if (open == 0) {
            break;
        }
        g->bar.done = (size_t)g->all - open;
        g->bar.failed = (size_t)g->failed;
        progress_draw(&g->bar, g->r);
        pause_ms(POLL_MS);
    }
    return DM_OK;
}

/* Send the photos of one batch and see them to their end. */
static int do_batch(struct ingest *g, struct item *item, size_t n, struct dm_err *e)
{
    struct photo_batch batch;
    json_t *rejections = json_array();
    g->item = item;
    g->n = n;
    g->books.ctx.now_ms = store_now();
    int code = photo_batch_begin(&g->books.ctx, NULL, (int64_t)n,
                                 g->f->notes[0] ? g->f->notes : NULL, &batch, e);
    if (code >= 0) {
        code = send_all(g, &batch, rejections, e);
        g->books.ctx.now_ms = store_now();
        struct dm_err late = {0};
        const int ended = photo_batch_end(&g->books.ctx, &batch, (int64_t)n, rejections, &late);
        code = code < 0 ? code : ended;
        if (code >= 0) {
            queue_worker_poke(g->workers);
            code = wait_all(g, batch.id, e);
        } else if (ended < 0 && e && e->code == DM_OK) {
            *e = late;
        }
    }
    json_decref(rejections);
    return code;
}

static int do_items(struct ingest *g, const struct inputs *in, struct dm_err *e)
{
    struct item *item = dm_arena_calloc(&g->r->arena, in->n, sizeof(*item));
    if (!item) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu photos", in->n);
    }
    for (size_t i = 0; i < in->n; i++) {
        item[i] = (struct item){.path = inputs_file(&in->item[i]),
                                .code = in->item[i].code,
                                .error = in->item[i].error};
    }
    for (size_t from = 0; from < in->n && !stop_signal; from += BATCH_FILES) {
        const size_t n = DM_MIN(in->n - from, (size_t)BATCH_FILES);
        g->all = (int64_t)(from + n);
        DM_TRY(do_batch(g, item + from, n, e));
    }
    return DM_OK;
}

/* ---- a folder that fills up ---- */

struct seen {
    char *path;
    int64_t size, changed_ms;
    bool sent;
};

struct watch {
    struct seen *seen;
    size_t n, cap;
};

static struct seen *seen_of(struct watch *w, const char *path)
{
    for (size_t i = 0; i < w->n; i++) {
        if (!strcmp(w->seen[i].path, path)) {
            return &w->seen[i];
        }
    }
    if (w->n == w->cap) {
        const size_t cap = w->cap ? 2 * w->cap : 64;
        struct seen *grown = dm_realloc(w->seen, cap * sizeof(*grown));
        if (!grown) {
            return NULL;
        }
        w->seen = grown;
        w->cap = cap;
    }
    char *copy = dm_strdup(path);
    if (!copy) {
        return NULL;
    }
    w->seen[w->n] = (struct seen){.path = copy, .size = -1};
    return &w->seen[w->n++];
}

/* Whether the file is new and has not changed since the last look: it is written completely. */
static bool is_ready(struct watch *w, const char *path)
{
    struct stat st;
    struct seen *s = stat(path, &st) ? NULL : seen_of(w, path);
    if (!s) {
        return false;
    }
    const int64_t changed = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    const bool same = s->size == st.st_size && s->changed_ms == changed;
    s->sent = s->sent && same;
    const bool ready = same && !s->sent && st.st_size > 0;
    s->size = st.st_size;
    s->changed_ms = changed;
    s->sent = s->sent || ready;
    return ready;
}

static int watch_folders(struct ingest *g, struct dm_err *e)
{
    struct watch w = {0};
    int code = DM_OK;
    while (code >= 0 && !stop_signal) {
        struct inputs in;
        struct inputs fresh = {0};
        struct dm_arena keep = g->r->arena;
        g->r->arena = (struct dm_arena){0}; /* a look's words are forgotten with it */
        code = inputs_expand(g->r->args, g->r->n_args, g->f->recursive, &g->r->arena, &in, e);
        fresh.item = code < 0 ? NULL : in.item;
        for (size_t i = 0; code >= 0 && i < in.n; i++) {
            if (in.item[i].code >= 0 && is_ready(&w, inputs_file(&in.item[i]))) {
                fresh.item[fresh.n++] = in.item[i];
            }
        }
        code = code >= 0 && fresh.n > 0 ? do_items(g, &fresh, e) : code;
        (void)fflush(g->r->out);
        dm_arena_clear(&g->r->arena);
        g->r->arena = keep;
        if (code >= 0 && !stop_signal) {
            pause_ms(SCAN_MS);
        }
    }
    for (size_t i = 0; i < w.n; i++) {
        dm_free(w.seen[i].path);
    }
    dm_free(w.seen);
    return code;
}

/* ---- the run ---- */

/* The embedded books need no set-up: a SQLite file is made, and brought up to date when it is new.
 */
static int make_books(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(store_closep) struct store *s = NULL;
    struct store_schema_state state;
    const char *url = database_url(r, DATABASE_BOOKS);
    if (!url || strncmp(url, "sqlite", 6) != 0) {
        return url ? DM_OK : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory");
    }
    DM_TRY(dm_folder_make(r->settings.v.data_dir, e));
    DM_TRY(database_open(r, url, DATABASE_MAKE, &s, e));
    DM_TRY(store_schema_state(s, &state, e));
    return state.applied == 0 ? store_migrate(s, NULL, e) : DM_OK;
}

static int find_location(struct ingest *g, struct dm_err *e)
{
    const char *code = g->f->location;
    if (!code[0]) {
        return DM_OK;
    }
    return photo_location_named(&g->books.ctx, code, &g->location_id, e);
}

static int print_summary(struct ingest *g, struct dm_err *e)
{
    struct cmd_run *r = g->r;
    if (!g->f->json && !r->general.quiet) {
        (void)fprintf(r->out, "%s\n",
                      TF(r, INGEST_TOTALS, lang_integer(&r->arena, r->lang, g->posted),
                         lang_integer(&r->arena, r->lang, g->held),
                         lang_integer(&r->arena, r->lang, g->known),
                         lang_integer(&r->arena, r->lang, g->failed),
                         lang_integer(&r->arena, r->lang, g->plants)));
    }
    if (g->f->failed_to[0]) {
        DM_TRY(dm_file_write_atomic(g->f->failed_to, dm_buf_str(&g->failed_paths),
                                    g->failed_paths.len, e));
    }
    if (stop_signal) {
        return 128 + stop_signal;
    }
    if (g->failed == 0) { /* 6: something waits for a person */
        return g->held > 0 ? 6 : 0;
    }
    return g->posted + g->held + g->known > 0 ? 6 : g->status ? g->status : 1;
}

static int work(struct ingest *g, struct dm_err *e)
{
    struct cmd_run *r = g->r;
    DM_TRY(books_open(r, &g->books, e));
    DM_TRY(workshop_place_open(r, g->books.store, &g->place, e));
    DM_TRY(worker_carrier_open(r, &g->carrier, e));
    DM_TRY(find_location(g, e));
    if (g->workers) {
        DM_TRY(job_plan_cleanup(&g->books.ctx, e));
    }
    if (g->f->watch) {
        DM_TRY(watch_folders(g, e));
        return print_summary(g, e);
    }
    struct inputs in;
    DM_TRY(inputs_expand(r->args, r->n_args, g->f->recursive, &r->arena, &in, e));
    progress_begin(&g->bar, r, in.n);
    const int code = do_items(g, &in, e);
    progress_hide(&g->bar, r);
    DM_TRY(code);
    return print_summary(g, e);
}

static int start_workers(struct ingest *g, struct workshop *w, struct dm_err *e)
{
    int n = g->f->workers;
    if (n == WORKERS_AUTO) {
        n = (int)DM_MIN(dm_cpu_count(), (size_t)WORKERS_MOST);
    }
    workshop_init(w, g->r, NULL, workshop_threads(g->r, n));
    if (n == 0) {
        return DM_OK;
    }
    const char *carrier = worker_carrier_url(g->r);
    const struct queue_worker_options o = {.cpu = n,
                                           .io = TRANSFERS,
                                           .poll_ms = POLL_MS,
                                           .carrier = carrier[0] ? carrier : NULL,
                                           .carrier_password =
                                               g->r->settings.v.queue_redis_password};
    return queue_worker_start(&o, &w->jobs, &g->workers, e);
}

static int ingest_run(struct cmd_run *r, struct dm_err *e)
{
    const struct ingest_flags *f = r->flags;
    struct settings_values *v = &r->settings.v;
    struct ingest g = {.r = r, .f = f, .failed_paths = dm_buf_init((size_t)256 << 20)};
    struct workshop shop;
    v->database_url = f->database[0] ? f->database : v->database_url;
    v->storage_url = f->blob[0] ? f->blob : v->storage_url;
    DM_TRY(make_books(r, e));
    DM_TRY(start_workers(&g, &shop, e));
    catch_signals();
    const int code = work(&g, e);
    queue_worker_stop(g.workers, stop_signal != 0);
    queue_carrier_close(g.carrier);
    workshop_place_close(&g.place);
    books_close(&g.books);
    workshop_close(&shop);
    dm_buf_clear(&g.failed_paths);
    return code;
}

const struct cmd cmd_ingest = {
    .name = "ingest",
    .operands = "PHOTO|FOLDER|GLOB...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_INGEST_SUMMARY,
    .about = MSG_INGEST_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct ingest_flags),
    .settings = settings,
    .examples = examples,
    .run = ingest_run,
};
