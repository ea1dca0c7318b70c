/* SPDX-License-Identifier: Apache-2.0
 *
 * Where and when a photo was taken, from its EXIF block. Runs once a photo. The block comes from a
 * stranger: libexif takes it apart with a bounded amount of memory, nothing it returns is used
 * without a range check, and damage only means that a value is missing. */
#include <libexif/exif-data.h>
#include <libexif/exif-mem.h>

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "image/codec_priv.h"

static const char EXIF_HEAD[6] = "Exif\0";

/* libexif copies each value: thousands of entries that all point at one long value would make it
 * allocate thousands of times the block. Its allocator has no context argument, so what it may
 * still take is counted per thread; exif_parse sets it before each use. */
static _Thread_local size_t budget_bytes;
static _Thread_local bool out_of_memory; /* and not merely out of budget */

static void *budget_realloc(void *p, ExifLong n)
{
    if (n == 0 || n > budget_bytes) {
        return NULL;
    }
    budget_bytes -= n;
    void *r = dm_realloc(p, n);
    out_of_memory |= !r;
    return r;
}

static void *budget_alloc(ExifLong n)
{
    void *p = budget_realloc(NULL, n);
    if (p) {
        memset(p, 0, n); /* libexif expects calloc */
    }
    return p;
}

void exif_init(struct image_exif *x)
{
    *x = (struct image_exif){.orientation = 1,
                             .latitude_deg = NAN,
                             .longitude_deg = NAN,
                             .gps_error_m = NAN,
                             .altitude_m = NAN};
}

void exif_set_text(char *ret, size_t ret_size, const char *s, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n && s[i] != '\0' && len + 1 < ret_size; i++) {
        if (s[i] >= 0x20 && s[i] < 0x7f) {
            ret[len++] = s[i];
        }
    }
    while (len > 0 && ret[len - 1] == ' ') {
        len--;
    }
    ret[len] = '\0';
}

double exif_degrees(const double dms[static 3], char ref)
{
    double deg = dms[0] + dms[1] / 60 + dms[2] / 3600;
    return ref == 'S' || ref == 's' || ref == 'W' || ref == 'w' ? -deg : deg;
}

void exif_set_position(struct image_exif *x, double latitude_deg, double longitude_deg)
{
    /* Written so that a NAN fails. */
    if (fabs(latitude_deg) <= 90 && fabs(longitude_deg) <= 180) {
        x->has_gps = true;
        x->latitude_deg = latitude_deg;
        x->longitude_deg = longitude_deg;
    }
}

/* Does s fit the pattern, where 0 stands for a digit? */
static bool fits(const char *s, size_t n, const char *pattern)
{
    size_t len = strlen(pattern);
    if (!s || n < len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (pattern[i] == '0' ? !digit : s[i] != pattern[i]) {
            return false;
        }
    }
    return true;
}

static int two_digits(const char *s)
{
    return (s[0] - '0') * 10 + (s[1] - '0');
}

void exif_set_captured(struct image_exif *x, const char *date, size_t date_n, const char *zone,
                       size_t zone_n)
{
    if (!fits(date, date_n, "0000:00:00 00:00:00")) {
        return;
    }
    int month = two_digits(date + 5);
    int day = two_digits(date + 8);
    if (month < 1 || month > 12 || day < 1 || day > 31 || two_digits(date + 11) > 23 ||
        two_digits(date + 14) > 59 || two_digits(date + 17) > 60) {
        return;
    }
    char *to = x->captured_at;
    memcpy(to, date, 19);
    to[4] = to[7] = '-';
    to[10] = 'T';
    to[19] = '\0';
    if ((fits(zone, zone_n, "+00:00") || fits(zone, zone_n, "-00:00")) &&
        two_digits(zone + 1) <= 14 && two_digits(zone + 4) <= 59) {
        memcpy(to + 19, zone, 6);
        to[25] = '\0';
    }
}

/* The entry, when it has the format and at least count values of size bytes each; else NULL. */
static const ExifEntry *find(const ExifData *d, ExifIfd ifd, unsigned tag, ExifFormat format,
                             size_t count)
{
    const ExifEntry *en = exif_content_get_entry(d->ifd[ifd], (ExifTag)tag);
    if (!en || !en->data || en->format != format || en->components < count ||
        en->size / exif_format_get_size(format) < count) {
        return NULL;
    }
    return en;
}

/* Positions are unsigned fractions with a letter for the sign; some phones write signed ones. */
static const ExifEntry *find_rational(const ExifData *d, unsigned tag, size_t count)
{
    const ExifEntry *en = find(d, EXIF_IFD_GPS, tag, EXIF_FORMAT_RATIONAL, count);
    return en ? en : find(d, EXIF_IFD_GPS, tag, EXIF_FORMAT_SRATIONAL, count);
}

/* Number i of the entry; absent where its denominator is 0. */
static double rational(const ExifData *d, const ExifEntry *en, size_t i, double absent)
{
    ExifByteOrder order = exif_data_get_byte_order((ExifData *)d);
    if (en->format == EXIF_FORMAT_SRATIONAL) {
        ExifSRational s = exif_get_srational(en->data + 8 * i, order);
        return s.denominator == 0 ? absent : (double)s.numerator / s.denominator;
    }
    ExifRational u = exif_get_rational(en->data + 8 * i, order);
    return u.denominator == 0 ? absent : (double)u.numerator / u.denominator;
}

static bool degrees(const ExifData *d, unsigned tag, unsigned ref_tag, double *ret)
{
    const ExifEntry *en = find_rational(d, tag, 3);
    const ExifEntry *ref = find(d, EXIF_IFD_GPS, ref_tag, EXIF_FORMAT_ASCII, 1);
    if (!en) {
        return false;
    }
    double dms[3] = {rational(d, en, 0, 0), rational(d, en, 1, 0), rational(d, en, 2, 0)};
    *ret = exif_degrees(dms, ref ? (char)ref->data[0] : ' ');
    return true;
}

static void take_gps(const ExifData *d, struct image_exif *x)
{
    double latitude;
    double longitude;
    if (degrees(d, EXIF_TAG_GPS_LATITUDE, EXIF_TAG_GPS_LATITUDE_REF, &latitude) &&
        degrees(d, EXIF_TAG_GPS_LONGITUDE, EXIF_TAG_GPS_LONGITUDE_REF, &longitude)) {
        exif_set_position(x, latitude, longitude);
    }
    const ExifEntry *en = find_rational(d, EXIF_TAG_GPS_H_POSITIONING_ERROR, 1);
    if (en) {
        x->gps_error_m = rational(d, en, 0, NAN);
    }
    en = find_rational(d, EXIF_TAG_GPS_ALTITUDE, 1);
    if (en) {
        const ExifEntry *ref =
            find(d, EXIF_IFD_GPS, EXIF_TAG_GPS_ALTITUDE_REF, EXIF_FORMAT_BYTE, 1);
        x->altitude_m = rational(d, en, 0, NAN) * (ref && ref->data[0] == 1 ? -1 : 1);
    }
}

static void take_text(const ExifData *d, ExifTag tag, char *ret, size_t ret_size)
{
    const ExifEntry *en = find(d, EXIF_IFD_0, tag, EXIF_FORMAT_ASCII, 1);
    if (en) {
        exif_set_text(ret, ret_size, (const char *)en->data, en->size);
    }
}

static void take_all(const ExifData *d, struct image_exif *x)
{
    const ExifEntry *en = find(d, EXIF_IFD_0, EXIF_TAG_ORIENTATION, EXIF_FORMAT_SHORT, 1);
    if (en) {
        int o = exif_get_short(en->data, exif_data_get_byte_order((ExifData *)d));
        x->orientation = o >= 1 && o <= 8 ? o : 1;
    }
    take_text(d, EXIF_TAG_MAKE, x->make, sizeof(x->make));
    take_text(d, EXIF_TAG_MODEL, x->model, sizeof(x->model));
    en = find(d, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, EXIF_FORMAT_ASCII, 1);
    const ExifEntry *zone =
        find(d, EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME_ORIGINAL, EXIF_FORMAT_ASCII, 1);
    if (en) {
        exif_set_captured(x, (const char *)en->data, en->size,
                          zone ? (const char *)zone->data : NULL, zone ? zone->size : 0);
    }
    take_gps(d, x);
}

static void unref_mem(ExifMem **m)
{
    exif_mem_unref(*m);
}

static void unref_data(ExifData **d)
{
    exif_data_unref(*d);
}

int exif_parse(const uint8_t *block, size_t n, struct image_exif *x, struct dm_err *e)
{
    if (n < sizeof(EXIF_HEAD) || n > LIMIT_METADATA_BYTES) {
        return DM_OK;
    }
    DM_CLEANUP(dm_freep) uint8_t *headed = NULL; /* libexif insists on the head */
    if (memcmp(block, EXIF_HEAD, sizeof(EXIF_HEAD)) != 0) {
        headed = dm_alloc(n + sizeof(EXIF_HEAD));
        if (!headed) {
            DM_FAIL(e, DM_ENOMEM, "no memory to read the EXIF block");
        }
        memcpy(headed, EXIF_HEAD, sizeof(EXIF_HEAD));
        memcpy(headed + sizeof(EXIF_HEAD), block, n);
        block = headed;
        n += sizeof(EXIF_HEAD);
    }
    /* Four times the block for the copies, 256 KiB for libexif's own structures: 100 entries in 5
     * directories of phones take 30 KiB. */
    budget_bytes = 4 * n + ((size_t)256 << 10);
    out_of_memory = false;
    DM_CLEANUP(unref_mem) ExifMem *mem = exif_mem_new(budget_alloc, budget_realloc, dm_free);
    DM_CLEANUP(unref_data) ExifData *d = mem ? exif_data_new_mem(mem) : NULL;
    if (d) {
        exif_data_unset_option(d, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION); /* repair nothing */
        exif_data_load_data(d, block, (unsigned)n);
    }
    if (out_of_memory) { /* an orientation may be missing: better no picture than one on its side */
        DM_FAIL(e, DM_ENOMEM, "no memory to read the EXIF block");
    }
    if (d) {
        take_all(d, x);
    }
    return DM_OK;
}
