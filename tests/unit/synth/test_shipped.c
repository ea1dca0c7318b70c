/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies in models/ and examples/: the card names the file's checksum, and the shipped detector
 * counts a shipped picture about right. */
#include "support/testing.h"

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "vision/vision.h"

static struct dm_buf read_file(const char *path)
{
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init((size_t)64 << 20);
    assert_ok(dm_buf_read_file(&b, path, &e), &e);
    return b;
}

static void test_card_names_the_checksum(void **state)
{
    (void)state;
    struct dm_buf model = read_file(SOURCE_ROOT "/models/plants-detect.onnx");
    struct dm_buf card = read_file(SOURCE_ROOT "/models/plants-detect.md");
    char hex[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(model.data, model.len, hex);
    assert_non_null(strstr(dm_buf_str(&card), hex));
    model.data[100] ^= 1;
    dm_sha256_hex(model.data, model.len, hex);
    assert_null(strstr(dm_buf_str(&card), hex));
    assert_true(model.len < 8000000);
    dm_buf_clear(&model);
    dm_buf_clear(&card);
}

/* The truth beside the picture says 48. */
static void test_counts_a_sample(void **state)
{
    (void)state;
    struct dm_err e = {0};
    DM_CLEANUP(nn_model_freep) struct nn_model *m = NULL;
    DM_CLEANUP(nn_net_freep) struct nn_net *net = NULL;
    DM_CLEANUP(vision_engine_freep) struct vision_engine *v = NULL;
    DM_CLEANUP(vision_result_freep) struct vision_result *r = NULL;
    assert_ok(nn_model_open(SOURCE_ROOT "/models/plants-detect.onnx", &m, &e), &e);
    const struct nn_model_info *info = nn_model_info(m);
    assert_int_equal(info->task, NN_TASK_DETECT);
    assert_int_equal(info->n_classes, 1);
    assert_string_equal(info->class_names[0], "item");
    assert_int_equal(info->input_w, 512);
    assert_true(info->weights_f16);
    const struct nn_net_options o = {.precision = NN_PRECISION_F32, .backend = "auto"};
    assert_ok(nn_net_new(m, &o, &net, &e), &e);
    const struct vision_engine_options vo = {.detect = net};
    assert_ok(vision_engine_new(&vo, &v, &e), &e);
    struct vision_params p;
    vision_params_init(&p, VISION_PROFILE_PRODUCT);
    struct dm_buf photo = read_file(SOURCE_ROOT "/examples/loose.jpg");
    struct dm_buf truth = read_file(SOURCE_ROOT "/examples/loose.json");
    assert_non_null(strstr(dm_buf_str(&truth), "\"plants\": 48,"));
    assert_ok(vision_count(v, &p, photo.data, photo.len, &r, &e), &e);
    assert_in_range(r->detected, 46, 50);
    dm_buf_clear(&photo);
    dm_buf_clear(&truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_card_names_the_checksum),
                                       cmocka_unit_test(test_counts_a_sample)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
