/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects as files below one folder. Written into .incoming/, synced, renamed, and the folder
 * synced: after a power cut an object is whole or absent.
 *
 * The marker: a file .demeter-blobs in the folder, made once. A mount that has vanished leaves an
 * empty folder without it, and every call then fails instead of filling the disk below. It is
 * looked up by path each time, because an open descriptor still sees the old file system. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "blob/driver.h"

#define MARKER       ".demeter-blobs"
#define INCOMING     ".incoming"
#define STALE_SEC    86400 /* an unfinished write of that age belongs to a process that died */
#define CHUNK        ((size_t)256 << 10)
#define PATH_MAX_LEN 4096
#define DEPTH_MAX    (BLOB_KEY_MAX / 2 + 1)

struct dir_blob {
    struct blob base;
    char *root;
    ino_t marker; /* the very file: a copy on the disk below would not do */
    dev_t device;
};

struct dir_put {
    struct blob_put base;
    int fd;
    char temp[PATH_MAX_LEN];
};

static struct dir_blob *dir_of(struct blob *b)
{
    DM_BUG_UNLESS(b->driver == &blob_driver_dir);
    return DM_CONTAINER_OF(b, struct dir_blob, base);
}

static void close_fdp(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static int steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

static const char *reason(int number, char room[static 64])
{
    return strerror_r(number, room, 64);
}

#define FAIL_ERRNO(e, code, path)                                                                  \
    do {                                                                                           \
        int saved_ = errno;                                                                        \
        char room_[64];                                                                            \
        DM_FAIL((e), (code), "%s: %s", (path), reason(saved_, room_));                             \
    } while (0)

/* root/name into ret. Keys are short; only a root may be too long. */
static int path_of(const struct dir_blob *d, const char *name, char ret[static PATH_MAX_LEN],
                   struct dm_err *e)
{
    int n = snprintf(ret, PATH_MAX_LEN, "%s/%s", d->root, name);
    if (n < 0 || n >= PATH_MAX_LEN) {
        DM_FAIL(e, DM_EBADINPUT, "%.80s...: path too long", d->root);
    }
    return DM_OK;
}

static int sync_folder(const char *path, struct dm_err *e)
{
    DM_CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        FAIL_ERRNO(e, DM_EIO, path);
    }
    return DM_OK;
}

/* ---- the marker ------------------------------------------------------------------------------ */

static int check_marker(const struct dir_blob *d, struct dm_err *e)
{
    char path[PATH_MAX_LEN];
    struct stat st;
    DM_TRY(path_of(d, MARKER, path, e));
    if (stat(path, &st) < 0 || st.st_ino != d->marker || st.st_dev != d->device) {
        DM_FAIL(e, DM_EIO, "%s: the photo store is gone (is it mounted?)", d->root);
    }
    return DM_OK;
}

static int remember_marker(struct dir_blob *d, bool create, struct dm_err *e)
{
    char path[PATH_MAX_LEN];
    struct stat st;
    static const char text[] = "Photographs of Demeter. Without this file nothing is stored.\n";
    DM_TRY(path_of(d, MARKER, path, e));
    if (stat(path, &st) < 0) {
        if (errno != ENOENT || !create) {
            DM_FAIL(e, DM_ENOTFOUND, "%s: no %s there (is the photo store mounted?)", d->root,
                    MARKER);
        }
        DM_TRY(dm_file_write_atomic(path, text, sizeof(text) - 1, e));
        DM_TRY(sync_folder(d->root, e));
        if (stat(path, &st) < 0) {
            FAIL_ERRNO(e, DM_EIO, path);
        }
    }
    d->marker = st.st_ino;
    d->device = st.st_dev;
    return DM_OK;
}

/* What dead processes left in .incoming. */
static int sweep_incoming(const struct dir_blob *d, struct dm_err *e)
{
    char path[PATH_MAX_LEN];
    DM_TRY(path_of(d, INCOMING, path, e));
    DM_TRY(dm_folder_make(path, e));
    DIR *dir = opendir(path);
    if (!dir) {
        FAIL_ERRNO(e, DM_EIO, path);
    }
    time_t now = time(NULL);
    struct stat st;
    for (struct dirent *f; (f = readdir(dir));) { // NOLINT(concurrency-mt-unsafe): own stream
        if (f->d_name[0] != '.' && fstatat(dirfd(dir), f->d_name, &st, 0) == 0 &&
            now - st.st_mtime > STALE_SEC) {
            (void)unlinkat(dirfd(dir), f->d_name, 0);
        }
    }
    (void)closedir(dir);
    return DM_OK;
}

static void dir_close(struct blob *b)
{
    if (b) {
        struct dir_blob *d = dir_of(b);
        dm_free(d->root);
        dm_free(d);
    }
}
DM_DEFINE_CLEANUP(dir_closep, struct blob *, dir_close)

static int dir_open(const char *rest, const struct blob_options *o, struct blob **ret,
                    struct dm_err *e)
{
    const char *path = strncmp(rest, "//", 2) ? rest : rest + 2;
    if (!*path) {
        DM_FAIL(e, DM_EBADINPUT, "dir: needs a folder");
    }
    struct dir_blob *d = dm_calloc(1, sizeof(*d));
    if (!d) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a photo store");
    }
    d->base.driver = &blob_driver_dir;
    DM_CLEANUP(dir_closep) struct blob *b = &d->base;
    d->root = dm_strdup(path);
    if (!d->root) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a photo store");
    }
    if (o->create) {
        DM_TRY(dm_folder_make(path, e));
    }
    DM_TRY(remember_marker(d, o->create, e));
    DM_TRY(sweep_incoming(d, e));
    *ret = DM_STEAL(b);
    return DM_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int dir_put_begin(struct blob *b, const char *key, const char *type, struct blob_put **ret,
                         struct dm_err *e)
{
    static _Atomic unsigned serial;
    struct dir_blob *d = dir_of(b);
    char name[64];
    (void)key;
    (void)type;
    DM_TRY(check_marker(d, e));
    DM_CLEANUP(dm_freep) struct dir_put *p = dm_calloc(1, sizeof(*p));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an upload");
    }
    /* Random beside pid and serial: several machines may share the folder. */
    (void)snprintf(name, sizeof(name), INCOMING "/%ld-%u-%08x", (long)getpid(),
                   atomic_fetch_add(&serial, 1), randombytes_random());
    DM_TRY(path_of(d, name, p->temp, e));
    p->fd = open(p->temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (p->fd < 0) {
        FAIL_ERRNO(e, DM_EIO, p->temp);
    }
    *ret = &DM_STEAL(p)->base;
    return DM_OK;
}

static int dir_put_write(struct blob_put *base, const void *bytes, size_t n, struct dm_err *e)
{
    struct dir_put *p = DM_CONTAINER_OF(base, struct dir_put, base);
    const char *from = bytes;
    while (n > 0) {
        ssize_t put = write(p->fd, from, n);
        if (put < 0 && errno != EINTR) {
            FAIL_ERRNO(e, DM_EIO, p->temp);
        }
        if (put > 0) {
            from += put;
            n -= (size_t)put;
        }
    }
    return DM_OK;
}

static void dir_put_abort(struct blob_put *base)
{
    struct dir_put *p = DM_CONTAINER_OF(base, struct dir_put, base);
    close_fdp(&p->fd);
    (void)unlink(p->temp); /* nothing is there after a commit */
    dm_free(p);
}
DM_DEFINE_CLEANUP(dir_put_abortp, struct blob_put *, dir_put_abort)

/* The folder of path, and each one above it up to the root that had to be made, synced. */
static int make_parents(const struct dir_blob *d, char path[static PATH_MAX_LEN], struct dm_err *e)
{
    size_t root_n = strlen(d->root);
    for (char *slash = strchr(path + root_n + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0755);
        int saved = errno;
        char *above = strrchr(path, '/');
        if (made == 0) {
            *above = '\0';
            int code = sync_folder(path, e);
            *above = '/';
            DM_TRY(code);
        } else if (saved != EEXIST) {
            errno = saved;
            FAIL_ERRNO(e, DM_EIO, path);
        }
        *slash = '/';
    }
    return DM_OK;
}

static int dir_put_commit(struct blob_put *base, struct blob_info *info, struct dm_err *e)
{
    DM_CLEANUP(dir_put_abortp) struct blob_put *owned = base;
    struct dir_put *p = DM_CONTAINER_OF(owned, struct dir_put, base);
    struct dir_blob *d = dir_of(base->blob);
    char path[PATH_MAX_LEN];
    DM_TRY(check_marker(d, e));
    DM_TRY(path_of(d, base->key, path, e));
    DM_TRY(make_parents(d, path, e));
    if (fsync(p->fd) < 0) {
        FAIL_ERRNO(e, DM_EIO, p->temp);
    }
    if (rename(p->temp, path) < 0) {
        FAIL_ERRNO(e, DM_EIO, path);
    }
    info->modified_ms = (int64_t)time(NULL) * 1000;
    *strrchr(path, '/') = '\0';
    return sync_folder(path, e);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int open_object(struct dir_blob *d, const char *key, int *ret_fd, struct stat *st,
                       struct dm_err *e)
{
    char path[PATH_MAX_LEN];
    DM_TRY(path_of(d, key, path, e));
    DM_CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int saved = errno;
    DM_TRY(check_marker(d, e)); /* before saying that a photo does not exist */
    if (fd < 0) {
        errno = saved;
        FAIL_ERRNO(e, saved == ENOENT || saved == ENOTDIR ? DM_ENOTFOUND : DM_EIO, key);
    }
    if (fstat(fd, st) < 0) {
        FAIL_ERRNO(e, DM_EIO, path);
    }
    if (!S_ISREG(st->st_mode)) {
        DM_FAIL(e, DM_ENOTFOUND, "%s: no such object", key);
    }
    *ret_fd = steal_fd(&fd);
    return DM_OK;
}

static int dir_get(struct blob *b, const char *key, struct blob_range r, blob_sink sink, void *ctx,
                   struct dm_err *e)
{
    DM_CLEANUP(close_fdp) int fd = -1;
    struct stat st;
    DM_TRY(open_object(dir_of(b), key, &fd, &st, e));
    if (r.offset > st.st_size || (r.offset == st.st_size && r.offset > 0)) {
        DM_FAIL(e, DM_EBADINPUT, "%s: has %jd bytes", key, (intmax_t)st.st_size);
    }
    int64_t left = st.st_size - r.offset;
    left = r.n ? DM_MIN(left, r.n) : left;
    DM_CLEANUP(dm_freep) char *room = dm_alloc(CHUNK);
    if (!room) {
        DM_FAIL(e, DM_ENOMEM, "no memory to read a file");
    }
    for (int64_t at = r.offset; left > 0;) {
        ssize_t got = pread(fd, room, (size_t)DM_MIN(left, (int64_t)CHUNK), at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            DM_FAIL(e, DM_EIO, "%s: reading failed at byte %jd", key, (intmax_t)at);
        }
        DM_TRY(sink(ctx, room, (size_t)got, e));
        at += got;
        left -= got;
    }
    return DM_OK;
}

static int dir_file(struct blob *b, const char *key, int *ret_fd, struct dm_err *e)
{
    DM_CLEANUP(close_fdp) int fd = -1;
    struct stat st;
    DM_TRY(open_object(dir_of(b), key, &fd, &st, e));
    *ret_fd = steal_fd(&fd);
    return DM_OK;
}

static void info_of(const struct stat *st, struct blob_info *ret)
{
    *ret = (struct blob_info){
        .size_bytes = st->st_size,
        .modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
    };
}

static int dir_stat(struct blob *b, const char *key, struct blob_info *ret, struct dm_err *e)
{
    DM_CLEANUP(close_fdp) int fd = -1;
    struct stat st;
    DM_TRY(open_object(dir_of(b), key, &fd, &st, e));
    info_of(&st, ret);
    return DM_OK;
}

static int dir_remove(struct blob *b, const char *key, struct dm_err *e)
{
    struct dir_blob *d = dir_of(b);
    char path[PATH_MAX_LEN];
    DM_TRY(check_marker(d, e));
    DM_TRY(path_of(d, key, path, e));
    if (unlink(path) < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR) {
            return DM_OK;
        }
        FAIL_ERRNO(e, DM_EIO, path);
    }
    size_t root_n = strlen(d->root);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    DM_TRY(sync_folder(path, e));
    /* Folders that became empty go too; rmdir refuses the others. */
    while (slash > path + root_n && rmdir(path) == 0) {
        slash = strrchr(path, '/');
        *slash = '\0';
    }
    return DM_OK;
}

/* ---- listing --------------------------------------------------------------------------------- */

struct walk {
    struct dir_blob *d;
    const char *prefix;
    blob_list_fn fn;
    void *ctx;
};

/* Names of a folder, sorted as the keys below them are: folders end in a slash. */
struct names {
    struct dm_arena a;
    char **v;
    size_t n, cap;
};

static void names_clear(struct names *n)
{
    dm_free(n->v);
    dm_arena_clear(&n->a);
}

static int by_bytes(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static int names_add(struct names *n, const char *name, bool folder, struct dm_err *e)
{
    if (n->n == n->cap) {
        size_t cap = n->cap ? 2 * n->cap : 64;
        char **grown = dm_realloc(n->v, cap * sizeof(*grown));
        if (!grown) {
            DM_FAIL(e, DM_ENOMEM, "no memory to list a folder");
        }
        n->v = grown;
        n->cap = cap;
    }
    n->v[n->n] = dm_arena_printf(&n->a, "%s%s", name, folder ? "/" : "");
    if (!n->v[n->n]) {
        DM_FAIL(e, DM_ENOMEM, "no memory to list a folder");
    }
    n->n++;
    return DM_OK;
}

static int names_read(DIR *dir, struct names *n, struct dm_err *e)
{
    struct stat st;
    for (struct dirent *f; (f = readdir(dir));) { // NOLINT(concurrency-mt-unsafe): own stream
        if (f->d_name[0] != '.' && fstatat(dirfd(dir), f->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
            DM_TRY(names_add(n, f->d_name, S_ISDIR(st.st_mode), e));
        }
    }
    if (n->n > 1) {
        qsort(n->v, n->n, sizeof(*n->v), by_bytes);
    }
    return DM_OK;
}

static int report(const struct walk *w, const char *key, struct dm_err *e)
{
    char path[PATH_MAX_LEN];
    struct stat st;
    struct blob_info info;
    DM_TRY(path_of(w->d, key, path, e));
    if (!blob_key_valid(key) || lstat(path, &st) < 0) {
        return DM_OK; /* not ours, or deleted meanwhile */
    }
    info_of(&st, &info);
    return w->fn(w->ctx, key, &info, e);
}

/* Everything below the folder key ("" or "a/b/"). */
static int walk_folder(const struct walk *w, const char *key, int depth, struct dm_err *e)
{
    DM_CLEANUP(names_clear) struct names names = {0};
    char path[PATH_MAX_LEN];
    char below[BLOB_KEY_MAX + 2];
    DM_TRY(path_of(w->d, key, path, e));
    DIR *dir = opendir(path);
    if (!dir) {
        return DM_OK; /* deleted meanwhile */
    }
    int code = names_read(dir, &names, e);
    (void)closedir(dir);
    DM_TRY(code);
    for (size_t i = 0; i < names.n; i++) {
        int n = snprintf(below, sizeof(below), "%s%s", key, names.v[i]);
        if (n < 0 || n > BLOB_KEY_MAX) {
            continue;
        }
        size_t common = DM_MIN((size_t)n, strlen(w->prefix));
        if (strncmp(below, w->prefix, common) != 0) {
            continue;
        }
        if (below[n - 1] != '/') {
            DM_TRY((size_t)n >= strlen(w->prefix) ? report(w, below, e) : DM_OK);
        } else if (depth < DEPTH_MAX) {
            DM_TRY(walk_folder(w, below, depth + 1, e));
        }
    }
    return DM_OK;
}

static int dir_list(struct blob *b, const char *prefix, blob_list_fn fn, void *ctx,
                    struct dm_err *e)
{
    struct walk w = {dir_of(b), prefix, fn, ctx};
    DM_TRY(check_marker(w.d, e));
    return walk_folder(&w, "", 0, e);
}

const struct blob_driver blob_driver_dir = {
    .scheme = "dir",
    .open = dir_open,
    .close = dir_close,
    .put_begin = dir_put_begin,
    .put_write = dir_put_write,
    .put_commit = dir_put_commit,
    .put_abort = dir_put_abort,
    .file = dir_file,
    .get = dir_get,
    .stat = dir_stat,
    .remove = dir_remove,
    .list = dir_list,
};
