/* SPDX-License-Identifier: MIT
 *
 * JPEG by libjpeg-turbo. Grey, YCbCr and RGB files come out as the library has them; of CMYK and
 * YCCK, R = (1 - C)(1 - K) and so on, where Adobe's programs store all four inverted. Colour
 * profiles and the orientation of cameras are not looked at.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "engine/error.h"
#include "media/media.h"

#define COMMENT_START "impasto: "
enum { COMMENT_MAX = 65533 };

/* What libjpeg's callbacks need to reach, and what a jump out of it must leave to be released. */
typedef struct jpeg_state {
    struct jpeg_error_mgr errors; /* first: the library knows no more of this struct */
    jmp_buf jump;
    union {
        struct jpeg_common_struct common;
        struct jpeg_decompress_struct in;
        struct jpeg_compress_struct out;
    } jpeg;
    unsigned char *row;
    char reason[JMSG_LENGTH_MAX];
} jpeg_state;

/* ---- Callbacks ------------------------------------------------------------------------------- */

static void on_error(j_common_ptr jpeg) {
    jpeg_state *s = (jpeg_state *)jpeg->err;
    s->errors.format_message(jpeg, s->reason);
    longjmp(s->jump, 1);
}

/* The library warns where it makes up colours for data that is missing or wrong: those are errors
 * here. Its other warnings are of oddities that leave the picture whole. */
static void on_warning(j_common_ptr jpeg, int level) {
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
        on_error(jpeg);
        break;
    default:
        break;
    }
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

static void init_state(jpeg_state *s) {
    memset(s, 0, sizeof *s);
    s->jpeg.common.err = jpeg_std_error(&s->errors);
    s->errors.error_exit = on_error;
    s->errors.emit_message = on_warning;
    s->errors.output_message = on_output;
}

static bool out_of_memory(const jpeg_state *s) {
    return s->errors.msg_code == JERR_OUT_OF_MEMORY;
}

static void *allocate(jpeg_state *s, size_t size) {
    void *p = malloc(size);
    if (!p) {
        s->errors.msg_code = JERR_OUT_OF_MEMORY;
        on_error(&s->jpeg.common);
    }
    return p;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void read_header(jpeg_state *s, const imp_source *in) {
    jpeg_create_decompress(&s->jpeg.in);
    jpeg_mem_src(&s->jpeg.in, in->bytes, (unsigned long)in->size);
    jpeg_save_markers(&s->jpeg.in, JPEG_COM, 0xFFFF);
    jpeg_read_header(&s->jpeg.in, TRUE);
}

static void convert_rgb(float *rgb, const unsigned char *row, size_t width) {
    for (size_t i = 0; i < 3 * width; i++)
        rgb[i] = (float)row[i] / 255;
}

static void convert_cmyk(float *rgb, const unsigned char *row, size_t width, bool inverted) {
    const int flip = inverted ? 0 : 255; /* 255 - v is v ^ 255 */
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * x + c] =
                (float)((row[4 * x + c] ^ flip) * (row[4 * x + 3] ^ flip)) / (255 * 255);
}

static void read_rows(jpeg_state *s, imp_picture *out) {
    struct jpeg_decompress_struct *jpeg = &s->jpeg.in;
    s->row = allocate(s, out->width * (size_t)jpeg->output_components);
    for (size_t y = 0; y < out->height; y++) {
        JSAMPROW rows[1] = {s->row};
        float *rgb = out->rgb + 3 * y * out->width;
        jpeg_read_scanlines(jpeg, rows, 1);
        if (jpeg->out_color_space == JCS_CMYK)
            convert_cmyk(rgb, s->row, out->width, jpeg->saw_Adobe_marker);
        else
            convert_rgb(rgb, s->row, out->width);
    }
}

static imp_status decode(jpeg_state *s, imp_picture *out, const imp_source *in, imp_error *err) {
    if (setjmp(s->jump))
        return imp_picture_damaged(in, "JPEG", out_of_memory(s), s->reason, err);
    struct jpeg_decompress_struct *const jpeg = &s->jpeg.in;
    read_header(s, in);
    TRY(imp_picture_expect(out, in, jpeg->image_width, jpeg->image_height, err));
    const bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(jpeg);
    read_rows(s, out);
    jpeg_finish_decompress(jpeg);
    return IMP_OK;
}

imp_status imp_jpeg_read(imp_picture *out, const imp_source *in, imp_error *err) {
    jpeg_state s;
    init_state(&s);
    const imp_status status = decode(&s, out, in, err);
    jpeg_destroy(&s.jpeg.common);
    free(s.row);
    return status;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static imp_status find_text(jpeg_state *s, char **text, const imp_source *in, imp_error *err) {
    if (setjmp(s->jump))
        return imp_picture_damaged(in, "JPEG", out_of_memory(s), s->reason, err);
    const size_t start = strlen(COMMENT_START);
    read_header(s, in);
    for (jpeg_saved_marker_ptr m = s->jpeg.in.marker_list; m; m = m->next) {
        if (m->data_length < start || memcmp(m->data, COMMENT_START, start) != 0)
            continue;
        const size_t n = m->data_length - start;
        *text = allocate(s, n + 1);
        memcpy(*text, m->data + start, n);
        (*text)[n] = '\0';
        break;
    }
    return IMP_OK;
}

imp_status imp_jpeg_text(char **text, const imp_source *in, imp_error *err) {
    jpeg_state s;
    *text = NULL;
    init_state(&s);
    const imp_status status = find_text(&s, text, in, err);
    jpeg_destroy(&s.jpeg.common);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_comment(struct jpeg_compress_struct *jpeg, const char *text) {
    const size_t start = strlen(COMMENT_START), n = strlen(text);
    jpeg_write_m_header(jpeg, JPEG_COM, (unsigned)(start + n));
    for (size_t i = 0; i < start + n; i++)
        jpeg_write_m_byte(jpeg, i < start ? COMMENT_START[i] : text[i - start]);
}

/* Colours at full resolution from quality 90 on; below, at half of it both ways, as is usual. */
static void start_file(struct jpeg_compress_struct *jpeg, FILE *file, const imp_painting *what) {
    jpeg_create_compress(jpeg);
    jpeg_stdio_dest(jpeg, file);
    jpeg->image_width = (JDIMENSION)what->picture->width;
    jpeg->image_height = (JDIMENSION)what->picture->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, what->quality, TRUE);
    jpeg->optimize_coding = TRUE;
    if (what->quality >= 90)
        jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(jpeg, TRUE);
    if (what->text)
        write_comment(jpeg, what->text);
}

static imp_status encode(jpeg_state *s, FILE *file, const imp_painting *what, imp_error *err) {
    if (setjmp(s->jump))
        return imp_picture_unwritten(what, file, out_of_memory(s), s->reason, err);
    start_file(&s->jpeg.out, file, what);
    s->row = allocate(s, 3 * what->picture->width);
    for (size_t y = 0; y < what->picture->height; y++) {
        JSAMPROW rows[1] = {s->row};
        imp_picture_row(s->row, what->picture, y);
        jpeg_write_scanlines(&s->jpeg.out, rows, 1);
    }
    jpeg_finish_compress(&s->jpeg.out);
    return IMP_OK;
}

imp_status imp_jpeg_write(FILE *file, const void *painting, imp_error *err) {
    const imp_painting *what = painting;
    if (what->text && strlen(what->text) > COMMENT_MAX - strlen(COMMENT_START))
        return imp_fail(
            err, IMP_ERR_ARGUMENT,
            "cannot write '%s': a text of %zu bytes is too long for a JPEG: write a PNG",
            what->path, strlen(what->text));
    jpeg_state s;
    init_state(&s);
    const imp_status status = encode(&s, file, what, err);
    const int code = errno;
    jpeg_destroy(&s.jpeg.common);
    free(s.row);
    errno = code;
    return status;
}
