/* SPDX-License-Identifier: MIT
 *
 * The sources of a session: several styles, masks with regions, and pictures without colours; and
 * the setting `strength` between content and style.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "engine/session.h"
#include "helpers.h"

enum { W = 48, H = 32 };

typedef struct fixture {
    imp_device *device;
    imp_network *network;
    imp_picture content, init, mask, styles[3], masks[3];
    imp_settings settings;
    imp_sources from;
    imp_session *session;
} fixture;

/* Red left of column `split`, blue right of it; the column itself is a blend. */
static imp_picture halves(size_t width, size_t height, size_t split) {
    imp_picture p = test_waves(width, height, 0);
    for (size_t i = 0; i < width * height; i++) {
        const size_t x = i % width;
        const float blue = x < split ? 0 : x > split ? 1 : 0.6F;
        p.rgb[3 * i] = 1 - blue, p.rgb[3 * i + 1] = 0, p.rgb[3 * i + 2] = blue;
    }
    return p;
}

static int set_up_on(void **state,
                     imp_status (*open)(imp_device **, const imp_device_options *, imp_error *)) {
    fixture *f = calloc(1, sizeof *f);
    imp_error e = {0};
    if (!f || open(&f->device, NULL, &e) || imp_network_open(&f->network, "builtin", &e))
        return -1;
    f->content = test_waves(W, H, 1);
    f->init = test_waves(W, H, 1.7);
    f->mask = halves(W, H, 20);
    for (size_t i = 0; i < 3; i++) {
        f->styles[i] = test_waves(40, 36 + 4 * i, 2.5 + 0.8 * (double)i);
        f->masks[i] = halves(40, 36 + 4 * i, 12 + 8 * i);
    }
    f->settings = *imp_preset_settings("default");
    f->settings.size = W;
    f->settings.scales = 1;
    f->settings.levels = 2;
    f->settings.iterations = 4;
    f->settings.init = IMP_INIT_PICTURE;
    f->from = (imp_sources){
        .content = &f->content, .init = &f->init, .styles = {{&f->styles[0], 1, NULL}}};
    *state = f;
    return 0;
}

static int set_up_cpu(void **state) {
    return set_up_on(state, imp_cpu_open);
}

static int set_up_oracle(void **state) {
    return set_up_on(state, imp_oracle_open);
}

static int tear_down(void **state) {
    fixture *f = *state;
    imp_session_close(f->session);
    imp_network_close(f->network);
    imp_device_close(f->device);
    imp_picture *const all[] = {&f->content,   &f->init,      &f->mask,
                                &f->styles[0], &f->styles[1], &f->styles[2],
                                &f->masks[0],  &f->masks[1],  &f->masks[2]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        imp_picture_finish(all[i]);
    free(f);
    return 0;
}

/* Styles a and b with masks, and their weights. */
static void aim(fixture *f, size_t a, float weight_a, size_t b, float weight_b, bool masked) {
    f->from.mask = masked ? &f->mask : NULL;
    f->from.styles[0] = (imp_style){&f->styles[a], weight_a, masked ? &f->masks[a] : NULL};
    f->from.styles[1] = (imp_style){&f->styles[b], weight_b, masked ? &f->masks[b] : NULL};
}

/* Opens the session and evaluates at `at`. */
static imp_progress look(fixture *f, const imp_picture *at, imp_array *gradient) {
    imp_error e = {0};
    imp_progress p;
    f->from.init = at;
    imp_session_close(f->session);
    imp_session_open(&f->session, f->device, f->network, &f->settings, &f->from, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(imp_session_evaluate(f->session, &e), IMP_OK);
    if (gradient)
        assert_int_equal(imp_session_gradient(f->session, gradient, &e), IMP_OK);
    imp_session_progress(f->session, &p);
    return p;
}

/* ---- Several styles -------------------------------------------------------------------------- */

/* The targets of all style terms in sequence; the caller frees. */
static float *targets(fixture *f, size_t *count) {
    const imp_objective *o = &f->session->objective;
    float *all = NULL;
    *count = 0;
    for (size_t i = 0; i < o->count; i++) {
        imp_array target;
        if (o->terms[i].kind != IMP_TERM_STYLE)
            continue;
        assert_int_equal(imp_session_read(f->session, o->terms[i].target, &target, NULL), IMP_OK);
        const size_t n = target.shape[1] * target.shape[2];
        all = realloc(all, (*count + n) * sizeof *all);
        assert_non_null(all);
        memcpy(all + *count, target.data, n * sizeof *all);
        *count += n;
        imp_array_finish(&target);
    }
    return all;
}

static float *targets_of(fixture *f, size_t a, float weight_a, size_t b, float weight_b,
                         size_t *count) {
    aim(f, a, weight_a, b, weight_b, false);
    look(f, &f->init, NULL);
    return targets(f, count);
}

/* Two styles at two to one: the target is two thirds of one's Gram matrices and a third of the
 * other's. A style of weight 0 has no effect. */
static void test_styles_blend(void **state) {
    fixture *f = *state;
    size_t n;
    f->settings.style_form = IMP_LOSS_RELATIVE;
    float *a = targets_of(f, 0, 7, 1, 0, &n), *b = targets_of(f, 1, 0.5F, 0, 0, &n),
          *both = targets_of(f, 0, 2, 1, 1, &n);
    aim(f, 0, 1, 0, 0, false);
    f->from.styles[1] = (imp_style){0};
    look(f, &f->init, NULL);
    float *alone = targets(f, &n), largest = 0;
    assert_memory_equal(a, alone, n * sizeof *a);
    for (size_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(a[i] - b[i]));
    assert_true(largest > 0.01F);
    for (size_t i = 0; i < n; i++) /* a product, a sum and a division, each rounded to 2^-24 */
        assert_true(fabs(both[i] - (2.0 * a[i] + b[i]) / 3) <=
                    0x1p-21 * (fabsf(a[i]) + fabsf(b[i])));
    free(a), free(b), free(both), free(alone);
}

/* Means and moments or covariances are averaged, not distances: a style mixed with itself does not
 * change. */
static void test_distributions_blend(void **state) {
    fixture *f = *state;
    static const imp_loss_form forms[] = {IMP_LOSS_WASSERSTEIN, IMP_LOSS_COVARIANCE};
    for (size_t k = 0; k < 2; k++) {
        f->settings.style_form = forms[k];
        aim(f, 0, 1, 1, 0, false);
        const double alone = look(f, &f->init, NULL).style;
        aim(f, 0, 3, 0, 1, false);
        const double twice = look(f, &f->init, NULL).style;
        aim(f, 0, 1, 1, 1, false);
        const double both = look(f, &f->init, NULL).style;
        assert_true(fabs(twice - alone) <= 1e-4 * alone);
        assert_true(fabs(both - alone) > 1e-3 * alone);
    }
}

/* ---- Regions --------------------------------------------------------------------------------- */

static double style_loss(fixture *f, const char *layer, unsigned level, int region) {
    imp_loss losses[128];
    const size_t n = imp_session_losses(f->session, losses, 128);
    double sum = 0;
    size_t found = 0;
    for (size_t i = 0; i < n && i < 128; i++)
        if (losses[i].kind == IMP_TERM_STYLE && losses[i].region == region &&
            (!layer || (losses[i].level == level && !strcmp(losses[i].layer, layer)))) {
            sum += losses[i].value;
            found++;
        }
    assert_true(found > 0);
    return sum;
}

/* G = (F T)(F T)^T / M, where the sum of T^2 is M. At a layer as wide as the picture, T is each
 * pixel's region: red left of the split, blue from there on. */
static void guided_gram(double *g, const imp_array *features, size_t split, bool blue) {
    const size_t c = features->shape[0], w = features->shape[2], m = features->shape[1] * w;
    double squares = 0;
    for (size_t p = 0; p < m; p++)
        squares += (p % w >= split) == blue;
    for (size_t i = 0; i < c; i++)
        for (size_t j = 0; j < c; j++) {
            double sum = 0;
            for (size_t p = 0; p < m; p++)
                if ((p % w >= split) == blue)
                    sum += (double)features->data[i * m + p] * (double)features->data[j * m + p];
            g[i * c + j] = sum * ((double)m / squares) / (double)m;
        }
}

/* The loss of each region is that of the guided Gram matrices, computed in double precision from
 * the features, relative to the target's size and weighted by the region's share of the picture. */
static void test_guided_gram(void **state) {
    fixture *f = *state;
    imp_array painted, style;
    f->settings.metric = false;
    f->settings.levels = 1;
    f->settings.style_form = IMP_LOSS_RELATIVE;
    aim(f, 0, 1, 0, 0, true);
    f->settings.style_scale = 40.0F / W; /* the style is not resized, either */
    look(f, &f->init, NULL);
    const double share[2] = {20.0 / W, 28.0 / W};
    const double red = style_loss(f, "relu1_1", 0, 0xff0000),
                 blue = style_loss(f, "relu1_1", 0, 0x0000ff);
    assert_int_equal(imp_session_features(f->session, "relu1_1", &painted, NULL), IMP_OK);
    fixture other = *f;
    other.session = NULL;
    other.settings.size = 40;
    other.settings.style_scale = 1;
    other.from = (imp_sources){.content = &f->styles[0], .styles = {{&f->styles[0], 1, NULL}}};
    look(&other, &f->styles[0], NULL);
    assert_int_equal(imp_session_features(other.session, "relu1_1", &style, NULL), IMP_OK);
    const size_t c = painted.shape[0];
    double *g = calloc(c * c, sizeof *g), *a = calloc(c * c, sizeof *a);
    assert_true(g && a);
    for (int k = 0; k < 2; k++) {
        double difference = 0, size = 0;
        guided_gram(g, &painted, 20, k);
        guided_gram(a, &style, 12, k);
        for (size_t i = 0; i < c * c; i++) {
            difference += (g[i] - a[i]) * (g[i] - a[i]);
            size += a[i] * a[i];
        }
        const double wanted = 1000 * 0.2 * share[k] * difference / size;
        print_message("region %d: %.7g, wanted %.7g\n", k, k ? blue : red, wanted);
        assert_true(fabs((k ? blue : red) - wanted) <= 1e-4 * wanted);
    }
    free(g), free(a);
    imp_array_finish(&painted), imp_array_finish(&style);
    imp_session_close(other.session);
}

/* A single region everywhere is the same as no mask. */
static void test_one_region(void **state) {
    fixture *f = *state;
    imp_picture everywhere = halves(W, H, 0), style = halves(40, 36, 0);
    for (size_t i = 0; i < 3 * everywhere.width * everywhere.height; i++)
        everywhere.rgb[i] = i % 3 == 2;
    for (size_t i = 0; i < 3 * style.width * style.height; i++)
        style.rgb[i] = i % 3 == 2;
    const double without = look(f, &f->init, NULL).loss;
    f->from.mask = &everywhere;
    f->from.styles[0].mask = &style;
    assert_true(fabs(look(f, &f->init, NULL).loss - without) <= 1e-6 * without);
    imp_picture_finish(&everywhere);
    imp_picture_finish(&style);
}

/* A step of h along the gradient changes the loss by h |g|^2, up to O(h^2) of the central
 * difference and the kinks of ReLU and maximum. With regions and tileable edges, in each form. */
static void test_gradient(void **state) {
    fixture *f = *state;
    static const imp_loss_form forms[] = {IMP_LOSS_RELATIVE, IMP_LOSS_MEAN, IMP_LOSS_WASSERSTEIN,
                                          IMP_LOSS_COVARIANCE};
    imp_picture side = test_waves(W, H, 1.7);
    const size_t plane = (size_t)W * H;
    aim(f, 0, 2, 1, 1, true);
    f->settings.content_weight = f->settings.tv_weight = 0;
    for (size_t k = 0; k < 5; k++) {
        imp_array g = {0};
        f->settings.style_form = forms[k % 4];
        f->settings.tileable = k == 4 ? IMP_TILEABLE_BOTH : IMP_TILEABLE_NONE;
        look(f, &f->init, &g);
        double gg = 0, loss[2];
        float largest = 0;
        for (size_t i = 0; i < 3 * plane; i++) {
            gg += (double)g.data[i] * (double)g.data[i];
            largest = fmaxf(largest, fabsf(g.data[i]));
        }
        const float h = 1e-3F / largest;
        for (int s = 0; s < 2; s++) {
            for (size_t i = 0; i < 3 * plane; i++)
                side.rgb[i] = f->init.rgb[i] + (s ? h : -h) * g.data[i % 3 * plane + i / 3];
            loss[s] = look(f, &side, NULL).loss;
        }
        const double slope = (loss[1] - loss[0]) / (2 * (double)h);
        print_message("form %zu: slope %.6g, |g|^2 %.6g\n", k, slope, gg);
        assert_true(fabs(slope / gg - 1) < 0.02);
        imp_array_finish(&g);
    }
    imp_picture_finish(&side);
}

/* A goal for the blue region does not affect the red one beyond the receptive field, but does
 * affect the blue one. */
static void test_regions_apart(void **state) {
    fixture *f = *state;
    imp_array g[2] = {{.data = NULL}, {.data = NULL}};
    double red[2], blue[2];
    f->settings.levels = 1;
    f->settings.terms[1] = f->settings.terms[3];
    f->settings.term_count = 3;          /* content at relu1_2, style at relu2_1 and relu1_1 */
    for (size_t i = 0; i < 40 * 36; i++) /* style 0: red only; styles 1 and 2: blue only */
        f->masks[0].rgb[3 * i] = 1, f->masks[0].rgb[3 * i + 1] = f->masks[0].rgb[3 * i + 2] = 0;
    for (size_t k = 1; k < 3; k++)
        for (size_t i = 0; i < 40 * f->masks[k].height; i++)
            f->masks[k].rgb[3 * i] = f->masks[k].rgb[3 * i + 1] = 0, f->masks[k].rgb[3 * i + 2] = 1;
    for (size_t k = 0; k < 2; k++) {
        aim(f, 0, 1, 1 + k, 1, true);
        look(f, &f->init, &g[k]);
        red[k] = style_loss(f, NULL, 0, 0xff0000);
        blue[k] = style_loss(f, NULL, 0, 0x0000ff);
    }
    assert_true(red[0] == red[1]);
    assert_true(fabs(blue[0] - blue[1]) > 1e-3 * blue[0]);
    /* The receptive field of relu2_1's first blue position begins at column 16. */
    float inside = 0, beyond = 0;
    for (size_t i = 0; i < 3 * (size_t)W * H; i++) {
        const float change = fabsf(g[0].data[i] - g[1].data[i]);
        inside = fmaxf(inside, i % W < 16 ? change : 0);
        beyond = fmaxf(beyond, i % W >= 24 ? change : 0);
    }
    print_message("the gradient changes by %g within, %g beyond\n", (double)inside, (double)beyond);
    assert_true(inside <= 1e-5F * beyond);
    imp_array_finish(&g[0]), imp_array_finish(&g[1]);
}

/* JPEG noise and blurred edges do not change the regions. A region of a few pixels is skipped at
 * layers too coarse for it. */
static void test_masks_as_people_make_them(void **state) {
    fixture *f = *state;
    imp_regions g, known;
    uint64_t seed = 1;
    imp_picture p = halves(200, 120, 90);
    assert_int_equal(imp_regions_find(&known, &f->mask, NULL, "mask", NULL), IMP_OK);
    assert_int_equal(known.count, 2);
    for (size_t i = 0; i < 3 * 200 * 120; i++) {
        const float soft = imp_random_unit(&seed) * 0.03F;
        p.rgb[i] = p.rgb[i] > 0.5F ? p.rgb[i] - soft : p.rgb[i] + soft;
    }
    assert_int_equal(imp_regions_find(&g, &p, &known, "mask", NULL), IMP_OK);
    for (size_t r = 0; r < 2; r++)
        assert_true(fabs(g.share[r] - (known.colours[r] == 0xff0000 ? 0.45 : 0.55)) < 1e-9);
    imp_regions_finish(&g);
    imp_regions_finish(&known);
    imp_picture_finish(&p);
    for (size_t i = 0; i < 5; i++) /* a green speck in every mask */
        for (size_t k = 0; k < 2; k++) {
            imp_picture *mask = k ? &f->masks[0] : &f->mask;
            for (size_t j = 0; j < 5; j++) {
                float *rgb = mask->rgb + 3 * ((i + 4) * mask->width + j + 3);
                rgb[0] = rgb[2] = 0, rgb[1] = 1;
            }
        }
    aim(f, 0, 1, 0, 0, true);
    f->settings.size = W / 2;
    imp_picture small = test_waves(W / 2, H / 2, 1.7);
    const imp_progress at = look(f, &small, NULL);
    assert_true(isfinite(at.loss));
    assert_true(style_loss(f, "relu1_1", 0, 0x00ff00) > 0);
    assert_true(style_loss(f, "relu5_1", 0, 0x00ff00) == 0);
    imp_picture_finish(&small);
}

/* The device's memory is what the forecast said for a session with masks, and recomputed features
 * give the same gradient. */
static void test_memory_of_masks(void **state) {
    fixture *f = *state;
    imp_forecast told = {0};
    imp_array g[2] = {{.data = NULL}, {.data = NULL}};
    f->settings.size = 2 * (size_t)W;
    f->settings.style_scale = 0.5F; /* so that the styles do not need the most memory */
    aim(f, 0, 1, 1, 1, true);
    assert_int_equal(
        imp_session_forecast(&told, f->device, f->network, &f->settings, &f->from, NULL), IMP_OK);
    f->device->counters.peak = 0;
    look(f, &f->init, &g[0]);
    const double taken = (double)f->device->counters.peak;
    print_message("%.0f bytes taken, %zu told\n", taken, told.need.device_bytes);
    assert_true(fabs((double)told.need.device_bytes - taken) <= 0.1 * taken);
    f->settings.memory = told.chosen.bytes - 1;
    look(f, &f->init, &g[1]);
    assert_true(f->session->recompute > 0);
    assert_memory_equal(g[0].data, g[1].data, (size_t)12 * W * H * sizeof(float));
    imp_array_finish(&g[0]), imp_array_finish(&g[1]);
}

static void assert_refused(fixture *f, const char *says) {
    imp_error e = {0};
    imp_session *s = NULL;
    assert_int_equal(imp_session_open(&s, f->device, f->network, &f->settings, &f->from, &e),
                     IMP_ERR_ARGUMENT);
    assert_null(s);
    if (!strstr(e.text, says))
        fail_msg("'%s' does not say '%s'", e.text, says);
}

static void test_refused(void **state) {
    fixture *f = *state;
    aim(f, 0, 0, 1, 0, false);
    assert_refused(f, "all weights are 0");
    aim(f, 0, 1, 1, -1, false);
    assert_refused(f, "style 2: invalid weight -1");
    aim(f, 0, 1, 1, NAN, false);
    assert_refused(f, "style 2: invalid weight");
    aim(f, 0, 1, 1, 1, true);
    f->from.styles[1].mask = NULL;
    assert_refused(f, "mask of style 2: is missing");
    aim(f, 0, 1, 1, 1, true);
    f->from.styles[1].mask = &f->mask;
    assert_refused(f, "mask of style 2: is 48 x 32");
    aim(f, 0, 1, 0, 0, true);
    for (size_t i = 0; i < 40 * 36; i++)
        f->masks[0].rgb[3 * i + 2] = 0, f->masks[0].rgb[3 * i] = 1;
    assert_refused(f, "its region #0000ff is in no style's mask");
    for (size_t i = 0; i < 40 * 36; i++)
        f->masks[0].rgb[3 * i + 1] = i % 40 > 20;
    assert_refused(f, "mask of style 1: its region #ffff00 is not in the content's mask");
    imp_picture noise = test_waves(W, H, 1);
    for (size_t i = 0; i < 3 * (size_t)W * H; i++)
        noise.rgb[i] = (float)(i * 7919 % 256) / 255;
    f->from.mask = &noise;
    assert_refused(f, "has no area of one colour");
    imp_picture_finish(&noise);
    imp_picture many = test_waves(120, 40, 1); /* 18 separate stripes */
    for (size_t i = 0; i < 120 * 40; i++)
        for (size_t c = 0; c < 3; c++)
            many.rgb[3 * i + c] = (float)(i % 120 / 6 / (c == 2 ? 9 : c == 1 ? 3 : 1) % 3) / 2;
    f->from.content = f->from.mask = &many;
    assert_refused(f, "more than 16 colours");
    imp_picture_finish(&many);
}

/* ---- Sessions that share ---- */

static struct {
    imp_ops ops;
    const imp_ops *real;
    size_t grams;
} counting;

static imp_status counted_gram(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f, bool add) {
    counting.grams++;
    return counting.real->gram(d, g, s, f, add);
}

/* Opens a session with that style and mask and counts the Gram matrices; returns the loss. */
static double look_at_style(fixture *f, size_t style, imp_picture *mask, size_t grams) {
    f->from.styles[0] = (imp_style){&f->styles[style], 1, mask};
    f->from.mask = mask ? &f->mask : NULL;
    counting.grams = 0;
    const double loss = look(f, &f->init, NULL).loss;
    assert_int_equal(counting.grams, grams);
    return loss;
}

/* Reusing another session's targets changes no bit and skips the style's pass, unless style, mask,
 * size or layers differ. */
static void check_reuse(fixture *f, bool masked) {
    imp_reuse *reuse = NULL;
    imp_array g[2] = {{.data = NULL}, {.data = NULL}};
    imp_picture other = halves(40, 36, 20);
    imp_picture *const masks[] = {masked ? &f->masks[0] : NULL, masked ? &f->masks[1] : NULL};
    const size_t goals = 5 * f->settings.levels * (masked ? 2 : 1);
    const double alone = look_at_style(f, 0, masks[0], 2 * goals);
    look(f, &f->init, &g[0]);
    assert_int_equal(imp_reuse_open(&reuse, f->device, f->network, NULL), IMP_OK);
    f->from.reuse = reuse;
    look(f, &f->content, NULL);
    assert_true(look_at_style(f, 0, masks[0], goals) == alone);
    look(f, &f->init, &g[1]);
    assert_memory_equal(g[0].data, g[1].data, (size_t)3 * W * H * sizeof(float));
    assert_true(look_at_style(f, 1, masks[1], 2 * goals) != alone);
    if (masked)
        assert_true(look_at_style(f, 0, &other, 2 * goals) != alone);
    f->settings.replicate_first = !f->settings.replicate_first; /* other filters */
    assert_true(look_at_style(f, 0, masks[0], 2 * goals) != alone);
    f->settings.replicate_first = !f->settings.replicate_first;
    imp_session_close(f->session);
    f->session = NULL;
    f->from.reuse = NULL;
    imp_reuse_close(reuse);
    imp_picture_finish(&other);
    imp_array_finish(&g[0]), imp_array_finish(&g[1]);
}

static void test_reuse(void **state) {
    fixture *f = *state;
    static const imp_loss_form forms[] = {IMP_LOSS_RELATIVE, IMP_LOSS_WASSERSTEIN,
                                          IMP_LOSS_COVARIANCE};
    counting.ops = *(counting.real = f->device->ops);
    counting.ops.gram = counted_gram;
    f->device->ops = &counting.ops;
    f->settings.levels = 1; /* so that every region has positions at each layer */
    for (size_t k = 0; k < 6; k++) {
        f->settings.style_form = forms[k % 3];
        check_reuse(f, k / 3);
    }
    f->device->ops = counting.real;
}

/* ---- Strength -------------------------------------------------------------------------------- */

/* Strength 0.5 is the default preset. The content's weight falls as its loss grows. Doubling a
 * preset's style weight changes nothing. */
static void test_strength(void **state) {
    fixture *f = *state;
    for (size_t k = 0; k < 2; k++) {
        const imp_settings preset = *imp_preset_settings(k ? "brush" : "default");
        f->settings.style_form = preset.style_form;
        f->settings.content_form = preset.content_form;
        f->settings.strength = -1;
        const imp_progress usual = look(f, &f->init, NULL);
        double last = INFINITY;
        for (int step = 0; step <= 10; step++) {
            f->settings.strength = 0.1F * (float)step;
            const imp_progress now = look(f, &f->init, NULL);
            const double ratio = now.content / now.style;
            assert_true(isfinite(ratio) && ratio > 0 && ratio < last);
            last = ratio;
            if (step == 5 && k == 0)
                assert_true(fabs(now.content - usual.content) <= 1e-4 * usual.content &&
                            fabs(now.tv - usual.tv) <= 1e-4 * usual.tv);
        }
        f->settings.style_weight *= 2;
        const imp_progress twice = look(f, &f->init, NULL);
        assert_true(fabs(twice.content / twice.style - last) <= 1e-4 * last);
        f->settings.style_weight /= 2;
    }
}

/* ---- Pictures without colours ---------------------------------------------------------------- */

static void make_grey(imp_picture *p, bool flat) {
    for (size_t i = 0; i < 3 * p->width * p->height; i++)
        p->rgb[i] = flat ? 0.5F : p->rgb[i / 3 * 3];
}

/* A grey or uniform content or style gives a picture with every preset's colours and losses. */
static void test_grey(void **state) {
    fixture *f = *state;
    f->from.init = &f->content;
    for (size_t k = 0; k < 16; k++) {
        imp_picture *const changed = k & 2 ? &f->content : &f->styles[0];
        const imp_picture kept = *changed;
        *changed = test_waves(kept.width, kept.height, 1.3);
        make_grey(changed, k & 4);
        f->settings = *imp_preset_settings(k & 1 ? "brush" : "default");
        f->settings.size = 24;
        f->settings.iterations = 3;
        f->settings.color = k & 8 ? IMP_COLOR_MATCH : IMP_COLOR_CONTENT;
        f->settings.strength = 0.7F;
        imp_error e = {0};
        imp_picture out = {0};
        imp_session_close(f->session);
        imp_session_open(&f->session, f->device, f->network, &f->settings, &f->from, &e);
        imp_session_run(f->session, NULL, NULL, &e);
        assert_string_equal(e.text, "");
        assert_int_equal(imp_session_picture(f->session, &out, NULL), IMP_OK);
        for (size_t i = 0; i < 3 * out.width * out.height; i++)
            assert_true(out.rgb[i] >= 0 && out.rgb[i] <= 1);
        imp_picture_finish(&out);
        imp_picture_finish(changed);
        *changed = kept;
    }
}

#define ON_ORACLE(test) cmocka_unit_test_setup_teardown(test, set_up_oracle, tear_down)
#define ON_CPU(test)    cmocka_unit_test_setup_teardown(test, set_up_cpu, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_CPU(test_styles_blend),
        ON_CPU(test_distributions_blend),
        ON_ORACLE(test_guided_gram),
        ON_CPU(test_guided_gram),
        ON_CPU(test_one_region),
        ON_CPU(test_gradient),
        ON_CPU(test_regions_apart),
        ON_CPU(test_masks_as_people_make_them),
        ON_CPU(test_memory_of_masks),
        ON_CPU(test_refused),
        ON_CPU(test_strength),
        ON_CPU(test_reuse),
        ON_CPU(test_grey),
    };
    return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
