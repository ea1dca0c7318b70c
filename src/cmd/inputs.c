/* SPDX-License-Identifier: Apache-2.0
 *
 * The photos of one run. Up to a million names, so lists grow by doubling and names seen are
 * kept in a hash table. */
#include "cmd/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"
#include "image/codec.h"
#include "vision/overlay.h"

/* Names seen in this run and the number the next photo of that name gets. Open addressing, at most
 * half full. */
struct seen {
    const char *key;
    int next;
};

struct list {
    struct inputs out;
    size_t cap;
    struct seen *seen; /* [n_slots] */
    size_t n_seen, n_slots;
    struct dm_arena *arena;
};

static struct seen *slot_of(struct seen *slots, size_t n_slots, const char *key)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *c = key; *c; c++) {
        h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    size_t i = (size_t)(h & (n_slots - 1));
    while (slots[i].key && strcmp(slots[i].key, key) != 0) {
        i = (i + 1) & (n_slots - 1);
    }
    return &slots[i];
}

/* Slot of key (which must live in the arena), made when it is new: then *ret_new. NULL when out of
 * memory. */
static struct seen *see(struct list *l, const char *key, bool *ret_new)
{
    if (2 * (l->n_seen + 1) > l->n_slots) {
        size_t n = l->n_slots ? 2 * l->n_slots : 256;
        struct seen *larger = dm_calloc(n, sizeof(*larger));
        if (!larger) {
            return NULL;
        }
        for (size_t i = 0; i < l->n_slots; i++) {
            if (l->seen[i].key) {
                *slot_of(larger, n, l->seen[i].key) = l->seen[i];
            }
        }
        dm_free(l->seen);
        l->seen = larger;
        l->n_slots = n;
    }
    struct seen *s = slot_of(l->seen, l->n_slots, key);
    *ret_new = !s->key;
    if (*ret_new) {
        *s = (struct seen){key, 2};
        l->n_seen++;
    }
    return s;
}

static int list_add(struct list *l, struct inputs_item item, struct dm_err *e)
{
    if (l->out.n >= LIMIT_INPUT_FILES) {
        DM_FAIL(e, DM_ELIMIT, "more than %d photos in one run", LIMIT_INPUT_FILES);
    }
    if (l->out.n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        struct inputs_item *larger = dm_arena_calloc(l->arena, cap, sizeof(*larger));
        if (!larger) {
            DM_FAIL(e, DM_ENOMEM, "no memory for %zu file names", cap);
        }
        if (l->out.n) {
            memcpy(larger, l->out.item, l->out.n * sizeof(*larger));
        }
        l->out.item = larger;
        l->cap = cap;
    }
    l->out.item[l->out.n++] = item;
    return DM_OK;
}

/* "c01", and for further photos of that name "c01-2", "c01-3"; NULL when out of memory. */
static const char *unique_stem(struct list *l, const char *path)
{
    bool is_new = false;
    const char *stem = dm_path_stem(strcmp(path, "-") ? path : "stdin", l->arena);
    struct seen *first = stem ? see(l, stem, &is_new) : NULL;
    const char *unique = first ? stem : NULL;
    while (unique && !is_new) { /* see() may move the slots: look the stem up again each time */
        int number = slot_of(l->seen, l->n_slots, stem)->next++;
        unique = dm_arena_printf(l->arena, "%s-%d", stem, number);
        unique = unique && see(l, unique, &is_new) ? unique : NULL;
    }
    return unique;
}

/* A file that is there, unless it was named before. */
static int add_file(struct list *l, const char *path, const struct stat *st, struct dm_err *e)
{
    bool is_new = false;
    const char *identity = dm_arena_printf(l->arena, "/%jx:%jx", (uintmax_t)st->st_dev,
                                           (uintmax_t)st->st_ino); /* no stem has a slash */
    struct seen *s = identity ? see(l, identity, &is_new) : NULL;
    if (s && !is_new) {
        l->out.repeated++;
        return DM_OK;
    }
    struct inputs_item item = {.path = dm_arena_strdup(l->arena, path)};
    item.stem = s ? unique_stem(l, path) : NULL;
    if (!item.path || !item.stem) {
        DM_FAIL(e, DM_ENOMEM, "no memory for file names");
    }
    return list_add(l, item, e);
}

/* An item that the run reports as failed. */
static int add_fault(struct list *l, const char *path, int code, const char *why, struct dm_err *e)
{
    struct inputs_item item = {.path = dm_arena_strdup(l->arena, path),
                               .code = code,
                               .error = dm_arena_strdup(l->arena, why)};
    if (!item.path || !item.error) {
        DM_FAIL(e, DM_ENOMEM, "no memory for file names");
    }
    return list_add(l, item, e);
}

static int fault_code(int err)
{
    return err == ENOENT || err == ENOTDIR ? DM_ENOTFOUND : DM_EIO;
}

static bool has_picture_extension(const char *name)
{
    static const char *const known[] = {"jpg",  "jpeg", "png",  "webp", "tif",
                                        "tiff", "heic", "heif", "avif"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < DM_COUNT(known); i++) {
        if (!strcasecmp(dot + 1, known[i])) {
            return true;
        }
    }
    return false;
}

/* "c01__annotated.jpg" and the like: what we wrote ourselves in an earlier run. */
static bool is_our_overlay(const char *name)
{
    const char *mark = NULL;
    for (const char *s = name; (s = strstr(s, "__")); s += 2) {
        mark = s + 2;
    }
    for (size_t i = 0; mark && vision_overlay_names[i]; i++) {
        size_t n = strlen(vision_overlay_names[i]);
        if (!strncmp(mark, vision_overlay_names[i], n) &&
            (!strcmp(mark + n, ".jpg") || !strcmp(mark + n, ".png"))) {
            return true;
        }
    }
    return false;
}

static bool looks_like_picture(const char *path)
{
    unsigned char head[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head));
    if (fd >= 0) {
        (void)close(fd);
    }
    return n > 0 && image_sniff(head, (size_t)n) != IMAGE_FORMAT_UNKNOWN;
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int by_version(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

struct names {
    struct dirent **at;
    int n;
};

static void names_clear(struct names *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->at[i]); /* scandir's own memory */
    }
    free(s->at);
}

static int add_folder(struct list *l, const char *dir, bool recursive, int depth, struct dm_err *e)
{
    DM_CLEANUP(names_clear) struct names names = {0};
    if (depth > LIMIT_FOLDER_DEPTH) {
        return add_fault(l, dir, DM_ELIMIT, "folders too deep", e);
    }
    int n = scandir(dir, &names.at, visible, by_version);
    if (n < 0) {
        return add_fault(l, dir, fault_code(errno), strerror(errno), e);
    }
    names.n = n;
    for (int pass = 0; pass < 1 + recursive; pass++) { /* files first, then folders */
        for (int i = 0; i < n; i++) {
            struct stat st;
            const char *name = names.at[i]->d_name;
            const char *path = dm_path_join(dir, name, l->arena);
            if (!path) {
                DM_FAIL(e, DM_ENOMEM, "no memory for file names");
            }
            if (lstat(path, &st) < 0 || (S_ISLNK(st.st_mode) && stat(path, &st) < 0)) {
                continue; /* gone since, or a link to nowhere */
            }
            if (pass == 0 && S_ISREG(st.st_mode) && !is_our_overlay(name) &&
                (has_picture_extension(name) || looks_like_picture(path))) {
                DM_TRY(add_file(l, path, &st, e));
            }
            if (pass == 1 && S_ISDIR(st.st_mode) && names.at[i]->d_type != DT_LNK) {
                DM_TRY(add_folder(l, path, true, depth + 1, e));
            }
        }
    }
    return DM_OK;
}

static int add_argument(struct list *l, const char *arg, bool recursive, struct dm_err *e);

static int add_pattern(struct list *l, const char *pattern, bool recursive, struct dm_err *e)
{
    glob_t g = {0};
    int failed = glob(pattern, 0, NULL, &g);
    int code = DM_OK;
    if (failed == GLOB_NOSPACE) {
        code = dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for file names");
    } else if (failed) {
        code = add_fault(l, pattern, DM_ENOTFOUND, "no file matches", e);
    }
    for (size_t i = 0; code >= 0 && !failed && i < g.gl_pathc; i++) {
        code = add_argument(l, g.gl_pathv[i], recursive, e);
    }
    globfree(&g);
    return code;
}

static int add_argument(struct list *l, const char *arg, bool recursive, struct dm_err *e)
{
    struct stat st;
    if (!strcmp(arg, "-")) {
        return fstat(STDIN_FILENO, &st) < 0 ? add_fault(l, arg, DM_EIO, strerror(errno), e)
                                            : add_file(l, arg, &st, e);
    }
    if (stat(arg, &st) < 0) {
        int err = errno;
        return err == ENOENT && strpbrk(arg, "*?[")
                   ? add_pattern(l, arg, recursive, e)
                   : add_fault(l, arg, fault_code(err), strerror(err), e);
    }
    if (!S_ISDIR(st.st_mode)) {
        return add_file(l, arg, &st, e);
    }
    const size_t before = l->out.n + l->out.repeated;
    DM_TRY(add_folder(l, arg, recursive, 0, e));
    return l->out.n + l->out.repeated > before
               ? DM_OK
               : add_fault(l, arg, DM_ENOTFOUND,
                           recursive ? "no picture in this folder"
                                     : "no picture in this folder (--recursive looks "
                                       "into the folders inside)",
                           e);
}

int inputs_expand(const char *const *args, size_t n, bool recursive, struct dm_arena *a,
                  struct inputs *ret, struct dm_err *e)
{
    struct list l = {.arena = a};
    int code = DM_OK;
    for (size_t i = 0; code >= 0 && i < n; i++) {
        code = add_argument(&l, args[i], recursive, e);
    }
    dm_free(l.seen);
    DM_TRY(code);
    *ret = l.out;
    return DM_OK;
}

const char *inputs_file(const struct inputs_item *item)
{
    return strcmp(item->path, "-") ? item->path : "/dev/stdin";
}
