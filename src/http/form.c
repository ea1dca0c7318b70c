/* SPDX-License-Identifier: Apache-2.0
 *
 * multipart/form-data as it arrives: texts are kept, files go where the route says, hashed, and
 * never lie in memory. The parser is libmicrohttpd's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/limits.h"
#include "http/schema_priv.h"
#include "http/server_priv.h"

enum { PARSE_BUFFER = 4096, NAME_MAX_ = 255 };

struct http_form {
    struct MHD_PostProcessor *parser;
    json_t *pairs; /* of the text fields */
    struct dm_buf text;
    const char *text_name; /* of the field under way; NULL: none */
    bool in_file;
    size_t parts;
    struct dm_err err; /* first fault of the whole body */
};

/* ---- files without ops of the route: an unnamed file of the spool folder ---- */

static int spool_begin(struct http_request *r, struct http_file *f, struct dm_err *e)
{
    const char *folder = r->state->server->options->spool;
    f->fd = open(folder != NULL ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd < 0) {
        DM_FAIL(e, DM_EIO, "no file for an upload: %s", strerror(errno));
    }
    f->own = dm_sha256_new();
    if (f->own == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for an upload");
    }
    return DM_OK;
}

static int spool_write(struct http_request *r, struct http_file *f, const void *bytes, size_t n,
                       struct dm_err *e)
{
    (void)r;
    dm_sha256_add(f->own, bytes, n);
    for (size_t done = 0; done < n;) {
        ssize_t k = write(f->fd, (const char *)bytes + done, n - done);
        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            DM_FAIL(e, DM_EIO, "an upload could not be written: %s", strerror(errno));
        }
        done += (size_t)k;
    }
    return DM_OK;
}

static int spool_end(struct http_request *r, struct http_file *f, struct dm_err *e)
{
    (void)r;
    dm_sha256_end(f->own, f->sha256);
    if (lseek(f->fd, 0, SEEK_SET) != 0) {
        DM_FAIL(e, DM_EIO, "an upload could not be read back: %s", strerror(errno));
    }
    return DM_OK;
}

static void spool_free(struct http_file *f)
{
    dm_sha256_free(f->own);
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
}

static const struct http_file_ops spool_ops = {spool_begin, spool_write, spool_end, spool_free};

static const struct http_file_ops *ops_of(const struct http_state *st)
{
    return st->r.route->files != NULL ? st->r.route->files : &spool_ops;
}

/* ---- parts ---- */

static int end_part(struct http_state *st)
{
    struct http_form *form = st->form;
    struct dm_err *e = &form->err;
    if (form->in_file) {
        struct http_file *f = &st->r.file[st->r.n_file - 1];
        form->in_file = false;
        if (f->refused.code == DM_OK) {
            (void)ops_of(st)->end(&st->r, f, &f->refused);
        }
    }
    if (form->text_name != NULL) {
        const char *text = dm_buf_str(&form->text);
        json_t *pair =
            dm_text_valid(text, form->text.len) ? json_pack("[s, s]", form->text_name, text) : NULL;
        form->text_name = NULL;
        if (pair == NULL) {
            DM_FAIL(e, HTTP_E_BAD_REQUEST, "a form field is not valid UTF-8");
        }
        if (json_array_append_new(form->pairs, pair) < 0) {
            DM_FAIL(e, DM_ENOMEM, "not enough memory for a form");
        }
        dm_buf_clear(&form->text);
    }
    return DM_OK;
}

/* The sender's text, cut to what is kept and cleaned. */
static const char *part_text(struct http_state *st, const char *s)
{
    const char *clean = s != NULL ? dm_text_clean(s, DM_TEXT_TERMINAL, &st->arena) : "";
    return clean == NULL ? ""
                         : dm_arena_strndup(&st->arena, clean, dm_text_prefix(clean, NAME_MAX_));
}

static int begin_file(struct http_state *st, const char *key, const char *filename,
                      const char *type)
{
    struct http_form *form = st->form;
    if (st->r.file == NULL) {
        st->r.file = dm_arena_calloc(&st->arena, LIMIT_HTTP_PARTS, sizeof(*st->r.file));
    }
    struct http_file *f = st->r.file != NULL ? &st->r.file[st->r.n_file] : NULL;
    if (f == NULL) {
        DM_FAIL(&form->err, DM_ENOMEM, "not enough memory for a form");
    }
    *f = (struct http_file){.field = part_text(st, key),
                            .filename = part_text(st, filename),
                            .type = part_text(st, type),
                            .index = st->r.n_file,
                            .fd = -1};
    if (f->field == NULL || f->filename == NULL || f->type == NULL) {
        DM_FAIL(&form->err, DM_ENOMEM, "not enough memory for a form");
    }
    st->r.n_file++;
    form->in_file = true;
    (void)ops_of(st)->begin(&st->r, f, &f->refused);
    return DM_OK;
}

static int begin_part(struct http_state *st, const char *key, const char *filename,
                      const char *type)
{
    struct http_form *form = st->form;
    DM_TRY(end_part(st));
    if (++form->parts > LIMIT_HTTP_PARTS) {
        DM_FAIL(&form->err, HTTP_E_TOO_LARGE, "the form has more than %d parts", LIMIT_HTTP_PARTS);
    }
    if (filename != NULL) {
        return begin_file(st, key, filename, type);
    }
    form->text_name = part_text(st, key);
    return DM_OK;
}

static int part_bytes(struct http_state *st, const char *data, size_t n)
{
    struct http_form *form = st->form;
    if (form->in_file) {
        struct http_file *f = &st->r.file[st->r.n_file - 1];
        f->bytes += (int64_t)n;
        if (f->refused.code == DM_OK) {
            (void)ops_of(st)->write(&st->r, f, data, n, &f->refused);
        }
        return DM_OK;
    }
    dm_buf_append(&form->text, data, n);
    if (form->text.failed < 0) {
        DM_FAIL(&form->err, HTTP_E_TOO_LARGE, "a form field is longer than %zu bytes",
                LIMIT_HTTP_PART_TEXT);
    }
    return DM_OK;
}

static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind, const char *key,
                               const char *filename, const char *type, const char *encoding,
                               const char *data, uint64_t off, size_t n)
{
    struct http_state *st = cls;
    (void)kind;
    (void)encoding;
    if (key == NULL) {
        (void)dm_err_set(&st->form->err, HTTP_E_BAD_REQUEST, __FILE__, __LINE__,
                         "a part of the form has no name");
        return MHD_NO;
    }
    if (off == 0 && begin_part(st, key, filename, type) < 0) {
        return MHD_NO;
    }
    return n == 0 || part_bytes(st, data, n) >= 0 ? MHD_YES : MHD_NO;
}

int http_form_begin(struct http_state *st, struct dm_err *e)
{
    struct http_form *form = dm_calloc(1, sizeof(*form));
    st->form = form;
    if (form == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a form");
    }
    form->text = dm_buf_init(LIMIT_HTTP_PART_TEXT);
    form->pairs = json_array();
    form->parser = MHD_create_post_processor(st->connection, PARSE_BUFFER, on_part, st);
    if (form->parser == NULL) {
        DM_FAIL(e, HTTP_E_BAD_REQUEST, "the multipart body has no boundary");
    }
    return DM_OK;
}

int http_form_feed(struct http_state *st, const char *bytes, size_t n, struct dm_err *e)
{
    if (MHD_post_process(st->form->parser, bytes, n) == MHD_YES) {
        return DM_OK;
    }
    if (st->form->err.code != DM_OK) {
        if (e != NULL) {
            *e = st->form->err;
        }
        return st->form->err.code;
    }
    DM_FAIL(e, HTTP_E_BAD_REQUEST, "the multipart body cannot be read");
}

int http_form_end(struct http_state *st, json_t **ret_pairs, struct dm_err *e)
{
    struct http_form *form = st->form;
    enum MHD_Result whole = MHD_destroy_post_processor(form->parser);
    form->parser = NULL;
    if (whole != MHD_YES || end_part(st) < 0) {
        if (form->err.code == DM_OK) {
            DM_FAIL(e, HTTP_E_BAD_REQUEST, "the multipart body ends too early");
        }
        if (e != NULL) {
            *e = form->err;
        }
        return form->err.code;
    }
    *ret_pairs = json_incref(form->pairs);
    return DM_OK;
}

void http_form_free(struct http_state *st)
{
    struct http_form *form = st->form;
    for (size_t i = 0; i < st->r.n_file; i++) {
        ops_of(st)->free(&st->r.file[i]);
    }
    if (form == NULL) {
        return;
    }
    if (form->parser != NULL) {
        (void)MHD_destroy_post_processor(form->parser);
    }
    json_decref(form->pairs);
    dm_buf_clear(&form->text);
    dm_free(form);
    st->form = NULL;
}
