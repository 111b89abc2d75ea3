/* SPDX-License-Identifier: MIT
 *
 * Settings by name: the table, text both ways, older names, and callers with another header.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/settings.h"

static imp_settings preset(const char *name) {
    imp_settings s;
    imp_settings_init(&s, sizeof s);
    assert_int_equal(imp_settings_set(&s, "preset", name, NULL), IMP_OK);
    return s;
}

static void assert_text(const imp_settings *s, const char *name, const char *wanted) {
    char text[IMP_SETTING_TEXT_MAX];
    imp_error e = {0};
    imp_settings_get(s, name, text, sizeof text, &e);
    assert_string_equal(e.text, "");
    assert_string_equal(text, wanted);
}

static void assert_set(imp_settings *s, const char *name, const char *text) {
    imp_error e = {0};
    imp_settings_set(s, name, text, &e);
    assert_string_equal(e.text, "");
}

/* The message names the setting, the value and what is expected, and nothing changes. */
static void assert_refused(const char *name, const char *text, const char *expected) {
    imp_settings s = preset("default"), before = s;
    imp_error e = {0};
    char start[128];
    snprintf(start, sizeof start, "setting '%s': invalid value '%s'; expected ", name, text);
    assert_int_equal(imp_settings_set(&s, name, text, &e), IMP_ERR_ARGUMENT);
    assert_memory_equal(e.text, start, strlen(start));
    assert_non_null(strstr(e.text, expected));
    assert_memory_equal(&s, &before, sizeof s);
}

static void test_table(void **state) {
    (void)state;
    const imp_setting *s;
    for (size_t i = 0; (s = imp_setting_at(i)); i++) {
        assert_true(strlen(s->meaning) > 10);
        assert_ptr_equal(imp_setting_find(s->name), s);
        if (s->older)
            assert_ptr_equal(imp_setting_find(s->older), s);
        assert_true((s->type == IMP_SETTING_CHOICE) == (s->words != NULL));
        assert_true(s->type == IMP_SETTING_FLAG || s->words || s->syntax);
        if (s->type == IMP_SETTING_WHOLE || s->type == IMP_SETTING_REAL)
            assert_true(s->low < s->high);
    }
    assert_null(imp_setting_find("xyzzy"));
    assert_null(imp_setting_find(NULL));
}

/* Every setting of every preset, set from its text over another preset, is the same bit by bit. */
static void test_round_trip(void **state) {
    (void)state;
    const imp_preset *p;
    const imp_setting *setting;
    size_t values = 0;
    for (size_t i = 0; (p = imp_preset_at(i)); i++) {
        const imp_settings from = preset(p->name);
        imp_settings to = preset("gatys");
        assert_ptr_equal(imp_preset_find(p->name), p);
        assert_string_equal(from.preset, p->name);
        assert_string_equal(from.network, p->network);
        assert_int_equal(imp_settings_check(&from, NULL), IMP_OK);
        for (size_t k = 0; (setting = imp_setting_at(k)); k++) {
            char text[IMP_SETTING_TEXT_MAX], again[IMP_SETTING_TEXT_MAX];
            imp_settings_get(&from, setting->name, text, sizeof text, NULL);
            if (strcmp(setting->name, "preset") != 0) /* it would set the rest */
                assert_set(&to, setting->name, text);
            else
                memcpy(to.preset, from.preset, sizeof to.preset);
            imp_settings_get(&to, setting->name, again, sizeof again, NULL);
            assert_string_equal(text, again);
            values++;
        }
        memcpy(to.terms, from.terms, sizeof to.terms); /* of equal count; what is behind differs */
        assert_int_equal(to.term_count, from.term_count);
        assert_memory_equal(&to, &from, sizeof to);
    }
    print_message("%zu values\n", values);
    assert_true(values > 200);
}

/* Both ends of a range are in it; a little more is not. */
static void test_ranges(void **state) {
    (void)state;
    const imp_setting *setting;
    for (size_t i = 0; (setting = imp_setting_at(i)); i++) {
        char low[64], high[64], above[64];
        imp_settings s = preset("default");
        if ((setting->type != IMP_SETTING_WHOLE && setting->type != IMP_SETTING_REAL) ||
            strcmp(setting->name, "seed") == 0)
            continue;
        snprintf(low, sizeof low, "%.9g", setting->low);
        snprintf(high, sizeof high, "%.10g", setting->high);
        snprintf(above, sizeof above, "%.10g", ceil(setting->high * 1.5));
        assert_set(&s, setting->name, low);
        assert_int_equal(imp_settings_check(&s, NULL), IMP_OK);
        assert_set(&s, setting->name, high);
        assert_int_equal(imp_settings_check(&s, NULL), IMP_OK);
        assert_refused(setting->name, above, "to ");
        assert_refused(setting->name, "nan", "number");
        assert_refused(setting->name, "", "number");
        if (setting->off) {
            assert_set(&s, setting->name, setting->off);
            assert_int_equal(imp_settings_check(&s, NULL), IMP_OK);
            assert_text(&s, setting->name, setting->off);
        }
    }
}

static void test_forms(void **state) {
    (void)state;
    imp_settings s = preset("default");
    assert_set(&s, "iterations", "1000,500");
    assert_int_equal(s.iterations, 1000);
    assert_int_equal(s.later_iterations, 500);
    assert_set(&s, "iterations", "20");
    assert_int_equal(s.later_iterations, 0);
    assert_set(&s, "scales", "128,181,256");
    assert_int_equal(s.size_count, 3);
    assert_int_equal(s.sizes[1], 181);
    assert_set(&s, "scales", "4");
    assert_int_equal(s.size_count, 0);
    assert_int_equal(s.scales, 4);
    assert_set(&s, "size", "original");
    assert_int_equal(s.size, 0);
    assert_set(&s, "strength", "off");
    assert_true(s.strength < 0);
    assert_set(&s, "memory", "1.5");
    assert_int_equal(s.memory, 3 << 19);
    s.memory = 12345;
    char text[64];
    imp_settings_get(&s, "memory", text, sizeof text, NULL);
    assert_set(&s, "memory", text);
    assert_int_equal(s.memory, 12345);
    assert_set(&s, "seed", "18446744073709551615");
    assert_true(s.seed == UINT64_MAX);
    assert_set(&s, "content-layers", "none");
    assert_text(&s, "content-layers", "none");
    assert_text(&s, "style-layers", "relu1_1:0.2,relu2_1:0.2,relu3_1:0.2,relu4_1:0.2,relu5_1:0.2");
    assert_set(&s, "style-layers", "relu1_1:0.5,relu2_1");
    assert_int_equal(s.term_count, 2);
    assert_true(s.terms[0].weight == 0.5F && s.terms[1].weight == 1);
    assert_refused("iterations", "1,2,3", "as in 1000,500");
    assert_refused("scales", "256,128", "rising");
    assert_refused("scales", "128,1e3", "rising");
    assert_refused("optimizer", "sgd", "one of lbfgs|adam");
    assert_refused("clamp", "yes", "'on' or 'off'");
    assert_refused("preset", "xyzzy", "a preset");
    assert_refused("style-layers", "relu1_1:-1", "LAYER[:WEIGHT]");
    assert_refused("network", "0123456789012345678901234567890123456789", "31 bytes");
}

static void test_unknown(void **state) {
    (void)state;
    imp_settings s = preset("default");
    imp_error e = {0};
    char text[4];
    assert_int_equal(imp_settings_set(&s, "xyzzy", "1", &e), IMP_ERR_ARGUMENT);
    assert_non_null(strstr(e.text, "'xyzzy'"));
    assert_int_equal(imp_settings_set(&s, NULL, "1", NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_settings_set(&s, "size", NULL, NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_settings_set(NULL, "size", "1", NULL), IMP_ERR_ARGUMENT);
    assert_int_equal(imp_settings_get(&s, "style-layers", text, sizeof text, NULL),
                     IMP_ERR_ARGUMENT);
    assert_int_equal(imp_settings_get(&s, "size", text, sizeof text, NULL), IMP_OK);
    assert_int_equal(imp_settings_get(&s, "size", NULL, 0, NULL), IMP_ERR_ARGUMENT);
}

static void test_older_names(void **state) {
    (void)state;
    imp_settings s = preset("default");
    assert_set(&s, "settle", "3");
    assert_true(s.convergence == 3);
    assert_set(&s, "seam", "both");
    assert_int_equal(s.tileable, IMP_TILEABLE_BOTH);
    assert_set(&s, "carry", "on");
    assert_true(s.warm_start);
    assert_text(&s, "settle", "3");
    assert_text(&s, "tileable", "both");
}

/* A caller compiled with an older header has a smaller struct, in memory of just that size. */
static void test_older_caller(void **state) {
    (void)state;
    const size_t size = IMP_SETTINGS_SIZE_MIN;
    imp_settings *s = malloc(size), taken;
    imp_error e = {0};
    assert_non_null(s);
    imp_settings_init(s, size);
    assert_set(s, "size", "32");
    assert_set(s, "preset", "brush");
    assert_text(s, "size", "512");
    assert_int_equal(imp_settings_set(s, "memory", "5", &e), IMP_ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "setting 'memory'"));
    assert_int_equal(imp_settings_check(s, NULL), IMP_OK);
    assert_int_equal(imp_settings_take(&taken, s, NULL), IMP_OK);
    assert_int_equal(taken.memory, 0);
    assert_string_equal(taken.preset, "brush");
    free(s);
}

static void test_other_callers(void **state) {
    (void)state;
    const size_t sizes[] = {0, sizeof(size_t), IMP_SETTINGS_SIZE_MIN - 1, sizeof(imp_settings) + 8,
                            SIZE_MAX};
    assert_int_equal(imp_api_version(), IMP_API_VERSION);
    assert_int_equal(imp_settings_size(), sizeof(imp_settings));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char memory[sizeof(imp_settings) + 8] = {0}, zero[sizeof memory] = {0};
        imp_settings *s = (imp_settings *)memory;
        imp_error e = {0};
        imp_settings_init(s, sizes[i]);
        assert_memory_equal(memory + sizeof(size_t), zero, sizeof zero - sizeof(size_t));
        assert_int_equal(imp_settings_check(s, &e), IMP_ERR_ARGUMENT);
        assert_non_null(strstr(e.text, "struct_size"));
        assert_int_equal(imp_settings_set(s, "size", "32", NULL), IMP_ERR_ARGUMENT);
        assert_int_equal(imp_settings_get(s, "size", (char[8]){0}, 8, NULL), IMP_ERR_ARGUMENT);
    }
    assert_int_equal(imp_settings_check(NULL, NULL), IMP_ERR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_ranges),       cmocka_unit_test(test_forms),
        cmocka_unit_test(test_unknown),      cmocka_unit_test(test_older_names),
        cmocka_unit_test(test_older_caller), cmocka_unit_test(test_other_callers),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
