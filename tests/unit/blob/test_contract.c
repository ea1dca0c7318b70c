/* SPDX-License-Identifier: Apache-2.0
 *
 * What every driver of blob/ must do. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "blob/blob.h"
#include "support/blob_place.h"

static void put_text(struct blob *b, const char *key, const char *text)
{
    struct dm_err e = {0};
    assert_ok(blob_put(b, key, "text/plain", text, strlen(text), NULL, &e), &e);
}

static void assert_text(struct blob *b, const char *key, struct blob_range r, const char *wanted)
{
    struct dm_err e = {0};
    struct dm_buf buf = dm_buf_init(1 << 20);
    assert_ok(blob_get_buf(b, key, r, NULL, &buf, &e), &e);
    assert_string_equal(dm_buf_str(&buf), wanted);
    dm_buf_clear(&buf);
}

static const struct blob_range whole;

static void comes_back_as_it_went(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info put;
    struct blob_info seen;
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex("olive", 5, hash);
    assert_ok(blob_put(p->blob, "a/b/olive.jpg", "image/jpeg", "olive", 5, &put, &e), &e);
    assert_int_equal(put.size_bytes, 5);
    assert_string_equal(put.sha256, hash);
    assert_ok(blob_stat(p->blob, "a/b/olive.jpg", &seen, &e), &e);
    assert_int_equal(seen.size_bytes, 5);
    assert_true(seen.modified_ms > INT64_C(1700000000000));
    struct dm_buf buf = dm_buf_init(100);
    assert_ok(blob_get_buf(p->blob, "a/b/olive.jpg", whole, hash, &buf, &e), &e);
    assert_string_equal(dm_buf_str(&buf), "olive");
    dm_sha256_hex("other", 5, hash);
    assert_int_equal(blob_get_buf(p->blob, "a/b/olive.jpg", whole, hash, &buf, &e), DM_ECONFLICT);
    dm_buf_clear(&buf);
}

static void empty_objects_are_objects(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info info;
    put_text(p->blob, "empty", "");
    assert_ok(blob_stat(p->blob, "empty", &info, &e), &e);
    assert_int_equal(info.size_bytes, 0);
    assert_text(p->blob, "empty", whole, "");
}

static void the_last_write_stays(void **state)
{
    struct blob_place *p = *state;
    put_text(p->blob, "k", "first, and longer");
    put_text(p->blob, "k", "second");
    assert_text(p->blob, "k", whole, "second");
}

static void ranges(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct dm_buf buf = dm_buf_init(100);
    put_text(p->blob, "digits", "0123456789");
    static const struct {
        int64_t offset, n;
        const char *wanted;
    } rows[] = {{0, 1, "0"}, {3, 4, "3456"}, {9, 1, "9"}, {5, 0, "56789"}, {8, 50, "89"}};
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        assert_text(p->blob, "digits", (struct blob_range){rows[i].offset, rows[i].n},
                    rows[i].wanted);
    }
    assert_int_equal(
        blob_get_buf(p->blob, "digits", (struct blob_range){.offset = 10}, NULL, &buf, &e),
        DM_EBADINPUT);
    assert_int_equal(
        blob_get_buf(p->blob, "digits", (struct blob_range){.offset = -1}, NULL, &buf, &e),
        DM_EBADINPUT);
    dm_buf_clear(&buf);
}

static void what_is_absent(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info info;
    struct dm_buf buf = dm_buf_init(100);
    put_text(p->blob, "x/y", "1");
    assert_int_equal(blob_stat(p->blob, "none", &info, &e), DM_ENOTFOUND);
    assert_int_equal(blob_stat(p->blob, "x", &info, &e), DM_ENOTFOUND);
    assert_int_equal(blob_get_buf(p->blob, "none", whole, NULL, &buf, &e), DM_ENOTFOUND);
    assert_ok(blob_delete(p->blob, "none", &e), &e);
    assert_ok(blob_delete(p->blob, "x/y", &e), &e);
    assert_int_equal(blob_stat(p->blob, "x/y", &info, &e), DM_ENOTFOUND);
    dm_buf_clear(&buf);
}

static void an_abort_leaves_nothing(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info info;
    struct blob_put *put = NULL;
    char hash[DM_SHA256_HEX_SIZE];
    char wanted[DM_SHA256_HEX_SIZE];
    assert_ok(blob_put_begin(p->blob, "gone", "text/plain", &put, &e), &e);
    assert_ok(blob_put_write(put, "ab", 2, &e), &e);
    assert_ok(blob_put_write(put, "c", 1, &e), &e);
    blob_put_sha256(put, hash);
    dm_sha256_hex("abc", 3, wanted);
    assert_string_equal(hash, wanted);
    assert_int_equal(blob_stat(p->blob, "gone", &info, &e), DM_ENOTFOUND);
    blob_put_abort(put);
    assert_int_equal(blob_stat(p->blob, "gone", &info, &e), DM_ENOTFOUND);
}

/* Larger than a part of a multipart upload, in pieces that do not divide it. */
static void large_objects(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_put *put = NULL;
    struct blob_info info;
    struct test_rng rng = {7};
    const size_t size = (size_t)11 << 20;
    unsigned char *bytes = dm_alloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)test_rng_next(&rng);
    }
    assert_ok(blob_put_begin(p->blob, "large", "image/tiff", &put, &e), &e);
    for (size_t at = 0; at < size; at += 999983) {
        assert_ok(blob_put_write(put, bytes + at, DM_MIN((size_t)999983, size - at), &e), &e);
    }
    assert_ok(blob_put_commit(&put, &info, &e), &e);
    assert_int_equal(info.size_bytes, size);
    struct dm_buf buf = dm_buf_init(size);
    assert_ok(blob_get_buf(p->blob, "large", whole, info.sha256, &buf, &e), &e);
    assert_int_equal(buf.len, size);
    assert_memory_equal(buf.data, bytes, size);
    dm_buf_clear(&buf);
    dm_free(bytes);
}

struct seen {
    struct dm_buf keys;
    size_t n;
};

static int see(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    struct seen *s = ctx;
    (void)e;
    assert_int_equal(info->size_bytes, 1);
    dm_buf_printf(&s->keys, "%s ", key);
    s->n++;
    return DM_OK;
}

static int stop(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    (void)key;
    (void)info;
    ++*(int *)ctx;
    DM_FAIL(e, DM_ECANCELLED, "enough");
}

static void lists(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    static const char *const keys[] = {"b", "a/2", "a/1", "a-x", "a0", "a/1x/y", "B"};
    static const char *const rows[][2] = {
        {"", "B a-x a/1 a/1x/y a/2 a0 b "},
        {"a", "a-x a/1 a/1x/y a/2 a0 "},
        {"a/", "a/1 a/1x/y a/2 "},
        {"a/1", "a/1 a/1x/y "},
        {"a/1x/", "a/1x/y "},
        {"zz", ""},
    };
    for (size_t i = 0; i < DM_COUNT(keys); i++) {
        put_text(p->blob, keys[i], "1");
    }
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct seen s = {.keys = dm_buf_init(4096)};
        assert_ok(blob_list(p->blob, rows[i][0], see, &s, &e), &e);
        assert_string_equal(dm_buf_str(&s.keys), rows[i][1]);
        dm_buf_clear(&s.keys);
    }
    int calls = 0;
    assert_int_equal(blob_list(p->blob, "", stop, &calls, &e), DM_ECANCELLED);
    assert_int_equal(calls, 1);
    assert_int_equal(blob_list(p->blob, "a b", see, NULL, &e), DM_EBADINPUT);
}

static int temp_file(const char *bytes, size_t n)
{
    char name[] = "/tmp/demeter-file-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(write(fd, bytes, n), n);
    return fd;
}

static void files_go_in_and_out(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    const size_t n = ((size_t)5 << 20) + 4321; /* more than a part, and than a piece */
    char sha[DM_SHA256_HEX_SIZE];
    struct blob_info info;
    char *bytes = dm_alloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (char)(i * 2654435761u >> 13);
    }
    dm_sha256_hex(bytes, n, sha);
    int fd = temp_file(bytes, n);
    assert_ok(blob_put_file(p->blob, "f/1", "image/jpeg", fd, NULL, &info, &e), &e);
    assert_int_equal(info.size_bytes, n);
    assert_string_equal(info.sha256, sha);
    assert_ok(blob_put_file(p->blob, "f/2", "image/jpeg", fd, sha, NULL, &e), &e);
    for (int i = 1; i <= 2; i++) {
        struct dm_buf back = dm_buf_init(2 * n);
        assert_ok(blob_get_buf(p->blob, i == 1 ? "f/1" : "f/2", whole, sha, &back, &e), &e);
        assert_int_equal(back.len, n);
        assert_memory_equal(back.data, bytes, n);
        dm_buf_clear(&back);
    }
    sha[0] = sha[0] == '0' ? '1' : '0'; /* the file has changed since it was hashed */
    assert_int_equal(blob_put_file(p->blob, "f/3", "image/jpeg", fd, sha, NULL, &e), DM_ECONFLICT);
    assert_int_equal(blob_stat(p->blob, "f/3", &info, &e), DM_ENOTFOUND);
    assert_int_equal(blob_put_file(p->blob, "../f", "image/jpeg", fd, NULL, NULL, &e),
                     DM_EBADINPUT);
    (void)close(fd);
    int code = blob_file(p->blob, "f/1", &fd, &e);
    if (!strcmp(blob_scheme(p->blob), "dir")) {
        char first[16];
        assert_ok(code, &e);
        assert_int_equal(pread(fd, first, sizeof(first), 0), sizeof(first));
        assert_memory_equal(first, bytes, sizeof(first));
        (void)close(fd);
        assert_int_equal(blob_file(p->blob, "f/none", &fd, &e), DM_ENOTFOUND);
    } else {
        assert_int_equal(code, DM_EUNSUPPORTED);
    }
    dm_free(bytes);
}

/* A list comes in several answers. */
static void long_lists_have_pages(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob *b = NULL;
    struct blob_options o = blob_place_options(p);
    struct seen s = {.keys = dm_buf_init(4096)};
    o.list_page = 3;
    assert_ok(blob_open(p->url, &o, &b, &e), &e);
    for (int i = 0; i < 10; i++) {
        put_text(b, (const char[]){'k', '/', (char)('0' + i), '\0'}, "1");
    }
    put_text(b, "other", "1");
    assert_ok(blob_list(b, "k/", see, &s, &e), &e);
    assert_string_equal(dm_buf_str(&s.keys), "k/0 k/1 k/2 k/3 k/4 k/5 k/6 k/7 k/8 k/9 ");
    dm_buf_clear(&s.keys);
    blob_close(b);
}

/* Writes until the disk is full (a file may not grow beyond a limit): 0 when all is as it should.
 */
static int fill_disk(struct blob *b)
{
    static char piece[100000];
    struct dm_err e = {0};
    struct blob_put *put = NULL;
    struct rlimit limit = {250000, 250000};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || blob_put_begin(b, "big", "a/b", &put, &e) < 0) {
        return 1;
    }
    int code = DM_OK;
    for (int i = 0; code >= 0 && i < 4; i++) {
        code = blob_put_write(put, piece, sizeof(piece), &e);
    }
    blob_put_abort(put);
    return code == DM_EIO && e.text[0] ? 0 : 2;
}

static void a_full_disk_is_told_and_leaves_nothing(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info info;
    int status = 0;
    put_text(p->blob, "small", "kept");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(fill_disk(p->blob));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(blob_stat(p->blob, "big", &info, &e), DM_ENOTFOUND);
    assert_text(p->blob, "small", whole, "kept");
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/.incoming", p->folder);
    assert_int_equal(rmdir(path), 0); /* empty */
    assert_int_equal(mkdir(path, 0700), 0);
    put_text(p->blob, "after", "goes on");
}

static int refuse(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    (void)ctx;
    (void)bytes;
    (void)n;
    DM_FAIL(e, DM_ELIMIT, "full");
}

static void a_sink_may_stop(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct dm_buf buf = dm_buf_init(3);
    put_text(p->blob, "k", "four");
    assert_int_equal(blob_get(p->blob, "k", whole, NULL, refuse, NULL, &e), DM_ELIMIT);
    assert_int_equal(blob_get_buf(p->blob, "k", whole, NULL, &buf, &e), DM_ELIMIT);
    dm_buf_clear(&buf);
}

static void keys_are_checked(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    static const char *const bad[] = {"",    "/",   "/a",       "a/",   "a//b",
                                      ".",   "..",  "a/../b",   "a/.b", ".incoming/x",
                                      "a b", "a\n", "\xc3\xa1", "a\\b", "a%2fb"};
    char longest[BLOB_KEY_MAX + 2];
    memset(longest, 'k', sizeof(longest));
    longest[BLOB_KEY_MAX + 1] = '\0';
    assert_false(blob_key_valid(longest));
    longest[BLOB_KEY_MAX] = '\0';
    assert_true(blob_key_valid(longest));
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        assert_int_equal(blob_put(p->blob, bad[i], "text/plain", "x", 1, NULL, &e), DM_EBADINPUT);
        assert_int_equal(blob_delete(p->blob, bad[i], &e), DM_EBADINPUT);
    }
    assert_int_equal(blob_put(p->blob, "k", "text/plain\r\nx: y", "x", 1, NULL, &e), DM_EBADINPUT);
}

/* ---- the folder alone ------------------------------------------------------------------------ */

static void a_vanished_mount_stops_everything(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info info;
    struct blob_put *put = NULL;
    struct blob *again = NULL;
    char moved[128];
    (void)snprintf(moved, sizeof(moved), "%s.moved", p->folder);
    put_text(p->blob, "k", "1");
    assert_ok(blob_put_begin(p->blob, "late", "text/plain", &put, &e), &e);
    assert_int_equal(rename(p->folder, moved), 0);
    assert_int_equal(mkdir(p->folder, 0777), 0);
    assert_int_equal(blob_put(p->blob, "n", "text/plain", "x", 1, NULL, &e), DM_EIO);
    assert_int_equal(blob_stat(p->blob, "k", &info, &e), DM_EIO); /* not: no such object */
    assert_int_equal(blob_delete(p->blob, "k", &e), DM_EIO);
    assert_int_equal(blob_list(p->blob, "", see, NULL, &e), DM_EIO);
    assert_int_equal(blob_put_commit(&put, NULL, &e), DM_EIO);
    assert_int_equal(blob_open(p->url, NULL, &again, &e), DM_ENOTFOUND);
    assert_int_equal(rmdir(p->folder), 0); /* nothing was written below the mount */
    assert_int_equal(rename(moved, p->folder), 0);
    assert_text(p->blob, "k", whole, "1");
}

static void stray_files_are_not_objects(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    char path[160];
    put_text(p->blob, "k", "1");
    (void)snprintf(path, sizeof(path), "%s/not a key", p->folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(path, sizeof(path), "%s/link", p->folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    struct seen s = {.keys = dm_buf_init(4096)};
    assert_ok(blob_list(p->blob, "", see, &s, &e), &e);
    assert_string_equal(dm_buf_str(&s.keys), "k ");
    dm_buf_clear(&s.keys);
    struct dm_buf buf = dm_buf_init(100);
    assert_true(blob_get_buf(p->blob, "link", whole, NULL, &buf, &e) < 0);
    dm_buf_clear(&buf);
}

static void a_killed_writer_leaves_no_object(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info info;
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct blob_put *put = NULL;
        if (blob_put_begin(p->blob, "half", "text/plain", &put, NULL) ||
            blob_put_write(put, "half", 4, NULL)) {
            _exit(1);
        }
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(blob_stat(p->blob, "half", &info, &e), DM_ENOTFOUND);
    struct seen s = {.keys = dm_buf_init(4096)};
    assert_ok(blob_list(p->blob, "", see, &s, &e), &e);
    assert_int_equal(s.n, 0);
    dm_buf_clear(&s.keys);
}

static void bad_places_are_refused(void **state)
{
    struct dm_err e = {0};
    struct blob *full = NULL;
    (void)state;
    assert_int_equal(
        blob_open("dir:/proc/nowhere", &(struct blob_options){.create = true}, &full, &e), DM_EIO);
    assert_int_equal(blob_open("dir:", NULL, &full, &e), DM_EBADINPUT);
    assert_int_equal(blob_open("ftp:x", NULL, &full, &e), DM_EBADINPUT);
    assert_int_equal(blob_open("", NULL, &full, &e), DM_EBADINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLOB_TEST(comes_back_as_it_went),
        BLOB_TEST(empty_objects_are_objects),
        BLOB_TEST(the_last_write_stays),
        BLOB_TEST(ranges),
        BLOB_TEST(what_is_absent),
        BLOB_TEST(an_abort_leaves_nothing),
        BLOB_TEST(large_objects),
        BLOB_TEST(lists),
        BLOB_TEST(files_go_in_and_out),
        BLOB_TEST_S3(long_lists_have_pages),
        BLOB_TEST_DIR(a_full_disk_is_told_and_leaves_nothing),
        BLOB_TEST(a_sink_may_stop),
        BLOB_TEST(keys_are_checked),
        BLOB_TEST_DIR(a_vanished_mount_stops_everything),
        BLOB_TEST_DIR(stray_files_are_not_objects),
        BLOB_TEST_DIR(a_killed_writer_leaves_no_object),
        BLOB_TEST_DIR(bad_places_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
