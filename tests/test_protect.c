/* SPDX-License-Identifier: MIT
 *
 * What is protected: its gradient, what it does to a painting, with regions, and what is refused.
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
#include "opencl/opencl.h"
#include "scratch.h"

#define OK(call) assert_int_equal(call, IMP_OK)

enum { W = 64, H = 48 };

typedef struct fixture {
    imp_device *device;
    imp_network *network;
    imp_picture content, style, init, mask, style_mask, protect;
    imp_settings settings;
    imp_sources from;
    imp_session *session;
} fixture;

/* One colour left of column `split`, another from there on. */
static imp_picture halves(size_t width, size_t height, size_t split, const float left[3],
                          const float right[3]) {
    imp_picture p = test_waves(width, height, 0);
    for (size_t i = 0; i < 3 * width * height; i++)
        p.rgb[i] = (i / 3 % width < split ? left : right)[i % 3];
    return p;
}

static const float white[3] = {1, 1, 1}, black[3], red[3] = {1}, blue[3] = {0, 0, 1};

static int set_up_on(void **state,
                     imp_status (*open)(imp_device **, const imp_device_options *, imp_error *)) {
    fixture *f = calloc(1, sizeof *f);
    imp_error e = {0};
    if (!f || open(&f->device, NULL, &e) || imp_network_open(&f->network, "builtin", &e))
        return -1;
    f->content = test_waves(W, H, 1);
    f->style = test_waves(60, 50, 2.5);
    f->init = test_waves(W, H, 1.7);
    f->mask = halves(W, H, 40, red, blue);
    f->style_mask = halves(60, 50, 30, red, blue);
    f->protect = halves(W, H, W / 2, white, black);
    f->settings = *imp_preset_settings("default");
    /* Layers that see less than half of the picture: what they see beyond the border is not held.
     */
    if (imp_settings_set(&f->settings, "content-layers", "relu1_2,relu3_3", &e) ||
        imp_settings_set(&f->settings, "style-layers", "relu1_1,relu2_1,relu3_1", &e))
        return -1;
    f->settings.size = W;
    f->settings.scales = 1;
    f->settings.iterations = 20;
    f->from = (imp_sources){.content = &f->content,
                            .styles = {{&f->style, 1, NULL}},
                            .init = &f->init,
                            .protect = &f->protect,
                            .protect_strength = 1};
    *state = f;
    return 0;
}

static int on_cpu(void **state) {
    return set_up_on(state, imp_cpu_open);
}

static imp_status open_first_opencl(imp_device **out, const imp_device_options *options,
                                    imp_error *err) {
    return imp_opencl_open(out, 0, options, err);
}

static int on_opencl(void **state) {
    *state = NULL;
    return imp_opencl_list(NULL, 0) ? set_up_on(state, open_first_opencl) : 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    if (!f)
        return 0;
    imp_session_close(f->session);
    imp_network_close(f->network);
    imp_device_close(f->device);
    imp_picture *const all[] = {&f->content, &f->style,      &f->init,
                                &f->mask,    &f->style_mask, &f->protect};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        imp_picture_finish(all[i]);
    free(f);
    return 0;
}

static void begin(fixture *f) {
    imp_error e = {0};
    imp_session_close(f->session);
    imp_session_open(&f->session, f->device, f->network, &f->settings, &f->from, &e);
    assert_string_equal(e.text, "");
}

static imp_picture paint(fixture *f) {
    imp_picture out;
    begin(f);
    OK(imp_session_run(f->session, NULL, NULL, NULL));
    OK(imp_session_picture(f->session, &out, NULL));
    return out;
}

/* The mean change of a colour in columns first..end-1, in units of 1/255. */
static double change(const imp_picture *a, const imp_picture *b, size_t first, size_t end) {
    double sum = 0;
    for (size_t i = 0; i < 3 * (size_t)W * H; i++)
        if (i / 3 % W >= first && i / 3 % W < end)
            sum += fabs((double)a->rgb[i] - (double)b->rgb[i]);
    return 255 * sum / (double)(3 * H * (end - first));
}

/* ---- What it does ---- */

/* The white half stays, up to what the network sees over the border; the black half is painted. */
static void white_is_held(void **state) {
    fixture *f = *state;
    if (!f) {
        skip();
        return;
    }
    static const imp_loss_form forms[] = {IMP_LOSS_RELATIVE, IMP_LOSS_WASSERSTEIN,
                                          IMP_LOSS_COVARIANCE};
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        f->settings.style_form = forms[k];
        f->settings.style_weight = forms[k] == IMP_LOSS_WASSERSTEIN ? 50 : 1000;
        f->from.protect_strength = 1;
        imp_picture held = paint(f);
        f->from.protect_strength = 0;
        imp_picture free_of = paint(f);
        const double left = change(&held, &f->content, 0, W / 2 - 12),
                     right = change(&held, &f->content, W / 2 + 12, W);
        print_message("form %d: held %.3f, painted %.3f, without %.3f\n", (int)forms[k], left,
                      right, change(&free_of, &f->content, 0, W / 2 - 12));
        assert_true(left < 0.2 * right);
        assert_true(left < 0.25 * change(&free_of, &f->content, 0, W / 2 - 12));
        imp_picture_finish(&held);
        imp_picture_finish(&free_of);
    }
}

/* More strength holds more; grey of a mask is a strength, too. */
static void strength_is_gradual(void **state) {
    fixture *f = *state;
    double changes[5];
    for (size_t i = 0; i < 5; i++) {
        f->from.protect_strength = (float)i / 4;
        imp_picture out = paint(f);
        changes[i] = change(&out, &f->content, 0, W / 2 - 12);
        assert_true(i == 0 || changes[i] < changes[i - 1]);
        imp_picture_finish(&out);
    }
    for (size_t i = 0; i < 3 * (size_t)W * H; i++)
        f->protect.rgb[i] *= 0.5F;
    imp_picture grey = paint(f);
    test_near(changes[2], change(&grey, &f->content, 0, W / 2 - 12), 1e-6 * changes[2], "grey");
    imp_picture_finish(&grey);
}

/* From noise or another picture, what is protected starts as the content. */
static void starts_as_the_content(void **state) {
    fixture *f = *state;
    for (imp_init init = IMP_INIT_NOISE; init <= IMP_INIT_PICTURE; init++) {
        imp_picture start;
        f->settings.init = init;
        begin(f);
        OK(imp_session_picture(f->session, &start, NULL));
        assert_true(change(&start, &f->content, 0, W / 2) < 1e-3);
        assert_true(change(&start, &f->content, W / 2, W) > 5);
        imp_picture_finish(&start);
    }
}

/* With regions: each is painted where it is not protected. */
static void goes_with_regions(void **state) {
    fixture *f = *state;
    f->from.mask = &f->mask;
    f->from.styles[0].mask = &f->style_mask;
    imp_picture out = paint(f);
    assert_true(change(&out, &f->content, 0, W / 2 - 12) <
                0.2 * change(&out, &f->content, W / 2 + 12, W));
    const imp_regions *g = &f->session->regions;
    test_near(40.0 / W - 0.5, g->share[0], 1e-6, "the red region, less its protected part");
    test_near(24.0 / W, g->share[1], 1e-6, "the blue region");
    imp_picture_finish(&out);
}

/* ---- Right in detail ---- */

static double loss_at(fixture *f, const imp_picture *at, imp_array *gradient) {
    imp_progress p;
    f->from.init = at;
    begin(f);
    OK(imp_session_evaluate(f->session, NULL));
    if (gradient)
        OK(imp_session_gradient(f->session, gradient, NULL));
    imp_session_progress(f->session, &p);
    return p.loss;
}

/* A step of h along the gradient changes the loss by h |g|^2. The start is the given picture where
 * nothing is protected, so the step is taken there; it moves the features that both halves see. */
static void gradient_is_the_slope(void **state) {
    fixture *f = *state;
    imp_picture side = test_waves(W, H, 1.7);
    const size_t plane = (size_t)W * H;
    f->settings.init = IMP_INIT_PICTURE;
    f->settings.content_weight = 5000;
    f->settings.tv_weight = 0;
    for (size_t k = 0; k < 4; k++) {
        imp_array g = {0};
        f->settings.style_form = k % 2 ? IMP_LOSS_COVARIANCE : IMP_LOSS_RELATIVE;
        f->settings.tileable = k / 2 ? IMP_TILEABLE_BOTH : IMP_TILEABLE_NONE;
        loss_at(f, &f->init, &g);
        double gg = 0, loss[2];
        float largest = 0;
        for (size_t i = 0; i < 3 * plane; i++) {
            g.data[i] *= i % W >= W / 2;
            gg += (double)g.data[i] * (double)g.data[i];
            largest = fmaxf(largest, fabsf(g.data[i]));
        }
        const float h = 1e-3F / largest;
        for (int s = 0; s < 2; s++) {
            for (size_t i = 0; i < 3 * plane; i++)
                side.rgb[i] = f->init.rgb[i] + (s ? h : -h) * g.data[i % 3 * plane + i / 3];
            loss[s] = loss_at(f, &side, NULL);
        }
        const double slope = (loss[1] - loss[0]) / (2 * (double)h);
        print_message("case %zu: slope %.6g, |g|^2 %.6g\n", k, slope, gg);
        assert_true(fabs(slope / gg - 1) < 0.02);
        imp_array_finish(&g);
    }
    imp_picture_finish(&side);
}

/* A black mask is as none; what protects costs memory, which is counted. */
static void black_is_nothing(void **state) {
    fixture *f = *state;
    imp_picture plain, masked;
    f->from.protect_strength = 0;
    plain = paint(f);
    const size_t without = f->session->need.arena;
    f->from.protect_strength = 1;
    begin(f);
    assert_true(f->session->need.arena > without);
    memset(f->protect.rgb, 0, 3 * (size_t)W * H * sizeof *f->protect.rgb);
    masked = paint(f);
    assert_int_equal(f->session->need.arena, without);
    assert_memory_equal(plain.rgb, masked.rgb, 3 * (size_t)W * H * sizeof *plain.rgb);
    imp_picture_finish(&plain);
    imp_picture_finish(&masked);
}

static void resumes_alike(void **state) {
    fixture *f = *state;
    void *folder = NULL;
    imp_error e = {0};
    imp_picture whole, resumed;
    bool done;
    assert_int_equal(scratch_open(&folder), 0);
    const char *path = scratch_path(folder, "checkpoint");
    begin(f);
    for (int i = 0; i < 7; i++)
        OK(imp_session_step(f->session, &done, NULL));
    OK(imp_session_save(f->session, path, "", NULL));
    OK(imp_session_run(f->session, NULL, NULL, NULL));
    OK(imp_session_picture(f->session, &whole, NULL));
    begin(f);
    OK(imp_session_restore(f->session, path, NULL));
    OK(imp_session_run(f->session, NULL, NULL, NULL));
    OK(imp_session_picture(f->session, &resumed, NULL));
    assert_memory_equal(whole.rgb, resumed.rgb, 3 * (size_t)W * H * sizeof *whole.rgb);
    f->from.protect_strength = 0.5F;
    begin(f);
    assert_error(&e, imp_session_restore(f->session, path, &e), IMP_ERR_ARGUMENT, path, "settings");
    imp_picture_finish(&whole);
    imp_picture_finish(&resumed);
    scratch_close(&folder);
}

/* ---- What is refused ---- */

static void refuse(fixture *f, const char *word) {
    imp_error e = {0};
    imp_session *s = NULL;
    const imp_status status =
        imp_session_open(&s, f->device, f->network, &f->settings, &f->from, &e);
    assert_null(s);
    assert_error(&e, status, IMP_ERR_ARGUMENT, "mask of what is protected", word);
}

static void nonsense_is_refused(void **state) {
    fixture *f = *state;
    static const float bad[] = {-0.1F, 1.1F, NAN, INFINITY};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f->from.protect_strength = bad[i];
        refuse(f, "expected 0 to 1");
    }
    f->from.protect_strength = 1;
    f->from.protect = &f->style;
    refuse(f, "the same size");
    f->from.protect = &f->mask;
    refuse(f, "colours");
    imp_picture all = halves(W, H, W, white, white);
    f->from.protect = &all;
    refuse(f, "nothing is left");
    f->from.protect_strength = 0.5F; /* half of it is */
    imp_picture out = paint(f);
    imp_picture_finish(&out);
    imp_picture_finish(&all);
    f->from.protect = &(imp_picture){.width = W, .height = H};
    refuse(f, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, on_cpu, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(white_is_held),
        cmocka_unit_test_setup_teardown(white_is_held, on_opencl, tear_down),
        TEST(strength_is_gradual),
        TEST(starts_as_the_content),
        TEST(goes_with_regions),
        TEST(gradient_is_the_slope),
        TEST(black_is_nothing),
        TEST(resumes_alike),
        TEST(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("protect", tests, NULL, NULL);
}
