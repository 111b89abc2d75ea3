/* SPDX-License-Identifier: MIT
 *
 * impasto tune: finds the fastest algorithm for each layer.
 */
#include "cli/bench.h"
#include "cli/job.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/words.h"

#include <stdlib.h>

static void say(const imp_tuned *t) {
    json_t *object = cli_json_event("layer"), *algorithms = json_object();
    json_object_set_new(object, "layer", json_string(t->layer));
    json_object_set_new(object, "direction", json_string(t->back ? "back" : "forward"));
    json_object_set_new(object, "width", json_integer((json_int_t)t->width));
    json_object_set_new(object, "height", json_integer((json_int_t)t->height));
    json_object_set_new(object, "own", json_string(t->algorithms[t->own].name));
    json_object_set_new(object, "taken", json_string(t->algorithms[t->best].name));
    for (size_t i = 0; i < t->count; i++)
        json_object_set_new(algorithms, t->algorithms[i].name,
                            t->algorithms[i].seconds > 0 ? cli_json_real(t->algorithms[i].seconds)
                                                         : json_null());
    json_object_set_new(object, "seconds", algorithms);
    cli_json_line(object);
}

static void tell(const imp_tuned *t) {
    cli_print("%-8s %-7s %4zu x %-4zu", t->layer, t->back ? "back" : "forward", t->width,
              t->height);
    for (size_t i = 0; i < t->count; i++) {
        cli_print("  %s%s ", t->algorithms[i].name, i == t->best ? " *" : "");
        if (t->algorithms[i].seconds > 0)
            cli_print("%.2f ms", 1e3 * t->algorithms[i].seconds);
        else
            cli_print("wrong");
    }
    putchar('\n');
    fflush(stdout);
}

static bool on_tuned(void *user, const imp_tuned *tuned) {
    const cli_values *v = user;
    (v->json ? say : tell)(tuned);
    return true;
}

/* Tunes the layers of one network at all sizes. */
static int tune_network(cli_values *v, imp_device *device, const char *name,
                        const size_t sizes[IMP_BENCH_SIZES]) {
    imp_network *network = NULL;
    imp_error err = {0};
    imp_status status = imp_network_open(&network, name, &err);
    for (size_t i = 0; status == IMP_OK && i < IMP_BENCH_SIZES && sizes[i]; i++)
        status = imp_tune(device, network, sizes[i], on_tuned, v, &err);
    imp_network_close(network);
    return status == IMP_OK ? CLI_DONE : cli_complain_error(&err);
}

static int tune(cli_values *v, cli_job *job) {
    size_t sizes[IMP_BENCH_SIZES] = {0};
    int status = cli_bench_sizes(sizes, v->sizes);
    if (!status)
        status = cli_job_device(job);
    if (status)
        return status;
    sizes[0] = sizes[0] ? sizes[0] : 512;
    if (!v->json)
        cli_print("%s; * marks the algorithm used from now on\n",
                  cli_device_name(imp_device_describe(job->device)));
    if (v->network)
        return tune_network(v, job->device, v->network, sizes);
    status = tune_network(v, job->device, "builtin", sizes);
    return status ? status : tune_network(v, job->device, "random-vgg19", sizes);
}

int cli_tune_command(cli_request *request) {
    cli_progress progress;
    cli_job job = {.values = &request->values, .progress = &progress};
    int status = cli_resolve(request);
    if (status)
        return status;
    cli_progress_init(&progress, true);
    status = tune(&request->values, &job);
    cli_job_finish(&job);
    return status;
}
