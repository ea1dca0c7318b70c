/* SPDX-License-Identifier: Apache-2.0
 *
 * The planned network against the oracle interpreter, file by file and back end by back end: the
 * raw heads are decoded here in the plainest way and compared with the ONNX output0 that the
 * interpreter computes node by node. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/testing.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "nn/graph.h"
#include "nn/net.h"
#include "nn/plan.h"

/* Files of tests/data/onnx, made by tests/reference/gen_tiny_onnx.py. */
static const char *const files[] = {
    "tiny11.onnx",
    "tiny11-seg.onnx",
    "tiny8.onnx",
    "tiny11-noslim.onnx",
    "tiny11-dynamic.onnx",
    "tiny11-bn.onnx",
    "tiny11-f16.onnx",
    "tiny11-dynamic-noslim.onnx",
    "tiny11-dynamic-noslim-opset11.onnx",
    "tiny11-seg-dynamic-noslim.onnx",
};

static struct nn_model *open_model(const char *name)
{
    char path[512];
    struct dm_err e = {0};
    struct nn_model *m = NULL;
    (void)snprintf(path, sizeof(path), "%s/tests/data/onnx/%s", SOURCE_ROOT, name);
    assert_ok(nn_model_open(path, &m, &e), &e);
    return m;
}

static void random_image(struct image *im, int w, int h)
{
    struct dm_err e = {0};
    struct test_rng rng = {.s = 88172645463325252u};
    assert_ok(image_init(im, w, h, 3, &e), &e);
    for (int i = 0; i < w * h * 3; i++) { /* smooth enough to excite deep layers */
        im->px[i] = (uint8_t)(127 + 100 * sin(i * 0.01) + test_rng_below(&rng, 28));
    }
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Box side: expectation over 16 bins (vision.md 2.4). */
static double side(const float *logit)
{
    double sum = 0, weighted = 0, top = -INFINITY;
    for (int k = 0; k < 16; k++) {
        top = fmax(top, (double)logit[k]);
    }
    for (int k = 0; k < 16; k++) {
        double p = exp((double)logit[k] - top);
        sum += p;
        weighted += k * p;
    }
    return weighted / sum;
}

/* output0 [4 + nc + nm][A] in double from raw heads. */
static double *decode(const struct nn_heads *h, size_t *ret_n)
{
    size_t anchors = 0;
    for (int l = 0; l < h->n_levels; l++) {
        anchors += (size_t)(h->level[l].w * h->level[l].h);
    }
    size_t rows = (size_t)(4 + h->n_classes + h->n_coefs);
    double *out = test_calloc(rows * anchors, sizeof(*out));
    size_t a = 0;
    for (int l = 0; l < h->n_levels; l++) {
        const struct nn_level *v = &h->level[l];
        for (int i = 0; i < v->w * v->h; i++, a++) {
            const float *box = v->box + (size_t)i * v->box_step;
            double x = i % v->w + 0.5, y = i / v->w + 0.5;
            double x1 = x - side(box), y1 = y - side(box + 16);
            double x2 = x + side(box + 32), y2 = y + side(box + 48);
            out[0 * anchors + a] = (x1 + x2) / 2 * v->stride;
            out[1 * anchors + a] = (y1 + y2) / 2 * v->stride;
            out[2 * anchors + a] = (x2 - x1) * v->stride;
            out[3 * anchors + a] = (y2 - y1) * v->stride;
            for (int c = 0; c < h->n_classes; c++) {
                double logit = (double)v->cls[(size_t)i * v->cls_step + (size_t)c];
                out[(size_t)(4 + c) * anchors + a] = sigmoid(logit);
            }
            for (int c = 0; c < h->n_coefs; c++) {
                out[(size_t)(4 + h->n_classes + c) * anchors + a] =
                    (double)v->coef[(size_t)i * v->coef_step + (size_t)c];
            }
        }
    }
    *ret_n = rows * anchors;
    return out;
}

/* Largest difference relative to max(1, |expected|). */
static double worst(const double *got, const float *expected, size_t n)
{
    double w = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs(got[i] - (double)expected[i]) / fmax(1.0, fabs((double)expected[i]));
        w = d > w || isnan(d) ? d : w;
    }
    return w;
}

/* Squared error relative to the signal: what low precision is judged by, since one anchor whose
 * bins tie may move its box by pixels. */
static double nmse(const double *got, const float *expected, size_t n)
{
    double error = 0, signal = 0;
    for (size_t i = 0; i < n; i++) {
        double d = got[i] - (double)expected[i];
        error += d * d;
        signal += (double)expected[i] * (double)expected[i];
    }
    return error / signal;
}

typedef double (*difference_fn)(const double *got, const float *expected, size_t n);

struct oracle {
    struct dm_arena arena;
    const float *out[2];
    size_t n_out[2];
};

static void ask_oracle(struct oracle *o, const struct nn_model *m, const struct image *im)
{
    struct dm_err e = {0};
    struct nn_graph *g = NULL;
    assert_ok(nn_graph_new(m, im->w, im->h, &g, &e), &e);
    size_t plane = (size_t)im->w * (size_t)im->h;
    float *input = dm_arena_calloc(&o->arena, 3 * plane, sizeof(*input));
    assert_non_null(input);
    for (size_t i = 0; i < plane; i++) {
        for (size_t c = 0; c < 3; c++) {
            input[c * plane + i] = (float)im->px[3 * i + c] / 255.0f;
        }
    }
    assert_ok(nn_graph_interpret(g, input, o->out, &o->arena, &e), &e);
    for (int i = 0; i < g->n_output; i++) {
        o->n_out[i] = (size_t)nn_shape_count(&g->value[g->output[i]].shape);
    }
    nn_graph_free(g);
}

struct run {
    struct nn_net *net;
    struct nn_session *session;
    struct nn_heads heads;
};

/* False when this processor lacks the back end or the precision. */
static bool run_net(struct run *r, const struct nn_model *m, const char *backend,
                    enum nn_precision precision, struct dm_pool *pool, const struct image *im,
                    float min_logit)
{
    struct dm_err e = {0};
    const struct nn_net_options o = {.precision = precision, .backend = backend};
    int code = nn_net_new(m, &o, &r->net, &e);
    if (code == DM_EUNSUPPORTED) {
        return false;
    }
    assert_ok(code, &e);
    assert_ok(nn_session_new(r->net, pool, &r->session, &e), &e);
    assert_ok(nn_session_run(r->session, im, min_logit, &r->heads, &e), &e);
    return true;
}

static void run_end(struct run *r)
{
    nn_session_free(r->session);
    nn_net_free(r->net);
    *r = (struct run){0};
}

static void compare(const char *file, const char *backend, enum nn_precision precision,
                    difference_fn difference, double tol)
{
    struct nn_model *m = open_model(file);
    const struct nn_model_info *info = nn_model_info(m);
    struct image im = {0};
    struct oracle oracle = {0};
    struct run r = {0};
    random_image(&im, info->input_w, info->input_h);
    ask_oracle(&oracle, m, &im);
    if (run_net(&r, m, backend, precision, NULL, &im, -INFINITY)) {
        size_t n;
        double *got = decode(&r.heads, &n);
        assert_int_equal(n, oracle.n_out[0]);
        double w = difference(got, oracle.out[0], n);
        if (!(w <= tol)) {
            fail_msg("%s on %s: output0 differs by %g, allowed %g", file, backend, w, tol);
        }
        for (size_t i = 0; i < n; i += 16) { /* planted fault */
            got[i] += 2 + fabs(got[i]);
        }
        assert_true(difference(got, oracle.out[0], n) > tol);
        test_free(got);
        if (info->task == NN_TASK_SEGMENT) { /* prototypes: NHWC against NCHW */
            size_t plane = (size_t)r.heads.proto_w * (size_t)r.heads.proto_h;
            size_t nm = (size_t)r.heads.n_coefs;
            double *proto = test_calloc(plane * nm, sizeof(*proto));
            for (size_t i = 0; i < plane * nm; i++) {
                proto[i] = (double)r.heads.proto[(i % plane) * nm + i / plane];
            }
            assert_int_equal(plane * nm, oracle.n_out[1]);
            assert_true(difference(proto, oracle.out[1], plane * nm) <= tol);
            test_free(proto);
        }
    } else {
        print_message("%s: not on this processor\n", backend);
    }
    run_end(&r);
    dm_arena_clear(&oracle.arena);
    image_clear(&im);
    nn_model_free(m);
}

static void test_f32_equals_oracle(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "onednn", "avx512", "auto"};
    for (size_t f = 0; f < DM_COUNT(files); f++) {
        for (size_t b = 0; b < DM_COUNT(backends); b++) {
            compare(files[f], backends[b], NN_PRECISION_F32, worst, 1e-3);
        }
    }
}

static void test_bf16_is_near_oracle(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "onednn", "avx512"};
    for (size_t f = 0; f < DM_COUNT(files); f++) {
        for (size_t b = 0; b < DM_COUNT(backends); b++) {
            compare(files[f], backends[b], NN_PRECISION_BF16, nmse, 1e-2);
        }
    }
}

static size_t n_cls(const struct nn_level *v)
{
    return (size_t)(v->w * v->h - 1) * v->cls_step + 1;
}

static float largest_logit(const struct nn_heads *h)
{
    float top = -INFINITY;
    for (int l = 0; l < h->n_levels; l++) {
        const struct nn_level *v = &h->level[l];
        for (int i = 0; i < v->w * v->h; i++) {
            for (int c = 0; c < h->n_classes; c++) {
                top = fmaxf(top, v->cls[(size_t)i * v->cls_step + (size_t)c]);
            }
        }
    }
    return top;
}

/* Anchors above the threshold, each with the same box logits on both sides. */
static int same_boxes_above(const struct nn_heads *a, const struct nn_heads *b, float min_logit)
{
    int n = 0;
    for (int l = 0; l < a->n_levels; l++) {
        const struct nn_level *v = &a->level[l], *w = &b->level[l];
        for (int i = 0; i < v->w * v->h; i++) {
            bool above = false;
            for (int c = 0; c < a->n_classes; c++) {
                above = above || v->cls[(size_t)i * v->cls_step + (size_t)c] > min_logit;
            }
            if (above) {
                n++;
                assert_memory_equal(v->box + (size_t)i * v->box_step,
                                    w->box + (size_t)i * w->box_step, 64 * sizeof(float));
            }
        }
    }
    return n;
}

/* Closed gates leave the class logits as they are; an open one gives the same boxes. */
static void test_gates(void **state)
{
    (void)state;
    struct nn_model *m = open_model(files[0]);
    struct image im = {0};
    struct run all = {0}, some = {0};
    random_image(&im, nn_model_info(m)->input_w, nn_model_info(m)->input_h);
    assert_true(run_net(&all, m, "ref", NN_PRECISION_F32, NULL, &im, -INFINITY));
    assert_true(run_net(&some, m, "ref", NN_PRECISION_F32, NULL, &im, 1e30f));
    for (int l = 0; l < all.heads.n_levels; l++) {
        const struct nn_level *a = &all.heads.level[l], *b = &some.heads.level[l];
        assert_memory_equal(a->cls, b->cls, n_cls(a) * sizeof(float));
    }
    struct dm_err e = {0};
    float top = largest_logit(&all.heads);
    assert_ok(nn_session_run(some.session, &im, top - 0.5f, &some.heads, &e), &e);
    assert_true(same_boxes_above(&all.heads, &some.heads, top - 0.5f) > 0);
    assert_ok(nn_session_run(some.session, &im, -1e30f, &some.heads, &e), &e);
    assert_true(same_boxes_above(&all.heads, &some.heads, -1e30f) > 0);
    run_end(&all);
    run_end(&some);
    image_clear(&im);
    nn_model_free(m);
}

/* Sharing steps among threads changes nothing. */
static void test_pool_gives_the_same(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "onednn", "avx512"};
    struct dm_err e = {0};
    struct dm_pool *pool = NULL;
    assert_ok(dm_pool_new(3, &pool, &e), &e);
    for (size_t f = 0; f < 2; f++) {
        struct nn_model *m = open_model(files[f]);
        struct image im = {0};
        random_image(&im, nn_model_info(m)->input_w, nn_model_info(m)->input_h);
        for (size_t b = 0; b < DM_COUNT(backends); b++) {
            struct run one = {0}, many = {0};
            if (!run_net(&one, m, backends[b], NN_PRECISION_F32, NULL, &im, -INFINITY)) {
                continue;
            }
            assert_true(run_net(&many, m, backends[b], NN_PRECISION_F32, pool, &im, -INFINITY));
            size_t n;
            double *x = decode(&one.heads, &n), *y = decode(&many.heads, &n);
            assert_memory_equal(x, y, n * sizeof(*x));
            test_free(x);
            test_free(y);
            run_end(&one);
            run_end(&many);
        }
        image_clear(&im);
        nn_model_free(m);
    }
    dm_pool_free(pool);
}

/* No two buffers alive at the same step share a byte, and views lie inside their buffer. */
static void test_memory_plan(void **state)
{
    (void)state;
    static const struct nn_backend *const ref[] = {&nn_backend_ref, NULL};
    const struct plan_options o = {.precision = NN_PRECISION_F32, .backend = ref};
    for (size_t f = 0; f < DM_COUNT(files); f++) {
        struct dm_err e = {0};
        struct nn_model *m = open_model(files[f]);
        const struct nn_model_info *info = nn_model_info(m);
        struct nn_graph *g = NULL;
        struct nn_plan *p = NULL;
        assert_ok(nn_graph_new(m, info->input_w, info->input_h, &g, &e), &e);
        assert_ok(nn_plan_new(g, info, &o, &p, &e), &e);
        for (int i = 0; i < p->n_buffer; i++) {
            const struct plan_buffer *a = &p->buffer[i];
            assert_true(a->offset_bytes + a->size_bytes <= p->workspace_bytes);
            for (int j = 0; j < i; j++) {
                const struct plan_buffer *b = &p->buffer[j];
                bool time = a->first <= b->last && b->first <= a->last;
                bool space = a->offset_bytes < b->offset_bytes + b->size_bytes &&
                             b->offset_bytes < a->offset_bytes + a->size_bytes;
                assert_false(time && space);
            }
        }
        for (int i = 0; i < p->n_tensor; i++) {
            const struct plan_tensor *t = &p->tensor[i];
            if (t->buffer >= 0) {
                assert_true(t->c_off >= 0 && t->c_off + t->c <= p->buffer[t->buffer].c);
                assert_int_equal(t->h, p->buffer[t->buffer].h);
                assert_int_equal(t->w, p->buffer[t->buffer].w);
            }
        }
        nn_plan_free(p);
        nn_graph_free(g);
        nn_model_free(m);
    }
}

/* A session follows a dynamic model from size to size, more sizes than plans are kept. */
static void test_many_sizes(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct nn_model *m = open_model("tiny11-dynamic.onnx");
    const struct nn_net_options o = {.precision = NN_PRECISION_F32, .backend = "ref"};
    struct nn_net *net = NULL;
    struct nn_session *s = NULL;
    assert_ok(nn_net_new(m, &o, &net, &e), &e);
    assert_ok(nn_session_new(net, NULL, &s, &e), &e);
    for (int i = 0; i < 20; i++) {
        struct image im = {0};
        struct nn_heads heads;
        random_image(&im, 32 * (1 + i % 5), 32 * (1 + i / 5));
        assert_ok(nn_session_run(s, &im, -INFINITY, &heads, &e), &e);
        assert_int_equal(heads.level[0].w, im.w / 8);
        assert_int_equal(heads.level[2].h, im.h / 32);
        image_clear(&im);
    }
    struct image odd = {0};
    struct nn_heads heads;
    random_image(&odd, 40, 64);
    assert_int_equal(nn_session_run(s, &odd, 0, &heads, &e), DM_EBADINPUT);
    image_clear(&odd);
    nn_session_free(s);
    nn_net_free(net);
    nn_model_free(m);
}

/* Every allocation may fail: an error, never a crash or a leak. */
static void test_out_of_memory(void **state)
{
    (void)state;
    struct nn_model *m = open_model(files[1]);
    const struct nn_net_options o = {.precision = NN_PRECISION_F32, .backend = "ref"};
    int code = DM_ENOMEM;
    for (size_t n = 1; code == DM_ENOMEM; n++) {
        struct nn_net *net = NULL;
        struct dm_err e = {0};
        (void)dm_alloc_fail_at(n);
        code = nn_net_new(m, &o, &net, &e);
        (void)dm_alloc_fail_at(0);
        nn_net_free(net);
        assert_true(n < 100000);
    }
    assert_int_equal(code, DM_OK);
    nn_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32_equals_oracle),
        cmocka_unit_test(test_bf16_is_near_oracle),
        cmocka_unit_test(test_gates),
        cmocka_unit_test(test_pool_gives_the_same),
        cmocka_unit_test(test_memory_plan),
        cmocka_unit_test(test_many_sizes),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
