/* SPDX-License-Identifier: MIT
 *
 * EXIF by libexif: the orientation of a picture, which camera took it and when, and our own text in
 * the user comment.
 */
#include <stdlib.h>
#include <string.h>

#include <libexif/exif-data.h>

#include "media/media.h"

/* A user comment begins with the name of its character set; zeros: undefined. */
enum { CHARSET = 8 };

static const unsigned char start[6] = {'E', 'x', 'i', 'f', 0, 0};

/* libexif expects the start, which some formats omit. NULL: out of memory. */
static ExifData *parse(const unsigned char *bytes, size_t size) {
    ExifData *data = exif_data_new();
    if (!data || size > UINT32_MAX - sizeof start)
        return data;
    exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    if (size >= sizeof start && memcmp(bytes, start, sizeof start) == 0) {
        exif_data_load_data(data, bytes, (unsigned)size);
        return data;
    }
    unsigned char *whole = malloc(sizeof start + size);
    if (whole) {
        memcpy(whole, start, sizeof start);
        memcpy(whole + sizeof start, bytes, size);
        exif_data_load_data(data, whole, (unsigned)(sizeof start + size));
    }
    free(whole);
    return data;
}

/* Unlike libexif's macro, this does not search the thumbnail's directory. */
static const ExifEntry *entry_of(const ExifData *data, ExifIfd ifd, ExifTag tag) {
    return exif_content_get_entry(data->ifd[ifd], tag);
}

/* One line of text, which ends at the first control character. */
static void read_text(char *text, size_t room, const ExifData *data, ExifIfd ifd, ExifTag tag) {
    const ExifEntry *entry = entry_of(data, ifd, tag);
    size_t n = 0;
    if (!entry || entry->format != EXIF_FORMAT_ASCII || !entry->data)
        return;
    while (n < entry->size && n + 1 < room && entry->data[n] >= ' ' && entry->data[n] != 0x7f)
        n++;
    while (n > 0 && entry->data[n - 1] == ' ')
        n--;
    memcpy(text, entry->data, n);
    text[n] = '\0';
}

/* The orientation, which some programs write as another type of integer than the specification
 * says. 0: none. */
static unsigned orientation_of(ExifData *data) {
    const ExifEntry *const e = entry_of(data, EXIF_IFD_0, EXIF_TAG_ORIENTATION);
    const ExifByteOrder order = exif_data_get_byte_order(data);
    if (!e || !e->data || e->components == 0 || e->size < exif_format_get_size(e->format))
        return 0;
    switch (e->format) {
    case EXIF_FORMAT_BYTE:
    case EXIF_FORMAT_SBYTE:
        return e->data[0];
    case EXIF_FORMAT_SHORT:
    case EXIF_FORMAT_SSHORT:
        return exif_get_short(e->data, order);
    case EXIF_FORMAT_LONG:
    case EXIF_FORMAT_SLONG:
        return exif_get_long(e->data, order);
    default:
        return 0;
    }
}

void imp_decode_exif(imp_decode *t, const unsigned char *bytes, size_t size) {
    imp_origin *origin = &t->out->origin;
    ExifData *data = parse(bytes, size);
    if (!data)
        return;
    t->orientation = orientation_of(data);
    read_text(origin->make, sizeof origin->make, data, EXIF_IFD_0, EXIF_TAG_MAKE);
    read_text(origin->model, sizeof origin->model, data, EXIF_IFD_0, EXIF_TAG_MODEL);
    read_text(origin->date, sizeof origin->date, data, EXIF_IFD_0, EXIF_TAG_DATE_TIME);
    read_text(origin->date, sizeof origin->date, data, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL);
    exif_data_unref(data);
}

char *imp_exif_text(const unsigned char *bytes, size_t size, bool *memory) {
    ExifData *data = parse(bytes, size);
    char *text = NULL;
    if (data) {
        const ExifEntry *entry = entry_of(data, EXIF_IFD_EXIF, EXIF_TAG_USER_COMMENT);
        if (entry && entry->data && entry->size >= CHARSET)
            text = imp_text_of_ours(entry->data + CHARSET, entry->size - CHARSET, memory);
        exif_data_unref(data);
    } else {
        *memory = true;
    }
    return text;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* An entry of `size` bytes, owned by data; NULL: out of memory. */
static ExifEntry *add_entry(ExifData *data, ExifMem *mem, ExifIfd ifd, ExifTag tag,
                            ExifFormat format, size_t size) {
    ExifEntry *entry = exif_entry_new_mem(mem);
    if (!entry)
        return NULL;
    entry->tag = tag;
    entry->format = format;
    entry->components = size;
    entry->size = (unsigned)size;
    entry->data = exif_mem_alloc(mem, (ExifLong)size);
    exif_content_add_entry(data->ifd[ifd], entry);
    ExifEntry *const kept = entry->data && entry->parent ? entry : NULL;
    exif_entry_unref(entry);
    return kept;
}

static bool add_text(ExifData *data, ExifMem *mem, ExifIfd ifd, ExifTag tag, const char *text) {
    const size_t size = strlen(text) + 1;
    ExifEntry *entry = *text ? add_entry(data, mem, ifd, tag, EXIF_FORMAT_ASCII, size) : NULL;
    if (entry)
        memcpy(entry->data, text, size);
    return entry || !*text;
}

static bool add_comment(ExifData *data, ExifMem *mem, const char *text) {
    const size_t before = CHARSET + strlen(IMP_TEXT_START), size = before + strlen(text);
    ExifEntry *entry =
        add_entry(data, mem, EXIF_IFD_EXIF, EXIF_TAG_USER_COMMENT, EXIF_FORMAT_UNDEFINED, size);
    if (!entry)
        return false;
    memset(entry->data, 0, CHARSET);
    memcpy(entry->data + CHARSET, IMP_TEXT_START, before - CHARSET);
    memcpy(entry->data + before, text, size - before);
    return true;
}

static bool fill(ExifData *data, ExifMem *mem, const imp_origin *origin, const char *text) {
    exif_data_set_byte_order(data, EXIF_BYTE_ORDER_INTEL);
    return add_text(data, mem, EXIF_IFD_0, EXIF_TAG_MAKE, origin->make) &&
           add_text(data, mem, EXIF_IFD_0, EXIF_TAG_MODEL, origin->model) &&
           add_text(data, mem, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, origin->date) &&
           (!text || add_comment(data, mem, text));
}

bool imp_exif_write(unsigned char **bytes, size_t *size, const imp_origin *origin,
                    const char *text) {
    unsigned char *block = NULL;
    unsigned length = 0;
    *bytes = NULL;
    *size = 0;
    if (!*origin->make && !*origin->model && !*origin->date && !text)
        return true;
    ExifMem *mem = exif_mem_new_default();
    ExifData *data = mem ? exif_data_new_mem(mem) : NULL;
    if (data && fill(data, mem, origin, text))
        exif_data_save_data(data, &block, &length);
    if (data)
        exif_data_unref(data);
    if (mem)
        exif_mem_unref(mem);
    if (!block || length <= sizeof start) {
        free(block);
        return false;
    }
    *size = length - sizeof start;
    memmove(block, block + sizeof start, *size);
    *bytes = block;
    return true;
}
