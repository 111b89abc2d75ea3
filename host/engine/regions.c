/* SPDX-License-Identifier: MIT
 *
 * Finding the regions of a mask. Colours are compared on a scale of 0..255 with some tolerance: a
 * mask that was antialiased, resized or stored as a JPEG has blends along its edges and a little
 * noise elsewhere.
 */
#include "engine/regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BITS = 5, /* of a colour component in the histogram */
    BINS = 1 << (3 * BITS),
    FLAT = 16,   /* most that a component of neighbours differs inside an area */
    NEAR = 40,   /* largest distance of colours of one region */
    LEAST = 1000 /* a colour of less than 1/LEAST of the pixels is no region */
};

/* ---- Colours --------------------------------------------------------------------------------- */

static unsigned colour_at(const imp_picture *p, size_t i) {
    unsigned colour = 0;
    for (size_t c = 0; c < 3; c++)
        colour = colour << 8 | (unsigned)(255 * fminf(fmaxf(p->rgb[3 * i + c], 0), 1) + 0.5F);
    return colour;
}

static int component(unsigned colour, int c) {
    return (int)(colour >> (16 - 8 * c) & 255);
}

/* The squared distance of two colours. */
static int distance(unsigned a, unsigned b) {
    int sum = 0;
    for (int c = 0; c < 3; c++)
        sum += (component(a, c) - component(b, c)) * (component(a, c) - component(b, c));
    return sum;
}

static bool alike(unsigned a, unsigned b) {
    for (int c = 0; c < 3; c++)
        if (abs(component(a, c) - component(b, c)) > FLAT)
            return false;
    return true;
}

/* The nearest of the known colours. */
static size_t nearest(const imp_regions *known, unsigned colour) {
    size_t best = 0;
    for (size_t r = 1; r < known->count; r++)
        if (distance(known->colours[r], colour) < distance(known->colours[best], colour))
            best = r;
    return best;
}

/* ---- Areas ----------------------------------------------------------------------------------- */

/* A bin of the histogram of pixels inside areas: their number, and the sums of their colours. */
typedef struct bin {
    size_t count;
    double sum[3];
} bin;

static unsigned mean_of(const bin *b) {
    unsigned colour = 0;
    for (int c = 0; c < 3; c++)
        colour = colour << 8 | (unsigned)(b->sum[c] / (double)b->count + 0.5);
    return colour;
}

static bool within_area(const imp_picture *p, size_t x, size_t y) {
    const size_t i = y * p->width + x;
    const unsigned own = colour_at(p, i);
    return (x == 0 || alike(own, colour_at(p, i - 1))) &&
           (x + 1 == p->width || alike(own, colour_at(p, i + 1))) &&
           (y == 0 || alike(own, colour_at(p, i - p->width))) &&
           (y + 1 == p->height || alike(own, colour_at(p, i + p->width)));
}

static void count_areas(bin *bins, const imp_picture *p) {
    for (size_t i = 0; i < p->width * p->height; i++) {
        if (!within_area(p, i % p->width, i / p->width))
            continue;
        const unsigned colour = colour_at(p, i);
        size_t at = 0;
        for (int c = 0; c < 3; c++)
            at = at << BITS | (size_t)component(colour, c) >> (8 - BITS);
        bins[at].count++;
        for (int c = 0; c < 3; c++)
            bins[at].sum[c] += component(colour, c);
    }
}

/* Removes the most frequent colour and all near it from the bins; gives the number of pixels, 0
 * when none is left. */
static size_t take_most(bin *bins, unsigned *colour) {
    size_t most = 0, taken = 0;
    for (size_t b = 1; b < BINS; b++)
        most = bins[b].count > bins[most].count ? b : most;
    if (bins[most].count == 0)
        return 0;
    *colour = mean_of(&bins[most]);
    for (size_t b = 0; b < BINS; b++) {
        if (bins[b].count == 0 || distance(mean_of(&bins[b]), *colour) > NEAR * NEAR)
            continue;
        taken += bins[b].count;
        bins[b].count = 0;
    }
    return taken;
}

/* Sets own->colours, largest region first. */
static imp_status find_colours(imp_regions *own, bin *bins, const imp_picture *mask,
                               const char *what, imp_error *err) {
    const size_t least = mask->width * mask->height / LEAST;
    unsigned colour = 0;
    count_areas(bins, mask);
    for (size_t taken; (taken = take_most(bins, &colour)) > 0;) {
        if (taken < least)
            continue;
        if (own->count == IMP_REGIONS_MAX)
            return imp_fail(err, IMP_ERR_ARGUMENT,
                            "%s: has more than %d colours: paint its regions in flat colours", what,
                            IMP_REGIONS_MAX);
        own->colours[own->count++] = colour;
    }
    if (own->count == 0)
        return imp_fail(err, IMP_ERR_ARGUMENT,
                        "%s: has no area of one colour: paint its regions in flat colours", what);
    return IMP_OK;
}

/* *to: the index, among the known colours, of a mask's colour r. */
static imp_status recognize(size_t *to, const imp_regions *own, size_t r, const imp_regions *known,
                            const char *what, imp_error *err) {
    *to = known ? nearest(known, own->colours[r]) : r;
    if (known && distance(known->colours[*to], own->colours[r]) > NEAR * NEAR)
        return imp_fail(
            err, IMP_ERR_ARGUMENT,
            "%s: its region #%06x is not in the content's mask: use the same colours in "
            "both masks",
            what, own->colours[r]);
    return IMP_OK;
}

static imp_status find(imp_regions *out, bin *bins, const imp_picture *mask,
                       const imp_regions *known, const char *what, imp_error *err) {
    imp_regions own = {0};
    size_t to[IMP_REGIONS_MAX] = {0};
    TRY(find_colours(&own, bins, mask, what, err));
    out->count = known ? known->count : own.count;
    memcpy(out->colours, (known ? known : &own)->colours, sizeof out->colours);
    for (size_t r = 0; r < own.count; r++) {
        TRY(recognize(&to[r], &own, r, known, what, err));
        out->present[to[r]] = true;
    }
    const size_t count = mask->width * mask->height;
    for (size_t i = 0; i < count; i++) {
        out->region[i] = (unsigned char)to[nearest(&own, colour_at(mask, i))];
        out->share[out->region[i]] += 1 / (double)count;
    }
    return IMP_OK;
}

imp_status imp_regions_find(imp_regions *out, const imp_picture *mask, const imp_regions *known,
                            const char *what, imp_error *err) {
    *out = (imp_regions){.width = mask->width, .height = mask->height};
    out->region = malloc(mask->width * mask->height + 1);
    bin *bins = calloc(BINS, sizeof *bins);
    imp_status status = IMP_OK;
    if (!out->region || !bins)
        status = imp_fail(err, IMP_ERR_MEMORY, "%s: out of host memory", what);
    if (status == IMP_OK)
        status = find(out, bins, mask, known, what, err);
    free(bins);
    if (status != IMP_OK)
        imp_regions_finish(out);
    return status;
}

void imp_regions_finish(imp_regions *g) {
    free(g->region);
    free(g->held);
    *g = (imp_regions){0};
}

/* ---- What is protected ----------------------------------------------------------------------- */

/* A mask's grey at pixel i; false: it has a colour there. */
static bool grey_at(float *grey, const imp_picture *mask, size_t i) {
    const float *rgb = mask->rgb + 3 * i;
    const float least = fminf(fminf(rgb[0], rgb[1]), rgb[2]),
                most = fmaxf(fmaxf(rgb[0], rgb[1]), rgb[2]);
    *grey = fminf(fmaxf((rgb[0] + rgb[1] + rgb[2]) / 3, 0), 1);
    return most - least <= (float)FLAT / 255;
}

/* How much of pixel i belongs to the region. */
static double pixel_share(const imp_regions *g, size_t region, size_t i) {
    const double held = g->held ? (double)g->held[i] : 0;
    if (region == IMP_REGION_HELD)
        return held;
    return !g->region || g->region[i] == region ? 1 - held : 0;
}

/* Sets g->held; *any: something is protected. */
static imp_status take_greys(imp_regions *g, const imp_picture *mask, float strength, bool *any,
                             imp_error *err) {
    *any = false;
    for (size_t i = 0; i < mask->width * mask->height; i++) {
        if (!grey_at(&g->held[i], mask, i))
            return imp_fail(err, IMP_ERR_ARGUMENT,
                            "mask of what is protected: has colours: give greys, white for what is "
                            "protected");
        g->held[i] *= strength;
        *any |= g->held[i] > 0;
    }
    return IMP_OK;
}

/* Sets the shares of what is left to style. */
static imp_status share_out(imp_regions *g, imp_error *err) {
    const size_t count = g->width * g->height;
    double left = 0;
    for (size_t r = 0; r < (g->count ? g->count : 1); r++) {
        g->share[r] = 0;
        for (size_t i = 0; i < count; i++)
            g->share[r] += pixel_share(g, r, i) / (double)count;
        left += g->share[r];
    }
    return left * LEAST >= 1 ? IMP_OK
                             : imp_fail(err, IMP_ERR_ARGUMENT,
                                        "mask of what is protected: is white everywhere, so that "
                                        "nothing is left to paint: make some of it black");
}

imp_status imp_regions_protect(imp_regions *out, const imp_picture *mask, float strength,
                               imp_error *err) {
    bool any;
    out->width = mask->width;
    out->height = mask->height;
    out->held = malloc((mask->width * mask->height + 1) * sizeof *out->held);
    if (!out->held)
        return imp_fail(err, IMP_ERR_MEMORY, "mask: out of host memory");
    TRY(take_greys(out, mask, strength, &any, err));
    if (any)
        return share_out(out, err);
    free(out->held);
    out->held = NULL;
    return IMP_OK;
}

/* ---- Other sizes ----------------------------------------------------------------------------- */

void imp_regions_reduce(imp_regions *g, size_t width, size_t height) {
    if (!imp_regions_any(g) || width > g->width || height > g->height)
        return;
    for (size_t i = 0; i < width * height; i++) { /* reads at or after the pixel it writes */
        const size_t from = (2 * (i / width) + 1) * g->height / (2 * height) * g->width +
                            (2 * (i % width) + 1) * g->width / (2 * width);
        if (g->region)
            g->region[i] = g->region[from];
        if (g->held)
            g->held[i] = g->held[from];
    }
    g->width = width;
    g->height = height;
}

/* ---- What positions see ---------------------------------------------------------------------- */

/* The summed-area table: sums[y][x], (height + 1) x (width + 1), is the number of pixels above y
 * and left of x that belong to the region, of which some may count in part. Interpolating it
 * bilinearly is exact, because pixels are constant. */
static void sum_up(double *sums, const imp_regions *g, size_t region) {
    const size_t w = g->width + 1;
    memset(sums, 0, w * (g->height + 1) * sizeof *sums);
    for (size_t y = 1; y <= g->height; y++)
        for (size_t x = 1; x < w; x++)
            sums[y * w + x] = sums[(y - 1) * w + x] + sums[y * w + x - 1] -
                              sums[(y - 1) * w + x - 1] +
                              pixel_share(g, region, (y - 1) * g->width + x - 1);
}

static double sum_at(const double *sums, const imp_regions *g, double y, double x) {
    const size_t i = (size_t)fmin(y, (double)g->height - 1), w = g->width + 1,
                 j = (size_t)fmin(x, (double)g->width - 1);
    const double v = y - (double)i, u = x - (double)j, *at = sums + i * w + j;
    return (1 - v) * ((1 - u) * at[0] + u * at[1]) + v * ((1 - u) * at[w] + u * at[w + 1]);
}

/* Where position p begins and ends, in pixels of the mask, which has `size` of them. */
static void ends(double to[2], imp_extent e, size_t p, size_t size) {
    for (size_t k = 0; k < 2; k++) {
        const double at = (double)(p + k) * (double)e.length / (double)e.n - (double)e.margin;
        const double share = at / (double)(e.length - 2 * e.margin);
        to[k] = fmin(fmax(share, 0), 1) * (double)size;
    }
}

imp_status imp_regions_cover(float *t, const imp_regions *g, size_t region, imp_extent rows,
                             imp_extent columns, imp_error *err) {
    double *sums = malloc((g->width + 1) * (g->height + 1) * sizeof *sums);
    if (!sums)
        return imp_fail(err, IMP_ERR_MEMORY, "mask: out of host memory");
    sum_up(sums, g, region);
    for (size_t i = 0; i < rows.n * columns.n; i++) {
        double y[2], x[2];
        ends(y, rows, i / columns.n, g->height);
        ends(x, columns, i % columns.n, g->width);
        const double area = (y[1] - y[0]) * (x[1] - x[0]);
        const double of = sum_at(sums, g, y[1], x[1]) - sum_at(sums, g, y[0], x[1]) -
                          sum_at(sums, g, y[1], x[0]) + sum_at(sums, g, y[0], x[0]);
        t[i] = area > 0 ? (float)fmin(fmax(of / area, 0), 1) : 0;
    }
    free(sums);
    return IMP_OK;
}
