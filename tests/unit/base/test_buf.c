/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounded buffer against a plain array, its limit to the byte, and files whole or not at all.
 */
#include "base/buf.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/testing.h"

enum { MODEL = 100000 };

/* A random program of appends, run on the buffer and on an array. */
static void appends_equal_those_to_an_array(void **state)
{
    (void)state;
    static char model[MODEL];
    struct test_rng rng = {41};
    for (int round = 0; round < 20; round++) {
        struct dm_buf b = dm_buf_init(MODEL);
        size_t n = 0;
        while (n < MODEL - 1000) {
            char piece[600];
            size_t k = test_rng_below(&rng, 500);
            memset(piece, (int)('a' + test_rng_below(&rng, 26)), k);
            piece[k] = '\0';
            switch (test_rng_below(&rng, 5)) {
            case 0:
                dm_buf_append(&b, piece, k);
                break;
            case 1:
                dm_buf_puts(&b, piece);
                break;
            case 2:
                dm_buf_printf(&b, "%s", piece);
                break;
            case 3: {
                char *to = dm_buf_reserve(&b, k + 50);
                assert_non_null(to);
                memcpy(to, piece, k);
                dm_buf_added(&b, k);
                break;
            }
            default:
                k = 1;
                piece[0] = 'Z';
                dm_buf_putc(&b, 'Z');
            }
            memcpy(model + n, piece, k);
            n += k;
            assert_int_equal(dm_buf_str(&b)[b.len], '\0');
        }
        assert_ok(dm_buf_ok(&b, NULL), &(struct dm_err){0});
        assert_int_equal(b.len, n);
        assert_memory_equal(b.data, model, n);
        b.data[n / 2] ^= 1;
        assert_memory_not_equal(b.data, model, n); /* the comparison can fail */
        dm_buf_clear(&b);
        assert_int_equal(b.len, 0);
        assert_int_equal(b.max, MODEL);
    }
}

static void limit_is_exact_and_sticky(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init(10);
    assert_string_equal(dm_buf_str(&b), "");
    dm_buf_puts(&b, "0123456789");
    assert_ok(dm_buf_ok(&b, &e), &e);
    dm_buf_putc(&b, 'x');
    assert_int_equal(dm_buf_ok(&b, &e), DM_ELIMIT);
    assert_string_equal(e.text, "more than 10 bytes");
    dm_buf_append(&b, "", 0);
    assert_null(dm_buf_reserve(&b, 0));
    assert_string_equal(dm_buf_str(&b), "0123456789");
    dm_buf_clear(&b);
    dm_buf_puts(&b, "again");
    assert_ok(dm_buf_ok(&b, &e), &e);
    volatile size_t huge = SIZE_MAX;
    assert_null(dm_buf_reserve(&b, huge));
    assert_int_equal(dm_buf_ok(&b, &e), DM_ELIMIT);
    dm_buf_clear(&b);
}

static void lack_of_memory_is_sticky_and_keeps_the_bytes(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init(100000);
    dm_buf_puts(&b, "kept");
    (void)dm_alloc_fail_at(1);
    dm_buf_printf(&b, "%5000d", 1);
    (void)dm_alloc_fail_at(0);
    dm_buf_puts(&b, "lost");
    assert_int_equal(dm_buf_ok(&b, &e), DM_ENOMEM);
    assert_string_equal(dm_buf_str(&b), "kept");
    dm_buf_clear(&b);
}

/* ---- files ---- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/demeter-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(in_folder("file"));
    return rmdir(folder); /* fails when a temporary file was left behind */
}

static void files_are_written_whole_and_read_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 300000};
    static char bytes[300000];
    struct dm_err e = {0};
    memset(bytes, 'q', sizeof(bytes));
    for (size_t i = 0; i < DM_COUNT(sizes); i++) {
        struct dm_buf b = dm_buf_init(300003);
        bytes[0] = (char)i;
        assert_ok(dm_file_write_atomic(in_folder("file"), bytes, sizes[i], &e), &e);
        dm_buf_puts(&b, ">> ");
        assert_ok(dm_buf_read_file(&b, in_folder("file"), &e), &e);
        assert_int_equal(b.len, 3 + sizes[i]);
        assert_memory_equal(b.data + 3, bytes, sizes[i]);
        dm_buf_clear(&b);
    }
}

static void reading_knows_its_limit_and_its_failures(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init(1000);
    char bytes[1001] = {0};
    assert_ok(dm_file_write_atomic(in_folder("file"), bytes, 1000, &e), &e);
    assert_ok(dm_buf_read_file(&b, in_folder("file"), &e), &e);
    dm_buf_clear(&b);
    assert_ok(dm_file_write_atomic(in_folder("file"), bytes, 1001, &e), &e);
    assert_int_equal(dm_buf_read_file(&b, in_folder("file"), &e), DM_ELIMIT);
    dm_buf_clear(&b);
    assert_int_equal(dm_buf_read_file(&b, "/dev/zero", &e), DM_ELIMIT); /* has no size */
    dm_buf_clear(&b);
    assert_ok(dm_buf_read_file(&b, "/dev/null", &e), &e);
    assert_int_equal(b.len, 0);
    assert_int_equal(dm_buf_read_file(&b, in_folder("absent"), &e), DM_ENOTFOUND);
    assert_non_null(strstr(e.text, "absent"));
    assert_int_equal(dm_buf_read_file(&b, folder, &e), DM_EBADINPUT);
    dm_buf_clear(&b);
    (void)dm_alloc_fail_at(1);
    assert_int_equal(dm_buf_read_file(&b, in_folder("file"), &e), DM_ELIMIT);
    (void)dm_alloc_fail_at(0);
    b = dm_buf_init(5000);
    (void)dm_alloc_fail_at(1);
    assert_int_equal(dm_buf_read_file(&b, in_folder("file"), &e), DM_ENOMEM);
    (void)dm_alloc_fail_at(0);
    dm_buf_clear(&b);
}

static void failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init(1000);
    assert_int_equal(dm_file_write_atomic(in_folder("no/such/file"), "x", 1, &e), DM_EIO);
    assert_ok(dm_file_write_atomic(in_folder("file"), "old", 3, &e), &e);
    assert_int_equal(dm_file_write_atomic(folder, "x", 1, &e), DM_EIO); /* onto a folder */
    assert_ok(dm_buf_read_file(&b, in_folder("file"), &e), &e);
    assert_string_equal(dm_buf_str(&b), "old");
    dm_buf_clear(&b);
}

/* A pipe stays a pipe, and what is written comes out of it. */
static void special_files_are_written_to(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct stat st;
    char got[8] = "";
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    const int fd = open(in_folder("pipe"), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_ok(dm_file_write_atomic(in_folder("pipe"), "through", 7, &e), &e);
    assert_int_equal(read(fd, got, sizeof(got)), 7);
    assert_memory_equal(got, "through", 7);
    assert_int_equal(stat(in_folder("pipe"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(in_folder("pipe")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_equal_those_to_an_array),
        cmocka_unit_test(limit_is_exact_and_sticky),
        cmocka_unit_test(lack_of_memory_is_sticky_and_keeps_the_bytes),
        cmocka_unit_test(files_are_written_whole_and_read_whole),
        cmocka_unit_test(reading_knows_its_limit_and_its_failures),
        cmocka_unit_test(failed_write_leaves_the_old_file),
        cmocka_unit_test(special_files_are_written_to),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
