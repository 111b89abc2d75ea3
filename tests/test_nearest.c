/* SPDX-License-Identifier: MIT
 *
 * The style loss of nearest features (preset `patch`): which features of the style it chooses, its
 * value and gradient, and what it refuses.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "engine/session.h"
#include "helpers.h"

#define OK(call) assert_int_equal(call, IMP_OK)

typedef struct fixture {
    imp_device *device;
    imp_network *network;
    imp_picture content, style;
    imp_settings settings;
    imp_sources from;
    imp_session *session;
} fixture;

/* The preset's style alone, small. */
static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f || imp_cpu_open(&f->device, NULL, NULL) ||
        imp_network_open(&f->network, "builtin", NULL))
        return -1;
    f->content = test_waves(44, 32, 0.3);
    f->style = test_waves(40, 52, 0.9);
    f->settings = *imp_preset_settings("patch");
    f->settings.content_weight = f->settings.tv_weight = 0;
    f->settings.size = 44;
    f->settings.scales = 1;
    f->from = (imp_sources){.content = &f->content, .styles = {{&f->style, 1, NULL}}};
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    imp_session_close(f->session);
    imp_network_close(f->network);
    imp_device_close(f->device);
    imp_picture_finish(&f->content);
    imp_picture_finish(&f->style);
    free(f);
    return 0;
}

static void open_session(fixture *f) {
    imp_error e = {0};
    imp_session_close(f->session);
    imp_session_open(&f->session, f->device, f->network, &f->settings, &f->from, &e);
    assert_string_equal(e.text, "");
}

static double loss(fixture *f) {
    imp_progress p;
    OK(imp_session_evaluate(f->session, NULL));
    imp_session_progress(f->session, &p);
    return p.loss;
}

/* ---- The definition ---- */

/* Columns of a layer's features: [position][channel], less the style's mean. */
typedef struct columns {
    size_t c, m;
    double *at;
} columns;

/* The mean of rows and columns that position p of `to` shows of a side of `from`. */
static double cell(const imp_array *f, size_t c, size_t p, size_t q, size_t rows, size_t cols) {
    const size_t h = f->shape[1], w = f->shape[2];
    const size_t top = p * h / rows, bottom = ((p + 1) * h + rows - 1) / rows;
    const size_t left = q * w / cols, right = ((q + 1) * w + cols - 1) / cols;
    double sum = 0;
    for (size_t i = top; i < bottom; i++)
        for (size_t j = left; j < right; j++)
            sum += (double)f->data[(c * h + i) * w + j];
    return sum / (double)((bottom - top) * (right - left));
}

static columns columns_of(fixture *f, const imp_loss_term *term) {
    imp_array features = {0}, mean = {0};
    const size_t rows = term->target.h, cols = term->target.w;
    OK(imp_session_features(f->session, f->settings.terms[term->index].layer, &features, NULL));
    OK(imp_session_read(f->session, term->mean, &mean, NULL));
    columns k = {.c = features.shape[0], .m = rows * cols};
    k.at = malloc(k.c * k.m * sizeof *k.at);
    assert_non_null(k.at);
    for (size_t p = 0; p < k.m; p++)
        for (size_t c = 0; c < k.c; c++)
            k.at[p * k.c + c] =
                cell(&features, c, p / cols, p % cols, rows, cols) + (double)mean.data[c];
    imp_array_finish(&features);
    imp_array_finish(&mean);
    return k;
}

static double product(const double *x, const float *y, size_t step, size_t c) {
    double sum = 0;
    for (size_t i = 0; i < c; i++)
        sum += x[i] * (double)y[i * step];
    return sum;
}

static double length(const columns *k, size_t p, const imp_loss_term *term) {
    double sum = (double)term->epsilon;
    for (size_t i = 0; i < k->c; i++)
        sum += k->at[p * k->c + i] * k->at[p * k->c + i];
    return sqrt(sum);
}

enum { TERMS_MAX = 8 };

/* At each position the targets of all layers are those of one vector, and no vector has a greater
 * sum of cosines. Each term's loss is the mean of 1 - cosine. */
static void test_chooses_the_nearest(void **state) {
    fixture *f = *state;
    columns k[TERMS_MAX] = {{.m = 0}};
    imp_array targets[TERMS_MAX];
    imp_loss losses[TERMS_MAX + 1];
    open_session(f);
    loss(f);
    const imp_objective *o = &f->session->objective;
    const size_t terms = o->count, first = o->terms[0].kind == IMP_TERM_CONTENT;
    assert_true(terms <= TERMS_MAX && terms > first + 2);
    for (size_t i = first; i < terms; i++) {
        k[i] = columns_of(f, &o->terms[i]);
        OK(imp_session_read(f->session, o->terms[i].target, &targets[i], NULL));
        assert_int_equal(o->terms[i].vector_count, o->terms[first].vector_count);
    }
    assert_true(imp_session_losses(f->session, losses, TERMS_MAX + 1) >= terms);
    for (size_t i = first; i < terms; i++) {
        double sum = 0;
        for (size_t p = 0; p < k[i].m; p++)
            sum += 1 - product(k[i].at + p * k[i].c, targets[i].data + p, k[i].m, k[i].c) /
                           length(&k[i], p, &o->terms[i]);
        test_near((double)o->terms[i].strength * sum / (double)k[i].m, losses[i].value,
                  1e-4 * losses[i].value, "loss");
    }
    for (size_t p = 0; p < k[first].m; p++) {
        double chosen = 0, best = -INFINITY;
        for (size_t i = first; i < terms; i++)
            chosen += product(k[i].at + p * k[i].c, targets[i].data + p, k[i].m, k[i].c) /
                      length(&k[i], p, &o->terms[i]);
        for (size_t n = 0; n < o->terms[first].vector_count; n++) {
            double score = 0;
            for (size_t i = first; i < terms; i++)
                score +=
                    product(k[i].at + p * k[i].c, o->terms[i].vectors + n * k[i].c, 1, k[i].c) /
                    length(&k[i], p, &o->terms[i]);
            best = fmax(best, score);
        }
        test_near(best, chosen, 1e-5, "the sum of cosines");
    }
    for (size_t i = first; i < terms; i++) {
        free(k[i].at);
        imp_array_finish(&targets[i]);
    }
}

/* A picture that is the style, upright or turned by a quarter, is where it should be already. */
static void test_finds_itself(void **state) {
    fixture *f = *state;
    imp_picture turned = test_waves(f->style.height, f->style.width, 0);
    for (size_t i = 0; i < f->style.height; i++)
        for (size_t j = 0; j < f->style.width; j++)
            for (size_t c = 0; c < 3; c++)
                turned.rgb[(j * turned.width + turned.width - 1 - i) * 3 + c] =
                    f->style.rgb[(i * f->style.width + j) * 3 + c];
    f->settings.size = 52;
    open_session(f);
    const double other = loss(f);
    for (int k = 0; k < 2; k++) {
        f->from.content = k ? &turned : &f->style;
        open_session(f);
        const double same = loss(f);
        print_message("%g of %g\n", same, other);
        assert_true(same < 0.1 * other);
    }
    imp_picture_finish(&turned);
}

/* ---- Gradient and descent ---- */

/* A small step along the gradient g, of length h |g|, changes the loss by h |g|^2. Also with the
 * edges continued, and with those of the content kept. */
static void test_gradient(void **state) {
    fixture *f = *state;
    for (int k = 0; k < 3; k++) {
        imp_array x = {0}, g = {0};
        f->settings.tileable = k == 1 ? IMP_TILEABLE_BOTH : IMP_TILEABLE_NONE;
        f->settings.keep_edges = k == 2 ? 1 : 0;
        open_session(f);
        loss(f);
        const imp_tensor at = f->session->objective.x[0];
        OK(imp_session_read(f->session, at, &x, NULL));
        OK(imp_session_gradient(f->session, &g, NULL));
        const size_t n = at.c * at.h * at.w;
        float *side = malloc(n * sizeof *side), largest = 0;
        double gg = 0, there[2];
        assert_non_null(side);
        for (size_t i = 0; i < n; i++) {
            gg += (double)g.data[i] * (double)g.data[i];
            largest = fmaxf(largest, fabsf(g.data[i]));
        }
        const float h = 1e-3F / largest;
        for (int s = 0; s < 2; s++) {
            for (size_t i = 0; i < n; i++)
                side[i] = x.data[i] + (s ? h : -h) * g.data[i];
            OK(f->device->ops->write(f->device, at, side));
            there[s] = loss(f);
        }
        test_near(2 * (double)h * gg, there[1] - there[0], 0.02 * 2 * (double)h * gg, "slope");
        free(side);
        imp_array_finish(&x), imp_array_finish(&g);
    }
}

/* A run over two sizes: the style's loss falls at each. */
static void test_descends(void **state) {
    fixture *f = *state;
    f->settings.sizes[0] = 24;
    f->settings.size_count = 1;
    f->settings.iterations = f->settings.later_iterations = 25;
    open_session(f);
    for (int k = 0; k < 2; k++) {
        imp_progress p;
        bool done;
        OK(imp_session_step(f->session, &done, NULL));
        imp_session_progress(f->session, &p);
        const double before = p.style;
        for (int i = 1; i < 25; i++)
            OK(imp_session_step(f->session, &done, NULL));
        imp_session_progress(f->session, &p);
        print_message("%g to %g\n", before, p.style);
        assert_true(p.style < 0.9 * before);
    }
}

/* ---- Several styles, and what is refused ---- */

/* Vectors are shared out by weight. */
static void test_styles_share(void **state) {
    fixture *f = *state;
    imp_picture other = test_waves(60, 48, 1.9);
    f->settings.style_scale = 8; /* more places than vectors */
    open_session(f);
    const size_t all = f->session->objective.terms[f->session->objective.count - 1].vector_count;
    f->from.styles[0].weight = 3;
    f->from.styles[1] = (imp_style){&other, 1, NULL};
    open_session(f);
    const imp_loss_term *term = &f->session->objective.terms[f->session->objective.count - 1];
    print_message("%zu of one, %zu of both\n", all, term->vector_count);
    assert_true(all > 1000 && term->vector_count <= 8192 && term->vector_count > all / 2);
    assert_true(isfinite(loss(f)));
    imp_picture_finish(&other);
}

static void assert_refused(fixture *f, const char *part) {
    imp_error e = {0};
    imp_session_close(f->session);
    assert_int_equal(
        imp_session_open(&f->session, f->device, f->network, &f->settings, &f->from, &e),
        IMP_ERR_ARGUMENT);
    if (!strstr(e.text, part))
        fail_msg("'%s' is not in: %s", part, e.text);
}

static void test_refused(void **state) {
    fixture *f = *state;
    imp_array gram;
    imp_error e = {0};
    open_session(f);
    assert_int_equal(imp_session_gram(f->session, "relu1_1", &gram, &e), IMP_ERR_ARGUMENT);
    assert_non_null(strstr(e.text, "no Gram matrix"));
    f->settings.levels = 2;
    assert_refused(f, "'levels' is 2");
    f->settings.levels = 1;
    f->from.mask = &f->content;
    f->from.styles[0].mask = &f->style;
    assert_refused(f, "mask of the content: setting 'style-form' nearest takes no masks");
    f->from.mask = f->from.styles[0].mask = NULL;
    f->from.protect = &f->content;
    f->from.protect_strength = 0.5F;
    assert_refused(f, "mask of what is protected: setting 'style-form' nearest takes no masks");
    f->from.protect_strength = 0; /* protects nothing */
    open_session(f);
}

/* ---- Beside other settings ---- */

/* The content's share falls as strength grows, and is finite and above 0 throughout. */
static void test_strength(void **state) {
    fixture *f = *state;
    double last = INFINITY;
    f->settings.content_weight = imp_preset_settings("patch")->content_weight;
    f->settings.init = IMP_INIT_STYLE;
    for (int step = 0; step <= 10; step++) {
        imp_progress p;
        f->settings.strength = 0.1F * (float)step;
        open_session(f);
        loss(f);
        imp_session_progress(f->session, &p);
        const double ratio = p.content / p.style;
        assert_true(isfinite(ratio) && ratio > 0 && ratio < last);
        last = ratio;
    }
}

static void make_grey(imp_picture *p, bool flat) {
    for (size_t i = 0; i < 3 * p->width * p->height; i++)
        p->rgb[i] = flat ? 0.5F : p->rgb[i / 3 * 3];
}

/* A grey or uniform content or style gives a picture. */
static void test_grey(void **state) {
    fixture *f = *state;
    for (size_t k = 0; k < 8; k++) {
        imp_picture *const changed = k & 1 ? &f->content : &f->style;
        const imp_picture kept = *changed;
        imp_error e = {0};
        imp_picture out = {0};
        *changed = test_waves(kept.width, kept.height, 1.3);
        make_grey(changed, k & 2);
        f->settings = *imp_preset_settings("patch");
        f->settings.size = 24;
        f->settings.iterations = 3;
        f->settings.color = k & 4 ? IMP_COLOR_MATCH : IMP_COLOR_CONTENT;
        f->settings.strength = 0.7F;
        open_session(f);
        imp_session_run(f->session, NULL, NULL, &e);
        assert_string_equal(e.text, "");
        OK(imp_session_picture(f->session, &out, NULL));
        for (size_t i = 0; i < 3 * out.width * out.height; i++)
            assert_true(out.rgb[i] >= 0 && out.rgb[i] <= 1);
        imp_picture_finish(&out);
        imp_picture_finish(changed);
        *changed = kept;
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(test_chooses_the_nearest),
        WITH(test_finds_itself),
        WITH(test_gradient),
        WITH(test_descends),
        WITH(test_styles_share),
        WITH(test_refused),
        WITH(test_strength),
        WITH(test_grey),
    };
    return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
