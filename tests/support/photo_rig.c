/* SPDX-License-Identifier: Apache-2.0
 *
 * A nursery that takes photographs. */
#include "support/photo_rig.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/verify.h"

void photo_rig_init(struct photo_rig *p, struct db *db)
{
    struct dm_err e = {0};
    *p = (struct photo_rig){.folder = "/tmp/demeter-photos-XXXXXX"};
    rig_init(&p->r, db);
    rig_now(&p->r, store_now());
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->incoming, sizeof(p->incoming), "%s/incoming", p->folder);
    (void)snprintf(p->url, sizeof(p->url), "dir:%s/photos", p->folder);
    p->runner = (struct photo_runner){.place = {.incoming = p->incoming},
                                      .engine = photo_engine(),
                                      .params = photo_params(),
                                      .model = "painted"};
    assert_ok(blob_open(p->url, &(struct blob_options){.create = true}, &p->runner.place.local, &e),
              &e);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void photo_rig_clear(struct photo_rig *p)
{
    blob_close(p->runner.place.local);
    (void)nftw(p->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    rig_clear(&p->r);
}

int photo_rig_send(struct photo_rig *p, const struct inv_ctx *c, const void *bytes, size_t n,
                   const struct photo_new *what, struct photo_accepted *ret, struct dm_err *e)
{
    DM_CLEANUP(photo_file_freep) struct photo_file *f = NULL;
    DM_TRY(photo_file_begin(&p->runner.place, 0, &f, e));
    DM_TRY(photo_file_write(f, bytes, n, e));
    return photo_accept(c, &p->runner.place, f, what, ret, e);
}

struct photo_accepted photo_rig_photo(struct photo_rig *p, unsigned seed, int plants,
                                      int64_t location)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)64 << 20);
    struct dm_err e = {0};
    struct photo_accepted out = {0};
    photo_paint(seed, plants, &png);
    const struct photo_new what = {.filename = "claro.png", .location_id = location};
    assert_ok(photo_rig_send(p, &p->r.n.worker, png.data, png.len, &what, &out, &e), &e);
    return out;
}

struct ending {
    const struct queue_job *j;
    const struct photo_done *done;
    int64_t now_ms;
};

static int finish(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct ending *x = ctx;
    return queue_finish(tx, x->now_ms, x->j, x->done->warning, x->done->result, e);
}

int photo_rig_job(struct photo_rig *p, struct dm_err *e)
{
    static const char *const queues[] = {"gpu_queue"};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct inv_ctx c = p->r.n.worker;
    struct queue_job j;
    struct photo_done done = {0};
    const int taken = queue_take_of(c.store, c.now_ms, queue_kinds_of(queues, 1), "test worker",
                                    QUEUE_LEASE_MS, &a, &j, e);
    if (taken <= 0) {
        return taken;
    }
    c.user_id = j.user_id;
    const int code = photo_process(&c, &p->runner, &j, NULL, NULL, &a, &done, e);
    if (code < 0) {
        bool dead = false;
        struct dm_err why = {0};
        assert_ok(queue_fail(c.store, c.now_ms, &j, dm_code_info(code)->retry != 0,
                             dm_code_info(code)->slug, dm_err_text(e), &dead, &why),
                  &why);
        if (dead) {
            assert_ok(photo_failed(&c, j.session_id, dm_err_text(e), &why), &why);
        }
        return code;
    }
    struct ending x = {&j, &done, c.now_ms};
    DM_TRY(store_run(c.store, STORE_WRITE, finish, &x, e));
    return 1;
}

int photo_rig_jobs(struct photo_rig *p)
{
    struct dm_err e = {0};
    int n = 0;
    int did;
    while ((did = photo_rig_job(p, &e)) > 0) {
        n++;
    }
    assert_ok(did, &e);
    return n;
}

void photo_rig_verify(struct photo_rig *p)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    struct verify_report report;
    assert_ok(store_begin(p->r.n.worker.store, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &report, &e), &e);
    if (report.n > 0) {
        fail_msg("invariant %d, %s: %s %lld: %s", report.list[0].invariant, report.list[0].check,
                 report.list[0].entity, (long long)report.list[0].id, report.list[0].detail);
    }
}

static int count_one(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    (void)key;
    (void)info;
    (void)e;
    ++*(int64_t *)ctx;
    return DM_OK;
}

int64_t photo_rig_objects(struct photo_rig *p)
{
    struct dm_err e = {0};
    int64_t n = 0;
    assert_ok(blob_list(p->runner.place.local, "", count_one, &n, &e), &e);
    return n;
}
