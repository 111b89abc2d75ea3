/* SPDX-License-Identifier: MIT
 *
 * A session that tests paint with: two small pictures, the built-in network, few steps.
 */
#ifndef IMP_TEST_PAINTING_H
#define IMP_TEST_PAINTING_H

#include "engine/session.h"

typedef struct painting {
    imp_device *device;
    imp_network *network;
    imp_picture content, style, init;
    imp_settings settings;
    imp_session *session;
} painting;

/* CMocka's set-up and tear-down: *state is a painting without a session. painting_on_opencl leaves
 * it NULL where there is no OpenCL device. */
int painting_on_oracle(void **state);
int painting_on_cpu(void **state);
int painting_on_opencl(void **state);
int painting_close(void **state);

/* Opens the session, after closing an earlier one. Test failure on errors. */
void painting_begin(painting *f);
/* Runs one step. Test failure on errors. */
imp_progress painting_step(painting *f);

#endif
