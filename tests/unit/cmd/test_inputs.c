/* SPDX-License-Identifier: Apache-2.0
 *
 * Photos of a run: folders, patterns, order, what is left out, unique names. */
#include "cmd/inputs.h"

#include <string.h>
#include <sys/stat.h>

#include "support/testing.h"

static char root[] = "/tmp/demeter-test-inputs-XXXXXX";
static const char jpeg_head[] = "\xFF\xD8\xFF\xE0\x00\x10JFIF";

static const struct {
    const char *path;
    const char *content; /* NULL: a folder */
} tree[] = {
    {"a", NULL},
    {"a/c10.jpg", jpeg_head},
    {"a/c2.jpg", jpeg_head},
    {"a/c2__annotated.jpg", jpeg_head},
    {"a/c2__detections_metrics.png", jpeg_head},
    {"a/c2__mine.jpg", jpeg_head},
    {"a/notes.txt", "text"},
    {"a/photo.dat", jpeg_head},
    {"a/broken.JPG", "not a picture"},
    {"a/.hidden.jpg", jpeg_head},
    {"a/deep", NULL},
    {"a/deep/c2.png", jpeg_head},
    {"a/deep/c2-2.png", jpeg_head},
    {"empty", NULL},
    {"we[ird].jpg", jpeg_head},
};

static const char *at(const char *path)
{
    static char full[4][512];
    static unsigned next;
    char *to = full[next++ % 4];
    (void)snprintf(to, sizeof(full[0]), "%s/%s", root, path);
    return to;
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(root)) {
        return -1;
    }
    for (size_t i = 0; i < DM_COUNT(tree); i++) {
        if (!tree[i].content) {
            assert_int_equal(mkdir(at(tree[i].path), 0700), 0);
            continue;
        }
        FILE *f = fopen(at(tree[i].path), "w");
        assert_non_null(f);
        (void)fputs(tree[i].content, f);
        assert_int_equal(fclose(f), 0);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = DM_COUNT(tree); i-- > 0;) {
        assert_int_equal(remove(at(tree[i].path)), 0);
    }
    return rmdir(root);
}

/* Expand and compare with "path>stem path>stem", paths below the root; "!path" for a fault. */
static void expect(const char *const *args, size_t n, bool recursive, const char *want)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct inputs in;
    char got[2048] = "";
    size_t used = 0;
    assert_ok(inputs_expand(args, n, recursive, &a, &in, &e), &e);
    for (size_t i = 0; i < in.n; i++) {
        const struct inputs_item *item = &in.item[i];
        const bool below = !strncmp(item->path, root, strlen(root));
        const char *path = item->path + (below ? strlen(root) + 1 : 0);
        int len = item->code < 0
                      ? snprintf(got + used, sizeof(got) - used, "%s!%s", i ? " " : "", path)
                      : snprintf(got + used, sizeof(got) - used, "%s%s>%s", i ? " " : "", path,
                                 item->stem);
        used += (size_t)len;
        assert_true(item->code >= 0 || item->error);
    }
    assert_string_equal(got, want);
    dm_arena_clear(&a);
}

static void test_folder(void **state)
{
    (void)state;
    const char *args[] = {at("a")};
    expect(
        args, 1, false,
        "a/broken.JPG>broken a/c2.jpg>c2 a/c2__mine.jpg>c2__mine a/c10.jpg>c10 a/photo.dat>photo");
}

static void test_recursive(void **state)
{
    (void)state;
    const char *args[] = {at("a")};
    expect(args, 1, true,
           "a/broken.JPG>broken a/c2.jpg>c2 a/c2__mine.jpg>c2__mine a/c10.jpg>c10 "
           "a/photo.dat>photo a/deep/c2-2.png>c2-2 a/deep/c2.png>c2-3");
}

static void test_files_as_they_are(void **state)
{
    (void)state;
    const char *args[] = {at("a/notes.txt"), at("a/.hidden.jpg"), at("a/c2__annotated.jpg")};
    expect(args, 3, false,
           "a/notes.txt>notes a/.hidden.jpg>.hidden a/c2__annotated.jpg>c2__annotated");
}

static void test_patterns(void **state)
{
    (void)state;
    const char *args[] = {at("a/c?.jpg"), at("a/zz*.jpg"), at("we[ird].jpg")};
    expect(args, 3, false, "a/c2.jpg>c2 !a/zz*.jpg we[ird].jpg>we[ird]");
}

static void test_faults(void **state)
{
    (void)state;
    const char *args[] = {at("none.jpg"), at("empty"), at("a/c2.jpg/x"), at("a/c2.jpg")};
    expect(args, 4, false, "!none.jpg !empty !a/c2.jpg/x a/c2.jpg>c2");
}

static void test_repeated(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct inputs in;
    const char *args[] = {at("a/c2.jpg"), at("a/../a/c2.jpg"), at("a/c*.jpg")};
    assert_ok(inputs_expand(args, 3, false, &a, &in, &e), &e);
    assert_int_equal(in.repeated, 2);
    assert_int_equal(in.n, 4); /* a pattern takes what it names, our own pictures too */
    dm_arena_clear(&a);
}

/* A thousand photos of one name in folders that do not matter here. */
static void test_many_of_one_name(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct inputs in;
    enum { N = 300 };
    const char *args[N];
    char dir[N][64];
    char file[N][96];
    for (int i = 0; i < N; i++) {
        (void)snprintf(dir[i], sizeof(dir[i]), "%s/d%d", root, i);
        (void)snprintf(file[i], sizeof(file[i]), "%s/same.jpg", dir[i]);
        assert_int_equal(mkdir(dir[i], 0700), 0);
        FILE *f = fopen(file[i], "w");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
        args[i] = file[i];
    }
    assert_ok(inputs_expand(args, N, false, &a, &in, &e), &e);
    assert_int_equal(in.n, N);
    assert_string_equal(in.item[0].stem, "same");
    assert_string_equal(in.item[1].stem, "same-2");
    assert_string_equal(in.item[N - 1].stem, "same-300");
    for (int i = 0; i < N; i++) {
        assert_int_equal(remove(file[i]), 0);
        assert_int_equal(rmdir(dir[i]), 0);
    }
    dm_arena_clear(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),           cmocka_unit_test(test_recursive),
        cmocka_unit_test(test_patterns),         cmocka_unit_test(test_files_as_they_are),
        cmocka_unit_test(test_faults),           cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_many_of_one_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
