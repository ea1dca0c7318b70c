/* SPDX-License-Identifier: Apache-2.0
 *
 * Every stated maximum, with its reason. What a stranger can grow has its bound here. */
#ifndef DM_BASE_LIMITS_H
#define DM_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Photographs (vision.md 1.1). The file limit is the storage limit; uploads are limited lower. */
#define LIMIT_IMAGE_FILE_BYTES ((size_t)500000000)
#define LIMIT_IMAGE_MEGAPIXELS 120
#define LIMIT_IMAGE_SIDE_MIN   32
#define LIMIT_IMAGE_SIDE_MAX   32767
#define LIMIT_METADATA_BYTES                                                                       \
    ((size_t)1 << 20) /* one EXIF block; the format itself allows 64 KiB                           \
                       */

/* What a small file may make a decoder do (docs/decisions/001-image-libraries.md). */
#define LIMIT_JPEG_SCANS 100 /* a scan may cost a pass over all blocks; cameras write 10 */
#define LIMIT_JPEG_COEFFICIENT_BYTES                                                               \
    ((size_t)400000000)                           /* progressive; 120 MP in 4:2:0 is 360 MB */
#define LIMIT_TIFF_CHUNK_BYTES ((size_t)64 << 20) /* one tile; 4096 x 4096 RGBA */
#define LIMIT_TIFF_SAMPLES     64                 /* channels of a pixel; only three are used */
#define LIMIT_HEIF_ITEMS       2000 /* tiles and metadata; 120 MP in 512 px tiles is 458 */

/* Models: the largest YOLO11 (x, f32) is 228 MB. */
#define LIMIT_MODEL_FILE_BYTES ((size_t)512 << 20)
#define LIMIT_MODEL_NODES      8192
#define LIMIT_MODEL_CLASSES    4096
#define LIMIT_MODEL_INPUT_SIDE 4096
#define LIMIT_MODEL_VALUES     65536              /* YOLO11x has 1300 */
#define LIMIT_MODEL_ELEMENTS   ((int64_t)1 << 31) /* of one tensor; YOLO11x at 4096 px: 4e8 */
#define LIMIT_MODEL_NAME_BYTES 256                /* of a class */
#define LIMIT_MODEL_FOLD       (1 << 24) /* elements folding moves; YOLO11 at 4096 px: 1.1e7 */
#define LIMIT_PLANS            16        /* input shapes a dynamic model keeps planned at once */

/* One photo. 120 MP in 512 px tiles is 836 tiles of at most 300 boxes. */
#define LIMIT_CONTAINERS 300
#define LIMIT_CONTAINER_OVERLAP                                                                    \
    8 /* their areas together, in photos: each keeps a mask in memory                              \
       */
#define LIMIT_DETECTIONS 300000
#define LIMIT_THREADS    256
#define LIMIT_FEATHER_PX 128 /* soft edge of a crop; its squares are kept in 16 bits */

/* One run of the command line. */
#define LIMIT_INPUT_FILES  1000000
#define LIMIT_FOLDER_DEPTH 64 /* of --recursive: a loop of mounts ends here */
#define LIMIT_JOBS         256

/* Places. The rings of a nursery have 4 to 60 positions; a position is at most 60 bytes of JSON. */
#define LIMIT_POLYGON_POSITIONS 1000
#define LIMIT_POLYGON_BYTES     ((size_t)256 << 10)

/* A query made from a table of fields: the widest has 20 columns. */
#define LIMIT_SQL_BYTES ((size_t)16 << 10)

/* Tables that people load (api.md 1.8: an import file has at most 50 MiB). */
#define LIMIT_CSV_BYTES      ((size_t)50 << 20)
#define LIMIT_CSV_COLUMNS    256
#define LIMIT_CSV_CELL_BYTES ((size_t)64 << 10)

/* Metrics of one photo: 300,000 plants of 150 bytes. */
#define LIMIT_METRICS_BYTES ((size_t)64 << 20)
#define LIMIT_CONFIG_BYTES  ((size_t)1 << 20)
#define LIMIT_ZONE_BYTES    ((size_t)64 << 10) /* file of a time zone; the largest has 4 KB */

/* Database. One statement, one value (a picture kept in the database), connections of one program.
 */
#define LIMIT_STORE_SQL_BYTES   ((size_t)256 << 10)
#define LIMIT_STORE_VALUE_BYTES ((size_t)512 << 20)
#define LIMIT_STORE_POOL        1000

/* Stored objects (blob/). A backup part is the largest; a photo has its own limit. */
#define LIMIT_BLOB_BYTES ((int64_t)5 << 30)

#endif
