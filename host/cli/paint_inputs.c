/* SPDX-License-Identifier: MIT
 *
 * The inputs of a painting: settings, pictures, network and output, from the command line or from
 * another picture's record. Mistakes are reported here, before anything slow starts.
 */
#include "cli/paint.h"

#include "base/file.h"
#include "cli/outputs.h"
#include "cli/sheet.h"
#include "cli/words.h"

#include <string.h>
#include <unistd.h>

/* A texture has no content term and starts from noise. */
static void set_texture(const cli_painting *p) {
    imp_settings *s = &p->values->settings;
    imp_settings_set(s, "content-layers", "none", NULL);
    if (!cli_given(p->request, "init")) {
        s->init = IMP_INIT_NOISE;
        s->noise = 0.1F * s->range;
    }
}

static int prepare_values(cli_painting *p) {
    const char *like = cli_given(p->request, "like");
    if (!like)
        return cli_resolve(p->request);
    if (cli_given(p->request, "preset"))
        return cli_complain(CLI_MISUSE,
                            "--like and --preset: cannot be combined; a record names its "
                            "own preset");
    const int status = cli_record_read(&p->record, p->values, like);
    return status ? status : cli_apply(p->request);
}

/* Finds a source named by the record. instead: what to give if it is missing. */
static int find_source(const cli_painting *p, const cli_source *source, char *path,
                       const char *instead) {
    if (cli_record_find(&p->record, source, path))
        return CLI_DONE;
    return cli_complain(CLI_FAILED,
                        "'%s': not found here or beside '%s' with the recorded content; "
                        "give %s",
                        *source->name ? source->name : "unnamed source", p->values->like, instead);
}

/* Finds the record's styles with their masks. */
static int find_styles(cli_painting *p) {
    int status = CLI_DONE;
    for (size_t i = 0; i < p->record.style_count && !status; i++) {
        cli_style *style = &p->from.styles[p->from.style_count++];
        style->weight = p->record.styles[i].weight;
        status = find_source(p, &p->record.styles[i].picture, style->path, "CONTENT and STYLE");
        if (!status && *p->record.styles[i].mask.name)
            status = find_source(p, &p->record.styles[i].mask, style->mask, "--style-mask FILE");
    }
    if (!status && *p->record.mask.name && !*p->from.mask)
        status = find_source(p, &p->record.mask, p->from.mask, "--mask FILE");
    return status;
}

/* Finds what the record protects, unless an option says what. */
static int find_protected(cli_painting *p) {
    if (!*p->record.protect.name || *p->from.protect)
        return CLI_DONE;
    p->from.protect_strength = p->record.protect_strength;
    return find_source(p, &p->record.protect, p->from.protect, "--protect FILE");
}

/* Content and styles: operands, then options, then the record for what is missing. A texture needs
 * no content. */
static int prepare_pictures(cli_painting *p) {
    const cli_request *request = p->request;
    cli_sources *from = &p->from;
    int status = CLI_DONE;
    const int operands = request->operand_count;
    for (int i = 1; i < operands && !status; i++)
        status = cli_sources_add_style(from, request->operands[i]);
    if (!status && p->values->texture && operands == 1 && p->values->styles.count == 0)
        status = cli_sources_add_style(from, request->operands[0]);
    if (!status)
        status = cli_sources_add_options(from, p->values);
    if (status)
        return status;
    if (from->style_count == 0 && p->record.style_count > 0 && operands == 0)
        status = find_styles(p);
    if (!status && operands == 0)
        status = find_protected(p);
    if (operands > 0)
        snprintf(from->content, sizeof from->content, "%s", request->operands[0]);
    else if (p->values->texture && from->style_count > 0)
        memcpy(from->content, from->styles[0].path, sizeof from->content);
    else if (!status && p->values->like)
        status = find_source(p, &p->record.content, from->content, "CONTENT and STYLE");
    if (!status && (!*from->content || from->style_count == 0))
        return cli_complain(CLI_MISUSE,
                            "paint: needs two pictures; usage: impasto paint CONTENT STYLE");
    return status;
}

/* Paths of content, styles, network and initial picture: from the command line, else the record. */
static int prepare_paths(cli_painting *p) {
    cli_values *v = p->values;
    int status = prepare_pictures(p);
    if (!status && *p->record.init.name && !cli_given(p->request, "init")) {
        status = find_source(p, &p->record.init, p->from.init, "--init FILE");
        v->settings.init = IMP_INIT_PICTURE;
    } else if (v->init) {
        snprintf(p->from.init, sizeof p->from.init, "%s", v->init);
    }
    if (*p->record.network.name && !v->network) {
        if (!cli_record_find(&p->record, &p->record.network, p->network))
            snprintf(p->network, sizeof p->network, "%s", p->record.network.name);
        v->network = p->network;
    }
    return status;
}

/* Length of a base name without its extension. */
static int stem_length(const char *base) {
    const char *dot = strrchr(base, '.');
    return (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

/* Each standard stream can be used once. */
static int check_stream(const cli_painting *p) {
    if (cli_sources_streams(&p->from) > 1)
        return cli_complain(CLI_MISUSE, "standard input: carries only one picture; give the others "
                                        "as files");
    if (strcmp(p->out, "-") != 0)
        return CLI_DONE;
    if (p->values->json)
        return cli_complain(CLI_MISUSE, "--json and -o -: both need standard output; give a file");
    if (isatty(STDOUT_FILENO))
        return cli_complain(CLI_MISUSE, "standard output: is a terminal; redirect it to a file or "
                                        "a program");
    return CLI_DONE;
}

/* Each output must be a file that may be written. */
static int check_outputs(const cli_painting *p) {
    const cli_values *v = p->values;
    const char *checkpoint =
        v->checkpoint && strcmp(v->checkpoint, "none") != 0 ? v->checkpoint : NULL;
    const struct {
        const char *option, *path;
        cli_output_kind kind;
    } all[] = {{"output", p->out, CLI_OUTPUT_RESULT},
               {"checkpoint", checkpoint, CLI_OUTPUT_CHECKPOINT},
               {"film", v->film, CLI_OUTPUT_BESIDE},
               {"sheet", v->sheet, CLI_OUTPUT_BESIDE},
               {"preview-file", v->preview_file, CLI_OUTPUT_BESIDE}};
    cli_outputs o = {.force = v->force};
    int status = CLI_DONE;
    cli_sources_read(&o, &p->from);
    cli_outputs_read_values(&o, p->request);
    for (size_t i = 0; i < sizeof all / sizeof *all && !status; i++) {
        const bool standard = all[i].path && !strcmp(all[i].path, "-");
        if (standard && i > 0)
            status = cli_complain(CLI_MISUSE, "--%s -: cannot be standard output; give a file",
                                  all[i].option);
        else if (all[i].path && !standard)
            status = cli_outputs_write(&o, all[i].option, all[i].path, all[i].kind);
    }
    if (!status)
        status = cli_outputs_write_frames(&o, p->out, v->save_every);
    cli_outputs_finish(&o);
    return status;
}

/* The path of the result: as -o says; a name that is free in the folder that -o names or, without
 * it, in the current one. */
static int name_output(cli_painting *p) {
    const cli_values *v = p->values;
    char content[256], style[256], stem[2 * 256 + 2];
    if (v->out && !cli_is_folder(v->out)) {
        snprintf(p->out, sizeof p->out, "%s", v->out);
        return CLI_DONE;
    }
    cli_source_name(content, sizeof content, p->from.content);
    cli_source_name(style, sizeof style, p->from.styles[0].path);
    snprintf(stem, sizeof stem, "%.*s_%.*s", stem_length(content), content, stem_length(style),
             style);
    p->named = true;
    return cli_free_name(p->out, v->out ? v->out : "", stem, v->save_every);
}

static int prepare_output(cli_painting *p) {
    int status = name_output(p);
    if (!status)
        status = check_stream(p);
    return status ? status : check_outputs(p);
}

imp_write_options cli_paint_options(const cli_painting *p) {
    return (imp_write_options){.quality = (int)p->values->quality,
                               .depth = p->values->depth ? 16 : 8,
                               .opacity = p->job.content.opacity != NULL};
}

/* The frame with the longest name. */
static imp_status check_frames(const cli_painting *p, imp_error *err) {
    char path[IMP_PATH_MAX];
    const bool wanted = p->values->save_every && cli_frame_path(path, p->out, 1);
    return wanted ? imp_file_check_output(path, 0, err) : IMP_OK;
}

static imp_status check_checkpoint(const cli_painting *p, imp_error *err) {
    const char *path = p->values->checkpoint;
    return path && strcmp(path, "none") != 0 ? imp_file_check_output(path, 0, err) : IMP_OK;
}

static int check_output(const cli_painting *p) {
    const imp_write_options options = cli_paint_options(p);
    imp_error err = {0};
    if (imp_picture_check_output(p->out, 0, 0, &options, &err) != IMP_OK ||
        (p->values->film && imp_film_check_output(p->values->film, &err) != IMP_OK) ||
        check_frames(p, &err) != IMP_OK || check_checkpoint(p, &err) != IMP_OK ||
        (p->values->preview_file &&
         imp_picture_check_output(p->values->preview_file, 0, 0, NULL, &err) != IMP_OK) ||
        (p->values->sheet && cli_sheet_check(p->values->sheet, &err) != IMP_OK))
        return cli_complain_error(&err);
    return CLI_DONE;
}

void cli_paint_size(const cli_painting *p, size_t *width, size_t *height) {
    const imp_picture *content = &p->job.content;
    const size_t w = content->full_width ? content->full_width : content->width;
    const size_t h = content->full_height ? content->full_height : content->height;
    const size_t longer = w > h ? w : h;
    const size_t wanted = p->values->settings.size ? p->values->settings.size : longer;
    const double scale = (double)wanted / (double)longer;
    *width = (size_t)((double)w * scale + 0.5);
    *height = (size_t)((double)h * scale + 0.5);
    *width += *width == 0;
    *height += *height == 0;
}

/* The source of a mask (a file or a colour) or an initial picture, if there is one. */
static cli_source optional_source(const imp_picture *picture, const char *path) {
    return *path ? cli_source_of(picture, path) : (cli_source){0};
}

static void record_sources(cli_painting *p) {
    const cli_sources *from = &p->from;
    cli_record *record = &p->record;
    record->content = cli_source_of(&p->job.content, from->content);
    record->mask = optional_source(&p->job.mask, from->mask);
    record->init = optional_source(&p->job.init, from->init);
    record->protect = optional_source(&p->job.protect, from->protect);
    record->protect_strength = from->protect_strength;
    record->style_count = from->style_count;
    for (size_t i = 0; i < from->style_count; i++) {
        record->styles[i].weight = from->styles[i].weight;
        record->styles[i].picture = cli_source_of(&p->job.styles[i], from->styles[i].path);
        record->styles[i].mask = optional_source(&p->job.style_masks[i], from->styles[i].mask);
    }
}

int cli_paint_sources(cli_painting *p) {
    const cli_source recorded = p->record.network;
    int status = cli_job_network(&p->job);
    if (!status)
        status = cli_job_pictures(&p->job, &p->from);
    if (status)
        return status;
    record_sources(p);
    imp_network_info info;
    imp_network_describe(p->job.network, &info);
    snprintf(p->record.network.name, sizeof p->record.network.name, "%s",
             cli_base_name(p->values->network ? p->values->network : p->values->settings.network));
    snprintf(p->record.network.sha256, sizeof p->record.network.sha256, "%s", info.sha256);
    if (*recorded.name && !cli_given(p->request, "network") &&
        strcmp(recorded.sha256, info.sha256) != 0)
        cli_note("network '%s': differs from the recorded one; the picture will differ, too",
                 recorded.name);
    return CLI_DONE;
}

int cli_paint_prepare(cli_painting *p) {
    int status = prepare_values(p);
    if (!status && p->values->texture)
        set_texture(p);
    if (!status)
        status = prepare_paths(p);
    if (!status)
        status = prepare_output(p);
    if (!status)
        status = check_output(p);
    if (!status)
        status = cli_paint_sources(p);
    return status ? status : check_output(p); /* again, now that transparency is known */
}
