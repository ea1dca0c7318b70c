/* SPDX-License-Identifier: Apache-2.0
 *
 * What our runtime finds on a photo, as JSON, for tests/reference/parity to hold against what the
 * reference libraries find. One process per network and precision; jobs are lines on stdin, each
 * answered by one line, so that weights are prepared once for all photos.
 *
 *     parity_dump MODEL.onnx [--precision f32] [--backend auto] [--threads 1]
 *
 *     photo PATH                  decode; size and SHA-256 of the RGB pixels
 *     view CONF IOU SIZE X Y W H  one pass over a part of the photo; boxes in that part's pixels
 *     slice CONF IOU              the whole pipeline of the parity profile, photo as one region
 *     segment CONF IOU SIZE       boxes, masks at network size, polygons in photo pixels
 *     raw FILE                    raw heads of the photo, which must have the network's size, as
 *                                 f32: output0 [rows][anchors], then prototypes [n][h][w]
 *
 * A job that fails answers {"error": "..."}; the program goes on. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/limits.h"
#include "image/codec.h"
#include "vision/container.h"
#include "vision/slice.h"
#include "vision/vision.h"
#include "vision/yolo.h"

#define LIMIT_ANSWER_BYTES ((size_t)256 << 20)
#define LINE_BYTES         4096

struct dump {
    struct nn_model *model;
    struct nn_net *net;
    struct nn_session *session;
    struct dm_pool *pool;
    struct image photo;
};

static int load_photo(struct dump *d, const char *path, struct dm_buf *out, struct dm_err *e)
{
    struct dm_buf file = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    struct image_info info;
    image_clear(&d->photo);
    int rc = dm_buf_read_file(&file, path, e);
    if (rc >= 0) {
        rc = image_decode(file.data, file.len, &image_default_limits, &d->photo, &info, e);
    }
    dm_buf_clear(&file);
    DM_TRY(rc);
    char sha[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(d->photo.px, (size_t)d->photo.h * d->photo.stride_bytes, sha);
    dm_buf_printf(out, "{\"w\":%d,\"h\":%d,\"pixels_sha256\":\"%s\"}", d->photo.w, d->photo.h, sha);
    return DM_OK;
}

/* Letterbox the picture to what the network wants and run it. */
static int run(struct dump *d, const struct image *in, int size_px, float min_logit,
               struct yolo_letterbox *ret_lb, struct nn_heads *ret, struct dm_err *e)
{
    const struct nn_model_info *info = nn_net_info(d->net);
    int w = info->dynamic ? size_px : info->input_w;
    int h = info->dynamic ? size_px : info->input_h;
    *ret_lb = yolo_letterbox_plan(in->w, in->h, w, h, info->stride, info->dynamic);
    struct image net = {0};
    DM_TRY(image_init(&net, ret_lb->net_w, ret_lb->net_h, 3, e));
    int rc = yolo_letterbox_apply(ret_lb, in, &net, e);
    if (rc >= 0) {
        rc = nn_session_run(d->session, &net, min_logit, ret, e);
    }
    image_clear(&net);
    return rc;
}

static void put_boxes(struct dm_buf *out, const struct yolo_box *b, size_t n)
{
    dm_buf_puts(out, "\"boxes\":[");
    for (size_t i = 0; i < n; i++) {
        dm_buf_printf(out, "%s[%.4f,%.4f,%.4f,%.4f,%.6f,%d]", i ? "," : "", (double)b[i].x1,
                      (double)b[i].y1, (double)b[i].x2, (double)b[i].y2, (double)b[i].score,
                      b[i].class_id);
    }
    dm_buf_putc(out, ']');
}

static int view(struct dump *d, const char *args, struct dm_arena *a, struct dm_buf *out,
                struct dm_err *e)
{
    struct yolo_nms_params p = {.max_det = 300, .max_nms = 30000};
    struct image_rect r;
    int size;
    if (sscanf(args, "%f %f %d %d %d %d %d", &p.conf, &p.iou, &size, &r.x, &r.y, &r.w, &r.h) != 7) {
        DM_FAIL(e, DM_EBADINPUT, "view: expected CONF IOU SIZE X Y W H");
    }
    struct image_rect inside = image_clip(&d->photo, r);
    if (r.w < 1 || inside.w != r.w || inside.h != r.h) {
        DM_FAIL(e, DM_EBADINPUT, "view: outside the photo");
    }
    struct image part = image_view(&d->photo, r);
    struct yolo_letterbox lb;
    struct nn_heads heads;
    DM_TRY(run(d, &part, size, yolo_min_logit(p.conf), &lb, &heads, e));
    struct yolo_box *box;
    size_t n;
    bool saturated;
    DM_TRY(yolo_decode(&heads, &p, a, &box, &n, &saturated, e));
    yolo_unletterbox(&lb, box, n);
    dm_buf_printf(out, "{\"saturated\":%s,", saturated ? "true" : "false");
    put_boxes(out, box, n);
    dm_buf_putc(out, '}');
    return DM_OK;
}

static int slice(struct dump *d, const char *args, struct dm_buf *out, struct dm_err *e)
{
    struct vision_params p;
    vision_params_init(&p, VISION_PROFILE_PARITY);
    if (sscanf(args, "%lf %lf", &p.conf, &p.iou) != 2) {
        DM_FAIL(e, DM_EBADINPUT, "slice: expected CONF IOU");
    }
    DM_CLEANUP(vision_engine_freep) struct vision_engine *engine = NULL;
    DM_CLEANUP(vision_result_freep) struct vision_result *r = NULL;
    struct vision_engine_options o = {.detect = d->net, .pool = d->pool};
    DM_TRY(vision_engine_new(&o, &engine, e));
    DM_TRY(vision_count_image(engine, &p, &d->photo, &r, e));
    dm_buf_printf(out, "{\"tiles\":%u,\"estimated\":%u,\"boxes\":[", r->tiles_total, r->estimated);
    for (size_t i = 0; i < r->n_detection; i++) {
        const struct vision_detection *v = &r->detection[i];
        dm_buf_printf(out, "%s[%.4f,%.4f,%.4f,%.4f,%.6f,%d]", i ? "," : "", v->cx - v->w / 2,
                      v->cy - v->h / 2, v->cx + v->w / 2, v->cy + v->h / 2, (double)v->confidence,
                      v->class_id);
    }
    dm_buf_puts(out, "]}");
    return DM_OK;
}

/* "rect":[x,y,w,h],"area":n,"runs":[...]: run lengths inside rect, rows joined, background first.
 */
static void put_mask(struct dm_buf *out, const struct image *mask)
{
    int x0 = mask->w, y0 = mask->h, x1 = 0, y1 = 0;
    size_t area = 0;
    for (int y = 0; y < mask->h; y++) {
        const uint8_t *row = image_row(mask, y);
        for (int x = 0; x < mask->w; x++) {
            if (row[x]) {
                x0 = DM_MIN(x0, x);
                x1 = DM_MAX(x1, x + 1);
                y0 = DM_MIN(y0, y);
                y1 = y + 1;
                area++;
            }
        }
    }
    dm_buf_printf(out, "\"area\":%zu,\"rect\":[%d,%d,%d,%d],\"runs\":[", area, x0, y0,
                  DM_MAX(0, x1 - x0), DM_MAX(0, y1 - y0));
    size_t length = 0;
    bool on = false;
    for (int y = y0; y < y1; y++) {
        const uint8_t *row = image_row(mask, y);
        for (int x = x0; x < x1; x++) {
            if ((row[x] != 0) != on) {
                dm_buf_printf(out, "%zu,", length);
                length = 0;
                on = !on;
            }
            length++;
        }
    }
    dm_buf_printf(out, "%zu]", length);
}

static int put_container(struct dump *d, const struct nn_heads *heads,
                         const struct yolo_letterbox *lb, const struct yolo_box *box,
                         struct dm_arena *a, struct dm_buf *out, struct dm_err *e)
{
    struct image mask = {0};
    DM_TRY(image_init(&mask, lb->net_w, lb->net_h, 1, e));
    int rc = yolo_mask(heads, lb, box, &mask, e);
    if (rc >= 0) {
        put_mask(out, &mask);
    }
    image_clear(&mask);
    DM_TRY(rc);
    struct container_shape shape;
    DM_TRY(container_shape(heads, lb, box, a, &shape, e));
    dm_buf_puts(out, ",\"contour\":[");
    for (size_t i = 0; i < shape.n_points; i++) {
        dm_buf_printf(out, "%s[%.3f,%.3f]", i ? "," : "", shape.polygon[2 * i] * d->photo.w,
                      shape.polygon[2 * i + 1] * d->photo.h);
    }
    dm_buf_putc(out, ']');
    return DM_OK;
}

static int segment(struct dump *d, const char *args, struct dm_arena *a, struct dm_buf *out,
                   struct dm_err *e)
{
    struct yolo_nms_params p = {.max_det = 300, .max_nms = 30000};
    int size;
    if (sscanf(args, "%f %f %d", &p.conf, &p.iou, &size) != 3) {
        DM_FAIL(e, DM_EBADINPUT, "segment: expected CONF IOU SIZE");
    }
    struct yolo_letterbox lb;
    struct nn_heads heads;
    DM_TRY(run(d, &d->photo, size, yolo_min_logit(p.conf), &lb, &heads, e));
    struct yolo_box *box;
    size_t n;
    bool saturated;
    DM_TRY(yolo_decode(&heads, &p, a, &box, &n, &saturated, e));
    dm_buf_printf(out, "{\"net\":[%d,%d],\"masks\":[", lb.net_h, lb.net_w);
    for (size_t i = 0; i < n; i++) {
        dm_buf_puts(out, i ? ",{" : "{");
        DM_TRY(put_container(d, &heads, &lb, &box[i], a, out, e));
        dm_buf_putc(out, '}');
    }
    dm_buf_puts(out, "],");
    yolo_unletterbox(&lb, box, n);
    put_boxes(out, box, n);
    dm_buf_putc(out, '}');
    return DM_OK;
}

/* Prototypes [h][w][n] to [n][h][w], as the file's second output has them. */
static bool write_protos(const struct nn_heads *heads, FILE *f)
{
    size_t px = (size_t)heads->proto_w * (size_t)heads->proto_h, n = (size_t)heads->n_coefs;
    for (size_t c = 0; heads->proto && c < n; c++) {
        for (size_t i = 0; i < px; i++) {
            if (fwrite(&heads->proto[i * n + c], sizeof(float), 1, f) != 1) {
                return false;
            }
        }
    }
    return true;
}

static int raw(struct dump *d, const char *path, struct dm_arena *a, struct dm_buf *out,
               struct dm_err *e)
{
    struct nn_heads heads;
    DM_TRY(nn_session_run(d->session, &d->photo, -INFINITY, &heads, e));
    float *head;
    size_t rows, anchors;
    DM_TRY(yolo_output0(&heads, a, &head, &rows, &anchors, e));
    FILE *f = fopen(path, "wb");
    if (!f) {
        DM_FAIL(e, DM_EIO, "%s: %s", path, strerror(errno));
    }
    bool ok =
        fwrite(head, sizeof(float), rows * anchors, f) == rows * anchors && write_protos(&heads, f);
    if (fclose(f) != 0 || !ok) {
        DM_FAIL(e, DM_EIO, "%s: cannot write", path);
    }
    dm_buf_printf(out, "{\"rows\":%zu,\"anchors\":%zu,\"proto\":[%d,%d,%d]}", rows, anchors,
                  heads.n_coefs, heads.proto_h, heads.proto_w);
    return DM_OK;
}

static int job(struct dump *d, char *line, struct dm_arena *a, struct dm_buf *out, struct dm_err *e)
{
    char *args = strchr(line, ' ');
    if (args) {
        *args++ = '\0';
    } else {
        args = line + strlen(line);
    }
    if (strcmp(line, "photo") == 0) {
        return load_photo(d, args, out, e);
    }
    if (!d->photo.px) {
        DM_FAIL(e, DM_EBADINPUT, "%s: no photo loaded", line);
    }
    if (strcmp(line, "view") == 0) {
        return view(d, args, a, out, e);
    }
    if (strcmp(line, "slice") == 0) {
        return slice(d, args, out, e);
    }
    if (strcmp(line, "segment") == 0) {
        return segment(d, args, a, out, e);
    }
    if (strcmp(line, "raw") == 0) {
        return raw(d, args, a, out, e);
    }
    DM_FAIL(e, DM_EBADINPUT, "unknown job %s", line);
}

/* {"error": ...}; quotes and backslashes of the message become apostrophes. */
static void print_error(const struct dm_err *e)
{
    char text[DM_ERR_TEXT_MAX];
    snprintf(text, sizeof(text), "%s", dm_err_text(e));
    for (char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') {
            *c = '\'';
        }
    }
    printf("{\"error\":\"%s\"}\n", text);
}

static int answer_jobs(struct dump *d)
{
    char line[LINE_BYTES];
    struct dm_arena a = {0};
    struct dm_buf out = dm_buf_init(LIMIT_ANSWER_BYTES);
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        struct dm_err e = {0};
        int rc = job(d, line, &a, &out, &e);
        if (rc >= 0) {
            rc = dm_buf_ok(&out, &e);
        }
        if (rc >= 0) {
            puts(dm_buf_str(&out));
        } else {
            print_error(&e);
        }
        fflush(stdout);
        dm_arena_clear(&a);
        dm_buf_clear(&out);
    }
    return DM_OK;
}

static enum nn_precision parse_precision(const char *word)
{
    for (int i = 0; nn_precision_names[i]; i++) {
        if (strcmp(word, nn_precision_names[i]) == 0) {
            return (enum nn_precision)i;
        }
    }
    return NN_PRECISION_MAX_;
}

static int open_dump(struct dump *d, const char *path, const struct nn_net_options *o,
                     size_t threads, struct dm_err *e)
{
    DM_TRY(dm_pool_new(threads, &d->pool, e));
    DM_TRY(nn_model_open(path, &d->model, e));
    DM_TRY(nn_net_new(d->model, o, &d->net, e));
    return nn_session_new(d->net, threads > 1 ? d->pool : NULL, &d->session, e);
}

static void close_dump(struct dump *d)
{
    image_clear(&d->photo);
    nn_session_free(d->session);
    nn_net_free(d->net);
    nn_model_free(d->model);
    dm_pool_free(d->pool);
}

int main(int argc, char **argv)
{
    struct nn_net_options o = {.precision = NN_PRECISION_F32, .backend = "auto"};
    size_t threads = 1;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--precision") == 0) {
            o.precision = parse_precision(argv[i + 1]);
        } else if (strcmp(argv[i], "--backend") == 0) {
            o.backend = argv[i + 1];
        } else if (strcmp(argv[i], "--threads") == 0) {
            threads = strtoul(argv[i + 1], NULL, 10);
        } else {
            argc = 0;
        }
    }
    if (argc < 2 || argc % 2 || o.precision == NN_PRECISION_MAX_ || threads > LIMIT_THREADS) {
        fprintf(stderr, "usage: parity_dump MODEL.onnx [--precision auto|f32|bf16|int8]"
                        " [--backend NAME] [--threads N]  (jobs on stdin)\n");
        return 2;
    }
    struct dm_err e = {0};
    struct dump d = {0};
    int rc = open_dump(&d, argv[1], &o, threads, &e);
    if (rc >= 0) {
        printf("{\"backend\":\"%s\",\"precision\":\"%s\",\"opset\":%d}\n", nn_net_backend(d.net),
               nn_precision_names[nn_net_precision(d.net)], nn_net_info(d.net)->opset);
        fflush(stdout);
        rc = answer_jobs(&d);
    } else {
        print_error(&e);
    }
    close_dump(&d);
    return rc < 0 ? dm_code_info(rc)->exit_status : 0;
}
