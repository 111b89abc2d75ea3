/* SPDX-License-Identifier: MIT
 *
 * A session that tests paint with.
 */
#include "painting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "helpers.h"
#include "opencl/opencl.h"

static int set_up_on(void **state,
                     imp_status (*open)(imp_device **, const imp_device_options *, imp_error *)) {
    painting *f = calloc(1, sizeof *f);
    imp_error e = {0};
    if (!f || open(&f->device, NULL, &e) || imp_network_open(&f->network, "builtin", &e))
        return -1;
    f->content = test_waves(40, 30, 1);
    f->style = test_waves(36, 44, 2.5);
    f->settings = *imp_preset_settings("default");
    f->settings.size = 40;
    f->settings.scales = 1;
    f->settings.iterations = 6;
    *state = f;
    return 0;
}

int painting_on_oracle(void **state) {
    return set_up_on(state, imp_oracle_open);
}

int painting_on_cpu(void **state) {
    return set_up_on(state, imp_cpu_open);
}

static imp_status open_first_opencl(imp_device **out, const imp_device_options *options,
                                    imp_error *err) {
    return imp_opencl_open(out, 0, options, err);
}

int painting_on_opencl(void **state) {
    *state = NULL;
    return imp_opencl_list(NULL, 0) ? set_up_on(state, open_first_opencl) : 0;
}

int painting_close(void **state) {
    painting *f = *state;
    if (!f)
        return 0;
    imp_session_close(f->session);
    imp_network_close(f->network);
    imp_device_close(f->device);
    imp_picture_finish(&f->content);
    imp_picture_finish(&f->style);
    imp_picture_finish(&f->init);
    free(f);
    return 0;
}

void painting_begin(painting *f) {
    imp_error e = {0};
    imp_session_close(f->session);
    imp_session_open(
        &f->session, f->device, f->network, &f->settings,
        &(imp_sources){.content = &f->content, .styles = {{&f->style, 1}}, .init = &f->init}, &e);
    assert_string_equal(e.text, "");
}

imp_progress painting_step(painting *f) {
    imp_error e = {0};
    bool done;
    imp_progress p;
    imp_session_step(f->session, &done, &e);
    assert_string_equal(e.text, "");
    imp_session_progress(f->session, &p);
    return p;
}
