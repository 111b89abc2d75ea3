/* SPDX-License-Identifier: MIT
 *
 * The memory of a scale, whether it fits, and which features are recomputed so that it does.
 */
#include "engine/session.h"

/* ---- The memory of a scale ---- */

/* Adds filters and workspace of one node and direction. Levels may need the filters in different
 * forms; forms are told apart by their sizes. */
static void count_workspace(const imp_session *s, size_t node, bool back, imp_need *need) {
    const imp_device *d = s->device;
    size_t seen[IMP_LEVELS_MAX];
    for (unsigned l = 0; l < s->objective.levels; l++) {
        const imp_plan *plan = &s->objective.plans[l];
        const imp_tensor y = plan->shapes[node];
        const imp_tensor x = imp_plan_source(plan, node);
        size_t work;
        bool known = false;
        d->ops->workspace(d, back ? x : y, back ? y : x, s->filters[node], back, &seen[l], &work);
        for (unsigned i = 0; i < l; i++)
            known |= seen[i] == seen[l];
        need->filters += known ? 0 : seen[l];
        need->work = work > need->work ? work : need->work;
    }
}

static void count_filters(const imp_session *s, imp_need *need) {
    for (size_t n = 0; n < s->nodes; n++)
        for (int back = 0; back < 2 && s->network->nodes[n].kind == IMP_NODE_CONV; back++)
            count_workspace(s, n, back, need);
}

/* Bytes of a picture's colours. */
static size_t picture_bytes(size_t width, size_t height) {
    return 3 * width * height * sizeof(float);
}

/* The content as kept and resized; the styles as kept; one style at a time resized, and as planes;
 * with masks a byte for each pixel. */
static size_t count_host(const imp_session *s, const imp_scale *k) {
    const imp_sides *c = &k->picture;
    size_t bytes = 2 * picture_bytes(c->width, c->height), largest = 0;
    for (size_t i = 0; i < s->style_count; i++) {
        const size_t style = picture_bytes(k->styles[i].w, k->styles[i].h);
        bytes += style;
        largest = style > largest ? style : largest;
        bytes += s->regions.count ? k->styles[i].width * k->styles[i].height : 0;
    }
    const size_t mask = (s->regions.region ? sizeof *s->regions.region : 0) +
                        (s->regions.held ? sizeof *s->regions.held : 0);
    return bytes + 2 * largest + mask * c->width * c->height;
}

imp_status imp_session_lay_out(imp_session *s, const imp_scale *k, imp_need *need, imp_error *err) {
    const imp_objective_inputs aim = {.device = s->device,
                                      .network = s->network,
                                      .filters = s->filters,
                                      .settings = &s->settings,
                                      .regions = &s->regions,
                                      .grey = s->grey,
                                      .recompute = s->recompute};
    size_t cursor = 0;
    *need = (imp_need){.arena = SIZE_MAX};
    imp_objective_finish(&s->objective);
    imp_optimizer_finish(&s->optimizer);
    TRY(imp_objective_init(&s->objective, &aim, k->picture.h, k->picture.w, &cursor, err));
    const size_t before = cursor;
    TRY(imp_optimizer_init(&s->optimizer, &s->objective, &cursor, err));
    imp_average_place(&s->average, &s->objective, &cursor);
    imp_convergence_place(&s->convergence, &s->objective, &cursor);
    need->optimizer = cursor - before;
    TRY(imp_objective_place(&s->objective, cursor, err));
    need->arena = s->objective.end;
    for (size_t i = 0; i < s->style_count; i++) {
        const imp_sides *style = &k->styles[i];
        const size_t end = imp_objective_style_end(&s->objective, style->h, style->w);
        const size_t turned = s->objective.style->turns > 1
                                  ? imp_objective_style_end(&s->objective, style->w, style->h)
                                  : 0;
        need->arena = imp_max(need->arena, imp_max(end, turned));
    }
    need->activations = need->arena - s->objective.begin;
    count_filters(s, need);
    need->host = count_host(s, k);
    need->host += s->objective.style->host ? s->objective.style->host(&s->objective) : 0;
    return IMP_OK;
}

/* ---- Whether it fits ---- */

size_t imp_session_limit(const imp_session *s) {
    const size_t has = s->device->info.memory_bytes, may = s->settings.memory;
    return may && (may < has || !has) ? may : has;
}

/* What counts against the limit: on a processor also the pictures. */
static size_t total(const imp_session *s, const imp_need *need) {
    const bool apart = !s->device->info.shares_host_memory;
    if (need->arena == SIZE_MAX)
        return SIZE_MAX;
    return need->arena + need->filters + need->work + (apart ? 0 : need->host);
}

size_t imp_session_total(imp_session *s, size_t longer) {
    const imp_scale k = imp_session_scale(s, longer);
    imp_need need;
    const imp_status status = imp_session_lay_out(s, &k, &need, NULL);
    s->device->error = (imp_error){0};
    return status == IMP_OK ? total(s, &need) : SIZE_MAX;
}

static bool fits(imp_session *s, size_t longer) {
    const size_t limit = imp_session_limit(s), bytes = imp_session_total(s, longer);
    return bytes != SIZE_MAX && (limit == 0 || bytes <= limit);
}

bool imp_session_choose_recompute(imp_session *s, size_t longer) {
    const unsigned most = imp_objective_recompute_max(s->network, s->nodes);
    size_t least = SIZE_MAX;
    unsigned best = 0;
    for (s->recompute = 0; s->recompute <= most; s->recompute++) {
        if (fits(s, longer))
            return true;
        const size_t bytes = imp_session_total(s, longer);
        best = bytes < least ? s->recompute : best;
        least = bytes < least ? bytes : least;
    }
    s->recompute = best;
    return false;
}

size_t imp_session_largest(imp_session *s, size_t low, size_t high) {
    while (high - low > 1) { /* low fits, or is 0; high does not */
        const size_t middle = low + (high - low) / 2;
        *(imp_session_choose_recompute(s, middle) ? &low : &high) = middle;
    }
    return low;
}

size_t imp_session_longer(const imp_session *s) {
    const imp_scale *last = &s->scales[s->scale_count - 1];
    return last->picture.width > last->picture.height ? last->picture.width : last->picture.height;
}

imp_status imp_session_check_fit(imp_session *s, imp_error *err) {
    const size_t longer = imp_session_longer(s);
    if (imp_session_choose_recompute(s, longer))
        return IMP_OK;
    const size_t bytes = imp_session_total(s, longer), largest = imp_session_largest(s, 0, longer);
    const bool own = imp_session_limit(s) == s->settings.memory;
    if (bytes == SIZE_MAX) /* a map is too large for the device */
        return imp_fail(
            err, IMP_ERR_MEMORY,
            "size %zu: one map exceeds the largest allocation of device '%s'; the largest "
            "size that fits is %zu",
            longer, s->device->info.name, largest);
    return imp_fail(err, IMP_ERR_MEMORY,
                    "size %zu needs %.2f GiB on device '%s', which %s %.2f; the largest size that "
                    "fits is %zu%s",
                    longer, (double)bytes / 0x1p30, s->device->info.name, own ? "may take" : "has",
                    (double)imp_session_limit(s) / 0x1p30, largest,
                    s->settings.optimizer == IMP_LBFGS ? " (more with a smaller history)" : "");
}
