/* SPDX-License-Identifier: Apache-2.0
 *
 * A photograph on its way from a phone to the books (domain.md 7, 13):
 *
 *   photo_file_begin, _write ...   bytes go to a file of their own while they are hashed
 *   photo_accept                   looked at, stored, written down: image, session and job in one
 *                                  transaction
 *   photo_process                  the job: counted, its results kept, the count posted or held
 *
 * A process may die between any two steps. What it leaves is a file in `incoming` or an object
 * without a row, both of which photo_sweep takes away, or a job that is run again; a session is
 * counted and posted once however often its job runs. */
#ifndef INVENTORY_PHOTO_H
#define INVENTORY_PHOTO_H

#include "base/buf.h"
#include "blob/blob.h"
#include "inventory/list.h"
#include "inventory/places.h"
#include "inventory/session.h"
#include "queue/queue.h"
#include "store/store.h"
#include "vision/vision.h"

/* ---- where photographs lie ---- */

/* Rows of image_blobs say where their object is: 'dir' in local, 's3' in one of the buckets. */
struct photo_place {
    const char *incoming;              /* folder of uploads on their way, on this machine */
    struct blob *local;                /* a folder */
    struct blob *originals, *pictures; /* buckets; NULL without: everything is local */
    int64_t keep_free;                 /* bytes of that folder's disk that uploads leave free; -1:
                                          1 GiB and a twentieth of it; 0: no bound */
    int64_t incoming_max;              /* bytes of all uploads on their way; 0: no bound */
};

/* Whether another upload of so many bytes (0: not known yet) has room. INV_STORAGE_FULL. */
DM_MUST_CHECK int photo_room(const struct photo_place *p, int64_t bytes, struct dm_err *e);

enum photo_variant { PHOTO_ORIGINAL, PHOTO_THUMBNAIL, PHOTO_ANNOTATED };
extern const char *const photo_variant_names[]; /* as stored, NULL-ended */

/* Whether some photo lies in the local folder, which then must have its marker. */
DM_MUST_CHECK int photo_local_used(struct store *s, bool *ret, struct dm_err *e);

/* The place of an object by its row's store ('dir', 's3') and variant; NULL when this program is
 * not configured for it. */
struct blob *photo_blob(const struct photo_place *p, const char *store, enum photo_variant v);

/* Endings of stored files: "jpg" for "image/jpeg". */
const char *photo_ending(const char *content_type);

/* ---- arriving ---- */

struct photo_file;

/* A new, empty file in the folder of uploads. max_bytes 0: LIMIT_IMAGE_FILE_BYTES. */
DM_MUST_CHECK int photo_file_begin(const struct photo_place *p, int64_t max_bytes,
                                   struct photo_file **ret, struct dm_err *e);
/* INV_FILE_TOO_LARGE above max_bytes; DM_EIO: the disk is full. */
DM_MUST_CHECK int photo_file_write(struct photo_file *f, const void *bytes, size_t n,
                                   struct dm_err *e);
/* All of an open file from its present place. */
DM_MUST_CHECK int photo_file_copy(struct photo_file *f, int fd, struct dm_err *e);
/* A complete file that lies elsewhere and stays there: read once to hash it. fd stays the caller's
 * and must not change meanwhile. INV_FILE_TOO_LARGE, INV_UNSUPPORTED_MEDIA (empty), DM_EIO. */
DM_MUST_CHECK int photo_file_of(int fd, int64_t max_bytes, struct photo_file **ret,
                                struct dm_err *e);
/* A file that photo_file_begin made is removed. Accepts NULL. */
void photo_file_free(struct photo_file *f);
DM_DEFINE_CLEANUP(photo_file_freep, struct photo_file *, photo_file_free)

/* Hash of a complete file (nothing is written afterwards), and its bytes. */
DM_MUST_CHECK int photo_file_end(struct photo_file *f, struct dm_err *e);
const char *photo_file_sha256(const struct photo_file *f);
const void *photo_file_bytes(const struct photo_file *f, size_t *ret_n);
/* Its bytes were looked at: what of them is in memory goes, and comes back when it is looked at. */
void photo_file_rest(const struct photo_file *f);

enum photo_source { PHOTO_WEB, PHOTO_MOBILE, PHOTO_API };
extern const char *const photo_source_names[]; /* as stored, NULL-ended */

/* One upload of several files. Its own job waits for those of its photos and sums them up. */
struct photo_batch {
    int64_t id, job_id;
    char uuid[STORE_UUID_SIZE];
    bool repeated; /* the uuid is that of an earlier batch of the same person */
};
/* uuid NULL: a new one. INV_IDEMPOTENCY_CONFLICT: it is another person's. */
DM_MUST_CHECK int photo_batch_begin(const struct inv_ctx *c, const char *uuid, int64_t files,
                                    const char *notes, struct photo_batch *ret, struct dm_err *e);
/* One by its uuid, for its sender and for those who may see all jobs. INV_NOT_FOUND,
 * INV_FORBIDDEN. */
DM_MUST_CHECK int photo_batch_find(const struct inv_ctx *c, const char *uuid,
                                   struct photo_batch *ret, struct dm_err *e);

/* All its files have come. Note which were refused: a JSON array of {index, filename, code,
 * message}. */
DM_MUST_CHECK int photo_batch_end(const struct inv_ctx *c, const struct photo_batch *b,
                                  int64_t files, const json_t *rejections, struct dm_err *e);
/* The key of file i of a batch: the same for the same arguments. */
void photo_batch_key(const char *batch_uuid, size_t i, char ret[static STORE_UUID_SIZE]);

struct photo_new {
    const char *key;        /* UUID of the request, which becomes the job's; NULL: a new one */
    const char *image_uuid; /* that was given out before; NULL: a new one */
    const char *filename;   /* as the sender says, shown only; NULL: none */
    enum photo_source source;
    int64_t batch_id, batch_job_id; /* of photo_batch_begin; 0: none */
    int64_t location_id;            /* said by the person, 0 for not */
    const char *qr_code;            /* likewise, NULL for none */
    const char *sha256;             /* hex that the sender computed; NULL: not said */
    int64_t captured_at;            /* for a picture that does not say it; 0: not known */
    bool has_gps;                   /* the sender's own position, for a picture without one */
    double gps_lon, gps_lat;
    double gps_error_m; /* negative: unknown */
    bool force;         /* also when the same bytes are stored already */
    bool needs_gps;     /* setting REQUIRE_GPS: refuse a photo whose place nobody can know */
};

struct photo_accepted {
    bool repeated; /* the same request had been made before; nothing was written */
    int64_t image_id, session_id, location_id;
    char image_uuid[STORE_UUID_SIZE], session_uuid[STORE_UUID_SIZE], job_uuid[STORE_UUID_SIZE];
    char sha256[DM_SHA256_HEX_SIZE]; /* of the stored bytes */
    enum places_warning warning;     /* of the place; a label inside the picture may yet tell it */
};

/* Take a complete file in. Needs PHOTO_UPLOAD. INV_UNSUPPORTED_MEDIA, INV_FILE_TOO_LARGE (bytes or
 * pixels), DM_EDECODE: not a picture we take; INV_VALIDATION {field sha256}: other bytes than the
 * sender's; INV_DUPLICATE_PHOTO {image_id, session_id}: the same
 * bytes are stored; INV_NOT_FOUND: no such claro or label; INV_IDEMPOTENCY_CONFLICT: the key was
 * used for other bytes; DM_EIO: it could not be stored. */
DM_MUST_CHECK int photo_accept(const struct inv_ctx *c, const struct photo_place *p,
                               struct photo_file *f, const struct photo_new *n,
                               struct photo_accepted *ret, struct dm_err *e);

/* Whether bytes of this hash are stored (and not as a forced duplicate): whoever is about to send
 * them need not. INV_DUPLICATE_PHOTO {image_id, session_id} as photo_accept says it, or DM_OK. */
DM_MUST_CHECK int photo_is_new(const struct inv_ctx *c, const char *sha256, struct dm_err *e);

/* The active claro of a code (NAVE03-N-C07) or a label's text. INV_NOT_FOUND. */
DM_MUST_CHECK int photo_location_named(const struct inv_ctx *c, const char *name, int64_t *ret_id,
                                       struct dm_err *e);

/* ---- the job ---- */

/* What a worker has besides the books. */
struct photo_runner {
    struct photo_place place;
    struct vision_engine *engine;       /* borrowed */
    const struct vision_params *params; /* borrowed; density and area come from the books */
    const char *model;                  /* kept with each count; at most 100 bytes */
    const char *abort_sha256; /* debugging: the process aborts on the photo of this hash; or NULL */
};

/* Called between steps: percent and phase of api.md 22.2. A negative code stops the job. */
typedef int (*photo_step_fn)(void *ctx, int percent, const char *phase, struct dm_err *e);

struct photo_done {
    bool warning;       /* waits for somebody */
    const char *result; /* JSON, in the arena */
};

/* Run process_photo or reprocess_photo; the caller finishes the job with what is in ret. Again is
 * harmless. A code that may be retried: the job should be; any other: the photo is at fault.
 * DM_EAGAIN: the session is in other hands. */
DM_MUST_CHECK int photo_process(const struct inv_ctx *c, const struct photo_runner *r,
                                const struct queue_job *j, photo_step_fn step, void *step_ctx,
                                struct dm_arena *a, struct photo_done *ret, struct dm_err *e);

/* The job is a dead letter: its session fails with the message. */
DM_MUST_CHECK int photo_failed(const struct inv_ctx *c, int64_t session_id, const char *message,
                               struct dm_err *e);

/* The same for every session whose job died without a word (killed workers); how many. */
DM_MUST_CHECK int photo_bury(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e);

/* The job of a batch whose photos have all ended: their sessions summed up, as JSON in a.
 * *ret_warning: some failed or wait. */
DM_MUST_CHECK int photo_batch_sum(const struct inv_ctx *c, int64_t batch_id, struct dm_arena *a,
                                  const char **ret, bool *ret_warning, struct dm_err *e);

/* Make the thumbnail of a photo (again), and keep it. */
DM_MUST_CHECK int photo_thumbnail(const struct inv_ctx *c, const struct photo_place *p,
                                  int64_t image_id, struct dm_err *e);

/* How the photos of a batch stand, by job, oldest first; texts in a, "" where there is none. */
struct photo_state {
    int64_t job_id, session_id, image_id;
    const char *job_uuid, *session_uuid, *image_uuid;
    const char *filename;
    const char *job; /* job_status: pending, processing, completed... */
    const char *phase;
    int percent, attempts, max_attempts;
    const char *status, *posting, *warning, *holds; /* of the session; holds: JSON list */
    const char *error_code, *error;
    const char *claro; /* its code */
    int64_t detected, estimated, processing_ms;
    int64_t updated_at;
};
/* since: only those that changed then or later; 0: all. Needs PHOTO_UPLOAD. */
DM_MUST_CHECK int photo_batch_states(const struct inv_ctx *c, int64_t batch_id, int64_t since,
                                     struct dm_arena *a, struct photo_state **ret, size_t *ret_n,
                                     struct dm_err *e);

/* ---- stored objects ---- */

struct photo_object {
    int64_t row_id, image_id;
    enum photo_variant variant;
    const char *store, *key, *content_type, *sha256; /* in the arena */
    int64_t size_bytes;
    int w, h;
};

/* The row of a variant; session_id 0 for original and thumbnail. 1, or 0 when there is none. */
DM_MUST_CHECK int photo_object_find(struct store_tx *tx, int64_t image_id, int64_t session_id,
                                    enum photo_variant v, struct dm_arena *a,
                                    struct photo_object *ret, struct dm_err *e);

/* The same outside a transaction. INV_NOT_FOUND. */
DM_MUST_CHECK int photo_object_of(const struct inv_ctx *c, int64_t image_id, int64_t session_id,
                                  enum photo_variant v, struct dm_arena *a,
                                  struct photo_object *ret, struct dm_err *e);
/* An object of a photo that is not deleted, by its key, for whoever holds a signed address.
 * INV_NOT_FOUND. */
DM_MUST_CHECK int photo_object_named(struct store *s, const char *key, struct dm_arena *a,
                                     struct photo_object *ret, struct dm_err *e);

/* Bytes of an object, whole and with its hash checked, appended. INV_ORIGINAL_MISSING: the row has
 * no object any more. */
DM_MUST_CHECK int photo_object_read(const struct photo_place *p, const struct photo_object *o,
                                    struct dm_buf *ret, struct dm_err *e);

/* Store bytes under a key and write its row (the old object of the same variant is replaced). A
 * bucket that does not answer is no reason to fail: the object then lies in the local folder until
 * photo_sweep moves it. */
struct photo_picture {
    int64_t image_id, session_id; /* session 0: original, thumbnail */
    enum photo_variant variant;
    const char *key, *content_type;
    const void *bytes;
    size_t n;
    int w, h;
};
DM_MUST_CHECK int photo_object_write(const struct inv_ctx *c, const struct photo_place *p,
                                     const struct photo_picture *x, struct dm_err *e);

/* ---- pictures ---- */

/* Longest side of the thumbnail that is kept, its quality, and of those made on request. */
enum { PHOTO_THUMBNAIL_PX = 300, PHOTO_THUMBNAIL_QUALITY = 85, PHOTO_SIDE_MIN = 64 };
enum { PHOTO_SIDE_MAX = 1024 };

/* The photo made smaller so that its longest side is at most side, by averaging areas; a photo that
 * is small already is copied. RGB, owned by the caller. */
DM_MUST_CHECK int photo_shrink(const struct image *im, int side, struct image *ret,
                               struct dm_err *e);

/* The thumbnail as it is kept, made when it is missing; or, side other than PHOTO_THUMBNAIL_PX, a
 * JPEG made for this call. Appended to ret. INV_NOT_FOUND, INV_ORIGINAL_MISSING. Needs READ. */
DM_MUST_CHECK int photo_small(const struct inv_ctx *c, const struct photo_place *p,
                              const char *image_uuid, int side, struct dm_buf *ret,
                              struct dm_err *e);

/* The photo with what was counted drawn on it, as a JPEG: drawn from the session's rows the first
 * time, then kept. lang "es" or "en". INV_NOT_FOUND; INV_INVALID_TRANSITION: not completed. */
DM_MUST_CHECK int photo_annotated(const struct inv_ctx *c, const struct photo_place *p,
                                  const char *session_uuid, const char *lang, struct dm_buf *ret,
                                  struct dm_err *e);

/* One page about a session, PDF: place, figures, picture. Codes as photo_annotated. */
DM_MUST_CHECK int photo_report_pdf(const struct inv_ctx *c, const struct photo_place *p,
                                   const char *session_uuid, const char *lang, struct dm_buf *ret,
                                   struct dm_err *e);

/* ---- changes ---- */

/* Row ids of public names; deleted photos do not count. INV_NOT_FOUND. */
DM_MUST_CHECK int photo_session_id(const struct inv_ctx *c, const char *session_uuid,
                                   int64_t *ret_id, struct dm_err *e);
struct photo_ids {
    int64_t image_id, session_id; /* the last session, 0 = none */
    int64_t uploader_id, location_id;
    char session_uuid[STORE_UUID_SIZE];
};
DM_MUST_CHECK int photo_image_ids(const struct inv_ctx *c, const char *image_uuid,
                                  struct photo_ids *ret, struct dm_err *e);

/* Count a photo again (domain.md 13): a new session linked to the last one, at location_id or (0)
 * where that was. A job of the photo that still runs is the answer instead. Needs PHOTO_REPROCESS
 * (workers: their own). INV_NOT_FOUND, INV_ORIGINAL_MISSING. */
struct photo_again {
    bool running;                                                /* nothing was added */
    char job_uuid[STORE_UUID_SIZE], batch_uuid[STORE_UUID_SIZE]; /* batch "" when it has none */
};
DM_MUST_CHECK int photo_reprocess(const struct inv_ctx *c, const char *image_uuid,
                                  int64_t location_id, const char *reason, struct photo_again *ret,
                                  struct dm_err *e);

/* Mark a photo deleted; its files go with photo_sweep. Needs PHOTO_DELETE (workers: their own).
 * INV_NOT_FOUND; INV_IN_USE: its count is posted; INV_FORBIDDEN. */
DM_MUST_CHECK int photo_delete(const struct inv_ctx *c, const char *image_uuid, const char *reason,
                               struct dm_err *e);

/* A remark about a session, in the audit trail. */
DM_MUST_CHECK int photo_remark(const struct inv_ctx *c, int64_t session_id, const char *member,
                               const char *text, struct dm_err *e);

/* Mean time of the last 50 photos in s, 420 without any (domain.md 13). */
DM_MUST_CHECK int photo_mean_time(const struct inv_ctx *c, double *ret_s, struct dm_err *e);

/* ---- pictures that are not counted: samples of products (master.h) ---- */

/* Keep a complete file as an image without a session; bytes that are a stored photo are that photo.
 * Needs SAMPLE_IMAGES. INV_UNSUPPORTED_MEDIA, DM_EDECODE, DM_ELIMIT: no picture we take. */
DM_MUST_CHECK int photo_picture_take(const struct inv_ctx *c, const struct photo_place *p,
                                     struct photo_file *f, const char *filename, int64_t *ret_image,
                                     struct dm_err *e);
/* Mark an image deleted, unless a session or a sample shows it. */
DM_MUST_CHECK int photo_picture_drop(const struct inv_ctx *c, int64_t image_id, struct dm_err *e);

/* ---- keeping order ---- */

struct photo_swept {
    int64_t files;   /* of uploads nobody finished */
    int64_t orphans; /* objects without a row */
    int64_t moved;   /* from the local folder to a bucket that answers again */
    int64_t purged;  /* deleted photos whose time is over */
    int64_t rows;    /* of finished jobs and kept answers */
};
/* Take away what is left over and what the settings no longer keep; at most some hundred of each
 * kind in one call. Any number of processes may. */
DM_MUST_CHECK int photo_sweep(const struct inv_ctx *c, const struct photo_place *p,
                              struct photo_swept *ret, struct dm_err *e);

/* ---- lists (inventory/list.h) ---- */

/* Members that name an object are "STORE:KEY". Those of one session have the filter session_id. */
extern const struct list list_adjustments;
extern const struct list list_boxes;        /* detections as the editor draws them */
extern const struct list list_claro_photos; /* HistoryEvent of a claro, newest first */
extern const struct list list_detections;   /* Detection, with bin_id and category */
extern const struct list list_drawn;        /* plants that people drew */
extern const struct list list_estimations;  /* Estimation */
extern const struct list list_gallery;      /* GalleryItem, newest first */
extern const struct list list_image;        /* Image */
extern const struct list list_known;        /* a stored photo by its sha256 */
extern const struct list list_photo;        /* PhotoDetail without its history */
extern const struct list list_progress;     /* how a session stands */
extern const struct list list_session;      /* Session with counts and pictures */
extern const struct list list_session_batches;
extern const struct list list_session_bins;
extern const struct list list_sessions; /* Session, newest first */
extern const struct list list_statistics;

#endif
