/* SPDX-License-Identifier: MIT
 *
 * JPEG by libjpeg-turbo. Adobe's programs store inverted inks and mark such files. A file that is
 * cut off near its end is read, since cameras and downloads leave such files behind.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/error.h"
#include "media/media.h"

enum { COMMENT_MAX = 65533 };

/* Encoders write about ten scans; each costs as much time as all of a plain file. */
enum { SCANS_MAX = 100 };

/* What libjpeg's callbacks need, and what must be released after a jump out of the library. */
typedef struct jpeg_state {
    struct jpeg_error_mgr errors; /* first: the library has a pointer to it */
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    bool cut_off, short_of; /* the file has no end mark; a scan is short of data... */
    size_t cut_scan, cut;   /* ... this one, from this row on */
    union {
        struct jpeg_common_struct common;
        struct jpeg_decompress_struct in;
        struct jpeg_compress_struct out;
    } jpeg;
    unsigned char *row, *profile, *exif;
    struct jpeg_destination_mgr to; /* of a writer */
    unsigned char block[1 << 14];
    imp_buffer *out;
    char reason[JMSG_LENGTH_MAX];
} jpeg_state;

/* ---- Callbacks ------------------------------------------------------------------------------- */

static void on_error(j_common_ptr jpeg) {
    jpeg_state *s = (jpeg_state *)jpeg->err;
    s->errors.format_message(jpeg, s->reason);
    longjmp(s->jump, 1);
}

/* The row that the library is reading. */
static size_t row_of(const struct jpeg_decompress_struct *jpeg) {
    return (size_t)jpeg->input_iMCU_row * (size_t)jpeg->max_v_samp_factor * DCTSIZE;
}

/* Remembers where data are missing first. */
static void note_cut(jpeg_state *s) {
    if (s->short_of)
        return;
    s->short_of = true;
    s->cut = row_of(&s->jpeg.in);
    s->cut_scan = (size_t)s->jpeg.in.input_scan_number;
    s->errors.format_message(&s->jpeg.common, s->reason);
}

/* Where data is missing or wrong, the library invents colours and warns. Wrong data are errors
 * here; where the data end is remembered. Its other warnings concern oddities that leave the
 * picture intact. */
static void on_warning(j_common_ptr jpeg, int level) {
    jpeg_state *const s = (jpeg_state *)jpeg->err;
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
        on_error(jpeg);
        break;
    case JWRN_HIT_MARKER:
        note_cut(s);
        break;
    case JWRN_JPEG_EOF:
        s->cut_off = true;
        if (s->jpeg.in.arith_code) /* its decoder does not say that data are missing */
            note_cut(s);
        break;
    default:
        break;
    }
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

/* Called often while the library reads. */
static void on_progress(j_common_ptr jpeg) {
    jpeg_state *const s = (jpeg_state *)jpeg->err;
    if (s->jpeg.in.input_scan_number <= SCANS_MAX)
        return;
    snprintf(s->reason, sizeof s->reason, "it has more than %d scans", (int)SCANS_MAX);
    longjmp(s->jump, 1);
}

static void init_state(jpeg_state *s) {
    memset(s, 0, sizeof *s);
    s->jpeg.common.err = jpeg_std_error(&s->errors);
    s->errors.error_exit = on_error;
    s->errors.emit_message = on_warning;
    s->errors.output_message = on_output;
    s->progress.progress_monitor = on_progress;
}

/* Whether the file is no damaged one, but of a kind that the library does not read: 12 bits, the
 * lossless process, unusual components. */
static bool is_other_kind(const jpeg_state *s) {
    switch (s->errors.msg_code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_BAD_J_COLORSPACE:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
        return true;
    default:
        return false;
    }
}

static bool out_of_memory(const jpeg_state *s) {
    return s->errors.msg_code == JERR_OUT_OF_MEMORY;
}

static void fail_memory(jpeg_state *s) {
    s->errors.msg_code = JERR_OUT_OF_MEMORY;
    on_error(&s->jpeg.common);
}

static void *allocate(jpeg_state *s, size_t size) {
    void *p = malloc(size);
    if (!p)
        fail_memory(s);
    return p;
}

static void release(jpeg_state *s) {
    jpeg_destroy(&s->jpeg.common);
    free(s->row);
    free(s->profile);
    free(s->exif);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void read_header(jpeg_state *s, const imp_source *in) {
    enum { EXIF = JPEG_APP0 + 1, PROFILE = JPEG_APP0 + 2, ALL = 0xFFFF };
    jpeg_create_decompress(&s->jpeg.in);
    jpeg_mem_src(&s->jpeg.in, in->bytes, (unsigned long)in->size);
    jpeg_save_markers(&s->jpeg.in, JPEG_COM, ALL);
    jpeg_save_markers(&s->jpeg.in, EXIF, ALL);
    jpeg_save_markers(&s->jpeg.in, PROFILE, ALL);
    jpeg_read_header(&s->jpeg.in, TRUE);
}

/* The marker of EXIF is also used for other data. */
static void read_exif(const jpeg_state *s, imp_decode *t) {
    for (jpeg_saved_marker_ptr m = s->jpeg.in.marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && !memcmp(m->data, "Exif\0", 6)) {
            imp_decode_exif(t, m->data, m->data_length);
            return;
        }
}

static void read_rows(jpeg_state *s, imp_decode *t) {
    struct jpeg_decompress_struct *jpeg = &s->jpeg.in;
    const size_t n = t->width * t->colours;
    const unsigned flip = t->colours == 4 && jpeg->saw_Adobe_marker ? 255 : 0;
    s->row = allocate(s, n);
    for (size_t y = 0; y < t->height; y++) {
        JSAMPROW rows[1] = {s->row};
        jpeg_read_scanlines(jpeg, rows, 1);
        for (size_t i = 0; flip && i < n; i++)
            s->row[i] ^= flip; /* 255 - v */
        imp_decode_bytes(t, y, s->row);
    }
}

static imp_status fail(const jpeg_state *s, const imp_source *in, imp_error *err) {
    const char *const reason = *s->reason ? s->reason : "a part of it is missing";
    if (is_other_kind(s))
        return imp_fail(err, IMP_ERR_UNSUPPORTED,
                        "picture '%s': this kind of JPEG is not read (%s): convert it to PNG",
                        in->path, reason);
    return imp_decode_fail(in, "JPEG", out_of_memory(s), reason, err);
}

/* Whether every component had its (first) scan. */
static bool is_complete(const struct jpeg_decompress_struct *jpeg) {
    for (int c = 0; c < jpeg->num_components; c++)
        if (!jpeg->comp_info[c].quant_table || (jpeg->coef_bits && jpeg->coef_bits[c][0] < 0))
            return false;
    return true;
}

/* Whether a scan adds details to a picture that is there. */
static bool is_refinement(const jpeg_state *s) {
    const struct jpeg_decompress_struct *const jpeg = &s->jpeg.in;
    return jpeg->progressive_mode && (jpeg->Ss > 0 || jpeg->Ah > 0);
}

/* What is missing may be details, the last row of blocks, or the last eighth of the rows. */
static imp_status check_end(jpeg_state *s, const imp_decode *t, bool complete, imp_error *err) {
    const struct jpeg_decompress_struct *const jpeg = &s->jpeg.in;
    const size_t block = DCTSIZE * (size_t)jpeg->max_v_samp_factor;
    const size_t missing = s->short_of && s->cut < t->height ? t->height - s->cut : 0;
    char line[128] = "is cut off: its end mark is missing, and perhaps some detail";
    if (!s->cut_off && !s->short_of)
        return IMP_OK;
    const bool last = s->cut_scan == (size_t)jpeg->input_scan_number;
    const bool little = s->cut > 0 && (missing <= block || missing <= t->height / 8) && last;
    /* A scan that is short although the end mark is there has lost its middle. */
    if (!s->cut_off || !complete || (missing > 0 && !little && !(is_refinement(s) && last)))
        return fail(s, t->in, err);
    if (missing > 0 && !is_refinement(s))
        snprintf(line, sizeof line, "is cut off: up to %zu of its %zu rows are missing", missing,
                 t->height);
    imp_decode_note(t, line);
    return IMP_OK;
}

static imp_status decode(jpeg_state *s, imp_decode *t, imp_error *err) {
    unsigned profile_size = 0;
    if (setjmp(s->jump))
        return fail(s, t->in, err);
    struct jpeg_decompress_struct *const jpeg = &s->jpeg.in;
    read_header(s, t->in);
    jpeg->progress = &s->progress;
    TRY(imp_decode_size(t, jpeg->image_width, jpeg->image_height, err));
    const bool grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    const bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = grey ? JCS_GRAYSCALE : inks ? JCS_CMYK : JCS_RGB;
    jpeg_read_icc_profile(jpeg, &s->profile, &profile_size);
    TRY(imp_decode_colours(t, grey ? 1 : inks ? 4 : 3, false, s->profile, profile_size, err));
    read_exif(s, t);
    jpeg_start_decompress(jpeg);
    read_rows(s, t);
    const bool complete = is_complete(jpeg); /* finishing frees what it looks at */
    jpeg_finish_decompress(jpeg);
    return check_end(s, t, complete, err);
}

imp_status imp_jpeg_decode(imp_decode *t, imp_error *err) {
    jpeg_state s;
    init_state(&s);
    const imp_status status = decode(&s, t, err);
    release(&s);
    return status;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static imp_status find_text(jpeg_state *s, char **text, const imp_source *in, imp_error *err) {
    if (setjmp(s->jump))
        return fail(s, in, err);
    bool memory = false;
    read_header(s, in);
    for (jpeg_saved_marker_ptr m = s->jpeg.in.marker_list; m && !*text && !memory; m = m->next)
        if (m->marker == JPEG_COM)
            *text = imp_text_of_ours(m->data, m->data_length, &memory);
    return memory ? imp_decode_fail(in, "JPEG", true, "", err) : IMP_OK;
}

imp_status imp_jpeg_text(char **text, const imp_source *in, imp_error *err) {
    jpeg_state s;
    *text = NULL;
    init_state(&s);
    const imp_status status = find_text(&s, text, in, err);
    release(&s);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void begin_block(j_compress_ptr jpeg) {
    jpeg_state *s = (jpeg_state *)jpeg->err;
    s->to.next_output_byte = s->block;
    s->to.free_in_buffer = sizeof s->block;
}

static void end_blocks(j_compress_ptr jpeg) {
    jpeg_state *s = (jpeg_state *)jpeg->err;
    if (!imp_buffer_append(s->out, s->block, sizeof s->block - s->to.free_in_buffer))
        fail_memory(s);
}

/* The block is full here, but free_in_buffer is not reliable. */
static boolean next_block(j_compress_ptr jpeg) {
    jpeg_state *s = (jpeg_state *)jpeg->err;
    s->to.free_in_buffer = 0;
    end_blocks(jpeg);
    begin_block(jpeg);
    return TRUE;
}

static void write_comment(struct jpeg_compress_struct *jpeg, const char *text) {
    const size_t start = strlen(IMP_TEXT_START), n = strlen(text);
    jpeg_write_m_header(jpeg, JPEG_COM, (unsigned)(start + n));
    for (size_t i = 0; i < start + n; i++)
        jpeg_write_m_byte(jpeg, i < start ? IMP_TEXT_START[i] : text[i - start]);
}

/* The longest origin takes far less than a marker can hold. */
static void write_exif(jpeg_state *s, const imp_origin *origin) {
    static const unsigned char start[6] = "Exif\0";
    size_t size;
    if (!imp_exif_write(&s->exif, &size, origin, NULL))
        fail_memory(s);
    if (!s->exif)
        return;
    jpeg_write_m_header(&s->jpeg.out, JPEG_APP0 + 1, (unsigned)(sizeof start + size));
    for (size_t i = 0; i < sizeof start + size; i++)
        jpeg_write_m_byte(&s->jpeg.out, i < sizeof start ? start[i] : s->exif[i - sizeof start]);
}

static void write_profile(jpeg_state *s) {
    size_t size;
    s->profile = imp_srgb_profile(&size);
    if (!s->profile)
        fail_memory(s);
    jpeg_write_icc_profile(&s->jpeg.out, s->profile, (unsigned)size);
}

/* From quality 90, chroma has the full resolution; below, half of it in both directions, as usual.
 */
static void start_file(jpeg_state *s, const imp_encode *what) {
    struct jpeg_compress_struct *jpeg = &s->jpeg.out;
    jpeg_create_compress(jpeg);
    s->to = (struct jpeg_destination_mgr){.init_destination = begin_block,
                                          .empty_output_buffer = next_block,
                                          .term_destination = end_blocks};
    jpeg->dest = &s->to;
    jpeg->image_width = (JDIMENSION)what->picture->width;
    jpeg->image_height = (JDIMENSION)what->picture->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, what->options.quality, TRUE);
    jpeg->optimize_coding = TRUE;
    if (what->options.quality >= 90)
        jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(jpeg, TRUE);
    write_exif(s, &what->picture->origin);
    write_profile(s);
    if (what->options.text)
        write_comment(jpeg, what->options.text);
}

static imp_status encode(jpeg_state *s, const imp_encode *what, imp_error *err) {
    if (setjmp(s->jump))
        return imp_encode_fail(what, out_of_memory(s), s->reason, err);
    start_file(s, what);
    s->row = allocate(s, 3 * what->picture->width);
    for (size_t y = 0; y < what->picture->height; y++) {
        JSAMPROW rows[1] = {s->row};
        imp_encode_bytes(s->row, what, y);
        jpeg_write_scanlines(&s->jpeg.out, rows, 1);
    }
    jpeg_finish_compress(&s->jpeg.out);
    return IMP_OK;
}

imp_status imp_jpeg_encode(imp_buffer *out, const imp_encode *what, imp_error *err) {
    const size_t length = what->options.text ? strlen(what->options.text) : 0;
    if (length > COMMENT_MAX - strlen(IMP_TEXT_START))
        return imp_fail(
            err, IMP_ERR_ARGUMENT,
            "cannot write '%s': a text of %zu bytes is too long for a JPEG: write a PNG",
            what->path, length);
    jpeg_state s;
    init_state(&s);
    s.out = out;
    const imp_status status = encode(&s, what, err);
    release(&s);
    return status;
}
