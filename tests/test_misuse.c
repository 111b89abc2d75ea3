/* SPDX-License-Identifier: MIT
 *
 * Every field of every struct that a caller fills is given every wrong value of the table in
 * misuse.c, one by one. Each ends in an error that says something or in a correct run: no crash, no
 * NaN. Pictures are small, the device is cpu.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "helpers.h"
#include "impasto.h"
#include "misuse.h"
#include "scratch.h"

enum { SIDE = 16, STEPS = 3 };

/* What the sanitizer's malloc does with sizes that the C library's refuses. */
/* NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer looks for this name. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}
/* NOLINTEND(bugprone-reserved-identifier) */

typedef struct fixture {
    scratch *s;
    imp_device *device;
    imp_network *network;
    imp_picture content, style, mask;
    unsigned char *png;
    size_t png_size;
} fixture;

static int set_up(void **state) {
    static fixture f;
    void *s = NULL;
    f = (fixture){0};
    if (scratch_open(&s) ||
        imp_device_open(&f.device, "cpu", &(imp_device_options){.threads = 1}, NULL) ||
        imp_network_open(&f.network, "builtin", NULL))
        return -1;
    f.s = s;
    f.content = test_waves(SIDE, SIDE - 3, 1);
    f.style = test_waves(SIDE + 2, SIDE, 2);
    f.mask = test_waves(SIDE, SIDE - 3, 3);
    for (size_t i = 0; i < 3 * f.mask.width * f.mask.height; i++)
        f.mask.rgb[i] = 1;
    *state = &f;
    return imp_picture_encode(&f.png, &f.png_size, &f.style, IMP_FORMAT_PNG, NULL, NULL);
}

static int tear_down(void **state) {
    fixture *const f = *state;
    void *s = f->s;
    imp_picture_finish(&f->content);
    imp_picture_finish(&f->style);
    imp_picture_finish(&f->mask);
    imp_network_close(f->network);
    imp_device_close(f->device);
    imp_free(f->png);
    return scratch_close(&s);
}

/* ---- What a case must come to ---------------------------------------------------------------- */

/* A failure has a message of one line. */
static void assert_said(imp_status status, const imp_error *e) {
    if (status == IMP_OK)
        return;
    assert_int_equal(status, e->status);
    assert_true(strlen(e->text) > 10 && !strchr(e->text, '\n'));
}

static void assert_sound(const imp_picture *p) {
    assert_non_null(p->rgb);
    for (size_t i = 0; i < 3 * p->width * p->height; i++)
        assert_true(p->rgb[i] >= 0 && p->rgb[i] <= 1); /* false for NaN */
}

/* Paints; whatever the settings and the sources, the result is finite or there is an error. */
static imp_status paint(const fixture *f, const imp_settings *settings, const imp_sources *from,
                        imp_error *err) {
    imp_session *s = NULL;
    imp_picture out = {0};
    imp_progress progress;
    bool done = false;
    imp_status status = imp_session_open(&s, f->device, f->network, settings, from, err);
    assert_true((status == IMP_OK) == (s != NULL));
    for (int i = 0; i < STEPS && status == IMP_OK && !done; i++) {
        status = imp_session_step(s, &done, err);
        imp_session_progress(s, &progress);
        assert_true(status != IMP_OK || isfinite(progress.loss));
    }
    if (s) {
        assert_int_equal(imp_session_picture(s, &out, NULL), IMP_OK);
        assert_sound(&out);
        imp_picture_finish(&out);
    }
    imp_session_close(s);
    return status;
}

/* ---- One attempt for each struct ------------------------------------------------------------- */

static imp_settings base_settings(const char *preset) {
    imp_settings s;
    imp_settings_init(&s, sizeof s);
    imp_settings_set(&s, "preset", preset, NULL);
    imp_settings_set(&s, "content-layers", "relu1_2", NULL);
    imp_settings_set(&s, "style-layers", "relu1_1,relu2_1:0.5", NULL); /* shallow: it is quick */
    s.size = SIDE;
    s.levels = 1;
    s.scales = 2;
    s.size_count = 2;
    s.sizes[0] = SIDE / 2;
    s.sizes[1] = SIDE - 2;
    s.iterations = 4;
    s.later_iterations = 2;
    s.history = 2;
    return s;
}

static void try_settings(const fixture *f, const imp_settings *settings) {
    const imp_sources from = {
        .content = &f->content, .styles = {{&f->style, 1, NULL}}, .init = &f->style};
    imp_error checked = {0}, e = {0}, told = {0};
    imp_forecast forecast;
    const imp_status status = imp_settings_check(settings, &checked);
    const imp_status painted = paint(f, settings, &from, &e);
    assert_said(status, &checked);
    assert_said(painted, &e);
    if (status == IMP_OK)
        return;
    assert_int_equal(painted, status);
    assert_string_equal(e.text, checked.text);
    assert_int_equal(imp_session_forecast(&forecast, f->device, f->network, settings, &from, &told),
                     status);
}

static void try_sources(const fixture *f, const imp_sources *from) {
    const imp_settings settings = base_settings("default");
    imp_error e = {0};
    assert_said(paint(f, &settings, from, &e), &e);
}

/* In all places that a picture can take. */
static void try_picture(const fixture *f, const imp_picture *p) {
    const imp_sources places[] = {
        {.content = p, .styles = {{&f->style, 1, NULL}}},
        {.content = &f->content, .styles = {{p, 1, NULL}}},
        {.content = &f->content, .styles = {{&f->style, 1, NULL}}, .init = p},
        {.content = p, .styles = {{p, 1, p}}, .mask = p},
    };
    imp_settings settings = base_settings("default");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        imp_error e = {0};
        settings.init = i == 2 ? IMP_INIT_PICTURE : IMP_INIT_CONTENT;
        assert_said(paint(f, &settings, &places[i], &e), &e);
    }
    for (int format = IMP_FORMAT_PNG; format <= IMP_FORMAT_TIFF; format++) {
        unsigned char *bytes;
        size_t size;
        imp_error e = {0};
        const imp_write_options opaque = {.opacity = format != IMP_FORMAT_JPEG};
        assert_said(imp_picture_encode(&bytes, &size, p, (imp_format)format, &opaque, &e), &e);
        imp_free(bytes);
    }
    imp_picture resized;
    imp_error e = {0};
    const imp_status status = imp_picture_resize(&resized, p, 7, 5, &e);
    assert_said(status, &e);
    if (status == IMP_OK)
        assert_sound(&resized);
    imp_picture_finish(&resized);
    float *const samples = calloc(4 * SIDE * SIDE, sizeof *samples);
    const imp_pixels pixels = {SIDE + 2, SIDE, 0, IMP_PIXELS_RGB, IMP_PIXELS_F32};
    e = (imp_error){0};
    assert_non_null(samples);
    assert_said(imp_picture_to_pixels(samples, &pixels, p, &e), &e);
    for (size_t i = 0; i < 4 * SIDE * SIDE; i++)
        assert_true(samples[i] >= 0 && samples[i] <= 1);
    free(samples);
}

static void try_read(const fixture *f, const imp_read_options *options) {
    imp_picture p;
    imp_error e = {0};
    const imp_status status = imp_picture_decode(&p, f->png, f->png_size, options, &e);
    assert_said(status, &e);
    if (status == IMP_OK)
        assert_sound(&p);
    imp_picture_finish(&p);
}

static void try_write(const fixture *f, const imp_write_options *options) {
    for (int format = IMP_FORMAT_PNG; format <= IMP_FORMAT_TIFF; format++) {
        unsigned char *bytes;
        size_t size;
        imp_error e = {0};
        assert_said(imp_picture_encode(&bytes, &size, &f->style, (imp_format)format, options, &e),
                    &e);
        imp_free(bytes);
    }
}

static void try_pixels(const fixture *f, const imp_pixels *pixels) {
    unsigned char *const data = calloc(SIDE * SIDE, 16);
    imp_picture p;
    imp_error e = {0};
    (void)f;
    assert_non_null(data);
    const imp_status status = imp_picture_from_pixels(&p, data, pixels, &e);
    assert_said(status, &e);
    if (status == IMP_OK)
        assert_sound(&p);
    imp_picture_finish(&p);
    free(data);
}

static void try_film(const fixture *f, const imp_film_options *options) {
    imp_film *film = NULL;
    imp_error e = {0};
    imp_status status =
        imp_film_open(&film, scratch_path(f->s, "film.gif"), SIDE, SIDE, options, &e);
    if (status == IMP_OK)
        status = imp_film_add(film, &f->content, 0.5, &e);
    assert_said(status, &e);
    imp_film_close(film, false, NULL);
}

static void try_device(const fixture *f, const imp_device_options *options) {
    static const char *const names[] = {"cpu", "oracle"};
    (void)f;
    for (size_t i = 0; i < 2; i++) {
        imp_device *d = NULL;
        imp_error e = {0};
        const imp_status status = imp_device_open(&d, names[i], options, &e);
        assert_said(status, &e);
        assert_true((status == IMP_OK) == (d != NULL));
        imp_device_close(d);
    }
}

static void try_import(const fixture *f, const imp_import_options *options) {
    imp_import_report report;
    imp_error e = {0};
    assert_said(imp_network_import(IMP_TEST_SOURCES "/weights/builtin.safetensors",
                                   scratch_path(f->s, "own.safetensors"), options, &report, &e),
                &e);
}

static void try_fetch(const fixture *f, const imp_fetch_options *options) {
    imp_import_report report;
    imp_error e = {0};
    (void)f;
    const imp_status status = imp_weights_fetch("misused", options, &report, &e);
    assert_said(status, &e);
    if (status == IMP_OK)
        assert_int_equal(imp_weights_remove("misused", NULL), IMP_OK);
}

static bool stop(void *user, const char *what) {
    (void)user, (void)what;
    return false;
}

static void try_bench(const fixture *f, const imp_bench_options *options) {
    imp_bench_options brief = *options;
    imp_bench_report report;
    imp_error e = {0};
    if (!brief.progress) /* it would measure for minutes */
        brief.progress = stop;
    assert_said(imp_bench(&report, &f->device, 1, &brief, &e), &e);
    imp_bench_finish(&report);
}

/* ---- The cases ------------------------------------------------------------------------------- */

typedef void (*attempt_with)(const fixture *f, const void *object);

static size_t misuse(const fixture *f, const char *name, const void *good, attempt_with attempt) {
    size_t at = 0, cases = 0;
    while (at < misuse_subject_count && strcmp(misuse_subjects[at].name, name) != 0)
        at++;
    assert_true(at < misuse_subject_count);
    const misuse_subject *subject = &misuse_subjects[at];
    for (size_t k = 0; k < subject->count; k++) {
        void *const object = malloc(subject->size);
        assert_non_null(object);
        memcpy(object, good, subject->size);
        for (size_t i = 0; misuse_apply(object, &subject->fields[k], i); i++) {
            attempt(f, object);
            memcpy(object, good, subject->size);
            cases++;
        }
        free(object);
    }
    print_message("%-20s %4zu cases\n", name, cases);
    return cases;
}

#define MISUSE(f, type, good, attempt) misuse(f, #type, good, attempt##_object)
#define ATTEMPT(type, attempt)                                                                     \
    static void attempt##_object(const fixture *f, const void *object) {                           \
        attempt(f, (const type *)object);                                                          \
    }
ATTEMPT(imp_settings, try_settings)
ATTEMPT(imp_sources, try_sources)
ATTEMPT(imp_picture, try_picture)
ATTEMPT(imp_read_options, try_read)
ATTEMPT(imp_write_options, try_write)
ATTEMPT(imp_pixels, try_pixels)
ATTEMPT(imp_film_options, try_film)
ATTEMPT(imp_device_options, try_device)
ATTEMPT(imp_import_options, try_import)
ATTEMPT(imp_fetch_options, try_fetch)
ATTEMPT(imp_bench_options, try_bench)

static void test_table_is_complete(void **state) {
    (void)state;
    assert_true(misuse_table_is_complete());
}

/* Two presets with different losses; L-BFGS from the content, and Adam from noise. */
static void test_settings(void **state) {
    imp_settings plain = base_settings("default"), brush = base_settings("brush");
    brush.init = IMP_INIT_NOISE;
    assert_int_equal(plain.optimizer, IMP_LBFGS);
    assert_int_equal(brush.optimizer, IMP_ADAM);
    const size_t cases = MISUSE(*state, imp_settings, &plain, try_settings) +
                         MISUSE(*state, imp_settings, &brush, try_settings);
    assert_true(cases > 600);
}

static void set_beta2(imp_settings *s) {
    s->beta2 = -5;
}
static void set_beta1(imp_settings *s) {
    s->beta1 = 1;
}
static void set_epsilon(imp_settings *s) {
    s->epsilon = 0;
}
static void set_kind(imp_settings *s) {
    s->terms[0].kind = IMP_TERM_TV;
}
static void set_pooling(imp_settings *s) {
    s->pooling = (imp_pooling)99;
}
static void set_content_form(imp_settings *s) {
    s->content_form = IMP_LOSS_WASSERSTEIN;
}
static void set_size(imp_settings *s) {
    s->size = 100000000;
}
static void set_sizes(imp_settings *s) {
    s->sizes[0] = s->sizes[1];
}
static void set_weights(imp_settings *s) {
    s->content_weight = s->style_weight = 0;
}

/* What would run, but to no good, is refused, and the message names it. */
static void test_refused(void **state) {
    static const struct {
        void (*set)(imp_settings *s);
        const char *says;
    } cases[] = {
        {set_beta2, "setting 'beta2': invalid value '-5'; expected a number from 0 to 0.999999"},
        {set_beta1, "setting 'beta1': invalid value '1'; expected a number from 0 to 0.999999"},
        {set_epsilon,
         "setting 'epsilon': invalid value '0'; expected a number from 1e-16 to 1e+06"},
        {set_kind, "settings: term 0: invalid kind 2; expected content or style"},
        {set_pooling,
         "setting 'pooling': invalid value '99'; expected one of max|average|twice|l2"},
        {set_content_form,
         "setting 'content-form': invalid value '2'; expected one of mean|relative"},
        {set_size, "setting 'size': invalid value '100000000'; expected a whole number from 1 to "
                   "131072, or 'original'"},
        {set_sizes, "setting 'scales': invalid size 14; expected rising sizes up to 131072"},
        {set_weights, "weights: all of content and style are 0; expected one above 0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        imp_settings s = base_settings("default");
        imp_error e = {0};
        cases[i].set(&s);
        assert_int_equal(imp_settings_check(&s, &e), IMP_ERR_ARGUMENT);
        assert_string_equal(e.text, cases[i].says);
    }
}

static void test_sources(void **state) {
    const fixture *f = *state;
    const imp_sources plain = {.content = &f->content,
                               .styles = {{&f->style, 1, NULL}, {&f->style, 2, NULL}}};
    const imp_sources masked = {.content = &f->content,
                                .styles = {{&f->content, 1, &f->mask}, {&f->content, 2, &f->mask}},
                                .mask = &f->mask};
    MISUSE(f, imp_sources, &plain, try_sources);
    MISUSE(f, imp_sources, &masked, try_sources);
}

static void test_pictures(void **state) {
    static const float wrong[] = {NAN, INFINITY, -INFINITY, -1, 1e30F, -0.001F, 1.001F};
    const fixture *f = *state;
    imp_picture p = test_waves(SIDE + 2, SIDE, 5);
    const size_t pixels = p.width * p.height;
    p.opacity = calloc(pixels, sizeof *p.opacity);
    assert_non_null(p.opacity);
    MISUSE(f, imp_picture, &p, try_picture);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const float before = p.rgb[3 * pixels - 1];
        p.rgb[3 * pixels - 1] = wrong[i];
        try_picture(f, &p);
        p.rgb[3 * pixels - 1] = before;
        p.opacity[pixels / 2] = wrong[i];
        try_picture(f, &p);
        p.opacity[pixels / 2] = 0;
    }
    imp_picture_finish(&p);
}

static void test_a_wrong_pixel_is_named(void **state) {
    const fixture *f = *state;
    imp_picture p = test_waves(SIDE, SIDE, 5);
    const imp_settings settings = base_settings("default");
    const imp_sources from = {.content = &p, .styles = {{&f->style, 1, NULL}}};
    imp_error e = {0};
    p.rgb[3 * (2 * SIDE + 4)] = NAN;
    assert_int_equal(paint(f, &settings, &from, &e), IMP_ERR_ARGUMENT);
    assert_string_equal(e.text,
                        "content: invalid colour nan at column 4 of row 2; expected 0 to 1");
    imp_picture_finish(&p);
}

static void test_options(void **state) {
    static const float grey[3] = {0.5F, 0.5F, 0.5F}, wrong[] = {NAN, INFINITY, -1, 1e30F};
    const fixture *f = *state;
    const imp_read_options read = {.max_pixels = 1000, .background = grey};
    const imp_write_options write = {.quality = 90, .depth = 8, .text = "text"};
    const imp_pixels pixels = {SIDE, SIDE, 16 * SIDE, IMP_PIXELS_RGBA, IMP_PIXELS_F32};
    const imp_film_options film = {.seconds = 1, .size = 32};
    const imp_device_options device = {.threads = 2};
    const imp_import_options import = {.name = "x", .licence = "y", .provenance = "z"};
    const imp_fetch_options fetch = {.from = IMP_TEST_SOURCES "/weights/builtin.safetensors",
                                     .stall = 1};
    const imp_bench_options bench = {
        .parts = IMP_BENCH_OPERATIONS, .sizes = {16}, .quick = true, .progress = stop};
    MISUSE(f, imp_read_options, &read, try_read);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const float colour[3] = {0, wrong[i], 0};
        imp_error e = {0};
        imp_picture p;
        assert_int_equal(imp_picture_decode(&p, f->png, f->png_size,
                                            &(imp_read_options){.background = colour}, &e),
                         IMP_ERR_ARGUMENT);
        assert_non_null(strstr(e.text, "background"));
    }
    MISUSE(f, imp_write_options, &write, try_write);
    MISUSE(f, imp_pixels, &pixels, try_pixels);
    MISUSE(f, imp_film_options, &film, try_film);
    MISUSE(f, imp_device_options, &device, try_device);
    MISUSE(f, imp_import_options, &import, try_import);
    MISUSE(f, imp_fetch_options, &fetch, try_fetch);
    MISUSE(f, imp_bench_options, &bench, try_bench);
}

static void test_null_arguments(void **state) {
    const fixture *f = *state;
    const imp_settings settings = base_settings("default");
    const imp_sources from = {.content = &f->content, .styles = {{&f->style, 1, NULL}}};
    imp_session *s = NULL;
    imp_device *d = NULL;
    imp_network *n = NULL;
    assert_int_equal(imp_session_open(&s, NULL, f->network, &settings, &from, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_session_open(&s, f->device, NULL, &settings, &from, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_session_open(&s, f->device, f->network, NULL, &from, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_session_open(&s, f->device, f->network, &settings, NULL, NULL),
                     IMP_ERR_ARGUMENT);
    assert_null(s);
    assert_int_equal(imp_device_open(&d, NULL, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_network_open(&n, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_tune(f->device, NULL, 16, NULL, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_tune(f->device, f->network, SIZE_MAX, NULL, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_weights_fetch(NULL, NULL, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_network_import(NULL, NULL, NULL, NULL, NULL), IMP_ERR_ARGUMENT);
    assert_null(imp_preset_find(NULL));
}

static bool stop_at_once(void *user, imp_session *s, const imp_progress *p) {
    (void)user, (void)s, (void)p;
    return false;
}

/* A stop that a callback asks for is an error of its own, and what there is stays. */
static void test_stopped(void **state) {
    const fixture *f = *state;
    const imp_settings settings = base_settings("default");
    const imp_sources from = {.content = &f->content, .styles = {{&f->style, 1, NULL}}};
    imp_session *s = NULL;
    imp_picture out = {0};
    imp_error e = {0};
    assert_int_equal(imp_session_open(&s, f->device, f->network, &settings, &from, NULL), IMP_OK);
    assert_int_equal(imp_session_run(s, stop_at_once, NULL, &e), IMP_ERR_STOPPED);
    assert_string_equal(e.text, "session: stopped after 1 of 8 iterations");
    assert_int_equal(imp_session_picture(s, &out, NULL), IMP_OK);
    assert_int_equal(imp_session_run(s, NULL, NULL, NULL), IMP_OK);
    imp_picture_finish(&out);
    imp_session_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_complete), cmocka_unit_test(test_settings),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_sources),
        cmocka_unit_test(test_pictures),          cmocka_unit_test(test_a_wrong_pixel_is_named),
        cmocka_unit_test(test_options),           cmocka_unit_test(test_null_arguments),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests_name("misuse", tests, set_up, tear_down);
}
