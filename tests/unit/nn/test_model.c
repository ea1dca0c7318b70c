/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening model files: what they say of themselves, and every way in which a file is refused. */
#include "nn/model.h"

#include <string.h>

#include "base/alloc.h"
#include "support/onnx_build.h"
#include "support/tiny.h"

/* ---- files ---- */

static void other_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } cases[] = {
        {"", 0, "empty"},
        {"PK\003\004rest of a zip archive", 24, "PyTorch checkpoint"},
        {"\x80\x02}q\x00.", 6, "PyTorch checkpoint"},
        {"\x80\x01\0\0\0\0\0\0{\"a\":{}}", 16, "safetensors"},
        {"version https://git-lfs.github.com/spec/v1", 42, "Git LFS"},
        {"\x1c\0\0\0TFL3\0\0", 10, "TensorFlow Lite"},
        {"<?xml version=\"1.0\"?>", 21, "XML"},
        {"\xFF\xD8\xFF\xE0\0\x10JFIF", 10, "not an ONNX file"},
        {"hello", 5, "not an ONNX file"},
        {"\x08\x09", 2, "without a network"},
        {"\x08\x09\x3a\x00", 4, "without a network"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct nn_model *m = NULL;
        struct dm_err e = {0};
        int code = nn_model_parse(cases[i].bytes, cases[i].n, &m, &e);
        if (code != DM_EMODEL || m || !strstr(e.text, cases[i].says)) {
            fail_msg("case %zu (%s): %d (%s)", i, cases[i].says, code, dm_err_text(&e));
        }
    }
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    struct dm_buf b = tiny_read(TINY_FILE("tiny11.onnx"));
    for (size_t i = 0; i < 60; i++) {
        struct nn_model *m = NULL;
        size_t n = b.len * i / 60;
        int code = nn_model_parse(dm_buf_str(&b), n, &m, NULL);
        if (code >= 0 || m) {
            fail_msg("accepted the first %zu of %zu bytes", n, b.len);
        }
    }
    dm_buf_clear(&b);
}

static void missing_files_are_named(void **state)
{
    (void)state;
    struct nn_model *m = NULL;
    struct dm_err e = {0};
    assert_int_equal(nn_model_open("/nowhere/x.onnx", &m, &e), DM_ENOTFOUND);
    assert_non_null(strstr(e.text, "/nowhere/x.onnx"));
    assert_int_equal(nn_model_open(SOURCE_ROOT, &m, NULL), DM_EBADINPUT);
    assert_int_equal(nn_model_open(TINY_FILE("README.md"), &m, &e), DM_EMODEL);
    assert_non_null(strstr(e.text, "README.md"));
    assert_null(m);
}

/* Two bytes of wire a node: a megabyte of them asks for a hundred. */
static void files_cannot_ask_for_much_more_memory_than_they_have(void **state)
{
    (void)state;
    size_t n = (size_t)4 << 20;
    uint8_t *bytes = test_malloc(n + 5);
    memcpy(bytes, "\x3a\x80\x80\x80\x02", 5); /* graph, 4 MiB */
    for (size_t i = 0; i < n; i += 2) {
        bytes[5 + i] = 0x0A; /* an empty node */
        bytes[6 + i] = 0;
    }
    struct nn_model *m = NULL;
    struct dm_err e = {0};
    assert_int_equal(nn_model_parse(bytes, n + 5, &m, &e), DM_ELIMIT);
    test_free(bytes);
}

static void models_describe_themselves(void **state)
{
    (void)state;
    struct nn_model *m = NULL;
    struct dm_err e = {0};
    assert_ok(nn_model_open(TINY_FILE("tiny11-seg-dynamic-noslim.onnx"), &m, &e), &e);
    const struct nn_model_info *i = nn_model_info(m);
    assert_int_equal(i->task, NN_TASK_SEGMENT);
    assert_int_equal(i->n_classes, 3);
    assert_string_equal(i->class_names[0], "plug");
    assert_string_equal(i->class_names[1], "it's \"quoted\"");
    assert_string_equal(i->class_names[2], "maceta ñ");
    assert_int_equal(i->n_coefs, 8);
    assert_int_equal(i->stride, 32);
    assert_true(i->dynamic);
    assert_int_equal(i->input_w, 64);
    assert_int_equal(i->input_h, 64);
    assert_int_equal(i->opset, 22);
    assert_false(i->weights_f16);
    assert_string_equal(i->version, "0.1.0");
    assert_string_equal(i->license, "Apache-2.0");
    assert_string_equal(i->author, "Demeter");
    nn_model_free(m);
    assert_ok(nn_model_open(TINY_FILE("tiny11-f16.onnx"), &m, &e), &e);
    assert_true(nn_model_info(m)->weights_f16);
    assert_false(nn_model_info(m)->dynamic);
    assert_int_equal(nn_model_info(m)->task, NN_TASK_DETECT);
    assert_int_equal(nn_model_info(m)->n_coefs, 0);
    nn_model_free(m);
}

/* ---- metadata of whole models ---- */

/* tiny11 with its metadata changed: key NULL drops all, value NULL drops the key. */
static int open_with(const char *file, const char *key, const char *value, struct nn_model **ret,
                     struct dm_err *e)
{
    struct dm_buf b = tiny_read(file);
    Onnx__ModelProto *p = onnx__model_proto__unpack(NULL, b.len, (const uint8_t *)b.data);
    assert_non_null(p);
    dm_buf_clear(&b);
    Onnx__StringStringEntryProto entry;
    Onnx__StringStringEntryProto *list[OB_MAX], **old = p->metadata_props;
    size_t n = 0, n_old = p->n_metadata_props;
    for (size_t i = 0; key && i < n_old; i++) {
        if (strcmp(old[i]->key, key) != 0) {
            list[n++] = old[i];
        }
    }
    if (key && value) {
        onnx__string_string_entry_proto__init(&entry);
        entry.key = (char *)(uintptr_t)key;
        entry.value = (char *)(uintptr_t)value;
        list[n++] = &entry;
    }
    p->metadata_props = list;
    p->n_metadata_props = n;
    size_t size = onnx__model_proto__get_packed_size(p);
    uint8_t *bytes = test_malloc(size);
    (void)onnx__model_proto__pack(p, bytes);
    p->metadata_props = old;
    p->n_metadata_props = n_old;
    onnx__model_proto__free_unpacked(p, NULL);
    int code = nn_model_parse(bytes, size, ret, e);
    test_free(bytes);
    return code;
}

static void metadata_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *says; /* says NULL: accepted */
    } cases[] = {
        {NULL, NULL, NULL},
        {"task", NULL, NULL},
        {"task", "segment", "a segment model with 1 outputs"},
        {"task", "pose", "task pose"},
        {"task", "obb", "task obb"},
        {"task", "classify", "task classify"},
        {"kpt_shape", "[17, 3]", "pose model"},
        {"end2end", "True", "end-to-end"},
        {"end2end", "False", NULL},
        {"args", "{'nms': True}", "nms=True"},
        {"args", "{'nms': False}", NULL},
        {"args", "gibberish", NULL},
        {"names", NULL, NULL},
        {"names", "{0: 'a', 1: 'b'}", "names 2 classes, the network has 3"},
        {"names", "['a', 'b', 'c']", NULL},
        {"names", "nonsense", "metadata entry names"},
        {"stride", "64", "largest stride 64"},
        {"stride", "many", "metadata entry stride"},
        {"stride", NULL, NULL},
        {"imgsz", "[0, 64]", "metadata entry imgsz"},
        {"imgsz", "640", NULL}, /* of a static file the graph counts */
        {"imgsz", NULL, NULL},
        {"version", "9\x1b[2J", NULL},
        {"demeter_tile", "192", NULL},
        {"demeter_tile", "small", "metadata entry demeter_tile"},
        {"demeter_plant_px", "0", "metadata entry demeter_plant_px"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct nn_model *m = NULL;
        struct dm_err e = {0};
        int code = open_with(TINY_FILE("tiny11.onnx"), cases[i].key, cases[i].value, &m, &e);
        bool as_expected =
            cases[i].says ? code == DM_EMODEL && strstr(e.text, cases[i].says) : code == DM_OK;
        if (!as_expected) {
            fail_msg("%s = %s: %d (%s)", cases[i].key, cases[i].value, code, dm_err_text(&e));
        }
        if (m) {
            assert_int_equal(nn_model_info(m)->n_classes, 3);
            assert_int_equal(nn_model_info(m)->input_w, 64);
            assert_null(strchr(nn_model_info(m)->version, '\x1b'));
        }
        nn_model_free(m);
    }
}

/* What the file says of the scale it counts best at. */
static void scale_is_read(void **state)
{
    (void)state;
    struct nn_model *m = NULL;
    struct dm_err e = {0};
    assert_ok(open_with(TINY_FILE("tiny11.onnx"), "demeter_tile", "192", &m, &e), &e);
    assert_int_equal(nn_model_info(m)->tile_px, 192);
    assert_int_equal(nn_model_info(m)->plant_px, 0);
    nn_model_free(m);
    assert_ok(open_with(TINY_FILE("tiny11.onnx"), "demeter_plant_px", "28", &m, &e), &e);
    assert_int_equal(nn_model_info(m)->tile_px, 0);
    assert_int_equal(nn_model_info(m)->plant_px, 28);
    nn_model_free(m);
}

static void names_are_made_up_when_missing(void **state)
{
    (void)state;
    struct nn_model *m = NULL;
    struct dm_err e = {0};
    assert_ok(open_with(TINY_FILE("tiny11-seg.onnx"), NULL, NULL, &m, &e), &e);
    const struct nn_model_info *i = nn_model_info(m);
    assert_int_equal(i->task, NN_TASK_SEGMENT);
    assert_int_equal(i->n_classes, 3);
    assert_string_equal(i->class_names[2], "class2");
    assert_string_equal(i->version, "");
    nn_model_free(m);
    assert_ok(open_with(TINY_FILE("tiny11-dynamic.onnx"), "imgsz", "[96, 160]", &m, &e), &e);
    assert_int_equal(nn_model_info(m)->input_h, 96);
    assert_int_equal(nn_model_info(m)->input_w, 160);
    nn_model_free(m);
    assert_ok(open_with(TINY_FILE("tiny11-dynamic.onnx"), NULL, NULL, &m, &e), &e);
    assert_int_equal(nn_model_info(m)->input_w, 640);
    nn_model_free(m);
    m = NULL;
    assert_int_equal(open_with(TINY_FILE("tiny11-dynamic.onnx"), "imgsz", "[100, 64]", &m, &e),
                     DM_EMODEL);
}

/* Wrong networks with one sigmoid: outputs that are no predictions. */
static void other_outputs_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t shape[4]; /* output0 is the picture [1,3,32,32] reshaped to this; 0 ends */
        const char *says;
    } cases[] = {
        {{1, 512, 6}, "512 finished boxes"},
        {{1, 3, 1024}, "21 anchors"},
        {{1, 3072}, "21 anchors"},
        {{3, 64, 16}, "21 anchors"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct ob b;
        struct nn_model *m = NULL;
        struct dm_err e = {0};
        size_t n = 0;
        ob_init(&b, 17);
        ob_picture(&b, 1, 3, 32, 32);
        while (n < 4 && cases[i].shape[n] > 0) {
            n++;
        }
        ob_i64(&b, "shape", n, cases[i].shape);
        ob_node(&b, "Sigmoid", "x", "s");
        ob_node(&b, "Reshape", "s,shape", "y");
        ob_output(&b, "y");
        const uint8_t *bytes = ob_bytes(&b, &n);
        int code = nn_model_parse(bytes, n, &m, &e);
        if (code != DM_EMODEL || !strstr(e.text, cases[i].says)) {
            fail_msg("case %zu (%s): %d (%s)", i, cases[i].says, code, dm_err_text(&e));
        }
        ob_clear(&b);
    }
}

static void input_shapes_are_checked(void **state)
{
    (void)state;
    static const struct {
        int64_t h, w;
        const char *says;
    } cases[] = {
        {64, -1, "only one side"},
        {100, 64, "multiples of 32"},
        {8192, 64, "up to 4096"},
        {-1, -1, "21"}, /* fine so far: 640 is taken, the output is wrong */
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct ob b;
        struct nn_model *m = NULL;
        struct dm_err e = {0};
        size_t n;
        ob_init(&b, 17);
        ob_picture(&b, -1, 3, cases[i].h, cases[i].w);
        ob_node(&b, "Sigmoid", "x", "y");
        ob_output(&b, "y");
        const uint8_t *bytes = ob_bytes(&b, &n);
        assert_int_equal(nn_model_parse(bytes, n, &m, &e), DM_EMODEL);
        bool last = i + 1 == DM_COUNT(cases);
        assert_non_null(strstr(e.text, last ? "8400 anchors" : cases[i].says));
        ob_clear(&b);
    }
}

/* ---- memory ---- */

static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    struct dm_buf b = tiny_read(TINY_FILE("tiny11-dynamic-noslim.onnx"));
    size_t step = 1;
    int failures = 0;
    for (size_t n = 1;; n += step) {
        struct nn_model *m = NULL;
        struct dm_err e = {0};
        (void)dm_alloc_fail_at(n);
        int code = nn_model_parse(dm_buf_str(&b), b.len, &m, &e);
        size_t made = dm_alloc_fail_at(0);
        if (code == DM_OK && made < n) {
            nn_model_free(m);
            break;
        }
        nn_model_free(m);
        /* a label lost to a failed allocation is no failure of the model */
        if (code != DM_ENOMEM && code != DM_OK) {
            fail_msg("allocation %zu: %d (%s)", n, code, dm_err_text(&e));
        }
        failures += code == DM_ENOMEM;
        step = 1 + n / 40;
    }
    assert_true(failures > 50);
    dm_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(files_cannot_ask_for_much_more_memory_than_they_have),
        cmocka_unit_test(models_describe_themselves),
        cmocka_unit_test(metadata_is_checked),
        cmocka_unit_test(scale_is_read),
        cmocka_unit_test(names_are_made_up_when_missing),
        cmocka_unit_test(other_outputs_are_refused),
        cmocka_unit_test(input_shapes_are_checked),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
