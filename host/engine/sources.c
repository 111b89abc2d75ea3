/* SPDX-License-Identifier: MIT
 *
 * The sources of a session: checked, measured, and kept at the size of the last scale.
 */
#include <math.h>

#include "base/digest.h"
#include "engine/colour.h"
#include "engine/planes.h"
#include "engine/session.h"
#include "media/check.h"

/* ---- Checks ---------------------------------------------------------------------------------- */

static imp_status check_mask(const imp_picture *mask, const imp_picture *of, const char *what,
                             imp_error *err) {
    if (!mask)
        return IMP_OK;
    TRY(imp_picture_check(mask, what, err));
    if (mask->width == of->width && mask->height == of->height)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_ARGUMENT,
                    "%s: is %zu x %zu, and its picture %zu x %zu: make them the same size", what,
                    mask->width, mask->height, of->width, of->height);
}

/* The name of style i's mask in messages. */
static void mask_name(char *name, size_t size, size_t i) {
    snprintf(name, size, "mask of style %zu", i + 1);
}

static imp_status check_style(const imp_sources *from, size_t i, imp_error *err) {
    const imp_style *style = &from->styles[i];
    char picture[32], mask[32];
    snprintf(picture, sizeof picture, "style %zu", i + 1);
    mask_name(mask, sizeof mask, i);
    TRY(imp_picture_check(style->picture, picture, err));
    if (!(style->weight >= 0 && isfinite(style->weight)))
        return imp_fail(err, IMP_ERR_ARGUMENT, "%s: invalid weight %g; expected 0 or more", picture,
                        (double)style->weight);
    if (!from->mask != !style->mask)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "%s: is missing: give a mask of the content and of each style",
                        from->mask ? mask : "mask of the content");
    return check_mask(style->mask, style->picture, mask, err);
}

imp_status imp_sources_check(const imp_sources *from, imp_init init, imp_error *err) {
    double weights = 0;
    if (!from)
        return imp_fail(err, IMP_ERR_ARGUMENT, "session: the sources are NULL");
    TRY(imp_picture_check(from->content, "content", err));
    if (!from->styles[0].picture)
        return imp_fail(err, IMP_ERR_ARGUMENT, "style 1: the picture is empty");
    for (size_t i = 0; i < IMP_STYLES_MAX && from->styles[i].picture; i++) {
        TRY(check_style(from, i, err));
        weights += (double)from->styles[i].weight;
    }
    if (weights == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "styles: all weights are 0: give one of them more than 0");
    if (init == IMP_INIT_PICTURE)
        TRY(imp_picture_check(from->init, "setting 'init' = picture", err));
    if (!(from->protect_strength >= 0 && from->protect_strength <= 1))
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "mask of what is protected: invalid strength %g; expected 0 to 1",
                        (double)from->protect_strength);
    TRY(check_mask(from->protect, from->content, "mask of what is protected", err));
    return check_mask(from->mask, from->content, "mask of the content", err);
}

/* ---- Sizes, weights, regions ----------------------------------------------------------------- */

/* Every region of the content must be in the mask of some style. */
static imp_status check_regions(const imp_session *s, imp_error *err) {
    for (size_t r = 0; r < s->regions.count; r++) {
        bool found = false;
        for (size_t i = 0; i < s->style_count; i++)
            found |= s->styles[i].regions.present[r];
        if (!found)
            return imp_fail(err, IMP_ERR_ARGUMENT,
                            "mask of the content: its region #%06x is in no style's mask: use the "
                            "same colours in both",
                            s->regions.colours[r]);
    }
    return IMP_OK;
}

static imp_status find_regions(imp_session *s, const imp_sources *from, imp_error *err) {
    TRY(imp_regions_find(&s->regions, from->mask, NULL, "mask of the content", err));
    for (size_t i = 0, k = 0; i < IMP_STYLES_MAX && from->styles[i].picture; i++) {
        char what[32];
        if (from->styles[i].weight == 0)
            continue;
        mask_name(what, sizeof what, i);
        TRY(imp_regions_find(&s->styles[k++].regions, from->styles[i].mask, &s->regions, what,
                             err));
    }
    if (s->content_as_style)
        TRY(imp_regions_find(&s->styles[s->style_count - 1].regions, from->mask, &s->regions,
                             "mask of the content", err));
    return check_regions(s, err);
}

/* Whether no pixel has a colour; scans and JPEG files of grey pictures are off by a step. */
static bool is_grey(const imp_picture *p) {
    const float off = 2.5F / 255;
    for (size_t i = 0; i < p->width * p->height; i++) {
        const float *rgb = p->rgb + 3 * i;
        if (fabsf(rgb[0] - rgb[1]) > off || fabsf(rgb[1] - rgb[2]) > off ||
            fabsf(rgb[2] - rgb[0]) > off)
            return false;
    }
    return true;
}

/* A picture's size only: that of its file, where it was read smaller. */
static imp_picture outline(const imp_picture *p) {
    return (imp_picture){.width = p->full_width ? p->full_width : p->width,
                         .height = p->full_height ? p->full_height : p->height};
}

/* README.md, Balance by strength: below 1/2 the content is one of the styles, whose weights sum up
 * to *sum so far, with a share of 1 - 2 strength. Not for losses that look for the nearest place:
 * the content's own would always be that. */
static void add_content_as_style(imp_session *s, double *sum) {
    const double share = 1 - 2 * (double)s->settings.strength;
    s->content_as_style =
        s->settings.strength >= 0 && share > 0 && !imp_style_loss_of(s->settings.style_form)->match;
    if (!s->content_as_style)
        return;
    for (size_t i = 0; i < s->style_count; i++)
        s->styles[i].weight *= (float)(1 - share);
    s->styles[s->style_count++] =
        (imp_style_source){.picture = s->content, .weight = (float)(share * *sum)};
}

imp_status imp_sources_measure(imp_session *s, const imp_sources *from, imp_error *err) {
    double sum = 0;
    s->grey =
        is_grey(from->content) && (s->settings.init != IMP_INIT_PICTURE || is_grey(from->init));
    for (size_t i = 0; i < IMP_STYLES_MAX && from->styles[i].picture; i++) {
        const imp_style *style = &from->styles[i];
        if (style->weight == 0)
            continue;
        s->grey = s->grey && is_grey(style->picture);
        s->styles[s->style_count++] =
            (imp_style_source){.picture = outline(style->picture), .weight = style->weight};
        sum += (double)style->weight;
    }
    s->content = outline(from->content);
    add_content_as_style(s, &sum);
    for (size_t i = 0; i < s->style_count; i++)
        s->styles[i].weight = (float)((double)s->styles[i].weight / sum);
    if (from->mask)
        TRY(find_regions(s, from, err));
    return from->protect && from->protect_strength > 0
               ? imp_regions_protect(&s->regions, from->protect, from->protect_strength, err)
               : IMP_OK;
}

/* ---- Pictures -------------------------------------------------------------------------------- */

/* Sets the digests that the key of stored targets uses. */
static imp_status hash_style(imp_style_source *style, imp_error *err) {
    const imp_picture *p = &style->picture;
    const imp_regions *g = &style->regions;
    if (imp_bytes_sha256(style->sha256, p->rgb, 3 * p->width * p->height * sizeof *p->rgb) &&
        (g->count == 0 || imp_bytes_sha256(style->regions_sha256, g->region, g->width * g->height)))
        return IMP_OK;
    return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
}

/* In a grey painting every picture is grey to the last bit, so that its planes stay equal. */
static void take_grey(const imp_session *s, imp_picture *p) {
    for (size_t i = 0; s->grey && i < p->width * p->height; i++) {
        float *rgb = p->rgb + 3 * i;
        rgb[0] = rgb[1] = rgb[2] = (rgb[0] + rgb[1] + rgb[2]) / 3;
    }
}

static imp_status keep_style(imp_session *s, size_t k, const imp_picture *picture,
                             const imp_palette *palette, imp_error *err) {
    const imp_sides *to = &s->scales[s->scale_count - 1].styles[k];
    imp_style_source *style = &s->styles[k];
    imp_regions_reduce(&style->regions, to->width, to->height);
    TRY(imp_planes_resize(&style->picture, picture, to->width, to->height, err));
    take_grey(s, &style->picture);
    if (s->settings.color == IMP_COLOR_MATCH) {
        imp_colour_match(&style->picture, palette, s->settings.color_method);
        imp_colour_clip(&style->picture);
    }
    return s->reuse ? hash_style(style, err) : IMP_OK;
}

imp_status imp_sources_keep(imp_session *s, const imp_sources *from, imp_error *err) {
    const imp_sides *to = &s->scales[s->scale_count - 1].picture;
    imp_palette palette;
    imp_regions_reduce(&s->regions, to->width, to->height);
    TRY(imp_planes_resize(&s->content, from->content, to->width, to->height, err));
    take_grey(s, &s->content);
    palette = imp_colour_palette(&s->content);
    size_t k = 0;
    for (size_t i = 0; i < IMP_STYLES_MAX && from->styles[i].picture; i++)
        if (from->styles[i].weight > 0)
            TRY(keep_style(s, k++, from->styles[i].picture, &palette, err));
    if (s->content_as_style)
        TRY(keep_style(s, k, from->content, &palette, err));
    if (s->settings.init != IMP_INIT_PICTURE)
        return IMP_OK;
    TRY(imp_planes_resize(&s->init, from->init, to->width, to->height, err));
    take_grey(s, &s->init);
    return IMP_OK;
}
