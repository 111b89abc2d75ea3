/* SPDX-License-Identifier: MIT
 *
 * Filters and style targets that outlive a session: see reuse.h.
 */
#include "engine/reuse.h"

#include <stdlib.h>
#include <string.h>

/* The style targets of one scale: the target of each style term, and its mean where it has one, one
 * after the other. */
typedef struct entry {
    char key[65];
    float *values; /* owned; NULL: none */
    struct size {
        double squares, mean_squares;
        float trace;
        bool empty; /* no style shows the term's region */
    } * sizes;      /* by term; owned */
} entry;

struct imp_reuse {
    imp_device *device;
    const imp_network *network;
    imp_filter **filters; /* NULL before the first session */
    size_t nodes;
    bool replicate_first;
    entry entries[IMP_SCALES_MAX]; /* one session needs no more */
    size_t next;                   /* the entry that is replaced next */
};

imp_status imp_reuse_open(imp_reuse **out, imp_device *device, const imp_network *network,
                          imp_error *err) {
    imp_reuse *reuse = *out = calloc(1, sizeof *reuse);
    if (!reuse)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    reuse->device = device;
    reuse->network = network;
    return IMP_OK;
}

static void entry_finish(entry *e) {
    free(e->values);
    free(e->sizes);
    *e = (entry){.values = NULL};
}

void imp_reuse_close(imp_reuse *reuse) {
    if (!reuse)
        return;
    imp_filters_close(reuse->filters, reuse->device, reuse->nodes);
    for (size_t i = 0; i < IMP_SCALES_MAX; i++)
        entry_finish(&reuse->entries[i]);
    free(reuse);
}

/* ---- Filters --------------------------------------------------------------------------------- */

void imp_filters_close(imp_filter **filters, imp_device *device, size_t nodes) {
    for (size_t n = 0; filters && n < nodes; n++)
        if (filters[n])
            device->ops->filter_close(device, filters[n]);
    free(filters);
}

imp_status imp_filters_open(imp_filter ***filters, imp_device *device, const imp_network *network,
                            const imp_settings *settings, size_t nodes, imp_error *err) {
    bool first = settings->replicate_first;
    *filters = calloc(nodes + 1, sizeof(imp_filter *));
    if (!*filters)
        return imp_fail(err, IMP_ERR_MEMORY, "session: out of host memory");
    for (size_t n = 0; n < nodes; n++) {
        const imp_node *node = &network->nodes[n];
        if (node->kind != IMP_NODE_CONV)
            continue;
        imp_conv conv = imp_conv_on(device, node->conv);
        if (first && conv.kernel > 1)
            conv.padding = IMP_PAD_REPLICATE;
        first &= conv.kernel == 1;
        if (device->ops->filter_open(device, &(*filters)[n], &conv, node->weights, node->bias) !=
            IMP_OK)
            return imp_fail_device(err, device);
    }
    return IMP_OK;
}

imp_status imp_reuse_filters(imp_reuse *reuse, imp_filter *const **filters,
                             const imp_settings *settings, size_t nodes, imp_error *err) {
    *filters = NULL;
    if (!reuse->filters) {
        reuse->nodes = nodes;
        reuse->replicate_first = settings->replicate_first;
        TRY(imp_filters_open(&reuse->filters, reuse->device, reuse->network, settings, nodes, err));
    }
    if (nodes <= reuse->nodes && settings->replicate_first == reuse->replicate_first)
        *filters = reuse->filters;
    return IMP_OK;
}

/* ---- Targets --------------------------------------------------------------------------------- */

typedef imp_status (*mover)(imp_device *d, imp_tensor t, float *values);

static imp_status write_values(imp_device *d, imp_tensor t, float *values) {
    return d->ops->write(d, t, values);
}

static imp_status read_values(imp_device *d, imp_tensor t, float *values) {
    return d->ops->read(d, values, t);
}

/* Reads or writes the targets of all style terms. */
static imp_status move_all(const imp_objective *o, float *values, mover move) {
    for (size_t i = 0; i < o->count; i++) {
        const imp_loss_term *term = &o->terms[i];
        if (term->kind != IMP_TERM_STYLE)
            continue;
        TRY(move(o->device, term->target, values));
        values += term->target.h * term->target.w;
        if (term->mean.c == 0)
            continue;
        TRY(move(o->device, term->mean, values));
        values += term->mean.w;
    }
    return IMP_OK;
}

imp_status imp_reuse_restore(imp_reuse *reuse, const char *key, imp_objective *o, bool *found) {
    const entry *e = NULL;
    for (size_t i = 0; i < IMP_SCALES_MAX; i++)
        if (reuse->entries[i].values && !strcmp(reuse->entries[i].key, key))
            e = &reuse->entries[i];
    *found = e != NULL;
    if (!e)
        return IMP_OK;
    TRY(move_all(o, e->values, write_values));
    for (size_t i = 0; i < o->count; i++) {
        imp_loss_term *term = &o->terms[i];
        if (term->kind != IMP_TERM_STYLE)
            continue;
        term->squares = e->sizes[i].squares;
        term->mean_squares = e->sizes[i].mean_squares;
        term->trace = e->sizes[i].trace;
        term->empty |= e->sizes[i].empty;
    }
    return IMP_OK;
}

imp_status imp_reuse_store(imp_reuse *reuse, const char *key, const imp_objective *o) {
    entry *e = &reuse->entries[reuse->next];
    size_t count = 1;
    for (size_t i = 0; i < o->count; i++)
        if (o->terms[i].kind == IMP_TERM_STYLE)
            count += o->terms[i].target.h * o->terms[i].target.w + o->terms[i].mean.w;
    entry_finish(e);
    e->values = malloc(count * sizeof *e->values);
    e->sizes = calloc(o->count + 1, sizeof *e->sizes);
    const imp_status status = e->values && e->sizes ? move_all(o, e->values, read_values) : IMP_OK;
    if (!e->values || !e->sizes || status != IMP_OK) {
        entry_finish(e);
        return status;
    }
    for (size_t i = 0; i < o->count; i++) {
        const imp_loss_term *term = &o->terms[i];
        e->sizes[i] =
            (struct size){term->squares, term->mean_squares, term->trace, term->weight_sum == 0};
    }
    snprintf(e->key, sizeof e->key, "%s", key);
    reuse->next = (reuse->next + 1) % IMP_SCALES_MAX;
    return IMP_OK;
}
