/* SPDX-License-Identifier: MIT
 *
 * PNG by libpng. Palettes and small depths are expanded, 16 bits are kept. A file without a profile
 * may state its gamma and chromaticities instead; otherwise its colours are sRGB.
 */
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/error.h"
#include "media/media.h"

#define TEXT_KEYWORD "impasto"

/* Chunks that libpng does not know, as it expects them: the number of frames, and colours by
 * number. */
static const png_byte UNKNOWN[10] = "acTL\0cICP";

/* What libpng's callbacks need, and what must be released after a jump out of the library. */
typedef struct png_state {
    png_structp png;
    png_infop info;
    const imp_source *in; /* of a reader */
    size_t at;            /* bytes of it already read */
    imp_buffer *out;      /* of a writer */
    unsigned char *rows, *exif;
    bool memory; /* an allocation failed */
    bool ended;  /* the file ended before libpng had all that it wanted */
    size_t row;  /* the one that is read, in this pass */
    int pass, passes;
    char reason[128];
} png_state;

/* ---- Callbacks ------------------------------------------------------------------------------- */

static void on_error(png_structp png, png_const_charp message) {
    png_state *s = png_get_error_ptr(png);
    snprintf(s->reason, sizeof s->reason, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    png_state *s = png_get_mem_ptr(png);
    void *p = malloc(size);
    s->memory |= p == NULL;
    return p;
}

static void on_free(png_structp png, png_voidp p) {
    (void)png;
    free(p);
}

static void on_read(png_structp png, png_bytep out, size_t n) {
    png_state *s = png_get_io_ptr(png);
    s->ended = n > s->in->size - s->at;
    if (s->ended)
        png_error(png, "the file ends too early");
    if (!imp_source_take(s->in, s->at, out, n))
        png_error(png, "the file cannot be read");
    s->at += n;
}

static void on_write(png_structp png, png_bytep bytes, size_t n) {
    png_state *s = png_get_io_ptr(png);
    s->memory |= !imp_buffer_append(s->out, bytes, n);
    if (s->memory)
        png_error(png, "out of memory");
}

/* 16-bit samples have this machine's byte order. */
static bool is_little_endian(void) {
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool open_reader(png_state *s, const imp_source *in) {
    *s = (png_state){.in = in};
    s->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, s, on_error, on_warning, s, on_malloc,
                                      on_free);
    s->info = s->png ? png_create_info_struct(s->png) : NULL;
    return s->info != NULL;
}

static void close_reader(png_state *s) {
    png_destroy_read_struct(&s->png, &s->info, NULL);
    free(s->rows);
}

static void read_header(png_state *s) {
    png_set_read_fn(s->png, s, on_read);
    png_set_user_limits(s->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* max_pixels is the limit */
    png_read_info(s->png, s->info);
}

/* The chunk of that name among those that libpng does not know, or NULL. */
static png_unknown_chunkp find_unknown(const png_state *s, const char *name) {
    png_unknown_chunkp all = NULL;
    const int count = png_get_unknown_chunks(s->png, s->info, &all);
    for (int i = 0; i < count; i++)
        if (memcmp(all[i].name, name, 4) == 0)
            return &all[i];
    return NULL;
}

/* Reads gAMA and cHRM of a file without a profile, if they differ from sRGB. */
static imp_status read_primaries(png_state *s, imp_decode *t, imp_error *err) {
    static const double srgb[8] = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
    double xy[8], gamma = 1 / 2.2;
    bool same = true;
    memcpy(xy, srgb, sizeof xy);
    if (png_get_valid(s->png, s->info, PNG_INFO_sRGB | PNG_INFO_iCCP) ||
        !png_get_gAMA(s->png, s->info, &gamma) || !(gamma > 0.1 && gamma < 10))
        return IMP_OK;
    png_get_cHRM(s->png, s->info, &xy[0], &xy[1], &xy[2], &xy[3], &xy[4], &xy[5], &xy[6], &xy[7]);
    for (size_t i = 0; i < 8; i++)
        same &= fabs(xy[i] - srgb[i]) < 0.002;
    const bool usual = fabs(gamma * 2.2 - 1) < 0.02;
    return same && usual ? IMP_OK : imp_decode_primaries(t, xy, usual ? 0 : 1 / gamma, err);
}

/* Colours by number (PNG, third edition) precede a profile, and this precedes gAMA and cHRM. */
static imp_status read_colours(png_state *s, imp_decode *t, imp_error *err) {
    png_charp name;
    png_bytep profile = NULL;
    png_uint_32 size = 0;
    int compression;
    const int type = png_get_color_type(s->png, s->info);
    const png_unknown_chunkp numbers = find_unknown(s, "cICP");
    const bool known = numbers && numbers->size == 4 && numbers->data[2] == 0 &&
                       imp_colours_known(numbers->data[0], numbers->data[1]);
    if (known || !png_get_iCCP(s->png, s->info, &name, &compression, &profile, &size))
        size = 0;
    TRY(imp_decode_colours(t, type & PNG_COLOR_MASK_COLOR ? 3 : 1, type & PNG_COLOR_MASK_ALPHA,
                           profile, size, err));
    return known ? imp_decode_numbers(t, numbers->data[0], numbers->data[1], err)
                 : read_primaries(s, t, err);
}

/* Converts a row of a pass of Adam7, which has some of the columns of row y. */
static void put_row(png_state *s, imp_decode *t, size_t y, size_t first, size_t step) {
    const size_t count = (t->width - first + step - 1) / step;
    const size_t n = count * (t->colours + t->alpha);
    const bool wide = png_get_bit_depth(s->png, s->info) == 16;
    uint16_t word;
    for (size_t i = 0; i < n; i++) {
        memcpy(&word, s->rows + i * (wide ? sizeof word : 1), wide ? sizeof word : 1);
        t->samples[i] = wide ? (float)word / 65535 : (float)s->rows[i] / 255;
    }
    imp_decode_pixels(t, y, first, step, count);
}

/* Reads the rows of a pass, in which libpng keeps to the columns that the pass has. */
static void read_pass(png_state *s, imp_decode *t) {
    const bool all = s->passes == 1;
    const size_t first = all ? 0 : PNG_PASS_START_COL(s->pass);
    const size_t step = all ? 1 : (size_t)1 << PNG_PASS_COL_SHIFT(s->pass);
    const size_t top = all ? 0 : PNG_PASS_START_ROW(s->pass);
    const size_t down = all ? 1 : (size_t)1 << PNG_PASS_ROW_SHIFT(s->pass);
    if (first >= t->width)
        return;
    for (s->row = top; s->row < t->height; s->row += down) {
        png_read_row(s->png, s->rows, NULL);
        put_row(s, t, s->row, first, step);
    }
}

static void read_rows(png_state *s, imp_decode *t) {
    s->rows = malloc(png_get_rowbytes(s->png, s->info));
    s->memory = s->rows == NULL;
    if (s->memory)
        png_error(s->png, "out of memory");
    for (s->pass = 0; s->pass < s->passes; s->pass++)
        read_pass(s, t);
}

/* EXIF and the number of frames may come after the colours. */
static void read_rest(png_state *s, imp_decode *t) {
    png_bytep exif = NULL;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(s->png, s->info, &size, &exif))
        imp_decode_exif(t, exif, size);
    t->more = find_unknown(s, "acTL") != NULL;
}

/* After an error: whether only the end of the file is missing. */
static bool is_nearly_whole(png_state *s, imp_decode *t) {
    if (!s->ended || s->memory || s->passes == 0 || !s->rows)
        return false;
    if (s->pass < s->passes)
        return s->passes == 1 && imp_decode_missing(t, s->row);
    imp_decode_note(t, "is cut off: its end mark is missing, but no colour is");
    return true;
}

static imp_status decode(png_state *s, imp_decode *t, imp_error *err) {
    if (setjmp(png_jmpbuf(s->png))) {
        if (!is_nearly_whole(s, t))
            return imp_decode_fail(s->in, "PNG", s->memory, s->reason, err);
        read_rest(s, t);
        return IMP_OK;
    }
    png_set_keep_unknown_chunks(s->png, PNG_HANDLE_CHUNK_ALWAYS, UNKNOWN, 2);
    read_header(s);
    TRY(imp_decode_size(t, png_get_image_width(s->png, s->info),
                        png_get_image_height(s->png, s->info), err));
    png_set_expand(s->png); /* palettes to RGB, transparent colours to alpha, fewer bits to 8 */
    if (is_little_endian())
        png_set_swap(s->png);
    const bool laced = png_get_interlace_type(s->png, s->info) != PNG_INTERLACE_NONE;
    png_read_update_info(s->png, s->info);
    TRY(read_colours(s, t, err));
    s->passes = laced ? PNG_INTERLACE_ADAM7_PASSES : 1;
    read_rows(s, t);
    png_read_end(s->png, s->info);
    read_rest(s, t);
    return IMP_OK;
}

imp_status imp_png_decode(imp_decode *t, imp_error *err) {
    png_state s;
    const imp_status status =
        open_reader(&s, t->in) ? decode(&s, t, err) : imp_decode_fail(t->in, "PNG", true, "", err);
    close_reader(&s);
    return status;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static bool copy_text(png_state *s, char **text) {
    png_textp all;
    int count = 0;
    png_get_text(s->png, s->info, &all, &count);
    for (int i = 0; i < count; i++) {
        if (strcmp(all[i].key, TEXT_KEYWORD) != 0)
            continue;
        *text = strdup(all[i].text);
        s->memory = *text == NULL;
        if (s->memory)
            png_error(s->png, "out of memory");
        return true;
    }
    return false;
}

/* We write the text before the colours; other programs move it behind them. */
static imp_status find_text(png_state *s, char **text, imp_error *err) {
    if (setjmp(png_jmpbuf(s->png)))
        return imp_decode_fail(s->in, "PNG", s->memory, s->reason, err);
    read_header(s);
    if (copy_text(s, text))
        return IMP_OK;
    const int passes = png_set_interlace_handling(s->png);
    const size_t height = png_get_image_height(s->png, s->info);
    for (size_t i = 0; i < (size_t)passes * height; i++)
        png_read_row(s->png, NULL, NULL);
    png_read_end(s->png, s->info);
    copy_text(s, text);
    return IMP_OK;
}

imp_status imp_png_text(char **text, const imp_source *in, imp_error *err) {
    png_state s;
    *text = NULL;
    const imp_status status =
        open_reader(&s, in) ? find_text(&s, text, err) : imp_decode_fail(in, "PNG", true, "", err);
    close_reader(&s);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_text(png_state *s, const char *value) {
    char key[] = TEXT_KEYWORD, none[] = "";
    png_text text = {.compression = PNG_ITXT_COMPRESSION_NONE,
                     .key = key,
                     .text = (char *)(uintptr_t)value, /* libpng only copies it */
                     .lang = none,
                     .lang_key = none};
    png_set_text(s->png, s->info, &text, 1);
}

static void write_header(png_state *s, const imp_encode *what) {
    const imp_picture *picture = what->picture;
    size_t size;
    png_set_user_limits(s->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(s->png, s->info, (png_uint_32)picture->width, (png_uint_32)picture->height,
                 (int)what->options.depth,
                 imp_encode_samples(what) == 4 ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB(s->png, s->info, PNG_sRGB_INTENT_PERCEPTUAL);
    s->memory = !imp_exif_write(&s->exif, &size, &picture->origin, NULL);
    if (s->memory)
        png_error(s->png, "out of memory");
    if (s->exif)
        png_set_eXIf_1(s->png, s->info, (png_uint_32)size, s->exif);
    if (what->options.text)
        write_text(s, what->options.text);
    png_write_info(s->png, s->info);
}

static imp_status encode(png_state *s, const imp_encode *what, imp_error *err) {
    if (setjmp(png_jmpbuf(s->png)))
        return imp_encode_fail(what, s->memory, s->reason, err);
    png_set_write_fn(s->png, s, on_write, NULL);
    write_header(s, what);
    if (is_little_endian())
        png_set_swap(s->png);
    for (size_t y = 0; y < what->picture->height; y++) {
        if (what->options.depth == 16)
            imp_encode_words((uint16_t *)(void *)s->rows, what, y);
        else
            imp_encode_bytes(s->rows, what, y);
        png_write_row(s->png, s->rows);
    }
    png_write_end(s->png, NULL);
    return IMP_OK;
}

imp_status imp_png_encode(imp_buffer *out, const imp_encode *what, imp_error *err) {
    const size_t samples = imp_encode_samples(what) * what->picture->width;
    png_state s = {.out = out, .rows = malloc(samples * what->options.depth / 8)};
    s.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning, &s,
                                      on_malloc, on_free);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    const imp_status status =
        s.info && s.rows ? encode(&s, what, err) : imp_encode_fail(what, true, "", err);
    png_destroy_write_struct(&s.png, &s.info);
    free(s.rows);
    free(s.exif);
    return status;
}
