/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of tus 1.0.0 over HTTP. Bytes of a PATCH are written as they come, on the event thread
 * that read them, as those of a form are. */
#include "http/tus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "base/alloc.h"
#include "http/limits.h"
#include "http/problem.h"
#include "http/server_priv.h"

const struct http_field tus_params[] = {{"upload_id", HTTP_UUID}, {NULL}};
static const struct http_field upload_fields[] = {
    {"upload_id", HTTP_UUID},
    {"offset", HTTP_INT, .about = "bytes that are here", .example = "5242880"},
    {"length", HTTP_INT, .example = "8388608"},
    {"expires_at", HTTP_INSTANT},
    {"result", HTTP_OBJ, HTTP_NULL, .about = "what became of it, once all bytes are here"},
    {NULL},
};
const struct http_schema TusUpload = {"ResumableUpload", upload_fields};

static const struct tus_hooks *hooks_of(const struct http_request *r)
{
    return r->route->own;
}

/* ---- header fields ---- */

static int check_version(struct http_request *r, struct dm_err *e)
{
    const char *version = http_header(r, "Tus-Resumable");
    DM_TRY(http_reply_header(r, "Tus-Resumable", TUS_VERSION, e));
    if (r->method != HTTP_GET && (!version || strcmp(version, TUS_VERSION) != 0)) {
        DM_TRY(http_reply_header(r, "Tus-Version", TUS_VERSION, e));
        DM_FAIL(e, HTTP_E_PRECONDITION, "Tus-Resumable should be " TUS_VERSION);
    }
    return DM_OK;
}

/* A decimal number of a header field; -1 when it is not one. */
static int64_t header_number(const struct http_request *r, const char *name)
{
    const char *text = http_header(r, name);
    const size_t n = text ? strlen(text) : 0;
    return n > 0 && n <= 18 && strspn(text, "0123456789") == n ? strtoll(text, NULL, 10) : -1;
}

static int put_number(struct http_request *r, const char *name, int64_t v, struct dm_err *e)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)v);
    return http_reply_header(r, name, text, e);
}

static int put_expiry(struct http_request *r, const struct tus_upload *u, struct dm_err *e)
{
    char text[40];
    const time_t at = (time_t)u->expires_s;
    struct tm tm;
    (void)gmtime_r(&at, &tm);
    if (u->done || !strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm)) {
        return DM_OK;
    }
    return http_reply_header(r, "Upload-Expires", text, e);
}

/* What this server understands, to whoever asks with OPTIONS. */
int tus_options(struct http_request *r, struct dm_err *e)
{
    const struct tus_place *place = hooks_of(r)->place(r);
    DM_TRY(http_reply_header(r, "Tus-Resumable", TUS_VERSION, e));
    DM_TRY(http_reply_header(r, "Tus-Version", TUS_VERSION, e));
    DM_TRY(http_reply_header(r, "Tus-Extension", "creation,checksum,expiration,termination", e));
    DM_TRY(http_reply_header(r, "Tus-Checksum-Algorithm", "sha1,sha256", e));
    return put_number(r, "Tus-Max-Size", place->max_bytes, e);
}

/* ---- the end of an upload ---- */

/* All bytes are here, and on the disk: the program takes them over. */
static int finish(struct http_request *r, struct tus_upload *u, struct dm_err *e)
{
    struct tus_place *place = hooks_of(r)->place(r);
    if (lseek(u->fd, 0, SEEK_SET) != 0) {
        DM_FAIL(e, DM_EIO, "an upload cannot be read back");
    }
    const int code = hooks_of(r)->done(r, u, e);
    if (code < 0) {
        if (!dm_code_info(code)->retry) {
            tus_store_remove(place, u);
        }
        return code;
    }
    return tus_store_finish(place, u, e);
}

/* ---- creation, looking, termination ---- */

int tus_create(struct http_request *r, struct dm_err *e)
{
    const struct tus_hooks *hooks = hooks_of(r);
    struct tus_place *place = hooks->place(r);
    DM_CLEANUP(tus_upload_clear) struct tus_upload u = {.fd = -1};
    const char *sent = http_header(r, "Upload-Metadata");
    char location[256];
    DM_TRY(check_version(r, e));
    u.length = header_number(r, "Upload-Length");
    if (u.length < 0) {
        DM_FAIL(e, HTTP_E_BAD_REQUEST, "Upload-Length should be a number of bytes");
    }
    if (u.length > place->max_bytes) {
        DM_REFUSE(e, HTTP_E_TOO_LARGE, DM_FIELDS(DM_I("max_bytes", place->max_bytes)),
                  "the upload is larger than %lld bytes", (long long)place->max_bytes);
    }
    if (sent && strlen(sent) > LIMIT_TUS_METADATA) {
        DM_FAIL(e, HTTP_E_BAD_REQUEST, "Upload-Metadata is too long");
    }
    u.owner = hooks->owner(r);
    u.sent = dm_strdup(sent ? sent : "");
    if (!u.sent) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for an upload");
    }
    DM_TRY(tus_store_new(place, &u, e));
    const int wanted = hooks->begin ? hooks->begin(r, &u, e) : DM_OK;
    if (wanted < 0) {
        tus_store_remove(place, &u);
        return wanted;
    }
    const char *base = r->state->server->options->base_path;
    (void)snprintf(location, sizeof(location), "%s%s/%s", base ? base : "", r->target, u.id);
    DM_TRY(http_reply_header(r, "Location", location, e));
    DM_TRY(put_expiry(r, &u, e));
    return http_reply_empty(r, 201, e);
}

/* Every byte came, but nobody took them: the process died, or the program asked for another try.
 * Who looks would take the upload for done, so it is done now. */
static int finish_late(struct http_request *r, struct tus_upload *u, struct dm_err *e)
{
    const struct tus_hooks *hooks = hooks_of(r);
    char id[sizeof(u->id)];
    memcpy(id, u->id, sizeof(id));
    tus_upload_clear(u);
    DM_TRY(tus_store_open(hooks->place(r), id, hooks->owner(r), true, u, e));
    return u->done || u->offset != u->length ? DM_OK : finish(r, u, e);
}

int tus_look(struct http_request *r, struct dm_err *e)
{
    const struct tus_hooks *hooks = hooks_of(r);
    DM_CLEANUP(tus_upload_clear) struct tus_upload u = {.fd = -1};
    char expires[HTTP_INSTANT_SIZE];
    DM_TRY(check_version(r, e));
    DM_TRY(tus_store_open(hooks->place(r), http_str(r->path, "upload_id"), hooks->owner(r), false,
                          &u, e));
    if (!u.done && u.offset == u.length) {
        DM_TRY(finish_late(r, &u, e));
    }
    DM_TRY(put_number(r, "Upload-Offset", u.offset, e));
    DM_TRY(put_number(r, "Upload-Length", u.length, e));
    DM_TRY(put_expiry(r, &u, e));
    if (u.sent[0]) {
        DM_TRY(http_reply_header(r, "Upload-Metadata", u.sent, e));
    }
    http_instant_text(u.expires_s * 1000, expires);
    return http_reply_json(r, 200,
                           json_pack("{s:s, s:I, s:I, s:s, s:O?}", "upload_id", u.id, "offset",
                                     (json_int_t)u.offset, "length", (json_int_t)u.length,
                                     "expires_at", expires, "result", u.result),
                           e);
}

int tus_delete(struct http_request *r, struct dm_err *e)
{
    const struct tus_hooks *hooks = hooks_of(r);
    DM_CLEANUP(tus_upload_clear) struct tus_upload u = {.fd = -1};
    DM_TRY(check_version(r, e));
    DM_TRY(tus_store_open(hooks->place(r), http_str(r->path, "upload_id"), hooks->owner(r), true,
                          &u, e));
    tus_store_remove(hooks->place(r), &u);
    return http_reply_empty(r, 204, e);
}

/* ---- bytes ---- */

/* A PATCH on its way, from its first byte to the end of its request. */
struct patch {
    struct tus_place *place;
    struct tus_upload upload;
    int64_t from;       /* offset at which it began */
    bool doubtful;      /* what was written counts only when the end is as it should be */
    EVP_MD_CTX *digest; /* NULL: no checksum was announced */
    unsigned char wanted[EVP_MAX_MD_SIZE];
    size_t n_wanted;
};

/* Who hears an answer may write on at once: the lock goes before it does. */
static void patch_release(struct patch *p)
{
    if (p->doubtful && tus_store_drop(p->place, &p->upload, p->from, NULL) < 0) {
        /* The next who opens it cuts it off: it is still in doubt. */
    }
    p->doubtful = false;
    tus_upload_clear(&p->upload);
}

static void patch_free(void *work)
{
    struct patch *p = work;
    patch_release(p);
    EVP_MD_CTX_free(p->digest);
    dm_free(p);
}

/* The same code; what was refused is over. */
static int patch_end(struct patch *p, int code)
{
    if (code < 0 && p) {
        patch_release(p);
    }
    return code;
}

/* "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=" */
static int begin_checksum(struct patch *p, const char *text, struct dm_err *e)
{
    static const struct {
        const char *name;
        const EVP_MD *(*md)(void);
    } row[] = {{"sha1", EVP_sha1}, {"sha256", EVP_sha256}};
    const size_t n = strcspn(text, " ");
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        if (strlen(row[i].name) != n || strncmp(text, row[i].name, n) != 0) {
            continue;
        }
        const char *value = text + n + (text[n] == ' ');
        if (sodium_base642bin(p->wanted, sizeof(p->wanted), value, strlen(value), NULL,
                              &p->n_wanted, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
            p->n_wanted != (size_t)EVP_MD_size(row[i].md())) {
            break;
        }
        EVP_MD_CTX *digest = EVP_MD_CTX_new();
        if (!digest || EVP_DigestInit_ex(digest, row[i].md(), NULL) != 1) {
            EVP_MD_CTX_free(digest);
            DM_FAIL(e, DM_ENOMEM, "not enough memory for a checksum");
        }
        p->digest = digest;
        p->doubtful = true;
        return tus_store_doubt(p->place, &p->upload, e);
    }
    DM_FAIL(e, HTTP_E_BAD_REQUEST, "Upload-Checksum should be sha1 or sha256 and a base64 value");
}

static int patch_check(struct http_request *r, struct patch *p, struct dm_err *e)
{
    const char *type = http_header(r, "Content-Type");
    const char *checksum = http_header(r, "Upload-Checksum");
    const int64_t offset = header_number(r, "Upload-Offset");
    DM_TRY(check_version(r, e));
    if (!type || strcmp(type, "application/offset+octet-stream") != 0) {
        DM_REFUSE(e, HTTP_E_MEDIA, DM_FIELDS(DM_S("allowed", "application/offset+octet-stream")),
                  "this route takes application/offset+octet-stream");
    }
    if (offset < 0) {
        DM_FAIL(e, HTTP_E_BAD_REQUEST, "Upload-Offset should be a number of bytes");
    }
    /* Checked values of the path come after the body. */
    const struct http_match *m = &r->state->match;
    DM_TRY(
        tus_store_open(p->place, m->value[m->n - 1], hooks_of(r)->owner(r), true, &p->upload, e));
    p->from = p->upload.offset;
    if (offset != p->upload.offset) {
        DM_REFUSE(e, DM_ECONFLICT, DM_FIELDS(DM_I("offset", p->upload.offset)),
                  "the upload goes on at %lld", (long long)p->upload.offset);
    }
    return checksum ? begin_checksum(p, checksum, e) : DM_OK;
}

static int patch_new(struct http_request *r, struct patch **ret, struct dm_err *e)
{
    struct patch *p = dm_calloc(1, sizeof(*p));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for an upload");
    }
    p->place = hooks_of(r)->place(r);
    p->upload.fd = -1;
    r->work = p;
    r->work_free = patch_free;
    *ret = p;
    return DM_OK;
}

static int patch_begin(struct http_request *r, struct patch **ret, struct dm_err *e)
{
    DM_TRY(patch_new(r, ret, e));
    return patch_check(r, *ret, e);
}

static int write_all(struct patch *p, const char *bytes, size_t n, struct dm_err *e)
{
    while (n > 0) {
        const ssize_t w = pwrite(p->upload.fd, bytes, n, p->upload.offset);
        if (w < 0 && errno == EINTR) {
            continue;
        }
        if (w <= 0) {
            DM_FAIL(e, DM_EIO, "bytes of an upload cannot be written: %s", strerror(errno));
        }
        p->upload.offset += w;
        bytes += w;
        n -= (size_t)w;
    }
    return DM_OK;
}

static int take_bytes(struct patch *p, const void *bytes, size_t n, struct dm_err *e)
{
    if ((int64_t)n > p->upload.length - p->upload.offset) {
        DM_REFUSE(e, HTTP_E_TOO_LARGE, DM_FIELDS(DM_I("max_bytes", p->upload.length)),
                  "more bytes than were announced");
    }
    if (p->digest && EVP_DigestUpdate(p->digest, bytes, n) != 1) {
        DM_FAIL(e, DM_EINTERNAL, "a checksum cannot be made");
    }
    return write_all(p, bytes, n, e);
}

int tus_bytes(struct http_request *r, const void *bytes, size_t n, struct dm_err *e)
{
    struct patch *p = r->work;
    const int begun = p ? DM_OK : patch_begin(r, &p, e);
    return patch_end(r->work, begun < 0 ? begun : take_bytes(p, bytes, n, e));
}

static int end_checksum(struct patch *p, struct dm_err *e)
{
    unsigned char found[EVP_MAX_MD_SIZE];
    if (p->digest && (EVP_DigestFinal_ex(p->digest, found, NULL) != 1 ||
                      memcmp(found, p->wanted, p->n_wanted) != 0)) {
        DM_FAIL(e, HTTP_E_CHECKSUM, "the checksum is not that of the bytes"); /* freed: cut off */
    }
    p->doubtful = false;
    return tus_store_keep(p->place, &p->upload, e);
}

static int patch_finish(struct http_request *r, struct patch *p, struct dm_err *e)
{
    if (!p->upload.done) {
        DM_TRY(end_checksum(p, e));
        if (p->upload.offset == p->upload.length) {
            DM_TRY(finish(r, &p->upload, e));
        }
    }
    DM_TRY(put_number(r, "Upload-Offset", p->upload.offset, e));
    return put_expiry(r, &p->upload, e);
}

int tus_patch(struct http_request *r, struct dm_err *e)
{
    struct patch *p = r->work;
    const int begun = p ? DM_OK : patch_begin(r, &p, e); /* without bytes */
    DM_TRY(patch_end(r->work, begun < 0 ? begun : patch_finish(r, p, e)));
    patch_release(p);
    return http_reply_empty(r, 204, e);
}

/* ---- the whole at once, by whoever has the address ---- */

/* What was there before goes; what comes counts when all of it is here. */
static int put_begin(struct http_request *r, struct patch **ret, struct dm_err *e)
{
    const struct http_match *m = &r->state->match;
    DM_TRY(patch_new(r, ret, e));
    struct patch *p = *ret;
    DM_TRY(tus_store_open(p->place, m->value[m->n - 1], TUS_ANYBODY, true, &p->upload, e));
    DM_TRY(hooks_of(r)->permit(r, &p->upload, e));
    if (p->upload.done) {
        DM_FAIL(e, DM_ECONFLICT, "the upload has ended");
    }
    p->upload.offset = 0;
    p->doubtful = true;
    DM_TRY(tus_store_doubt(p->place, &p->upload, e));
    return tus_store_cut(&p->upload, e);
}

int tus_put_bytes(struct http_request *r, const void *bytes, size_t n, struct dm_err *e)
{
    struct patch *p = r->work;
    const int begun = p ? DM_OK : put_begin(r, &p, e);
    return patch_end(r->work, begun < 0 ? begun : take_bytes(p, bytes, n, e));
}

static int put_finish(struct patch *p, struct dm_err *e)
{
    if (p->upload.offset != p->upload.length) {
        DM_REFUSE(e, HTTP_E_BAD_REQUEST, DM_FIELDS(DM_I("expected", p->upload.length)),
                  "fewer bytes than were announced");
    }
    return end_checksum(p, e);
}

int tus_put(struct http_request *r, struct dm_err *e)
{
    struct patch *p = r->work;
    if (!p) {
        DM_FAIL(e, HTTP_E_BAD_REQUEST, "the upload has no bytes");
    }
    DM_TRY(patch_end(p, put_finish(p, e)));
    patch_release(p);
    return http_reply_empty(r, 204, e);
}
