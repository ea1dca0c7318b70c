/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders of model files and their manifest. */
#include "cmd/model_shelf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "nn/net.h"

const char *const model_shelf_state_names[MODEL_SHELF_STATES] = {"ok", "unrecorded", "missing",
                                                                 "differs"};

static void json_freep(json_t **j)
{
    json_decref(*j);
}

/* A plain file name that ends in .onnx; hidden files are unfinished ones. */
static bool is_model_name(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && n < 256 && name[0] != '.' && !strchr(name, '/') &&
           !strcmp(name + n - 5, ".onnx");
}

static int hash_file(const char *path, long long *ret_bytes, char ret[static DM_SHA256_HEX_SIZE],
                     struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(LIMIT_MODEL_FILE_BYTES);
    DM_TRY(dm_buf_read_file(&b, path, e));
    dm_sha256_hex(dm_buf_str(&b), b.len, ret);
    *ret_bytes = (long long)b.len;
    return DM_OK;
}

/* ---- manifest ---- */

static const char *text_of(json_t *row, const char *key, struct dm_arena *a)
{
    const char *s = json_string_value(json_object_get(row, key));
    const char *copy = s ? dm_arena_strdup(a, s) : "";
    return copy ? copy : "";
}

static int read_row(json_t *row, struct dm_arena *a, struct model_shelf_item *ret)
{
    const char *sha256 = text_of(row, "sha256", a);
    *ret = (struct model_shelf_item){.name = text_of(row, "name", a),
                                     .task = text_of(row, "task", a),
                                     .license = text_of(row, "license", a),
                                     .source = text_of(row, "source", a),
                                     .bytes = json_integer_value(json_object_get(row, "bytes"))};
    if (!is_model_name(ret->name) || strlen(sha256) != DM_SHA256_HEX_SIZE - 1) {
        return -1;
    }
    memcpy(ret->sha256, sha256, sizeof(ret->sha256));
    return 0;
}

int model_shelf_parse(const char *where, const char *text, size_t n_text, struct dm_arena *a,
                      struct model_shelf *ret, struct dm_err *e)
{
    DM_CLEANUP(json_freep) json_t *root = json_loadb(text, n_text, 0, NULL);
    json_t *rows = json_object_get(root, "models");
    if (!json_is_array(rows)) {
        DM_FAIL(e, DM_EBADINPUT, "%s has no list \"models\"", where);
    }
    size_t n = json_array_size(rows);
    struct model_shelf_item *item = dm_arena_calloc(a, n + 1, sizeof(*item));
    if (!item) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu models", n);
    }
    for (size_t i = 0; i < n; i++) {
        if (read_row(json_array_get(rows, i), a, &item[i]) < 0) {
            DM_FAIL(e, DM_EBADINPUT, "%s: row %zu needs a name in .onnx and a sha256", where,
                    i + 1);
        }
    }
    ret->item = item;
    ret->n = n;
    return DM_OK;
}

static int read_manifest(const char *dir, struct dm_arena *a, struct model_shelf *s,
                         struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LIMIT_CONFIG_BYTES);
    const char *path = dm_path_join(dir, MODEL_SHELF_MANIFEST, a);
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    struct dm_err why = {0};
    int code = dm_buf_read_file(&text, path, &why);
    if (code == DM_ENOTFOUND) {
        return DM_OK;
    }
    if (code < 0) {
        *e = why;
        return code;
    }
    return model_shelf_parse(path, dm_buf_str(&text), text.len, a, s, e);
}

/* Rows that were found alone stay out: only what was installed is vouched for. */
static int write_manifest(const struct model_shelf *s, struct dm_arena *a, struct dm_err *e)
{
    DM_CLEANUP(json_freep) json_t *root = json_pack("{s:[]}", "models");
    json_t *rows = json_object_get(root, "models");
    for (size_t i = 0; i < s->n; i++) {
        const struct model_shelf_item *m = &s->item[i];
        if (m->state != MODEL_SHELF_ALONE) {
            (void)json_array_append_new(
                rows, json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "name", m->name, "task", m->task,
                                "bytes", (json_int_t)m->bytes, "sha256", m->sha256, "license",
                                m->license, "source", m->source));
        }
    }
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    const char *path = dm_path_join(s->dir, MODEL_SHELF_MANIFEST, a);
    int code = DM_OK;
    if (!text || !path) {
        code = dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for the list of models");
    } else {
        code = dm_file_write_atomic(path, text, strlen(text), e);
    }
    free(text); /* jansson's own memory */
    return code;
}

/* ---- folder ---- */

static struct model_shelf_item *find(const struct model_shelf *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!strcmp(s->item[i].name, name)) {
            return &s->item[i];
        }
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct model_shelf_item *p = a;
    const struct model_shelf_item *q = b;
    return strcmp(p->name, q->name);
}

static int append(struct model_shelf *s, struct model_shelf_item item, struct dm_arena *a,
                  struct dm_err *e)
{
    struct model_shelf_item *longer = dm_arena_calloc(a, s->n + 1, sizeof(*longer));
    if (!longer) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu models", s->n + 1);
    }
    if (s->n) {
        memcpy(longer, s->item, s->n * sizeof(*longer));
    }
    longer[s->n++] = item;
    s->item = longer;
    return DM_OK;
}

/* Files that no row names. */
static int add_strangers(struct model_shelf *s, DIR *dir, struct dm_arena *a, struct dm_err *e)
{
    for (const struct dirent *d = readdir(dir); d; d = readdir(dir)) {
        if (!is_model_name(d->d_name) || find(s, d->d_name)) {
            continue;
        }
        struct model_shelf_item item = {.name = dm_arena_strdup(a, d->d_name),
                                        .task = "",
                                        .license = "",
                                        .source = "",
                                        .state = MODEL_SHELF_ALONE};
        if (!item.name) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a file name");
        }
        DM_TRY(append(s, item, a, e));
    }
    return DM_OK;
}

static int compare(struct model_shelf *s, struct dm_arena *a, struct dm_err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        struct model_shelf_item *m = &s->item[i];
        const char *path = dm_path_join(s->dir, m->name, a);
        char hex[DM_SHA256_HEX_SIZE] = "";
        long long bytes = 0;
        if (!path) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a path");
        }
        struct dm_err unreadable = {0};
        if (hash_file(path, &bytes, hex, &unreadable) < 0) {
            m->state = MODEL_SHELF_MISSING;
        } else if (m->state == MODEL_SHELF_ALONE) {
            m->bytes = bytes;
            memcpy(m->sha256, hex, sizeof(hex));
        } else if (strcmp(hex, m->sha256) != 0) {
            m->state = MODEL_SHELF_DIFFERS;
        }
    }
    return DM_OK;
}

static void closedirp(DIR **d)
{
    if (*d) {
        (void)closedir(*d);
    }
}

int model_shelf_open(const char *dir, struct dm_arena *a, struct model_shelf *ret, struct dm_err *e)
{
    DM_CLEANUP(closedirp) DIR *d = opendir(dir);
    if (!d) {
        char why[128];
        DM_FAIL(e, DM_ENOTFOUND, "%s: %s", dir, strerror_r(errno, why, sizeof(why)));
    }
    *ret = (struct model_shelf){.dir = dm_arena_strdup(a, dir)};
    if (!ret->dir) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    DM_TRY(read_manifest(dir, a, ret, e));
    DM_TRY(add_strangers(ret, d, a, e));
    if (ret->n) {
        qsort(ret->item, ret->n, sizeof(*ret->item), by_name);
    }
    return compare(ret, a, e);
}

/* ---- putting ---- */

/* What the file says of itself; DM_EMODEL when it is no model. */
static int describe(const char *path, struct dm_arena *a, struct model_shelf_item *m,
                    struct dm_err *e)
{
    DM_CLEANUP(nn_model_freep) struct nn_model *model = NULL;
    DM_TRY(nn_model_open(path, &model, e));
    const struct nn_model_info *info = nn_model_info(model);
    m->task = info->task == NN_TASK_DETECT ? "detect" : "segment";
    m->license = dm_arena_strdup(a, info->license);
    if (!m->license) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a licence");
    }
    return DM_OK;
}

static int record(const struct model_shelf_item *m, const char *dir, struct dm_arena *a,
                  struct dm_err *e)
{
    struct model_shelf s = {.dir = dir};
    DM_TRY(read_manifest(dir, a, &s, e));
    struct model_shelf_item *old = find(&s, m->name);
    if (old) {
        *old = *m;
    } else {
        DM_TRY(append(&s, *m, a, e));
    }
    if (s.n) {
        qsort(s.item, s.n, sizeof(*s.item), by_name);
    }
    return write_manifest(&s, a, e);
}

/* The checked file takes its place before the manifest names it: a stop between the two leaves a
 * file that verify calls different, never one that it wrongly calls good. */
static int move_in(const char *from, const char *to, struct dm_err *e)
{
    if (rename(from, to) < 0) {
        char why[128];
        DM_FAIL(e, DM_EIO, "%s: %s", to, strerror_r(errno, why, sizeof(why)));
    }
    return DM_OK;
}

static int check_wanted(const struct model_shelf_item *m, const char *wanted, struct dm_err *e)
{
    if (wanted[0] && strcasecmp(wanted, m->sha256) != 0) {
        DM_FAIL(e, DM_EMODEL, "%s has sha256 %s, not the one asked for", m->name, m->sha256);
    }
    return DM_OK;
}

int model_shelf_put(const char *dir, const char *name, const char *source, const void *bytes,
                    size_t n, const char *wanted, struct dm_arena *a, struct model_shelf_item *ret,
                    struct dm_err *e)
{
    if (!is_model_name(name)) {
        DM_FAIL(e, DM_EUSAGE, "'%s' is no file name that ends in .onnx", name);
    }
    *ret = (struct model_shelf_item){.name = name, .source = source, .bytes = (long long)n};
    dm_sha256_hex(bytes, n, ret->sha256);
    DM_TRY(check_wanted(ret, wanted, e));
    DM_TRY(dm_folder_make(dir, e));
    struct model_shelf old = {.dir = dir};
    DM_TRY(read_manifest(dir, a, &old, e)); /* a broken one stops here, before anything changes */
    const char *final = dm_path_join(dir, name, a);
    const char *part = dm_arena_printf(a, "%s/.%s.part", dir, name);
    if (!final || !part) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    int code = dm_file_write_atomic(part, bytes, n, e);
    code = code < 0 ? code : describe(part, a, ret, e);
    code = code < 0 ? code : move_in(part, final, e);
    if (code < 0) {
        (void)unlink(part);
        (void)dm_err_context(e, "%s", name);
        return code;
    }
    return record(ret, dir, a, e);
}
