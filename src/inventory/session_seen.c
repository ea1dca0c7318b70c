/* SPDX-License-Identifier: Apache-2.0
 *
 * What a photo shows once people have edited it (domain.md 12.1): plants per container and size,
 * empties; and the links between what was seen and the books. */
#include "inventory/book_names.h"
#include "inventory/session_priv.h"

enum { SEGMENTS, SHAPES, SIZES, EDITS, LINK_BINS, LINK_DETECTIONS, LINK_ESTIMATIONS };
static const struct store_query queries[] = {
    [SEGMENTS] = {"session.segments",
                  "SELECT g.id, g.category, g.ordinal, g.detected_count, g.estimated_count,"
                  " g.empty_count, (SELECT avg(d.confidence) FROM detections d"
                  " WHERE d.session_segment_id = g.id AND d.is_alive AND NOT d.is_empty_container)"
                  " FROM session_segments g WHERE g.session_id = ?1"
                  " ORDER BY CASE g.category WHEN 'plug' THEN 1 WHEN 'seedling_tray' THEN 2"
                  " WHEN 'box' THEN 3 WHEN 'segment' THEN 4 ELSE 5 END, g.ordinal",
                  "i", "itiiiir"},
    [SHAPES] = {"session.shapes",
                "SELECT category, ordinal FROM session_segments WHERE session_id = ?1"
                " ORDER BY CASE category WHEN 'plug' THEN 1 WHEN 'seedling_tray' THEN 2"
                " WHEN 'box' THEN 3 WHEN 'segment' THEN 4 ELSE 5 END, ordinal",
                "i", "ti"},
    /* Sizes count from a confidence of 0.60 (domain.md 7.3). */
    [SIZES] = {"session.sizes",
               "SELECT d.session_segment_id, c.product_size_id, count(*) FROM detections d"
               " JOIN classifications c ON c.id = d.classification_id"
               " WHERE d.session_id = ?1 AND d.is_alive AND NOT d.is_empty_container"
               " AND c.product_size_id IS NOT NULL AND c.product_size_conf >= 0.6"
               " GROUP BY d.session_segment_id, c.product_size_id"
               " ORDER BY d.session_segment_id, c.product_size_id",
               "i", "iii"},
    [EDITS] = {"session.edits",
               "SELECT a.kind, coalesce(a.session_segment_id, d.session_segment_id),"
               " a.detection_id, a.quantity_delta, a.product_size_id,"
               " CASE WHEN c.product_size_conf >= 0.6 THEN c.product_size_id END"
               " FROM session_adjustments a LEFT JOIN detections d ON d.id = a.detection_id"
               " LEFT JOIN classifications c ON c.id = d.classification_id"
               " WHERE a.session_id = ?1 AND a.reverts_id IS NULL"
               " AND NOT EXISTS (SELECT 1 FROM session_adjustments r WHERE r.reverts_id = a.id)"
               " ORDER BY a.id",
               "i", "tiiiii"},
    [LINK_BINS] = {"session.link_bins",
                   "UPDATE session_segments SET storage_bin_id = (SELECT b.id FROM storage_bins b"
                   " WHERE b.storage_location_id = ?2 AND b.category = session_segments.category"
                   " AND b.ordinal = session_segments.ordinal AND b.status <> 'retired'),"
                   " updated_at = ?3 WHERE session_id = ?1",
                   "iiT", ""},
    [LINK_DETECTIONS] = {"session.link_detections",
                         "UPDATE detections SET stock_movement_id = ?2"
                         " WHERE session_segment_id = ?1 AND stock_movement_id IS NULL"
                         " AND is_alive AND NOT is_empty_container",
                         "ii", ""},
    [LINK_ESTIMATIONS] = {"session.link_estimations",
                          "UPDATE estimations SET stock_movement_id = ?2"
                          " WHERE session_segment_id = ?1 AND stock_movement_id IS NULL",
                          "ii", ""},
};
STORE_QUERIES(session_seen_queries, queries);

/* Plants of one size in one segment. */
struct tally {
    int64_t segment_id, size_id, plants;
};

struct segment {
    int64_t id, empties;
    enum ledger_category category;
    int32_t ordinal;
    double quality;
};

/* A detection whose size or mark people changed. */
struct marked {
    int64_t id, size_id;
    bool empty;
};

struct seen {
    struct work *w;
    struct segment *segment;
    size_t n_segment;
    struct tally *tally;
    size_t n_tally, cap_tally;
    struct marked *marked;
    size_t n_marked;
    bool claro_empty;
};

static int tally_of(struct seen *s, int64_t segment_id, int64_t size_id, struct tally **ret,
                    struct dm_err *e)
{
    for (size_t i = 0; i < s->n_tally; i++) {
        if (s->tally[i].segment_id == segment_id && s->tally[i].size_id == size_id) {
            *ret = &s->tally[i];
            return DM_OK;
        }
    }
    if (s->n_tally == s->cap_tally) {
        void *grown;
        size_t cap = s->cap_tally ? 2 * s->cap_tally : 16;
        DM_TRY(book_alloc(s->w, cap, sizeof *s->tally, &grown, e));
        if (s->n_tally) {
            memcpy(grown, s->tally, s->n_tally * sizeof *s->tally);
        }
        s->tally = grown;
        s->cap_tally = cap;
    }
    s->tally[s->n_tally] = (struct tally){segment_id, size_id, 0};
    *ret = &s->tally[s->n_tally++];
    return DM_OK;
}

static int add_to(struct seen *s, int64_t segment_id, int64_t size_id, int64_t plants,
                  struct dm_err *e)
{
    struct tally *t = NULL;
    DM_TRY(tally_of(s, segment_id, size_id, &t, e));
    t->plants += plants;
    return DM_OK;
}

/* Plants of no known size leave first, then those of any. */
static int take_any(struct seen *s, int64_t segment_id, int64_t plants, struct dm_err *e)
{
    struct tally *t = NULL;
    DM_TRY(tally_of(s, segment_id, 0, &t, e));
    int64_t q = DM_MIN(DM_MAX(t->plants, 0), plants);
    t->plants -= q;
    plants -= q;
    for (size_t i = 0; i < s->n_tally && plants > 0; i++) {
        if (s->tally[i].segment_id == segment_id && s->tally[i].plants > 0) {
            q = DM_MIN(s->tally[i].plants, plants);
            s->tally[i].plants -= q;
            plants -= q;
        }
    }
    return DM_OK;
}

static struct marked *marked_of(struct seen *s, int64_t id, int64_t size_id)
{
    for (size_t i = 0; i < s->n_marked; i++) {
        if (s->marked[i].id == id) {
            return &s->marked[i];
        }
    }
    s->marked[s->n_marked] = (struct marked){id, size_id, false};
    return &s->marked[s->n_marked++];
}

static struct segment *segment_of(const struct seen *s, int64_t id)
{
    for (size_t i = 0; i < s->n_segment; i++) {
        if (s->segment[i].id == id) {
            return &s->segment[i];
        }
    }
    return NULL;
}

static int set_size_of_all(struct seen *s, int64_t segment_id, int64_t size_id, struct dm_err *e)
{
    int64_t all = 0;
    for (size_t i = 0; i < s->n_tally; i++) {
        if (s->tally[i].segment_id == segment_id) {
            all += s->tally[i].plants;
            s->tally[i].plants = 0;
        }
    }
    return add_to(s, segment_id, size_id, all, e);
}

static int apply_to_detection(struct seen *s, const char *kind, int64_t segment_id,
                              const struct store_value *v, struct dm_err *e)
{
    struct marked *m = marked_of(s, v[2].i, v[5].null ? 0 : v[5].i);
    struct segment *g = segment_of(s, segment_id);
    if (!strcmp(kind, "set_size")) {
        DM_TRY(add_to(s, segment_id, m->size_id, -1, e));
        m->size_id = v[4].null ? 0 : v[4].i;
        return add_to(s, segment_id, m->size_id, 1, e);
    }
    if (!strcmp(kind, "mark_empty")) {
        m->empty = true;
        g->empties++;
    } else if (!strcmp(kind, "unmark") && m->empty) {
        m->empty = false;
        g->empties--;
    }
    return add_to(s, segment_id, m->size_id, v[3].i, e);
}

static int apply(struct seen *s, const struct store_value *v, struct dm_err *e)
{
    const char *kind = v[0].t;
    if (!strcmp(kind, "claro_empty")) {
        s->claro_empty = true;
        for (size_t i = 0; i < s->n_tally; i++) {
            s->tally[i].plants = 0;
        }
        return DM_OK;
    }
    int64_t segment_id = v[1].i;
    s->claro_empty = s->claro_empty && v[3].i <= 0; /* not any more */
    if (!v[2].null) {
        return apply_to_detection(s, kind, segment_id, v, e);
    }
    if (!strcmp(kind, "set_size")) {
        return set_size_of_all(s, segment_id, v[4].null ? 0 : v[4].i, e);
    }
    return v[3].i < 0 ? take_any(s, segment_id, -v[3].i, e) : add_to(s, segment_id, 0, v[3].i, e);
}

/* Quality of plants, 0-5, from the mean confidence of living detections; negative = none. */
static double quality_of(double confidence)
{
    return confidence < 0 ? -1 : (double)(int64_t)(500 * confidence + 0.5) / 100;
}

static int load_segments(struct seen *s, struct store_args id, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(store_all(s->w->tx, &queries[SEGMENTS], id, &s->w->arena, &t, e));
    void *memory;
    DM_TRY(book_alloc(s->w, t.n, sizeof(struct segment), &memory, e));
    s->segment = memory;
    s->n_segment = t.n;
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        s->segment[i] = (struct segment){
            .id = v[0].i,
            .empties = v[5].i,
            .category = (enum ledger_category)book_name_index(ledger_category_names, v[1].t),
            .ordinal = (int32_t)v[2].i,
            .quality = quality_of(v[6].null ? -1 : v[6].r)};
        DM_TRY(add_to(s, v[0].i, 0, v[3].i + v[4].i, e));
    }
    return DM_OK;
}

static int load(struct seen *s, int64_t session_id, struct dm_err *e)
{
    const struct store_args id = STORE_ARGS(store_i(session_id));
    struct store_table t;
    DM_TRY(load_segments(s, id, e));
    DM_TRY(store_all(s->w->tx, &queries[SIZES], id, &s->w->arena, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        DM_TRY(add_to(s, v[0].i, 0, -v[2].i, e));
        DM_TRY(add_to(s, v[0].i, v[1].i, v[2].i, e));
    }
    DM_TRY(store_all(s->w->tx, &queries[EDITS], id, &s->w->arena, &t, e));
    void *memory;
    DM_TRY(book_alloc(s->w, t.n, sizeof(struct marked), &memory, e));
    s->marked = memory;
    for (size_t i = 0; i < t.n; i++) {
        DM_TRY(apply(s, store_row(&t, i), e));
    }
    return DM_OK;
}

/* By kind of container, then ordinal: the order in which containers and batches are made. */
static int by_container(const void *x, const void *y)
{
    const struct session_segment *const *a = x;
    const struct session_segment *const *b = y;
    return (*a)->category != (*b)->category
               ? ((*a)->category < (*b)->category ? -1 : 1)
               : ((*a)->ordinal > (*b)->ordinal) - ((*a)->ordinal < (*b)->ordinal);
}

static int in_order(struct work *w, const struct session_results *r,
                    const struct session_segment ***ret, struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, r->n_segment, sizeof(struct session_segment *), &memory, e));
    const struct session_segment **segment = memory;
    for (size_t i = 0; i < r->n_segment; i++) {
        segment[i] = &r->segment[i];
    }
    qsort(segment, r->n_segment, sizeof(struct session_segment *), by_container);
    *ret = segment;
    return DM_OK;
}

/* The same from results that are just being stored: nobody has edited them, and none has a size. */
static int load_results(struct seen *s, const struct session_results *r, struct dm_err *e)
{
    const struct session_segment **segment;
    void *memory;
    DM_TRY(in_order(s->w, r, &segment, e));
    DM_TRY(book_alloc(s->w, r->n_segment, sizeof(struct segment), &memory, e));
    s->segment = memory;
    s->n_segment = r->n_segment;
    for (size_t i = 0; i < r->n_segment; i++) {
        const struct session_totals t = session_totals_of(segment[i]);
        const int64_t id = s->w->segment_id[segment[i] - r->segment];
        s->segment[i] = (struct segment){
            .id = id,
            .empties = t.empty,
            .category = segment[i]->category,
            .ordinal = segment[i]->ordinal,
            .quality = quality_of(t.detected ? t.confidence / (double)t.detected : -1)};
        DM_TRY(add_to(s, id, 0, t.detected + t.estimated, e));
    }
    return DM_OK;
}

int session_seen(struct work *w, struct book *b, const struct session *s, struct count_seen **ret,
                 size_t *ret_n, bool *ret_claro_empty, struct dm_err *e)
{
    struct seen x = {.w = w};
    DM_TRY(w->results ? load_results(&x, w->results, e) : load(&x, s->id, e));
    void *memory;
    DM_TRY(book_alloc(w, x.n_tally, sizeof **ret, &memory, e));
    struct count_seen *out = memory;
    size_t n = 0;
    for (size_t i = 0; i < x.n_segment; i++) {
        struct segment *g = &x.segment[i];
        for (size_t k = 0; k < x.n_tally; k++) {
            const struct tally *t = &x.tally[k];
            if (t->segment_id != g->id || t->plants <= 0) {
                continue;
            }
            struct count_seen *to = &out[n++];
            *to = (struct count_seen){.size_id = t->size_id,
                                      .quantity = t->plants,
                                      .empties = DM_MAX(g->empties, 0),
                                      .quality = g->quality,
                                      .segment_id = g->id};
            DM_TRY(book_bin(w, b, g->category, g->ordinal, &to->bin, e));
            g->empties = 0; /* with the first size of the container */
        }
    }
    *ret = out;
    *ret_n = n;
    *ret_claro_empty = x.claro_empty;
    return DM_OK;
}

/* Also one under maintenance: that matters when the count is posted. */
static int bin_of(struct work *w, struct book *b, enum ledger_category category, int32_t ordinal,
                  struct book_bin **ret, struct dm_err *e)
{
    *ret = book_kept_bin(b, category, ordinal);
    return *ret ? DM_OK : book_bin(w, b, category, ordinal, ret, e);
}

int session_bins(struct work *w, struct book *b, const struct session_results *r, int64_t **ret_id,
                 struct dm_err *e)
{
    const struct session_segment **segment;
    void *memory;
    DM_TRY(book_alloc(w, r->n_segment, sizeof(int64_t), &memory, e));
    *ret_id = memory;
    if (!b) {
        return DM_OK;
    }
    DM_TRY(in_order(w, r, &segment, e));
    DM_TRY(book_alloc(w, r->n_segment, sizeof(struct book_bin *), &memory, e));
    struct book_bin **bin = memory;
    for (size_t i = 0; i < r->n_segment; i++) {
        DM_TRY(bin_of(w, b, segment[i]->category, segment[i]->ordinal, &bin[i], e));
    }
    DM_TRY(book_write(w, e));
    for (size_t i = 0; i < r->n_segment; i++) {
        (*ret_id)[segment[i] - r->segment] = bin[i]->id;
    }
    return DM_OK;
}

int session_link_bins(struct work *w, struct book *b, int64_t session_id, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(store_all(w->tx, &queries[SHAPES], STORE_ARGS(store_i(session_id)), &w->arena, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        struct book_bin *bin;
        DM_TRY(bin_of(w, b, (enum ledger_category)book_name_index(ledger_category_names, v[0].t),
                      (int32_t)v[1].i, &bin, e));
    }
    DM_TRY(book_write(w, e));
    return store_exec(
        w->tx, &queries[LINK_BINS],
        STORE_ARGS(store_i(session_id), store_i(b->location_id), store_at(w->c->now_ms)), NULL, e);
}

/* Detections are written later: remember what to write into them. */
static void remember_movements(const struct work *w, const struct count *c)
{
    for (size_t i = 0; i < c->n_entry; i++) {
        const struct count_entry *x = &c->entry[i];
        for (size_t g = 0; g < w->results->n_segment; g++) {
            if (w->segment_id[g] == x->segment_id && !w->segment_movement_id[g]) {
                w->segment_movement_id[g] = x->row ? x->row->id : 0;
            }
        }
    }
}

int session_link_rows(struct work *w, const struct count *c, struct dm_err *e)
{
    if (w->results) {
        remember_movements(w, c);
        return DM_OK;
    }
    for (size_t i = 0; i < c->n_entry; i++) {
        const struct count_entry *x = &c->entry[i];
        if (x->segment_id && x->row) {
            struct store_args args = STORE_ARGS(store_i(x->segment_id), store_i(x->row->id));
            DM_TRY(store_exec(w->tx, &queries[LINK_DETECTIONS], args, NULL, e));
            DM_TRY(store_exec(w->tx, &queries[LINK_ESTIMATIONS], args, NULL, e));
        }
    }
    return DM_OK;
}
