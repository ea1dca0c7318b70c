/* SPDX-License-Identifier: Apache-2.0
 *
 * Backups of a nursery with photographs: there and back on both engines and from one to the other,
 * every kind of damage, a death at every step, what is kept. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/point.h"
#include "store/copy.h"
#include "support/photo_rig.h"

/* A nursery, and a folder for backups with its scratch folder. */
struct fixture {
    struct photo_rig rig;
    struct db *db;
    char folder[64], place_folder[80], scratch[80];
    struct blob *place;
    struct backup_site site;
    struct dm_arena a;
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_folder(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static struct blob *open_folder(const char *path)
{
    char url[160];
    struct blob *b = NULL;
    struct dm_err e = {0};
    (void)snprintf(url, sizeof(url), "dir:%s", path);
    assert_ok(blob_open(url, &(struct blob_options){.create = true}, &b, &e), &e);
    return b;
}

static void begin(struct fixture *f, struct db *db)
{
    *f = (struct fixture){.db = db, .folder = "/tmp/demeter-backup-XXXXXX"};
    photo_rig_init(&f->rig, db);
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->place_folder, sizeof(f->place_folder), "%s/place", f->folder);
    (void)snprintf(f->scratch, sizeof(f->scratch), "%s/scratch", f->folder);
    assert_int_equal(mkdir(f->scratch, 0700), 0);
    f->place = open_folder(f->place_folder);
    f->site = (struct backup_site){.place = f->place, .scratch = f->scratch};
    (void)photo_rig_photo(&f->rig, 1, 12, f->rig.r.claro[0]);
    (void)photo_rig_photo(&f->rig, 2, 7, f->rig.r.claro[1]);
    assert_int_equal(photo_rig_jobs(&f->rig), 2);
}

static void end(struct fixture *f)
{
    dm_arena_clear(&f->a);
    blob_close(f->place);
    remove_folder(f->folder);
    photo_rig_clear(&f->rig);
}

static struct backup_source source_of(struct fixture *f)
{
    static const struct backup_extra extra[] = {{"settings.conf", "log.level = INFO\n", 17}};
    return (struct backup_source){.store = f->db->store,
                                  .photos = &f->rig.runner.place,
                                  .program = "0.0.0",
                                  .revision = "test",
                                  .extra = extra,
                                  .n_extra = 1};
}

static struct backup_made create(struct fixture *f)
{
    const struct backup_source from = source_of(f);
    struct backup_made made;
    struct dm_err e = {0};
    assert_ok(backup_create(&f->site, &from, &f->a, &made, &e), &e);
    return made;
}

static void count_fault(void *ctx, const char *file, const char *what)
{
    (void)file;
    (void)what;
    ++*(int *)ctx;
}

static void fail_fault(void *ctx, const char *file, const char *what)
{
    (void)ctx;
    fail_msg("%s: %s", file, what);
}

static void is_sound(struct fixture *f, const char *id)
{
    struct dm_err e = {0};
    assert_ok(backup_verify(&f->site, id, true, fail_fault, NULL, &e), &e);
    assert_ok(backup_strangers(&f->site, fail_fault, NULL, &e), &e);
}

/* ---- there and back -------------------------------------------------------------------------- */

/* A machine that has nothing yet. */
struct machine {
    struct db *db;
    char url[512];
    char folder[64];
    struct photo_place photos;
};

static void machine_new(struct machine *m, const struct db_kind *kind)
{
    *m = (struct machine){.db = db_new(kind), .folder = "/tmp/demeter-machine-XXXXXX"};
    assert_non_null(mkdtemp(m->folder));
    m->photos = (struct photo_place){.incoming = m->folder, .local = open_folder(m->folder)};
    (void)snprintf(m->url, sizeof(m->url), "%s", m->db->url);
    store_close(m->db->store); /* nobody else may have it open */
    m->db->store = NULL;
}

static void machine_free(struct machine *m)
{
    if (!m->db->store) {
        m->db->store = db_reopen(m->db, NULL);
    }
    blob_close(m->photos.local);
    remove_folder(m->folder);
    db_free(m->db);
}

static int restore(struct fixture *f, const char *id, struct machine *m, bool replace,
                   int (*health)(void *, struct dm_err *), struct backup_restored *ret,
                   struct dm_err *e)
{
    const struct backup_target to = {
        .url = m->url, .photos = &m->photos, .replace = replace, .health = health};
    return backup_restore(&f->site, id, &to, &f->a, ret, e);
}

static int64_t number(struct store *s, const char *sql)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    int64_t n = 0;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &(struct store_query){"test.number", sql, "", "i", true}, STORE_NO_ARGS,
                        &n, &e),
              &e);
    return n;
}

/* Every photograph of the books is there, byte for byte. How many. */
static int photos_are_there(struct store *s, const struct photo_place *place)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    static const struct store_query q = {
        "test.objects", "SELECT storage_key, sha256 FROM image_blobs ORDER BY id", "", "tt", true};
    struct store_table rows;
    struct dm_err e = {0};
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_all(tx, &q, STORE_NO_ARGS, &a, &rows, &e), &e);
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init((size_t)1 << 26);
        assert_ok(blob_get_buf(place->local, v[0].t, (struct blob_range){0}, v[1].t, &b, &e), &e);
        assert_true(b.len > 0);
    }
    return (int)rows.n;
}

static void same_books(struct store *a, struct store *b)
{
    static const char *const sums[] = {
        "SELECT coalesce(sum(quantity_current), 0) FROM stock_batches",
        "SELECT count(*) FROM stock_movements",
        "SELECT count(*) FROM detections",
        "SELECT count(*) FROM image_blobs",
        "SELECT count(*) FROM audit_log",
        "SELECT coalesce(max(id), 0) FROM jobs",
    };
    for (size_t i = 0; i < DM_COUNT(sums); i++) {
        assert_int_equal(number(a, sums[i]), number(b, sums[i]));
    }
    assert_true(number(a, sums[1]) > 0);
}

static int all_is_well(void *ctx, struct dm_err *e)
{
    (void)ctx;
    (void)e;
    return DM_OK;
}

static void there_and_back(void **state)
{
    struct fixture f;
    struct dm_err e = {0};
    struct backup_restored r;
    begin(&f, *state);
    const struct backup_made first = create(&f);
    assert_string_equal(first.manifest.engine, f.db->engine);
    assert_int_equal(first.manifest.held, 25);
    assert_int_equal(first.manifest.missing, 0);
    const int64_t objects = photo_rig_objects(&f.rig);
    assert_true(objects >= 4);
    assert_int_equal(first.manifest.photos, objects);
    assert_int_equal(first.new_photos, objects);
    is_sound(&f, first.manifest.id);

    /* a further one stores what is new, and only that */
    (void)photo_rig_photo(&f.rig, 3, 5, f.rig.r.claro[2]);
    assert_int_equal(photo_rig_jobs(&f.rig), 1);
    const struct backup_made second = create(&f);
    assert_int_equal(second.new_photos, photo_rig_objects(&f.rig) - objects);
    assert_int_equal(second.manifest.photos, photo_rig_objects(&f.rig));
    assert_int_equal(create(&f).new_photos, 0);
    is_sound(&f, second.manifest.id);

    /* on either engine, into nothing; the id may be followed by more on the same machine */
    const struct db_kind *const kinds[] = {&db_sqlite_empty, &db_postgresql_empty};
    for (size_t i = 0; i < DM_COUNT(kinds); i++) {
        struct machine m;
        machine_new(&m, kinds[i]);
        assert_ok(restore(&f, second.manifest.id, &m, !strcmp(kinds[i]->engine, "sqlite"),
                          all_is_well, &r, &e),
                  &e);
        assert_int_equal(r.new_photos, second.manifest.photos);
        m.db->store = db_reopen(m.db, NULL);
        same_books(f.db->store, m.db->store);
        assert_int_equal(photos_are_there(m.db->store, &m.photos), photo_rig_objects(&f.rig));
        machine_free(&m);
    }
    end(&f);
}

/* ---- into an instance ------------------------------------------------------------------------ */

static int not_well(void *ctx, struct dm_err *e)
{
    (void)ctx;
    DM_FAIL(e, DM_EINTERNAL, "the patient is pale");
}

static void into_an_instance(void **state)
{
    struct fixture f;
    struct machine m;
    struct dm_err e = {0};
    struct backup_restored r;
    begin(&f, *state);
    const struct backup_made made = create(&f);
    machine_new(&m, !strcmp(f.db->engine, "sqlite") ? &db_sqlite : &db_postgresql);

    assert_int_equal(restore(&f, made.manifest.id, &m, false, all_is_well, &r, &e), DM_ECONFLICT);
    m.db->store = db_reopen(m.db, NULL);
    assert_int_equal(restore(&f, made.manifest.id, &m, true, all_is_well, &r, &e), DM_EBUSY);
    assert_int_equal(number(m.db->store, "SELECT count(*) FROM stock_movements"), 0);
    store_close(m.db->store);

    /* what the new one says of itself decides */
    assert_true(restore(&f, made.manifest.id, &m, true, not_well, &r, &e) < 0);
    assert_true(r.rolled_back);
    m.db->store = db_reopen(m.db, NULL);
    assert_int_equal(number(m.db->store, "SELECT count(*) FROM stock_movements"), 0);
    store_close(m.db->store);

    assert_ok(restore(&f, made.manifest.id, &m, true, all_is_well, &r, &e), &e);
    assert_true(strlen(r.aside) > 0);
    assert_int_equal(r.new_photos, 0); /* they came with the first try and stayed */
    m.db->store = db_reopen(m.db, NULL);
    same_books(f.db->store, m.db->store);
    store_close(m.db->store);

    /* other bytes under the same key stay what they are */
    char *key = strdup("");
    {
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        const struct store_value *row;
        static const struct store_query q = {
            "test.key", "SELECT storage_key FROM image_blobs ORDER BY id LIMIT 1", "", "t", true};
        assert_ok(store_begin(f.db->store, STORE_READ, &tx, &e), &e);
        assert_ok(store_one(tx, &q, STORE_NO_ARGS, &f.a, &row, &e), &e);
        free(key);
        key = strdup(row[0].t);
    }
    assert_ok(blob_put(m.photos.local, key, "image/png", "other", 5, NULL, &e), &e);
    assert_ok(restore(&f, made.manifest.id, &m, true, all_is_well, &r, &e), &e);
    assert_int_equal(r.new_photos, 1);
    m.db->store = db_reopen(m.db, NULL);
    assert_int_equal(photos_are_there(m.db->store, &m.photos), made.manifest.photos);
    DM_CLEANUP(dm_buf_clear) struct dm_buf other = dm_buf_init(100);
    assert_ok(blob_get_buf(m.photos.local, key, (struct blob_range){0}, NULL, &other, &e), &e);
    assert_string_equal(dm_buf_str(&other), "other");
    free(key);
    machine_free(&m);
    end(&f);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static struct {
    char path[64][256];
    size_t n;
} files;

static int note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    const bool hidden = strstr(path, "/.") != NULL;
    if (type == FTW_F && !hidden && files.n < DM_COUNT(files.path)) {
        (void)snprintf(files.path[files.n++], sizeof(files.path[0]), "%s", path);
    }
    (void)ftw;
    return 0;
}

static int faults_of(struct fixture *f, const char *id)
{
    struct dm_err e = {0};
    int n = 0;
    const int code = backup_verify(&f->site, id, false, count_fault, &n, &e);
    if (code < 0) { /* no backup at all is found out, too */
        assert_int_equal(code, DM_ENOTFOUND);
        return 1;
    }
    assert_int_equal(code, n);
    const int foreign = backup_strangers(&f->site, count_fault, &n, &e);
    assert_ok(foreign, &e);
    return code + foreign;
}

static void flip(const char *path, off_t at)
{
    const int fd = open(path, O_RDWR);
    unsigned char byte;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x20;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void damage_is_found(void **state)
{
    struct fixture f;
    struct dm_err e = {0};
    begin(&f, *state);
    const struct backup_made made = create(&f);
    is_sound(&f, made.manifest.id);
    files.n = 0;
    assert_int_equal(nftw(f.place_folder, note_file, 16, FTW_PHYS), 0);
    assert_int_equal((int64_t)files.n, made.manifest.photos + (int64_t)made.manifest.n_part + 2);
    for (size_t i = 0; i < files.n; i++) {
        const char *path = files.path[i];
        char aside[300];
        const off_t n = size_of(path);
        const off_t at[] = {0, n / 2, n - 1};
        for (size_t k = 0; k < DM_COUNT(at); k++) {
            flip(path, at[k]);
            if (faults_of(&f, made.manifest.id) == 0) {
                fail_msg("a flipped byte %jd of %s is not found", (intmax_t)at[k], path);
            }
            flip(path, at[k]);
        }
        (void)snprintf(aside, sizeof(aside), "%s/aside", f.folder);
        assert_int_equal(rename(path, aside), 0);
        if (faults_of(&f, made.manifest.id) == 0) {
            fail_msg("%s missing is not found", path);
        }
        assert_int_equal(rename(aside, path), 0);
    }
    /* shorter, and longer by what nobody asked for */
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/backups/%s/database.db.gz", f.place_folder,
                   made.manifest.id);
    const off_t n = size_of(path);
    flip(path, n - 1);
    flip(path, n - 1);
    assert_int_equal(truncate(path, n + 1), 0);
    assert_true(faults_of(&f, made.manifest.id) > 0);
    assert_int_equal(truncate(path, n), 0);
    is_sound(&f, made.manifest.id);
    /* files that are of no backup */
    static const char *const foreign[] = {"backups/%s/extra", "photos/extra", "extra"};
    for (size_t i = 0; i < DM_COUNT(foreign); i++) {
        char key[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(key, sizeof(key), foreign[i], made.manifest.id);
#pragma GCC diagnostic pop
        assert_ok(blob_put(f.place, key, "text/plain", "x", 1, NULL, &e), &e);
        assert_int_equal(faults_of(&f, made.manifest.id), 1);
        assert_ok(blob_delete(f.place, key, &e), &e);
    }
    is_sound(&f, made.manifest.id);
    end(&f);
}

/* A damaged backup is not restored, and the instance is as it was. */
static void damage_is_not_restored(void **state)
{
    struct fixture f;
    struct machine m;
    struct backup_restored r;
    struct dm_err e = {0};
    begin(&f, *state);
    const struct backup_made made = create(&f);
    machine_new(&m, !strcmp(f.db->engine, "sqlite") ? &db_sqlite : &db_postgresql);
    files.n = 0;
    assert_int_equal(nftw(f.place_folder, note_file, 16, FTW_PHYS), 0);
    for (size_t i = 0; i < files.n; i++) {
        const char *name = strrchr(files.path[i], '/') + 1;
        if (!strcmp(name, "settings.conf") || !strcmp(name, "objects.sha256")) {
            continue; /* nothing of them is restored */
        }
        /* an empty place each time: what is there already is not read from the backup */
        char photos[100];
        (void)snprintf(photos, sizeof(photos), "%s/%zu", m.folder, i);
        assert_int_equal(mkdir(photos, 0700), 0);
        blob_close(m.photos.local);
        m.photos.local = open_folder(photos);
        flip(files.path[i], size_of(files.path[i]) / 2);
        if (restore(&f, made.manifest.id, &m, true, all_is_well, &r, &e) >= 0) {
            fail_msg("restored with a damaged %s", files.path[i]);
        }
        flip(files.path[i], size_of(files.path[i]) / 2);
    }
    m.db->store = db_reopen(m.db, NULL);
    assert_int_equal(number(m.db->store, "SELECT count(*) FROM stock_movements"), 0);
    machine_free(&m);
    end(&f);
}

/* A photograph that is gone from the nursery does not stop the backup: it is named. */
static void a_missing_photo_is_named(void **state)
{
    struct fixture f;
    struct machine m;
    struct backup_restored r;
    struct dm_err e = {0};
    begin(&f, *state);
    files.n = 0;
    char photos[100];
    (void)snprintf(photos, sizeof(photos), "%s/photos", f.rig.folder);
    assert_int_equal(nftw(photos, note_file, 16, FTW_PHYS), 0);
    assert_true(files.n > 1);
    assert_int_equal(unlink(files.path[0]), 0);
    flip(files.path[1], 10);
    const struct backup_made made = create(&f);
    assert_int_equal(made.manifest.missing, 2);
    assert_int_equal(made.manifest.photos, photo_rig_objects(&f.rig) - 1);
    is_sound(&f, made.manifest.id);
    machine_new(&m, &db_sqlite_empty);
    assert_ok(restore(&f, made.manifest.id, &m, true, all_is_well, &r, &e), &e);
    assert_int_equal(r.new_photos, made.manifest.photos);
    machine_free(&m);
    end(&f);
}

/* ---- death ----------------------------------------------------------------------------------- */

static int steps_left;

static void die_at_point(const char *name)
{
    (void)name;
    if (steps_left-- == 0) {
        (void)raise(SIGKILL);
    }
}

static void die_at_progress(void *ctx, const char *what, int64_t done, int64_t all)
{
    (void)ctx;
    (void)done;
    (void)all;
    die_at_point(what);
}

/* A process that takes a backup and dies after so many steps; whether it lived to the end. */
static bool create_until(struct fixture *f, int steps)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct backup_made made;
        struct backup_source from = source_of(f);
        struct backup_site site = f->site;
        from.store = db_reopen(f->db, NULL);
        site.progress = die_at_progress;
        dm_point_hook = die_at_point;
        steps_left = steps;
        _exit(backup_create(&site, &from, &a, &made, &e) < 0 ? 2 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return !WIFSIGNALED(status);
}

static void death_leaves_no_backup(void **state)
{
    struct fixture f;
    struct dm_err e = {0};
    struct backup_ids ids;
    int steps = 0;
    begin(&f, *state);
    for (; !create_until(&f, steps); steps++) {
        assert_ok(backup_list(&f.site, &f.a, &ids, &e), &e);
        assert_int_equal(ids.n, 0);
        for (size_t i = 0; i < ids.n_unfinished; i++) {
            int n = 0;
            assert_int_equal(backup_verify(&f.site, ids.unfinished[i], true, count_fault, &n, &e),
                             DM_ENOTFOUND);
        }
    }
    assert_true(steps > 8);
    assert_ok(backup_list(&f.site, &f.a, &ids, &e), &e);
    assert_int_equal(ids.n, 1);
    assert_true(ids.n_unfinished > 2);
    is_sound(&f, ids.id[0]);
    /* what the dead left goes with the next look */
    struct backup_pruned pruned;
    const struct backup_keep keep = {.daily = 30, .monthly = 12};
    assert_ok(backup_prune(&f.site, &keep, &f.a, &pruned, &e), &e);
    assert_int_equal(pruned.n, 0);
    assert_int_equal(pruned.unfinished, (int64_t)ids.n_unfinished);
    assert_ok(backup_list(&f.site, &f.a, &ids, &e), &e);
    assert_int_equal(ids.n_unfinished, 0);
    is_sound(&f, ids.id[0]);
    end(&f);
}

/* The same of a restore: the old instance is what it was, whole. */
static void death_leaves_the_old_instance(void **state)
{
    struct fixture f;
    struct machine m;
    struct dm_err e = {0};
    begin(&f, *state);
    const struct backup_made made = create(&f);
    machine_new(&m, !strcmp(f.db->engine, "sqlite") ? &db_sqlite : &db_postgresql);
    int steps = 0;
    for (bool lived = false; !lived; steps++) {
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct backup_restored r;
            f.site.progress = die_at_progress;
            steps_left = steps;
            _exit(restore(&f, made.manifest.id, &m, true, all_is_well, &r, &e) < 0 ? 2 : 0);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        lived = !WIFSIGNALED(status);
        m.db->store = db_reopen(m.db, NULL);
        assert_int_equal(number(m.db->store, "SELECT count(*) FROM stock_movements") > 0, lived);
        assert_int_equal(number(m.db->store, "SELECT count(*) FROM users") > 1, lived);
        store_close(m.db->store);
        m.db->store = NULL;
    }
    assert_true(steps > 4);
    machine_free(&m);
    end(&f);
}

/* ---- while the service goes on --------------------------------------------------------------- */

static struct fixture *busy;

/* After the snapshot, before the photographs are looked at: one gets another key, as a picture that
 * is drawn anew does, and one more comes. */
static int move_photo(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    static const struct store_query q = {
        "test.move", "UPDATE image_blobs SET storage_key = ?2 WHERE storage_key = ?1", "tt", "",
        true};
    return store_exec(tx, &q, STORE_ARGS(store_t(ctx), store_t("moved/elsewhere.png")), NULL, e);
}

static void meanwhile(void *ctx, const char *what, int64_t done, int64_t all)
{
    struct dm_err e = {0};
    const struct store_value *row;
    static const struct store_query q = {
        "test.key", "SELECT storage_key FROM image_blobs ORDER BY sha256 LIMIT 1", "", "t", true};
    (void)ctx;
    (void)all;
    if (!busy || strcmp(what, "database") != 0 || !done) {
        return;
    }
    struct fixture *f = busy;
    busy = NULL; /* once */
    struct blob *photos = f->rig.runner.place.local;
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init((size_t)1 << 26);
    {
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        assert_ok(store_begin(f->db->store, STORE_READ, &tx, &e), &e);
        assert_ok(store_one(tx, &q, STORE_NO_ARGS, &f->a, &row, &e), &e);
    }
    assert_ok(blob_get_buf(photos, row[0].t, (struct blob_range){0}, NULL, &bytes, &e), &e);
    assert_ok(blob_put(photos, "moved/elsewhere.png", "image/png", bytes.data, bytes.len, NULL, &e),
              &e);
    assert_ok(store_run(f->db->store, STORE_WRITE, move_photo, (void *)row[0].t, &e), &e);
    assert_ok(blob_delete(photos, row[0].t, &e), &e);
    (void)photo_rig_photo(&f->rig, 5, 3, f->rig.r.claro[4]);
}

static void the_service_goes_on(void **state)
{
    struct fixture f;
    begin(&f, *state);
    f.site.progress = meanwhile;
    busy = &f;
    const struct backup_made made = create(&f);
    assert_null(busy);
    assert_int_equal(made.manifest.missing, 0);
    assert_int_equal(made.manifest.photos, photo_rig_objects(&f.rig)); /* the newest one, too */
    is_sound(&f, made.manifest.id);
    end(&f);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static int clock_fd; /* of the file that store_clock_debug maps */

static void set_clock(const char *folder)
{
    char path[100];
    struct dm_err e = {0};
    const int64_t zero = 0;
    (void)snprintf(path, sizeof(path), "%s/clock", folder);
    assert_ok(dm_file_write_atomic(path, &zero, sizeof(zero), &e), &e);
    assert_ok(store_clock_debug(path, &e), &e);
    clock_fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(clock_fd >= 0);
}

static void travel(int64_t days)
{
    const int64_t ms = days * RIG_DAY;
    assert_int_equal(pwrite(clock_fd, &ms, sizeof(ms), 0), sizeof(ms));
}

static void the_newest_of_days_and_months_stay(void **state)
{
    struct fixture f;
    struct dm_err e = {0};
    struct backup_ids ids;
    struct backup_pruned pruned;
    begin(&f, *state);
    set_clock(f.folder);
    static const int64_t days[] = {-400, -100, -40, -3, -2, -2, -1, 0};
    const char *id[DM_COUNT(days)];
    for (size_t i = 0; i < DM_COUNT(days); i++) {
        travel(days[i]);
        id[i] = create(&f).manifest.id;
    }
    struct backup_keep keep = {.daily = 3, .monthly = 4, .dry_run = true};
    assert_ok(backup_prune(&f.site, &keep, &f.a, &pruned, &e), &e);
    const size_t would = pruned.n;
    assert_ok(backup_list(&f.site, &f.a, &ids, &e), &e);
    assert_int_equal(ids.n, DM_COUNT(days));
    keep.dry_run = false;
    assert_ok(backup_prune(&f.site, &keep, &f.a, &pruned, &e), &e);
    assert_int_equal(pruned.n, would);
    assert_int_equal(pruned.objects, 0); /* all of the same photographs */
    assert_ok(backup_list(&f.site, &f.a, &ids, &e), &e);
    /* today, yesterday, the later of the day before; of months at most 4, and at least the three
     * that these lie in for certain */
    assert_in_range(ids.n, 5, 6);
    assert_string_equal(ids.id[ids.n - 1], id[7]);
    assert_string_equal(ids.id[ids.n - 2], id[6]);
    assert_string_equal(ids.id[ids.n - 3], id[5]);
    is_sound(&f, ids.id[0]);
    (void)photo_rig_photo(&f.rig, 9, 4, f.rig.r.claro[3]);
    assert_int_equal(photo_rig_jobs(&f.rig), 1);
    travel(1);
    assert_true(create(&f).new_photos > 0);
    /* a damaged list is not trusted: nothing goes */
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/backups/%s/objects.sha256", f.place_folder, id[7]);
    flip(path, 0);
    keep = (struct backup_keep){.daily = 30, .monthly = 12};
    assert_int_equal(backup_prune(&f.site, &keep, &f.a, &pruned, &e), DM_ECONFLICT);
    flip(path, 0);
    travel(0);
    (void)close(clock_fd);
    end(&f);
}

static void the_queries_work(void **state)
{
    struct db *db = *state;
    db_check_queries(db->store, &backup_queries);
    db_check_queries(db->store, &backup_restore_queries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(there_and_back),
        DB_TEST(into_an_instance),
        DB_TEST_ON_(damage_is_found, db_sqlite, "[sqlite]"),
        DB_TEST_ON_(damage_is_not_restored, db_sqlite, "[sqlite]"),
        DB_TEST_ON_(a_missing_photo_is_named, db_sqlite, "[sqlite]"),
        DB_TEST_ON_(death_leaves_no_backup, db_sqlite, "[sqlite]"),
        DB_TEST(death_leaves_the_old_instance),
        DB_TEST(the_service_goes_on),
        DB_TEST_ON_(the_newest_of_days_and_months_stay, db_sqlite, "[sqlite]"),
        DB_TEST(the_queries_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
