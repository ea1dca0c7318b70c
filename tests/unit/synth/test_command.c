/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter synth as it is typed: files appear with the size and count asked for, twice the same;
 * wrong usage ends with status 2 and leaves nothing. */
#include "support/testing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/cmd.h"
#include "image/codec.h"

struct place {
    char dir[64];
    FILE *null;
};

static int setup(void **state)
{
    static struct place p;
    p = (struct place){.dir = "/tmp/demeter-synth-XXXXXX"};
    p.null = fopen("/dev/null", "w");
    *state = &p;
    return mkdtemp(p.dir) && p.null ? 0 : -1;
}

static int teardown(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"a.jpg",       "a.json",      "b.jpg",       "b.json",
                                        "0000004.jpg", "0000004.txt", "0000005.jpg", "0000005.txt"};
    char path[128];
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
        (void)unlink(path);
    }
    (void)fclose(p->null);
    return rmdir(p->dir); /* fails when something else was left behind */
}

/* Words separated by blanks; %D stands for the folder. */
static int type(const struct place *p, const char *words)
{
    char line[512], *argv[24] = {0};
    int argc = 0;
    size_t n = 0;
    for (const char *w = words; *w; w++) {
        if (w[0] == '%' && w[1] == 'D') {
            n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", p->dir);
            w++;
        } else {
            line[n++] = *w;
        }
    }
    line[n] = 0;
    char *rest = line;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = word;
    }
    char *environment[] = {NULL};
    return cmd_main(commands, argc, argv, environment, p->null, p->null);
}

static struct dm_buf content(const struct place *p, const char *name)
{
    char path[128];
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init((size_t)8 << 20);
    (void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    assert_ok(dm_buf_read_file(&b, path, &e), &e);
    return b;
}

static void test_one_picture(void **state)
{
    const struct place *p = *state;
    struct dm_err e = {0};
    assert_int_equal(type(p, "demeter synth --seed 4 --size 240x180 --plants 9 %D/a.jpg"), 0);
    assert_int_equal(type(p, "demeter synth --seed 4 --size 240x180 --plants 9 %D/b.jpg"), 0);
    struct dm_buf a = content(p, "a.jpg"), b = content(p, "b.jpg"), truth = content(p, "a.json");
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    struct image_info info;
    assert_ok(image_probe(a.data, a.len, &image_default_limits, &info, &e), &e);
    assert_int_equal(info.w, 240);
    assert_int_equal(info.h, 180);
    assert_non_null(strstr(dm_buf_str(&truth), "\"plants\": 9,"));
    dm_buf_clear(&a);
    dm_buf_clear(&b);
    dm_buf_clear(&truth);
}

static void test_several(void **state)
{
    const struct place *p = *state;
    assert_int_equal(
        type(p, "demeter synth --seed 4 --pictures 2 --size 96x96 --quality 0 --labels yolo %D"),
        0);
    struct dm_buf a = content(p, "0000004.jpg"), b = content(p, "0000005.jpg");
    assert_true(a.len > 500 && b.len > 500 && a.len != b.len);
    dm_buf_clear(&a);
    dm_buf_clear(&b);
}

static void test_wrong_usage(void **state)
{
    const struct place *p = *state;
    static const char *const lines[] = {
        "demeter synth",
        "demeter synth %D/a.png",
        "demeter synth --size 3x %D/a.jpg",
        "demeter synth --size 20x20 %D/a.jpg",
        "demeter synth --scene moon %D/a.jpg",
        "demeter synth --empty 0.6 --dead 0.6 %D/a.jpg",
    };
    for (size_t i = 0; i < DM_COUNT(lines); i++) {
        assert_int_equal(type(p, lines[i]), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_picture, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_usage, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
