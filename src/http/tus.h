/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads that survive a lost connection: tus 1.0.0 (https://tus.io/protocols/resumable-upload)
 * with creation, checksum, expiration and termination. Bytes lie in a folder of this machine until
 * the last one is here; then `done` of the program takes the file over.
 *
 *   static const struct tus_hooks hooks = {.place = my_place, .owner = my_owner, .done = my_done};
 *   const struct http_route resumable_routes[] = {
 *       TUS_ROUTES("/api/v1/uploads", "photos", WORKER, &hooks),
 *       {0},
 *   };
 *
 * What a client may rely on: an offset that was answered is on the disk; a PATCH whose checksum is
 * wrong, or that broke off before its checksum could be seen, leaves nothing; two that write the
 * same upload at once do not (423). */
#ifndef HTTP_TUS_H
#define HTTP_TUS_H

#include <stdatomic.h>

#include "http/http.h"

#define TUS_VERSION "1.0.0"

/* Where unfinished uploads lie. Lives as long as the server; begins zeroed but for the options. */
struct tus_place {
    const char *dir;   /* made when it is not there; of this alone */
    int64_t max_bytes; /* of one upload */
    int64_t max_total; /* announced by all that are unfinished; 0: LIMIT_TUS_BYTES */
    int ttl_s;         /* from its creation */
    _Atomic int64_t swept_s, unfinished, promised; /* since then: uploads, bytes they announced */
};

struct tus_upload {
    char id[37];
    int64_t owner, length, offset, expires_s; /* seconds since 1970 */
    bool done;
    char *sent;       /* Upload-Metadata as it came; "" for none */
    json_t *metadata; /* object of strings */
    json_t *result;   /* what became of it, kept and shown for the rest of its time; NULL: none */
    int fd;           /* of the bytes; locked when it was opened for writing; -1: none */
};

/* `own` of the rows. */
struct tus_hooks {
    struct tus_place *(*place)(const struct http_request *r);
    /* Who uploads: another one gets 404. */
    int64_t (*owner)(const struct http_request *r);
    /* Before a byte is taken: whether what the metadata announce is wanted at all. May be NULL. */
    int (*begin)(struct http_request *r, const struct tus_upload *u, struct dm_err *e);
    /* All bytes are here, u->fd at 0 and closed by the caller. May set u->result and add header
     * fields to the reply. A code whose row says retry keeps the upload: an empty PATCH or a look
     * tries again; another one drops it. A process that dies in it is asked again for the same
     * upload: what it did must count once. */
    int (*done)(struct http_request *r, struct tus_upload *u, struct dm_err *e);
    /* Of tus_put alone, before a byte is written: whether this address may write the upload. */
    int (*permit)(struct http_request *r, const struct tus_upload *u, struct dm_err *e);
};

int tus_create(struct http_request *r, struct dm_err *e);
int tus_look(struct http_request *r, struct dm_err *e);
int tus_bytes(struct http_request *r, const void *bytes, size_t n, struct dm_err *e);
int tus_patch(struct http_request *r, struct dm_err *e);
int tus_delete(struct http_request *r, struct dm_err *e);
int tus_options(struct http_request *r, struct dm_err *e);
/* For a route of the program's own, whose last path parameter is the id: the whole of an upload in
 * one PUT, which replaces what was there. `done` is not called: the program opens the upload. */
int tus_put_bytes(struct http_request *r, const void *bytes, size_t n, struct dm_err *e);
int tus_put(struct http_request *r, struct dm_err *e);
extern const struct http_field tus_params[];
extern const struct http_schema TusUpload;

// clang-format off
/* Last: further members of the route that creates: its errors, what metadata it knows. */
#define TUS_ROUTES(path, tag, role, hooks, ...) \
    {HTTP_POST, path, "upload_create", tag, "Begin an upload that can be resumed", role, \
     HTTP_NO_STORE | HTTP_OPEN_REPLY, .answer = {{201}}, .handle = tus_create, .options = tus_options, \
     .own = (hooks), __VA_ARGS__}, \
    {HTTP_GET, path "/{upload_id}", "upload_look", tag, "How far an upload is", role, HTTP_NO_STORE, \
     .params = tus_params, .answer = {{200, &TusUpload}}, .errors = "404", .handle = tus_look, \
     .options = tus_options, .own = (hooks)}, \
    {HTTP_PATCH, path "/{upload_id}", "upload_patch", tag, "More bytes of an upload", role, \
     HTTP_NO_STORE | HTTP_RAW_BODY | HTTP_OPEN_REPLY, .params = tus_params, .body_max = INT64_MAX, .answer = {{204}}, \
     .errors = "400 404 409 412 413 415 423 460", .handle = tus_patch, .raw = tus_bytes, .own = (hooks)}, \
    {HTTP_DELETE, path "/{upload_id}", "upload_delete", tag, "Give an upload up", role, \
     HTTP_NO_STORE | HTTP_OPEN_REPLY, .params = tus_params, .answer = {{204}}, .errors = "404 412 423", \
     .handle = tus_delete, .own = (hooks)}
// clang-format on

/* ---- the folder (tus_store.c) ---- */

/* A new upload from length, owner and sent; fills id, expires_s. HTTP_E_RATE: too many are
 * unfinished; DM_EIO. */
DM_MUST_CHECK int tus_store_new(struct tus_place *p, struct tus_upload *u, struct dm_err *e);

/* Fills *ret, which the caller clears. DM_ENOTFOUND: none of this owner (TUS_ANYBODY: of anybody),
 * or expired; HTTP_E_LOCKED; DM_EIO. */
enum { TUS_ANYBODY = -1 };
DM_MUST_CHECK int tus_store_open(struct tus_place *p, const char *id, int64_t owner, bool writing,
                                 struct tus_upload *ret, struct dm_err *e);

/* What is written from now on counts only after keep; drop, or the next open, cuts it off. */
DM_MUST_CHECK int tus_store_doubt(struct tus_place *p, const struct tus_upload *u,
                                  struct dm_err *e);
DM_MUST_CHECK int tus_store_keep(struct tus_place *p, const struct tus_upload *u, struct dm_err *e);
DM_MUST_CHECK int tus_store_drop(struct tus_place *p, struct tus_upload *u, int64_t offset,
                                 struct dm_err *e);
/* Cut off what lies beyond u->offset; whether that counts is as it was. */
DM_MUST_CHECK int tus_store_cut(const struct tus_upload *u, struct dm_err *e);

/* The bytes are somebody else's now; what stays says for the rest of its time that all came. */
DM_MUST_CHECK int tus_store_finish(struct tus_place *p, struct tus_upload *u, struct dm_err *e);
void tus_store_remove(struct tus_place *p, struct tus_upload *u);

/* Remove what has expired. */
void tus_store_sweep(struct tus_place *p);

/* Closes and frees; accepts a zeroed one. */
void tus_upload_clear(struct tus_upload *u);

#endif
