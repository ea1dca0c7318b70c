/* SPDX-License-Identifier: Apache-2.0
 *
 * Genuine Ultralytics exports, made by tests/reference/export_onnx.py: each is accepted or refused
 * as it should be, has the parameters, the arithmetic and the nodes of its scale, and the real
 * weights give the recorded raw heads. Their licence keeps them out of the repository: without
 * DEMETER_REF_MODELS (or out/ref/models) this test skips. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/codec.h"
#include "nn/graph.h"
#include "nn/net.h"
#include "support/tiny.h"

enum { SKIPPED = 77, PATH_SIZE = 4096 };

static char models[PATH_SIZE], material[PATH_SIZE];

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool find_folders(void)
{
    const char *env = getenv("DEMETER_REF_MODELS");
    (void)snprintf(models, sizeof(models), "%s", env ? env : SOURCE_ROOT "/out/ref/models");
    env = getenv("DEMETER_MATERIAL");
    (void)snprintf(material, sizeof(material), "%s/weights",
                   env ? env : SOURCE_ROOT "/../shared/material");
    return is_folder(models);
}

static int open_export(const char *name, struct nn_model **ret, struct dm_err *e)
{
    char path[2 * PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", models, name);
    return nn_model_open(path, ret, e);
}

/* ---- accepted or refused ---- */

/* First row whose pattern is part of the file's name; says NULL: accepted. */
static const struct {
    const char *pattern, *says;
} verdicts[] = {
    {"-nms.", "nms=False"},   {"-batch4.", "batch=1"}, {"-pose.", "task pose"},
    {"yolov10", "nms=False"}, {"_int8.", "quantize`"}, {"", NULL},
};

static const char *expected_refusal(const char *name)
{
    size_t i = 0;
    while (!strstr(name, verdicts[i].pattern)) {
        i++;
    }
    return verdicts[i].says;
}

static void every_export_is_judged(void **state)
{
    (void)state;
    DIR *d = opendir(models);
    int accepted = 0, refused = 0;
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) {
        struct nn_model *m = NULL;
        struct dm_err e = {0};
        if (!strstr(f->d_name, ".onnx")) {
            continue;
        }
        const char *says = expected_refusal(f->d_name);
        int code = open_export(f->d_name, &m, &e);
        bool as_expected = says ? code == DM_EMODEL && strstr(e.text, says) : code == DM_OK;
        if (!as_expected) {
            fail_msg("%s: %d (%s)", f->d_name, code, dm_err_text(&e));
        }
        accepted += m != NULL;
        refused += !m;
        nn_model_free(m);
    }
    (void)closedir(d);
    print_message("%d accepted, %d refused\n", accepted, refused);
    assert_true(accepted > 0);
}

static void material_that_is_no_model_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {
        {"yolo11n_int8.onnx", "demeter model quantize"},
        {"yolo11n_fused_dequant_f32.safetensors", "safetensors"},
        {"yolo11n-seg_fused_dequant_f32.safetensors", "safetensors"},
    };
    if (!is_folder(material)) {
        print_message("no shared material\n");
        skip();
    }
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        char path[2 * PATH_SIZE];
        struct nn_model *m = NULL;
        struct dm_err e = {0};
        (void)snprintf(path, sizeof(path), "%s/%s", material, cases[i].name);
        assert_int_equal(nn_model_open(path, &m, &e), DM_EMODEL);
        assert_non_null(strstr(e.text, cases[i].says));
    }
}

/* ---- size and cost (vision.md 2.2, fused, 80 classes) ---- */

static const struct {
    const char *name;
    uint64_t params;
    double gflops_640; /* of convolutions; two operations a multiply-add */
    int conv;          /* the DFL convolution included */
} scales[] = {
    {"yolo11n.onnx", 2616248, 6.48, 88},         {"yolo11s.onnx", 9443760, 21.47, 88},
    {"yolo11m.onnx", 20091712, 67.98, 113},      {"yolo11l.onnx", 25340992, 86.91, 174},
    {"yolo11x.onnx", 56919424, 194.90, 174},     {"yolo11n-seg.onnx", 2868664, 9.74, 100},
    {"yolo11s-seg.onnx", 0, 32.95, 100},         {"yolo11m-seg.onnx", 0, 113.22, 125},
    {"yolo11l-seg.onnx", 0, 132.15, 186},        {"yolo11x-seg.onnx", 0, 296.36, 186},
    {"yolo11n-dynamic.onnx", 2616248, 6.48, 88},
};

static int count_kind(const struct nn_graph *g, enum nn_op_kind kind)
{
    int n = 0;
    for (int i = 0; i < g->n_node; i++) {
        n += g->node[i].kind == kind;
    }
    return n;
}

static void scales_have_their_size_and_cost(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(scales); i++) {
        struct nn_model *m = NULL;
        struct nn_graph *g = NULL;
        struct dm_err e = {0};
        if (open_export(scales[i].name, &m, &e) == DM_ENOTFOUND) {
            continue;
        }
        assert_non_null(m);
        const struct nn_model_info *info = nn_model_info(m);
        double area = (double)info->input_w * info->input_h / (640.0 * 640.0);
        double gflops = 2e-9 * (double)info->macs / area;
        assert_true(scales[i].params == 0 || info->n_params == scales[i].params);
        if (fabs(gflops - scales[i].gflops_640) > 0.006 * scales[i].gflops_640) {
            fail_msg("%s: %.2f GFLOP, expected %.2f", scales[i].name, gflops, scales[i].gflops_640);
        }
        assert_ok(nn_graph_new(m, info->input_w, info->input_h, &g, &e), &e);
        assert_int_equal(count_kind(g, NN_OP_CONV), scales[i].conv);
        nn_graph_free(g);
        nn_model_free(m);
    }
}

/* Every way of exporting the same network gives the same nodes. */
static void variants_fold_to_the_same_nodes(void **state)
{
    (void)state;
    static const char *const variants[] = {
        "yolo11n.onnx",
        "yolo11n-noslim.onnx",
        "yolo11n-dynamic.onnx",
        "yolo11n-f16.onnx",
        "yolo11n-opset11.onnx",
        "yolo11n-opset13.onnx",
        "yolo11n-opset22.onnx",
        "yolo11n-dynamic-noslim.onnx",
        "yolo11n-dynamic-noslim-opset11.onnx",
        "yolo11n-dynamic-noslim-opset17.onnx",
    };
    int expected[NN_OP_MAX_];
    for (size_t i = 0; i < DM_COUNT(variants); i++) {
        struct nn_model *m = NULL;
        struct nn_graph *g = NULL;
        struct dm_err e = {0};
        if (open_export(variants[i], &m, &e) == DM_ENOTFOUND) {
            continue;
        }
        assert_non_null(m);
        assert_ok(nn_graph_new(m, 640, 640, &g, &e), &e);
        for (int k = 0; k < NN_OP_MAX_; k++) {
            int n = count_kind(g, (enum nn_op_kind)k);
            if (i > 0 && n != expected[k]) {
                fail_msg("%s: %d nodes %s, expected %d", variants[i], n,
                         nn_op_name((enum nn_op_kind)k), expected[k]);
            }
            expected[k] = n;
        }
        nn_graph_free(g);
        nn_model_free(m);
    }
}

/* ---- the recorded raw heads ---- */

/* Content of a .npy file of f32, behind its header. */
static const float *npy_values(const struct dm_buf *b, size_t *ret_n)
{
    assert_true(b->len > 10 && memcmp(b->data, "\x93NUMPY\x01", 7) == 0);
    size_t header = 10 + (uint8_t)b->data[8] + 256u * (uint8_t)b->data[9];
    assert_true(header % 4 == 0 && header < b->len);
    *ret_n = (b->len - header) / sizeof(float);
    return (const float *)(const void *)(b->data + header);
}

static struct dm_buf read_reference(const char *name)
{
    char path[2 * PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/reference_outputs/%s", material, name);
    return tiny_read(path);
}

static void load_planes(const char *name, float *planes)
{
    struct dm_buf b = read_reference(name);
    struct image im = {0};
    struct dm_err e = {0};
    assert_ok(image_decode(b.data, b.len, NULL, &im, NULL, &e), &e);
    assert_true(im.w == 640 && im.h == 640);
    for (int y = 0; y < im.h; y++) {
        for (int x = 0; x < im.w; x++) {
            for (int c = 0; c < 3; c++) {
                planes[(c * 640 + y) * 640 + x] = (float)image_row(&im, y)[3 * x + c] / 255.0f;
            }
        }
    }
    image_clear(&im);
    dm_buf_clear(&b);
}

static void real_weights_give_the_recorded_heads(void **state)
{
    (void)state;
    static const struct {
        const char *model, *out[2];
    } cases[] = {
        {"yolo11n.onnx", {"coco36_yolo11n_84x8400.npy", NULL}},
        {"yolo11n-seg.onnx",
         {"coco36_yolo11n-seg_116x8400.npy", "coco36_yolo11n-seg_proto_32x160x160.npy"}},
    };
    if (!is_folder(material)) {
        print_message("no shared material\n");
        skip();
    }
    float *x = test_malloc(3 * 640 * 640 * sizeof(*x));
    load_planes("coco36_input_640.png", x);
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct nn_model *m = NULL;
        struct nn_graph *g = NULL;
        struct dm_arena a = {0};
        struct dm_err e = {0};
        const float *out[2];
        if (open_export(cases[i].model, &m, &e) == DM_ENOTFOUND) {
            continue;
        }
        assert_ok(nn_graph_new(m, 640, 640, &g, &e), &e);
        assert_ok(nn_graph_interpret(g, x, out, &a, &e), &e);
        for (int k = 0; k < 2 && cases[i].out[k]; k++) {
            struct dm_buf b = read_reference(cases[i].out[k]);
            size_t n;
            const float *want = npy_values(&b, &n);
            assert_int_equal(n, nn_shape_count(&g->value[g->output[k]].shape));
            double error = tiny_error(out[k], want, n);
            print_message("%s: largest relative error %.2g\n", cases[i].out[k], error);
            assert_true(error < 1e-3);
            dm_buf_clear(&b);
        }
        nn_graph_free(g);
        nn_model_free(m);
        dm_arena_clear(&a);
    }
    test_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_export_is_judged),
        cmocka_unit_test(material_that_is_no_model_is_refused),
        cmocka_unit_test(scales_have_their_size_and_cost),
        cmocka_unit_test(variants_fold_to_the_same_nodes),
        cmocka_unit_test(real_weights_give_the_recorded_heads),
    };
    if (!find_folders()) {
        print_message("no exports in %s: run tests/reference/export_onnx.py\n", models);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
