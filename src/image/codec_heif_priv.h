/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the parts of the HEIF and AVIF decoder: the structure check before libheif reads a file,
 * and the bounded HEVC and AV1 decoders it is given. */
#ifndef IMAGE_CODEC_HEIF_PRIV_H
#define IMAGE_CODEC_HEIF_PRIV_H

#include "image/codec_priv.h"

/* Is the file's structure one that cameras write, and small enough to read? DM_EDECODE damaged,
 * DM_EUNSUPPORTED a structure we refuse, DM_ELIMIT too many parts, DM_ENOMEM. */
int heif_check(struct codec_input in, struct dm_err *e);

/* Give libheif our HEVC and AV1 decoders; once a process, cheap afterwards. */
int heif_register_decoders(struct dm_err *e);

#endif
