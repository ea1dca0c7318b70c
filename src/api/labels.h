/* SPDX-License-Identifier: Apache-2.0
 *
 * QR codes and sheets of labels, drawn: PNG, SVG, PDF. A code of a claro has 9 to 20 characters or
 * is a short address, so symbols have 21 to 41 modules a side; a sheet has at most some hundred
 * labels. Sizes of sheets: L7159 (24) and L7651 (65), the ones stationers sell for A4. */
#ifndef API_LABELS_H
#define API_LABELS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum labels_ecc { LABELS_L, LABELS_M, LABELS_Q, LABELS_H };
extern const char *const labels_ecc_names[]; /* "L"...; NULL-ended */

enum { LABELS_QUIET = 4 }; /* modules of white around a symbol: ISO/IEC 18004 */

/* A symbol as a picture of size pixels a side, quiet zone included; modules are whole pixels, what
 * is left over becomes white. DM_EBADINPUT: size is too small for the text, or the text too long.
 */
DM_MUST_CHECK int labels_png(const char *text, enum labels_ecc ecc, int size, struct dm_buf *out,
                             struct dm_err *e);
DM_MUST_CHECK int labels_svg(const char *text, enum labels_ecc ecc, int size, struct dm_buf *out,
                             struct dm_err *e);

/* One label: what the code says, and two lines for people. */
struct label {
    const char *qr, *code, *name;
};

enum labels_layout { LABELS_A4_24, LABELS_A4_65, LABELS_SINGLE };
extern const char *const labels_layout_names[]; /* "a4-24"...; NULL-ended */

/* A sheet, or one page for each label (SINGLE). Text is text: it can be searched and copied. */
DM_MUST_CHECK int labels_pdf(const struct label *label, size_t n, enum labels_layout layout,
                             struct dm_buf *out, struct dm_err *e);

#endif
