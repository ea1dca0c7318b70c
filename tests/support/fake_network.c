/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks for pipeline tests. */
#include "support/fake_network.h"

#include "base/alloc.h"
#include "support/heads.h"

const uint8_t FAKE_MARKER[3] = {1, 2, 3};

struct nn_session {
    struct nn_net *net;
    struct test_heads heads;
};

void fake_paint(struct image *im, struct image_rect r, uint8_t red, uint8_t green, uint8_t blue)
{
    r = image_clip(im, r);
    for (int y = r.y; y < r.y + r.h; y++) {
        for (int x = r.x; x < r.x + r.w; x++) {
            uint8_t *p = image_row(im, y) + (size_t)x * 3;
            p[0] = red;
            p[1] = green;
            p[2] = blue;
        }
    }
}

static uint8_t score_to_green(double score)
{
    return (uint8_t)((score - 0.5) * 512 + 0.5);
}

double fake_score(double score)
{
    return 0.5 + score_to_green(score) / 512.0;
}

void fake_paint_plant(struct image *im, struct image_rect r, double score)
{
    fake_paint(im, r, 255, score_to_green(score), 255);
}

static bool is_plant(const struct image *im, int x, int y)
{
    const uint8_t *p = image_row(im, y) + (size_t)x * 3;
    return p[0] >= 200 && p[2] >= 200;
}

/* Extent of the patch of plant colour whose upper left pixel is (x, y). */
static struct image_rect patch_at(const struct image *im, int x, int y)
{
    int w = 1;
    int h = 1;
    while (x + w < im->w && is_plant(im, x + w, y)) {
        w++;
    }
    while (y + h < im->h && is_plant(im, x, y + h)) {
        h++;
    }
    return (struct image_rect){x, y, w, h};
}

static void detect(const struct image *im, struct test_heads *t)
{
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w; x++) {
            if (!is_plant(im, x, y) || (x > 0 && is_plant(im, x - 1, y)) ||
                (y > 0 && is_plant(im, x, y - 1))) {
                continue;
            }
            struct image_rect r = patch_at(im, x, y);
            uint8_t green = image_row(im, r.y + r.h / 2)[(size_t)(r.x + r.w / 2) * 3 + 1];
            bool cut = r.x == 0 || r.y == 0 || r.x + r.w == im->w || r.y + r.h == im->h;
            double score = (0.5 + green / 512.0) * (cut ? 0.6 : 1);
            (void)test_heads_put(t, r.x, r.y, r.x + r.w, r.y + r.h, score, 0);
        }
    }
}

static bool in_rect(struct image_rect r, int x, int y)
{
    return x >= r.x && y >= r.y && x < r.x + r.w && y < r.y + r.h;
}

/* Prototype k is +1 on the mask of container k and -1 elsewhere. */
static void segment(const struct nn_net *net, struct test_heads *t)
{
    for (size_t k = 0; k < net->n_container; k++) {
        const struct fake_container *c = &net->container[k];
        struct image_rect b = c->box;
        /* Half a pixel keeps rounding in the head from moving the truncated box. */
        int anchor = test_heads_put(t, b.x + 0.5, b.y + 0.5, b.x + b.w + 0.5, b.y + b.h + 0.5,
                                    c->score, c->class_id);
        int level = 0;
        if (anchor < 0) {
            continue;
        }
        while (anchor >= t->h.level[level].w * t->h.level[level].h) {
            anchor -= t->h.level[level].w * t->h.level[level].h;
            level++;
        }
        int w = t->h.level[level].w;
        test_heads_coef(t, level, anchor % w, anchor / w)[k] = 1;
        struct image_rect inner = {b.x + 4, b.y + 4, b.w - 8, b.h - 8};
        for (int y = 0; y < t->h.proto_h; y++) {
            for (int x = 0; x < t->h.proto_w; x++) {
                bool set = in_rect(inner, 4 * x, 4 * y) && !in_rect(c->notch, 4 * x, 4 * y);
                test_heads_proto(t, x, y)[k] = set ? 1 : -1;
            }
        }
    }
}

static const struct nn_model_info *fake_info(const struct nn_net *net)
{
    return &net->info;
}

static int fake_session_new(struct nn_net *net, struct dm_pool *pool, struct nn_session **ret,
                            struct dm_err *e)
{
    if (net->fail_session) {
        DM_FAIL(e, DM_EMODEL, "planted: no session");
    }
    struct nn_session *s = dm_calloc(1, sizeof(*s));
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "planted: no memory");
    }
    s->net = net;
    net->sessions++;
    net->open_sessions++;
    net->wide_sessions += pool != NULL;
    *ret = s;
    return DM_OK;
}

static void fake_session_free(struct nn_session *s)
{
    if (s) {
        s->net->open_sessions--;
        test_heads_clear(&s->heads);
        dm_free(s);
    }
}

static bool has_marker(const struct image *im)
{
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w; x++) {
            if (!memcmp(image_row(im, y) + (size_t)x * 3, FAKE_MARKER, 3)) {
                return true;
            }
        }
    }
    return false;
}

static int fake_session_run(struct nn_session *s, const struct image *in, float min_logit,
                            struct nn_heads *ret, struct dm_err *e)
{
    struct nn_net *net = s->net;
    (void)min_logit;
    net->runs++;
    if (in->w % net->info.stride || in->h % net->info.stride) {
        DM_FAIL(e, DM_EBADINPUT, "planted: %d x %d", in->w, in->h);
    }
    if (net->see) {
        net->see(net->see_ctx, in);
    }
    if (net->fail_on_marker && has_marker(in)) {
        DM_FAIL(e, DM_EINTERNAL, "planted: marker seen");
    }
    test_heads_clear(&s->heads);
    test_heads_init(&s->heads, in->w, in->h, net->info.n_classes, net->info.n_coefs);
    if (net->info.task == NN_TASK_SEGMENT) {
        segment(net, &s->heads);
    } else {
        detect(in, &s->heads);
    }
    *ret = s->heads.h;
    return DM_OK;
}

const struct vision_network fake_network = {
    .info = fake_info,
    .session_new = fake_session_new,
    .session_free = fake_session_free,
    .session_run = fake_session_run,
};

void fake_detector(struct nn_net *net)
{
    static const char *const names[] = {"item"};
    *net = (struct nn_net){.info = {.task = NN_TASK_DETECT,
                                    .n_classes = 1,
                                    .class_names = names,
                                    .stride = 32,
                                    .dynamic = true,
                                    .input_w = 640,
                                    .input_h = 640}};
}

void fake_segmenter(struct nn_net *net, const struct fake_container *c, size_t n)
{
    static const char *const names[] = {"claro-cajon", "cajon", "plug", "Almacigo", "perro"};
    *net = (struct nn_net){.info = {.task = NN_TASK_SEGMENT,
                                    .n_classes = 5,
                                    .class_names = names,
                                    .n_coefs = 8,
                                    .stride = 32,
                                    .dynamic = true,
                                    .input_w = 1024,
                                    .input_h = 1024},
                           .container = c,
                           .n_container = n};
}
