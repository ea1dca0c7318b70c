/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter model fetch: what a container without models does at its first start. */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/download.h"
#include "cmd/model_shelf.h"
#include "cmd/models.h"

struct fetch_flags {
    bool if_missing;
    const char *sha256, *from;
};

#define AT(field) DM_OPT_AT(struct fetch_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "if_missing", .type = DM_OPT_BOOL, .offset = AT(if_missing), .def = "false",
     .help = "do nothing when the models are there and as recorded"},
    {.name = "manifest_sha256", .type = DM_OPT_STR, .flag = "sha256", .offset = AT(sha256),
     .def = "", .unit = "HEX", .help = "checksum that models.json of the source must have"},
    {.name = "model_from", .type = DM_OPT_STR, .flag = "from", .offset = AT(from), .def = "",
     .unit = "FOLDER|URL", .help = "folder or web address they are taken from; model.url counts when it has none"},
};
static const char *const settings[] = {"model.dir", NULL};
static const struct cmd_example examples[] = {
    {"demeter model fetch --if-missing --from ./models --model-dir /srv/models", MSG_MODEL_FETCH_EXAMPLE},
    {"demeter model fetch --from https://example.org/models/ --model-dir /srv/models", MSG_MODEL_FETCH_EXAMPLE_URL},
    {0},
};
// clang-format on

/* Where the models come from: base is a folder, or an address that ends in a slash. */
struct source {
    const char *base;
    bool web;
    struct model_shelf list;
};

static bool is_web(const char *from)
{
    return !strncasecmp(from, "http://", 7) || !strncasecmp(from, "https://", 8);
}

/* "https://example.org/models/" of that, of the same without its slash, and of its models.json. */
static const char *web_folder(struct dm_arena *a, const char *url)
{
    static const char manifest[] = "/" MODEL_SHELF_MANIFEST;
    const size_t n = strlen(url);
    const size_t tail = sizeof(manifest) - 1;
    const size_t keep = n > tail && !strcmp(url + n - tail, manifest) ? n - tail : n;
    const char *slash = keep && url[keep - 1] == '/' ? "" : "/";
    return dm_arena_printf(a, "%.*s%s", (int)keep, url, slash);
}

static int read_list(struct cmd_run *r, struct source *s, struct dm_err *e)
{
    const struct fetch_flags *f = r->flags;
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LIMIT_CONFIG_BYTES);
    char got[DM_SHA256_HEX_SIZE];
    const char *at = s->web ? dm_arena_printf(&r->arena, "%s" MODEL_SHELF_MANIFEST, s->base)
                            : dm_path_join(s->base, MODEL_SHELF_MANIFEST, &r->arena);
    if (!at) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    DM_TRY(s->web ? download_text(at, &text, e) : dm_buf_read_file(&text, at, e));
    dm_sha256_hex(dm_buf_str(&text), text.len, got);
    if (f->sha256[0] && strcasecmp(f->sha256, got) != 0) {
        DM_FAIL(e, DM_EMODEL, "%s has sha256 %s, not the one asked for", at, got);
    }
    return model_shelf_parse(at, dm_buf_str(&text), text.len, &r->arena, &s->list, e);
}

/* --from, or model.url when that folder has no models. DM_ENOTFOUND: neither. */
static int find_source(struct cmd_run *r, struct source *ret, struct dm_err *e)
{
    const struct fetch_flags *f = r->flags;
    const char *const from[] = {f->from, r->settings.v.model_url};
    int code = DM_ENOTFOUND;
    for (size_t i = 0; i < DM_COUNT(from) && code == DM_ENOTFOUND; i++) {
        struct source s = {.base = from[i], .web = is_web(from[i])};
        if (!from[i][0]) {
            continue;
        }
        s.base = s.web ? web_folder(&r->arena, from[i]) : from[i];
        if (!s.base) {
            DM_FAIL(e, DM_ENOMEM, "no memory for an address");
        }
        code = read_list(r, &s, e);
        *ret = s;
    }
    return code == DM_ENOTFOUND && !from[0][0] && !from[1][0]
               ? cmd_fail(r, e, DM_EUSAGE, T(r, MODEL_FETCH_WHERE))
               : code;
}

/* Whether everything recorded in the folder is as recorded, and a plant model is among it. */
static bool is_complete(struct cmd_run *r, const char *dir)
{
    struct model_shelf s;
    struct dm_err none = {0};
    bool detect = false;
    if (access(dir, F_OK) != 0 || model_shelf_open(dir, &r->arena, &s, &none) < 0) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.item[i].state != MODEL_SHELF_GOOD && s.item[i].state != MODEL_SHELF_ALONE) {
            return false;
        }
        detect =
            detect || (s.item[i].state == MODEL_SHELF_GOOD && !strcmp(s.item[i].task, "detect"));
    }
    return detect;
}

static bool has_already(struct cmd_run *r, const char *dir, const struct model_shelf_item *m)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_MODEL_FILE_BYTES);
    char got[DM_SHA256_HEX_SIZE];
    struct model_shelf s;
    const char *path = dm_path_join(dir, m->name, &r->arena);
    if (!path || dm_buf_read_file(&bytes, path, NULL) < 0 ||
        model_shelf_open(dir, &r->arena, &s, NULL) < 0) {
        return false;
    }
    dm_sha256_hex(dm_buf_str(&bytes), bytes.len, got);
    for (size_t i = 0; i < s.n; i++) {
        if (!strcmp(s.item[i].name, m->name) && s.item[i].state == MODEL_SHELF_GOOD) {
            return !strcasecmp(got, m->sha256);
        }
    }
    return false;
}

/* Its bytes by the web: what an earlier try left is gone on with, and thrown away when the sum is
 * wrong, for then its beginning may be of another file. */
static int download(struct cmd_run *r, const struct source *s, const struct model_shelf_item *m,
                    const char *dir, struct dm_buf *bytes, struct dm_err *e)
{
    enum { TRIES = 2 };
    char got[DM_SHA256_HEX_SIZE];
    const char *url = dm_arena_printf(&r->arena, "%s%s", s->base, m->name);
    const char *part = dm_arena_printf(&r->arena, "%s/.%s.download", dir, m->name);
    if (!url || !part) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    DM_TRY(dm_folder_make(dir, e));
    for (int i = 0; i < TRIES; i++) {
        DM_TRY(download_file(url, part, (int64_t)LIMIT_MODEL_FILE_BYTES, e));
        dm_buf_clear(bytes);
        DM_TRY(dm_buf_read_file(bytes, part, e));
        (void)unlink(part);
        dm_sha256_hex(dm_buf_str(bytes), bytes->len, got);
        if (!strcasecmp(got, m->sha256)) {
            return DM_OK;
        }
    }
    DM_FAIL(e, DM_EMODEL, "%s has sha256 %s, not the %s of its list", url, got, m->sha256);
}

static int fetch_one(struct cmd_run *r, const struct source *s, const struct model_shelf_item *m,
                     const char *dir, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_MODEL_FILE_BYTES);
    struct model_shelf_item item;
    if (has_already(r, dir, m)) {
        (void)fprintf(r->out, "%s\n", TF(r, MODEL_FETCH_SAME, m->name));
        return DM_OK;
    }
    const char *path = dm_path_join(s->base, m->name, &r->arena);
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    DM_TRY(s->web ? download(r, s, m, dir, &bytes, e) : dm_buf_read_file(&bytes, path, e));
    DM_TRY(model_shelf_put(dir, m->name, s->base, dm_buf_str(&bytes), bytes.len, m->sha256,
                           &r->arena, &item, e));
    (void)fprintf(r->out, "%s\n",
                  TF(r, MODEL_INSTALL_DONE, m->name, dir, item.sha256,
                     lang_integer(&r->arena, r->lang, item.bytes)));
    return DM_OK;
}

/* With --if-missing a program that brings its models, or a folder filled by hand, is enough. */
static int without_source(struct cmd_run *r, int code)
{
    const struct fetch_flags *f = r->flags;
    const char *found = "";
    const bool own_words = r->own_words;
    if (f->if_missing && (code == DM_ENOTFOUND || code == DM_EUSAGE) &&
        models_find(r, MODELS_DETECT, &found, NULL) == DM_OK) {
        r->own_words = false;
        (void)fprintf(r->out, "%s\n", TF(r, MODEL_FETCH_ELSEWHERE, found));
        return 0;
    }
    r->own_words = own_words; /* what models_find said is not told */
    return code;
}

static int fetch_run(struct cmd_run *r, struct dm_err *e)
{
    const struct fetch_flags *f = r->flags;
    const char *dir = r->settings.v.model_dir;
    struct source s = {0};
    if (!dir[0]) {
        return cmd_fail(r, e, DM_EUSAGE, T(r, MODEL_INSTALL_WHERE));
    }
    if (f->if_missing && is_complete(r, dir)) {
        (void)fprintf(r->out, "%s\n", TF(r, MODEL_FETCH_THERE, dir));
        return 0;
    }
    const int code = find_source(r, &s, e);
    if (code < 0) {
        return without_source(r, code);
    }
    for (size_t i = 0; i < s.list.n; i++) {
        DM_TRY(fetch_one(r, &s, &s.list.item[i], dir, e));
    }
    return 0;
}

const struct cmd cmd_model_fetch = {
    .name = "fetch",
    .operands = "",
    .summary = MSG_MODEL_FETCH_SUMMARY,
    .about = MSG_MODEL_FETCH_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct fetch_flags),
    .settings = settings,
    .examples = examples,
    .run = fetch_run,
};
