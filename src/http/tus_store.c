/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads in a folder: ID.info says what an upload is, ID.part has its bytes and ends where they
 * end, ID.doubt has the length that counts while a checksum is awaited. A crash between two steps
 * leaves nothing that a later open does not put right. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/alloc.h"
#include "base/text.h"
#include "http/limits.h"
#include "http/problem.h"
#include "http/schema_priv.h"
#include "http/tus.h"

enum { INFO_BYTES_MAX = 32 << 10, SWEEP_S = 60, NAME_MAX_ = 4096 };

static const char *path_of(const struct tus_place *p, const char *id, const char *kind,
                           char ret[static NAME_MAX_])
{
    (void)snprintf(ret, NAME_MAX_, "%s/%s.%s", p->dir, id, kind);
    return ret;
}

void tus_upload_clear(struct tus_upload *u)
{
    if (u->id[0] && u->fd >= 0) {
        (void)close(u->fd);
    }
    dm_free(u->sent);
    json_decref(u->metadata);
    json_decref(u->result);
    *u = (struct tus_upload){.fd = -1};
}

/* ---- what an upload is ---- */

static int write_info(struct tus_place *p, const struct tus_upload *u, struct dm_err *e)
{
    char path[NAME_MAX_];
    json_t *o = json_pack("{s:I, s:I, s:I, s:b, s:s, s:O*}", "owner", (json_int_t)u->owner,
                          "length", (json_int_t)u->length, "expires_s", (json_int_t)u->expires_s,
                          "done", u->done, "sent", u->sent ? u->sent : "", "result", u->result);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for an upload");
    }
    const int code = dm_file_write_atomic(path_of(p, u->id, "info", path), text, strlen(text), e);
    free(text);
    return code;
}

/* "name base64,name base64": false when it is not that. */
static bool read_metadata(const char *sent, json_t *into)
{
    unsigned char value[LIMIT_TUS_METADATA];
    while (*sent) {
        const size_t n = strcspn(sent, ",");
        const size_t name = strcspn(sent, " ,");
        size_t bytes = 0;
        if (name == 0 || name > 64 ||
            (name < n &&
             sodium_base642bin(value, sizeof(value), sent + name + 1, n - name - 1, NULL, &bytes,
                               NULL, sodium_base64_VARIANT_ORIGINAL) != 0) ||
            !dm_text_valid((const char *)value, bytes)) {
            return false;
        }
        char key[65] = "";
        memcpy(key, sent, name);
        if (!dm_text_valid(key, name) ||
            json_object_set_new(into, key, json_stringn((const char *)value, bytes)) < 0) {
            return false;
        }
        sent += n + (sent[n] == ',');
        sent += strspn(sent, " ");
    }
    return true;
}

static int read_info(struct tus_place *p, struct tus_upload *u, struct dm_err *e)
{
    char path[NAME_MAX_];
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(INFO_BYTES_MAX);
    DM_TRY(dm_buf_read_file(&text, path_of(p, u->id, "info", path), e));
    DM_CLEANUP(http_json_freep) json_t *o = json_loadb(dm_buf_str(&text), text.len, 0, NULL);
    const char *sent = http_str(o, "sent");
    u->owner = http_int(o, "owner", 0);
    u->length = http_int(o, "length", -1);
    u->expires_s = http_int(o, "expires_s", 0);
    u->done = http_bool(o, "done", false);
    u->sent = dm_strdup(sent ? sent : "");
    u->result = json_incref(json_object_get(o, "result"));
    u->metadata = json_object();
    if (!u->sent || !u->metadata) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for an upload");
    }
    if (u->length < 0 || !read_metadata(u->sent, u->metadata)) {
        DM_FAIL(e, DM_EIO, "what is kept of an upload cannot be read");
    }
    return DM_OK;
}

/* ---- making, opening ---- */

static void new_id(char ret[static 37])
{
    unsigned char b[16];
    randombytes_buf(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0, at = 0; i < sizeof(b); i++) {
        at += i == 4 || i == 6 || i == 8 || i == 10;
        (void)sodium_bin2hex(ret + at, 3, &b[i], 1);
        at += 2;
    }
    ret[8] = ret[13] = ret[18] = ret[23] = '-';
}

/* How many may be under way, and what of the disk they may take. */
static int check_room(struct tus_place *p, int64_t length, struct dm_err *e)
{
    const int64_t most = p->max_total > 0 ? p->max_total : LIMIT_TUS_BYTES;
    struct statvfs disk;
    if (atomic_load(&p->unfinished) >= LIMIT_TUS_UNFINISHED) {
        DM_REFUSE(e, HTTP_E_RATE, DM_FIELDS(DM_I("limit", LIMIT_TUS_UNFINISHED)),
                  "too many uploads are unfinished");
    }
    if (length > most - atomic_load(&p->promised)) {
        DM_REFUSE(e, HTTP_E_RATE, DM_FIELDS(DM_I("max_bytes", most)),
                  "unfinished uploads have announced too many bytes");
    }
    if (statvfs(p->dir, &disk) != 0 ||
        (int64_t)(disk.f_bavail * disk.f_frsize) < length + LIMIT_TUS_ROOM) {
        DM_FAIL(e, HTTP_E_UNAVAILABLE, "the disk has no room for the upload");
    }
    return DM_OK;
}

int tus_store_new(struct tus_place *p, struct tus_upload *u, struct dm_err *e)
{
    char path[NAME_MAX_];
    const int64_t now = time(NULL);
    DM_TRY(dm_folder_make(p->dir, e));
    if (now - atomic_load(&p->swept_s) >= SWEEP_S) {
        tus_store_sweep(p);
    }
    DM_TRY(check_room(p, u->length, e));
    u->metadata = json_object();
    if (!u->metadata || !read_metadata(u->sent, u->metadata)) {
        DM_FAIL(e, HTTP_E_BAD_REQUEST, "Upload-Metadata is not a list of names and base64 values");
    }
    new_id(u->id);
    u->expires_s = now + p->ttl_s;
    /* This first: bytes of which nobody knows would never expire. */
    DM_TRY(write_info(p, u, e));
    u->fd = open(path_of(p, u->id, "part", path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (u->fd < 0) {
        (void)dm_err_set(e, DM_EIO, __FILE__, __LINE__, "no file for an upload: %s",
                         strerror(errno));
        tus_store_remove(p, u);
        return DM_EIO;
    }
    atomic_fetch_add(&p->unfinished, 1);
    atomic_fetch_add(&p->promised, u->length);
    return DM_OK;
}

/* Cut off what a checksum that never came was to confirm. Only who holds the lock. */
static int settle(struct tus_place *p, struct tus_upload *u, struct dm_err *e)
{
    char path[NAME_MAX_];
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(64);
    const int code = dm_buf_read_file(&text, path_of(p, u->id, "doubt", path), NULL);
    if (code == DM_ENOTFOUND) {
        return DM_OK;
    }
    DM_TRY(code);
    return tus_store_drop(p, u, strtoll(dm_buf_str(&text), NULL, 10), e);
}

/* For those who only look: what is in doubt does not count yet. */
static int64_t certain(struct tus_place *p, const struct tus_upload *u, int64_t size)
{
    char path[NAME_MAX_];
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(64);
    if (dm_buf_read_file(&text, path_of(p, u->id, "doubt", path), NULL) < 0) {
        return size;
    }
    return DM_MIN(size, strtoll(dm_buf_str(&text), NULL, 10));
}

static int open_bytes(struct tus_place *p, bool writing, struct tus_upload *u, struct dm_err *e)
{
    char path[NAME_MAX_];
    struct stat st;
    u->fd = open(path_of(p, u->id, "part", path), O_RDWR | O_CLOEXEC);
    if (u->fd < 0) {
        DM_FAIL(e, errno == ENOENT ? DM_ENOTFOUND : DM_EIO, "there is no such upload");
    }
    if (writing && flock(u->fd, LOCK_EX | LOCK_NB) != 0) {
        DM_FAIL(e, HTTP_E_LOCKED, "another request writes this upload");
    }
    if (writing) {
        DM_TRY(settle(p, u, e));
    }
    /* What is told to be here is on the disk; who writes on syncs at his own end. */
    if ((!writing && fdatasync(u->fd) != 0) || fstat(u->fd, &st) != 0) {
        DM_FAIL(e, DM_EIO, "an upload cannot be looked at");
    }
    u->offset = writing ? st.st_size : certain(p, u, st.st_size);
    return DM_OK;
}

int tus_store_open(struct tus_place *p, const char *id, int64_t owner, bool writing,
                   struct tus_upload *ret, struct dm_err *e)
{
    *ret = (struct tus_upload){.fd = -1};
    int code = http_uuid_lower(id, ret->id) ? read_info(p, ret, NULL) : DM_ENOTFOUND;
    if (code == DM_OK &&
        ((owner != TUS_ANYBODY && ret->owner != owner) || ret->expires_s <= time(NULL))) {
        code = DM_ENOTFOUND;
    }
    if (code < 0) {
        tus_upload_clear(ret);
        DM_FAIL(e, code, "there is no such upload");
    }
    if (ret->done) {
        ret->offset = ret->length;
        return DM_OK;
    }
    code = open_bytes(p, writing, ret, e);
    if (code < 0) {
        tus_upload_clear(ret);
    }
    return code;
}

/* ---- certainty ---- */

int tus_store_doubt(struct tus_place *p, const struct tus_upload *u, struct dm_err *e)
{
    char path[NAME_MAX_];
    char text[32];
    const int n = snprintf(text, sizeof(text), "%lld", (long long)u->offset);
    return dm_file_write_atomic(path_of(p, u->id, "doubt", path), text, (size_t)n, e);
}

int tus_store_keep(struct tus_place *p, const struct tus_upload *u, struct dm_err *e)
{
    char path[NAME_MAX_];
    if (fdatasync(u->fd) != 0) {
        DM_FAIL(e, DM_EIO, "bytes of an upload cannot be kept: %s", strerror(errno));
    }
    (void)unlink(path_of(p, u->id, "doubt", path));
    return DM_OK;
}

int tus_store_cut(const struct tus_upload *u, struct dm_err *e)
{
    if (ftruncate(u->fd, u->offset) != 0 || fdatasync(u->fd) != 0) {
        DM_FAIL(e, DM_EIO, "bytes of an upload cannot be cut off: %s", strerror(errno));
    }
    return DM_OK;
}

int tus_store_drop(struct tus_place *p, struct tus_upload *u, int64_t offset, struct dm_err *e)
{
    char path[NAME_MAX_];
    u->offset = offset;
    DM_TRY(tus_store_cut(u, e));
    (void)unlink(path_of(p, u->id, "doubt", path));
    return DM_OK;
}

/* ---- the end ---- */

static void remove_files(struct tus_place *p, const struct tus_upload *u, bool info)
{
    char path[NAME_MAX_];
    if (unlink(path_of(p, u->id, "part", path)) == 0) {
        atomic_fetch_sub(&p->unfinished, 1);
        atomic_fetch_sub(&p->promised, u->length);
    }
    (void)unlink(path_of(p, u->id, "doubt", path));
    if (info) {
        (void)unlink(path_of(p, u->id, "info", path));
    }
}

int tus_store_finish(struct tus_place *p, struct tus_upload *u, struct dm_err *e)
{
    u->done = true;
    DM_TRY(write_info(p, u, e));
    remove_files(p, u, false);
    return DM_OK;
}

void tus_store_remove(struct tus_place *p, struct tus_upload *u)
{
    remove_files(p, u, true);
}

/* ---- what has expired ---- */

struct sweep {
    struct tus_place *p;
    int64_t now, unfinished, promised;
};

/* One that is known by its info: kept and counted, or removed. */
static void sweep_upload(struct sweep *s, struct tus_upload *u)
{
    if (read_info(s->p, u, NULL) < 0 || u->expires_s <= s->now) {
        remove_files(s->p, u, true);
    } else if (!u->done) {
        s->unfinished++;
        s->promised += u->length;
    }
}

/* What a crash left that no info tells of: halves of written files, bytes of nobody. */
static void sweep_rest(const struct sweep *s, int dir, const char *name)
{
    struct stat st;
    if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
        (int64_t)st.st_mtime + s->p->ttl_s <= s->now) {
        (void)unlinkat(dir, name, 0);
    }
}

void tus_store_sweep(struct tus_place *p)
{
    struct sweep s = {.p = p, .now = time(NULL)};
    DIR *d = opendir(p->dir);
    const struct dirent *entry;
    atomic_store(&p->swept_s, s.now);
    while (d && (entry = readdir(d))) {
        struct tus_upload u = {.fd = -1};
        const char *dot = strrchr(entry->d_name, '.');
        if (dot && dot - entry->d_name == 36 && !strcmp(dot, ".info")) {
            memcpy(u.id, entry->d_name, 36);
            sweep_upload(&s, &u);
            tus_upload_clear(&u);
        } else {
            sweep_rest(&s, dirfd(d), entry->d_name);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    atomic_store(&p->unfinished, s.unfinished);
    atomic_store(&p->promised, s.promised);
}
