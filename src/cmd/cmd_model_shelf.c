/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter model list, install, verify: folders of model files with checksums. */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/model_shelf.h"
#include "cmd/models.h"

struct json_flag {
    bool json;
};

struct install_flags {
    const char *name, *sha256;
};

// clang-format off
static const struct dm_opt json_flags[] = {
    {.name = "json", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct json_flag, json),
     .def = "false", .help = "print NDJSON, one object a line"},
};
static const struct dm_opt install_options[] = {
    {.name = "name", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct install_flags, name),
     .def = "", .unit = "FILE.onnx", .help = "name it gets; without, the name it has"},
    {.name = "sha256", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct install_flags, sha256),
     .def = "", .unit = "HEX", .help = "checksum it must have, as its card or publisher says"},
};
static const char *const folder_settings[] = {"model.dir", NULL};
static const struct cmd_example list_examples[] = {
    {"demeter model list", MSG_MODEL_LIST_EXAMPLE},
    {0},
};
static const struct cmd_example install_examples[] = {
    {"demeter model install --model-dir /srv/models --name plants-detect.onnx best.onnx", MSG_MODEL_INSTALL_EXAMPLE},
    {"demeter model install --model-dir /srv/models --name plants-detect.onnx -", MSG_MODEL_INSTALL_EXAMPLE_STDIN},
    {0},
};
static const struct cmd_example verify_examples[] = {
    {"demeter model verify --model-dir /srv/models", MSG_MODEL_VERIFY_EXAMPLE},
    {0},
};
static const enum msg state_words[MODEL_SHELF_STATES] = {
    [MODEL_SHELF_GOOD] = MSG_MODEL_STATE_GOOD,
    [MODEL_SHELF_ALONE] = MSG_MODEL_STATE_ALONE,
    [MODEL_SHELF_MISSING] = MSG_MODEL_STATE_MISSING,
    [MODEL_SHELF_DIFFERS] = MSG_MODEL_STATE_DIFFERS,
};
// clang-format on

static const char *clean(struct cmd_run *r, const char *s, enum dm_text_use use)
{
    const char *text = dm_text_clean(s, use, &r->arena);
    return text ? text : "";
}

/* ---- printing ---- */

static int print_json(struct cmd_run *r, const char *path, const struct model_shelf_item *m,
                      bool used, struct dm_err *e)
{
    json_t *j =
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b}", "file", clean(r, path, DM_TEXT_JSON),
                  "state", model_shelf_state_names[m->state], "task",
                  clean(r, m->task, DM_TEXT_JSON), "bytes", (json_int_t)m->bytes, "sha256",
                  clean(r, m->sha256, DM_TEXT_JSON), "license", clean(r, m->license, DM_TEXT_JSON),
                  "source", clean(r, m->source, DM_TEXT_JSON), "used", used);
    if (!j || json_dumpf(j, r->out, JSON_COMPACT) < 0) {
        json_decref(j);
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    (void)fputc('\n', r->out);
    json_decref(j);
    return DM_OK;
}

static void print_text(struct cmd_run *r, const char *path, const struct model_shelf_item *m,
                       bool used)
{
    (void)fprintf(r->out, "%c %-12s %12s  %.12s  %s%s%s\n", used ? '*' : ' ',
                  lang_text(r->lang, state_words[m->state]),
                  lang_integer(&r->arena, r->lang, m->bytes), m->sha256,
                  clean(r, path, DM_TEXT_TERMINAL), m->license[0] ? "  " : "",
                  clean(r, m->license, DM_TEXT_TERMINAL));
}

/* Whether a count would take this file, with the settings as they are. */
static bool is_used(struct cmd_run *r, const char *path)
{
    for (int slot = 0; slot < MODELS_MAX_; slot++) {
        const char *found = "";
        struct dm_err none = {0};
        struct stat a;
        struct stat b;
        if (models_find(r, (enum models_slot)slot, &found, &none) == DM_OK && found[0] &&
            !stat(found, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
            return true;
        }
    }
    r->own_words = false; /* what models_find said is not told */
    return false;
}

/* ---- folders ---- */

struct tally {
    size_t folders, files, bad;
};

static int show_shelf(struct cmd_run *r, const struct model_shelf *s, struct tally *t,
                      struct dm_err *e)
{
    const struct json_flag *f = r->flags;
    t->folders++;
    for (size_t i = 0; i < s->n; i++) {
        const struct model_shelf_item *m = &s->item[i];
        const char *path = dm_path_join(s->dir, m->name, &r->arena);
        if (!path) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a path");
        }
        bool used = is_used(r, path);
        t->files++;
        t->bad += m->state == MODEL_SHELF_MISSING || m->state == MODEL_SHELF_DIFFERS;
        if (f->json) {
            DM_TRY(print_json(r, path, m, used, e));
        } else {
            print_text(r, path, m, used);
        }
    }
    return DM_OK;
}

/* The folder named last may be the same as one before it, by another way. */
static bool seen_before(const char *const *dirs, size_t i)
{
    struct stat a;
    struct stat b;
    for (size_t k = 0; k < i; k++) {
        if (!stat(dirs[i], &a) && !stat(dirs[k], &b) && a.st_dev == b.st_dev &&
            a.st_ino == b.st_ino) {
            return true;
        }
    }
    return false;
}

static int show_all(struct cmd_run *r, struct tally *t, struct dm_err *e)
{
    const char *const *dirs = models_folders(r);
    for (size_t i = 0; dirs && dirs[i]; i++) {
        struct model_shelf s;
        bool named = i == 0 && r->settings.v.model_dir[0]; /* asked for: then it must be there */
        if (seen_before(dirs, i) || (!named && access(dirs[i], F_OK) != 0)) {
            continue;
        }
        DM_TRY(model_shelf_open(dirs[i], &r->arena, &s, e));
        DM_TRY(show_shelf(r, &s, t, e));
    }
    return DM_OK;
}

static int list_run(struct cmd_run *r, struct dm_err *e)
{
    struct tally t = {0};
    const struct json_flag *f = r->flags;
    DM_TRY(show_all(r, &t, e));
    if (t.files == 0 && !f->json) {
        (void)fprintf(r->out, "%s\n", T(r, MODEL_LIST_NONE));
    }
    return 0;
}

static int verify_run(struct cmd_run *r, struct dm_err *e)
{
    struct tally t = {0};
    const struct json_flag *f = r->flags;
    DM_TRY(show_all(r, &t, e));
    if (t.files == 0) {
        return cmd_fail(r, e, DM_ENOTFOUND, T(r, MODEL_LIST_NONE));
    }
    if (!f->json) {
        (void)fprintf(
            r->out, "%s\n",
            t.bad ? T(r, MODEL_VERIFY_BAD)
                  : TF(r, MODEL_VERIFY_GOOD, lang_integer(&r->arena, r->lang, (int64_t)t.files)));
    }
    return t.bad ? 1 : 0;
}

/* ---- install ---- */

static int read_stream(FILE *in, struct dm_buf *b, struct dm_err *e)
{
    char chunk[65536];
    for (size_t n = fread(chunk, 1, sizeof(chunk), in); n; n = fread(chunk, 1, sizeof(chunk), in)) {
        dm_buf_append(b, chunk, n);
        DM_TRY(dm_buf_ok(b, e));
    }
    if (ferror(in)) {
        DM_FAIL(e, DM_EIO, "standard input could not be read");
    }
    return DM_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int install_run(struct cmd_run *r, struct dm_err *e)
{
    const struct install_flags *f = r->flags;
    const char *from = r->args[0];
    bool stream = !strcmp(from, "-");
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_MODEL_FILE_BYTES);
    struct model_shelf_item item;
    const char *dir = r->settings.v.model_dir;
    if (!dir[0]) {
        return cmd_fail(r, e, DM_EUSAGE, T(r, MODEL_INSTALL_WHERE));
    }
    if (stream && !f->name[0]) {
        return cmd_fail(r, e, DM_EUSAGE, T(r, MODEL_INSTALL_NAME));
    }
    if (stream) {
        DM_TRY(read_stream(stdin, &bytes, e));
    } else {
        DM_TRY(dm_buf_read_file(&bytes, from, e));
    }
    const char *name = f->name[0] ? f->name : base_name(from);
    DM_TRY(model_shelf_put(dir, name, stream ? "stdin" : from, dm_buf_str(&bytes), bytes.len,
                           f->sha256, &r->arena, &item, e));
    (void)fprintf(r->out, "%s\n",
                  TF(r, MODEL_INSTALL_DONE, name, dir, item.sha256,
                     lang_integer(&r->arena, r->lang, item.bytes)));
    return 0;
}

// clang-format off
const struct cmd cmd_model_list = {
    .name = "list", .operands = "",
    .summary = MSG_MODEL_LIST_SUMMARY, .about = MSG_MODEL_LIST_ABOUT,
    .flags = json_flags, .n_flags = DM_COUNT(json_flags), .flags_size = sizeof(struct json_flag),
    .settings = folder_settings, .examples = list_examples, .run = list_run,
};
const struct cmd cmd_model_verify = {
    .name = "verify", .operands = "",
    .summary = MSG_MODEL_VERIFY_SUMMARY, .about = MSG_MODEL_VERIFY_ABOUT,
    .flags = json_flags, .n_flags = DM_COUNT(json_flags), .flags_size = sizeof(struct json_flag),
    .settings = folder_settings, .examples = verify_examples, .run = verify_run,
};
const struct cmd cmd_model_install = {
    .name = "install", .operands = "FILE|-", .min_args = 1, .max_args = 1,
    .summary = MSG_MODEL_INSTALL_SUMMARY, .about = MSG_MODEL_INSTALL_ABOUT,
    .flags = install_options, .n_flags = DM_COUNT(install_options),
    .flags_size = sizeof(struct install_flags),
    .settings = folder_settings, .examples = install_examples, .run = install_run,
};
// clang-format on
