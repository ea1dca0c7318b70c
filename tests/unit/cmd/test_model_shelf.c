/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders of models: what is installed is checked first and recorded, what fails changes nothing,
 * a flipped bit and a removed file are found. */
#include "cmd/model_shelf.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/testing.h"

struct room {
    char dir[64];
    struct dm_arena arena;
    struct dm_buf model; /* a real one: the shipped detector */
};

static int setup(void **state)
{
    static struct room room;
    struct dm_err e = {0};
    room = (struct room){.dir = "/tmp/demeter-test-shelf-XXXXXX",
                         .model = dm_buf_init((size_t)16 << 20)};
    *state = &room;
    if (!mkdtemp(room.dir)) {
        return -1;
    }
    return dm_buf_read_file(&room.model, SOURCE_ROOT "/models/plants-detect.onnx", &e);
}

static int teardown(void **state)
{
    struct room *r = *state;
    DIR *d = opendir(r->dir);
    for (const struct dirent *f = readdir(d); f; f = readdir(d)) {
        (void)unlinkat(dirfd(d), f->d_name, 0);
    }
    (void)closedir(d);
    dm_arena_clear(&r->arena);
    dm_buf_clear(&r->model);
    return rmdir(r->dir);
}

static int put(struct room *r, const char *name, const char *wanted, struct dm_err *e)
{
    struct model_shelf_item item;
    return model_shelf_put(r->dir, name, "here", r->model.data, r->model.len, wanted, &r->arena,
                           &item, e);
}

static struct model_shelf look(struct room *r)
{
    struct model_shelf s = {0};
    struct dm_err e = {0};
    assert_ok(model_shelf_open(r->dir, &r->arena, &s, &e), &e);
    return s;
}

static int files_in(const struct room *r)
{
    int n = 0;
    DIR *d = opendir(r->dir);
    for (const struct dirent *f = readdir(d); f; f = readdir(d)) {
        n += strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0;
    }
    (void)closedir(d);
    return n;
}

static void write_file(struct room *r, const char *name, const void *bytes, size_t n)
{
    struct dm_err e = {0};
    const char *path = dm_arena_printf(&r->arena, "%s/%s", r->dir, name);
    assert_ok(dm_file_write_atomic(path, bytes, n, &e), &e);
}

static void test_put_records(void **state)
{
    struct room *r = *state;
    struct dm_err e = {0};
    assert_int_equal(look(r).n, 0);
    assert_ok(put(r, "b.onnx", "", &e), &e);
    assert_ok(put(r, "a.onnx", "", &e), &e);
    assert_ok(put(r, "b.onnx", "", &e), &e); /* again: replaced, not doubled */
    struct model_shelf s = look(r);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.item[0].name, "a.onnx");
    assert_string_equal(s.item[1].name, "b.onnx");
    assert_int_equal(s.item[1].state, MODEL_SHELF_GOOD);
    assert_string_equal(s.item[1].task, "detect");
    assert_string_equal(s.item[1].license, "Apache-2.0");
    assert_string_equal(s.item[1].source, "here");
    assert_int_equal(s.item[1].bytes, (long long)r->model.len);
    char hex[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(r->model.data, r->model.len, hex);
    assert_string_equal(s.item[1].sha256, hex);
    assert_int_equal(files_in(r), 3); /* nothing unfinished is left */
}

static void test_checksum_wanted(void **state)
{
    struct room *r = *state;
    struct dm_err e = {0};
    char hex[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(r->model.data, r->model.len, hex);
    assert_ok(put(r, "a.onnx", hex, &e), &e);
    hex[5] = hex[5] == '0' ? '1' : '0';
    assert_int_equal(put(r, "a.onnx", hex, &e), DM_EMODEL);
    assert_int_equal(put(r, "c.onnx", hex, &e), DM_EMODEL);
    assert_int_equal(look(r).n, 1);
    assert_int_equal(look(r).item[0].state, MODEL_SHELF_GOOD);
    assert_int_equal(files_in(r), 2);
}

/* A broken download does not replace the good file before it. */
static void test_not_a_model(void **state)
{
    struct room *r = *state;
    struct dm_err e = {0};
    struct model_shelf_item item;
    assert_ok(put(r, "a.onnx", "", &e), &e);
    assert_int_equal(model_shelf_put(r->dir, "a.onnx", "here", r->model.data, r->model.len / 2, "",
                                     &r->arena, &item, &e),
                     DM_EMODEL);
    assert_int_equal(look(r).item[0].state, MODEL_SHELF_GOOD);
    assert_int_equal(files_in(r), 2);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",         "a.pt",    ".onnx",      "../a.onnx",
                                      "b/a.onnx", ".a.onnx", "a.onnx.part"};
    struct room *r = *state;
    struct dm_err e = {0};
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        assert_int_equal(put(r, bad[i], "", &e), DM_EUSAGE);
    }
    assert_int_equal(files_in(r), 0);
}

static void test_what_changed_is_found(void **state)
{
    struct room *r = *state;
    struct dm_err e = {0};
    assert_ok(put(r, "flipped.onnx", "", &e), &e);
    assert_ok(put(r, "gone.onnx", "", &e), &e);
    assert_ok(put(r, "kept.onnx", "", &e), &e);
    r->model.data[r->model.len / 2] ^= 1;
    write_file(r, "flipped.onnx", r->model.data, r->model.len);
    write_file(r, "stranger.onnx", "abc", 3);
    write_file(r, "notes.txt", "abc", 3);
    assert_int_equal(unlink(dm_arena_printf(&r->arena, "%s/gone.onnx", r->dir)), 0);
    struct model_shelf s = look(r);
    static const enum model_shelf_state want[] = {MODEL_SHELF_DIFFERS, MODEL_SHELF_MISSING,
                                                  MODEL_SHELF_GOOD, MODEL_SHELF_ALONE};
    assert_int_equal(s.n, DM_COUNT(want));
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.item[i].state, want[i]);
    }
    assert_string_equal(s.item[3].sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_broken_manifest(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"models\": 1}",
        "{\"models\": [{}]}",
        "{\"models\": [{\"name\": \"../a.onnx\", \"sha256\": \"00\"}]}"};
    struct room *r = *state;
    struct dm_err e = {0};
    struct model_shelf s;
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        write_file(r, MODEL_SHELF_MANIFEST, bad[i], strlen(bad[i]));
        assert_int_equal(model_shelf_open(r->dir, &r->arena, &s, &e), DM_EBADINPUT);
        assert_int_equal(put(r, "a.onnx", "", &e), DM_EBADINPUT);
    }
    assert_int_equal(files_in(r), 1);
    assert_int_equal(model_shelf_open("/nowhere/at/all", &r->arena, &s, &e), DM_ENOTFOUND);
}

/* The manifest beside the shipped models names every one of them as it is. */
static void test_shipped(void **state)
{
    struct room *r = *state;
    struct dm_err e = {0};
    struct model_shelf s = {0};
    assert_ok(model_shelf_open(SOURCE_ROOT "/models", &r->arena, &s, &e), &e);
    assert_true(s.n >= 1);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.item[i].state, MODEL_SHELF_GOOD);
        assert_string_equal(s.item[i].license, "Apache-2.0");
    }
}

#define ROOM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM(test_put_records), ROOM(test_checksum_wanted),       ROOM(test_not_a_model),
        ROOM(test_names),       ROOM(test_what_changed_is_found), ROOM(test_broken_manifest),
        ROOM(test_shipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
