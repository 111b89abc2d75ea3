/* SPDX-License-Identifier: MIT
 *
 * Weights as people have them: any prefix and wrapper, whole models, networks in parts, AdaIN's
 * lists, ONNX and MATLAB files; and what is no VGG, named as what it is.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "foreign.h"
#include "weights/network.h"

/* ---- Files of tensors ------------------------------------------------------------------------ */

typedef struct tensor {
    const char *name;
    size_t rank, shape[4];
} tensor;

static size_t count_of(const tensor *t) {
    size_t count = 1;
    for (size_t i = 0; i < t->rank; i++)
        count *= t->shape[i];
    return count;
}

/* The numbers of a file go on from tensor to tensor: 0, 1/8, 2/8 ... */
static const char *write_tensors(scratch *s, const char *name, const tensor *all, size_t count) {
    bytes header, whole;
    size_t at = 0, first = 0;
    bytes_begin(&header);
    for (size_t i = 0; i < count; i++) {
        fprintf(header.f, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "{", all[i].name);
        for (size_t k = 0; k < all[i].rank; k++)
            fprintf(header.f, "%s%zu", k ? "," : "", all[i].shape[k]);
        fprintf(header.f, "],\"data_offsets\":[%zu,%zu]}", at, at + 4 * count_of(&all[i]));
        at += 4 * count_of(&all[i]);
    }
    fputc('}', header.f);
    bytes_end(&header);
    bytes_begin(&whole);
    for (size_t i = 0; i < 8; i++)
        fputc((int)(header.size >> (8 * i) & 255), whole.f);
    fwrite(header.p, 1, header.size, whole.f);
    for (size_t i = 0; i < count; first += count_of(&all[i++]))
        put_numbers(whole.f, 'f', first, count_of(&all[i]));
    bytes_end(&whole);
    const char *path = scratch_write(s, name, whole.p, whole.size);
    free(header.p);
    free(whole.p);
    return path;
}

/* A network of three layers by such names, in which %s is the place of a part. */
static const char *write_named(scratch *s, const char *file, const char *first, const char *second,
                               const char *third) {
    static const size_t sides[3][2] = {{2, 3}, {2, 2}, {1, 2}};
    const char *const names[3] = {first, second, third};
    char text[6][128];
    tensor all[6];
    for (size_t i = 0; i < 6; i++) {
        snprintf(text[i], sizeof text[i], "%s.%s", names[i / 2], i % 2 ? "bias" : "weight");
        all[i] = i % 2 ? (tensor){text[i], 1, {sides[i / 2][0]}}
                       : (tensor){text[i], 4, {sides[i / 2][0], sides[i / 2][1], 3, 3}};
    }
    return write_tensors(s, file, all, 6);
}

static imp_network *import(scratch *s, const char *from, imp_import_report *report) {
    char to[192];
    imp_error err = {0};
    imp_network *n = NULL;
    snprintf(to, sizeof to, "%s/out.safetensors", s->folder);
    imp_network_import(from, to, NULL, report, &err);
    assert_string_equal(err.text, "");
    imp_network_open(&n, to, &err);
    assert_string_equal(err.text, "");
    return n;
}

static void refuses(scratch *s, const char *from, imp_status wanted, const char *what) {
    char to[192];
    imp_error err = {0};
    snprintf(to, sizeof to, "%s/none.safetensors", s->folder);
    const imp_status status = imp_network_import(from, to, NULL, NULL, &err);
    assert_error(&err, status, wanted, from, what);
    assert_int_not_equal(access(to, F_OK), 0);
}

/* Checks the three layers: each begins with the number after the last of the one before. */
static void check_layers(imp_network *n) {
    static const char *const names[] = {"relu1_1", "relu1_2", "relu2_1"};
    static const size_t starts[] = {0, 56, 94};
    for (size_t i = 0; i < 3; i++) {
        const imp_node *const node = imp_network_find(n, names[i]);
        assert_non_null(node);
        assert_true(node->weights[0] == (float)starts[i] / 8);
        assert_true(node->weights[10] == (float)(starts[i] + 10) / 8);
        assert_true(node->bias[0] == (float)(starts[i] + node->conv.out * node->conv.in * 9) / 8);
    }
    imp_network_close(n);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static void test_prefixes(void **state) {
    static const char *const names[][3] = {
        {"_orig_mod.features.0", "_orig_mod.features.2", "_orig_mod.features.5"},
        {"features._orig_mod.0", "features._orig_mod.2", "features._orig_mod.5"},
        {"loss.perceptual.vgg19.features.0", "loss.perceptual.vgg19.features.2",
         "loss.perceptual.vgg19.features.5"},
        {"encoder.0", "encoder.2", "encoder.5"},
        {"a.b.c.block1_conv1", "a.b.c.block1_conv2", "a.b.c.block2_conv1"},
        {"module.slice1.0", "module.slice1.2", "module.slice2.5"},
        {"x.conv1_1", "x.conv1_2", "x.conv2_1"},
        {"conv11", "conv12", "conv21"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_layers(import(
            *state, write_named(*state, "named.safetensors", names[i][0], names[i][1], names[i][2]),
            NULL));
}

/* AdaIN's list: 0 is a convolution of 1 x 1 that prepares the input, and a padding comes before
 * each of the others. */
static void test_normalised(void **state) {
    static const tensor all[] = {
        {"0.weight", 4, {3, 3, 1, 1}}, {"0.bias", 1, {3}},
        {"2.weight", 4, {2, 3, 3, 3}}, {"2.bias", 1, {2}},
        {"5.weight", 4, {2, 2, 3, 3}}, {"5.bias", 1, {2}},
        {"9.weight", 4, {1, 2, 3, 3}}, {"9.bias", 1, {1}},
    };
    imp_import_report r;
    imp_network *n =
        import(*state, write_tensors(*state, "vgg_normalised.safetensors", all, 8), &r);
    assert_true(!r.guessed && r.layers == 4);
    assert_string_equal(n->info.padding, "reflect");
    assert_true(!n->info.bgr && n->info.range == 1 && n->info.mean[0] == 0);
    assert_true(n->info.deviation[1] == 1);
    assert_non_null(imp_network_find(n, "conv0"));
    const imp_node *const node = imp_network_find(n, "relu2_1");
    assert_true(node && node->weights[0] == (12 + 56 + 38) / 8.0F);
    imp_network_close(n);
}

/* ---- Wrappers and whole models --------------------------------------------------------------- */

#define STORAGE(key, count) "( 'storage' @torch:FloatStorage '" key "' 'cpu' #" count " t Q "
#define TENSOR(key, count, sides, strides)                                                         \
    "@torch._utils:_rebuild_tensor_v2 ( " STORAGE(key, count) "#0 ( " sides "t ( " strides         \
                                                              "t 89 } t R "
#define FILTERS TENSOR("0", "54", "#2 #3 #3 #3 ", "#27 #9 #3 #1 ")
#define BIAS    TENSOR("1", "2", "#2 ", "#1 ")
#define STATE   "} ( 'features.0.weight' " FILTERS "'features.0.bias' " BIAS "u "
#define KEYS    "80 02 ] ( '0' '1' e ."

/* A pickled object of a class, with its attributes. */
#define MODULE(class, attributes) "@" class " ) 81 } ( 'training' 89 " attributes "u b "
#define CONVOLUTION                                                                                \
    MODULE("torch.nn.modules.conv:Conv2d",                                                         \
           "'_parameters' } ( 'weight' " FILTERS "'bias' " BIAS "u '_buffers' } '_modules' } ")
#define SEQUENTIAL                                                                                 \
    MODULE("torch.nn.modules.container:Sequential",                                                \
           "'_parameters' } '_buffers' } '_modules' } '0' " CONVOLUTION "s ")
#define MODEL                                                                                      \
    MODULE(                                                                                        \
        "torchvision.models.vgg:VGG",                                                              \
        "'_backward_hooks' @collections:OrderedDict ) R '_non_persistent_buffers_set' "            \
        "@__builtin__:set ] 85 R '_parameters' } '_buffers' } '_modules' } 'features' " SEQUENTIAL \
        "s ")

static const char *write_torch(scratch *s, const char *dict) {
    bytes b;
    bytes_begin(&b);
    put_torch_stream(b.f, dict, KEYS, "f54 f2");
    bytes_end(&b);
    const char *path = scratch_write(s, "saved.pth", b.p, b.size);
    free(b.p);
    return path;
}

static void test_wrappers(void **state) {
    static const char *const dicts[] = {
        "80 02 } 'anything' " STATE "s .",
        "80 02 } ( 'epoch' #3 'model_state_dict' " STATE "'other' } u .",
        "80 02 } 'checkpoint' } 'net' " STATE "s s .",
        "80 02 } ( 'ema' " STATE "'state_dict' " STATE "u .",
        "80 02 } ( 'optimizer' } 'state' " BIAS "s 'weights' " STATE "u .",
        "80 02 } ( 'opt' } 'exp_avg' " BIAS "s 'mine' " STATE "u .",
        "80 02 " MODEL ".",
        "80 02 } 'model' " MODEL "s .",
        "80 02 " SEQUENTIAL ".",
    };
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) {
        imp_network *n = import(*state, write_torch(*state, dicts[i]), NULL);
        const imp_node *const node = imp_network_find(n, "relu1_1");
        assert_true(node && node->weights[53] == 53 / 8.0F && node->bias[1] == 55 / 8.0F);
        imp_network_close(n);
    }
    refuses(*state, write_torch(*state, "80 02 } ( 'a' " STATE "'b' " STATE "u ."),
            IMP_ERR_UNSUPPORTED, "2 dictionaries of tensors");
    /* Objects are made of any class, but nothing is called. */
    refuses(*state, write_torch(*state, "80 02 @subprocess:Popen ( 'true' t R ."),
            IMP_ERR_UNSUPPORTED, "calls 'subprocess.Popen'");
}

/* A module that holds itself, and modules that name one part many times, come to an end. */
static void test_circles(void **state) {
    static const char circle[] =
        "80 02 @a:B ) 81 q 00 } ( '_parameters' } '_modules' } 'x' h 00 s u b .";
    bytes b;
    char words[6000] = "80 02 @a:B ) 81 q 00 } '_modules' } s b ";
    for (size_t level = 1; level < 9; level++) {
        char text[640] = "@a:B ) 81 } '_modules' } ( ";
        for (size_t i = 0; i < 40; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "'%zu' h %02zx ", i,
                     level - 1);
        snprintf(text + strlen(text), sizeof text - strlen(text), "u s b q %02zx ", level);
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s", text);
    }
    snprintf(words + strlen(words), sizeof words - strlen(words), ".");
    bytes_begin(&b);
    put_torch_stream(b.f, circle, "80 02 ] .", "");
    bytes_end(&b);
    refuses(*state, scratch_write(*state, "circle.pth", b.p, b.size), IMP_ERR_FORMAT, "no layers");
    free(b.p);
    bytes_begin(&b);
    put_torch_stream(b.f, words, "80 02 ] .", "");
    bytes_end(&b);
    refuses(*state, scratch_write(*state, "many.pth", b.p, b.size), IMP_ERR_UNSUPPORTED,
            "modules, which no VGG has");
    free(b.p);
}

/* ---- Networks in parts ----------------------------------------------------------------------- */

static void test_parts(void **state) {
    static const tensor first[] = {{"features.0.weight", 4, {2, 3, 3, 3}},
                                   {"features.0.bias", 1, {2}}};
    static const tensor second[] = {{"features.2.weight", 4, {2, 2, 3, 3}},
                                    {"features.2.bias", 1, {2}}};
    static const char index[] = "{\"metadata\": {}, \"weight_map\": {"
                                "\"features.0.weight\": \"model-00001-of-00002.safetensors\","
                                "\"features.0.bias\": \"model-00001-of-00002.safetensors\","
                                "\"features.2.weight\": \"model-00002-of-00002.safetensors\","
                                "\"features.2.bias\": \"model-00002-of-00002.safetensors\"}}";
    static const char up[] = "{\"weight_map\": {\"a\": \"../x\"}}";
    scratch *s = *state;
    refuses(s, write_tensors(s, "model-00001-of-00002.safetensors", first, 2), IMP_ERR_UNSUPPORTED,
            "part 1 of 2 of a network");
    write_tensors(s, "model-00002-of-00002.safetensors", second, 2);
    imp_import_report r;
    imp_network *n =
        import(s, scratch_write(s, "model.safetensors.index.json", index, sizeof index - 1), &r);
    assert_int_equal(r.layers, 2);
    const imp_node *const node = imp_network_find(n, "relu1_2");
    assert_true(node && node->weights[8] == 1);
    imp_network_close(n);
    unlink(scratch_path(s, "model-00002-of-00002.safetensors"));
    imp_error err = {0};
    assert_error(&err, imp_network_open(&n, scratch_path(s, "model.safetensors.index.json"), &err),
                 IMP_ERR_IO, "model-00002-of-00002.safetensors", "");
    refuses(s, scratch_write(s, "other.json", "{\"a\": 1}", 8), IMP_ERR_UNSUPPORTED,
            "no index of a network");
    refuses(s, scratch_write(s, "up.json", up, sizeof up - 1), IMP_ERR_FORMAT, "another folder");
}

/* ---- ONNX ------------------------------------------------------------------------------------ */

/* Two convolutions whose tensors have any names, in another order than their nodes. */
static const char *write_onnx(scratch *s, const char *more) {
    char words[1200];
    bytes b;
    snprintf(words, sizeof words,
             "1=8 2'torch' 7{ "
             "1{ 1'in' 1'w_a' 1'b_a' 2'x' 4'Conv' } 1{ 1'x' 2'y' 4'Relu' } "
             "1{ 1'y' 1'onnx::Conv_9' 1'b_b' 2'z' 4'Conv' } %s "
             "5{ 1=2 1=2 1=3 1=3 2=1 4f36 8'onnx::Conv_9' } 5{ 1=2 2=1 8'b_b' 4f2 } "
             "5{ 1[2 3 3 3] 2=1 4f54 8'w_a' } 5{ 1=2 2=1 4f2 8'b_a' } }",
             more);
    bytes_begin(&b);
    put_message(b.f, words);
    bytes_end(&b);
    const char *path = scratch_write(s, "net.onnx", b.p, b.size);
    free(b.p);
    return path;
}

static void test_onnx(void **state) {
    imp_import_report r;
    imp_network *n = import(*state, write_onnx(*state, ""), &r);
    assert_int_equal(r.layers, 2);
    assert_string_equal(r.format, "ONNX");
    assert_int_equal(r.input, IMP_INPUT_TORCHVISION);
    assert_int_equal(imp_network_find(n, "relu1_1")->conv.in, 3);
    assert_true(imp_network_find(n, "relu1_2")->conv.in == 2);
    imp_network_close(n);
    refuses(*state, write_onnx(*state, "1{ 1'z' 4'BatchNormalization' }"), IMP_ERR_UNSUPPORTED,
            "batch normalisation");
    refuses(*state, write_onnx(*state, "1{ 1'z' 1'y' 4'Add' }"), IMP_ERR_UNSUPPORTED, "branches");
    refuses(*state, scratch_write(*state, "saved_model.pb", "\x08\1\x12\2ab", 6),
            IMP_ERR_UNSUPPORTED, "SavedModel");
}

/* ---- MATLAB ---------------------------------------------------------------------------------- */

static void put_word(FILE *f, uint32_t v) {
    for (size_t i = 0; i < 4; i++)
        fputc((int)(v >> (8 * i) & 255), f);
}

/* An element with its padding. */
static void put_element(FILE *f, uint32_t type, const void *data, size_t size) {
    put_word(f, type);
    put_word(f, (uint32_t)size);
    fwrite(data, 1, size, f);
    for (; size % 8 != 0 && type != 14; size++)
        fputc(0, f);
}

static void put_array(FILE *f, unsigned class, const uint32_t *sides, size_t rank, const void *rest,
                      size_t size) {
    bytes b;
    unsigned char flags[8] = {(unsigned char)class};
    bytes_begin(&b);
    put_element(b.f, 6, flags, 8);
    put_element(b.f, 5, sides, 4 * rank);
    put_element(b.f, 1, "", 0);
    fwrite(rest, 1, size, b.f);
    bytes_end(&b);
    put_element(f, 14, b.p, b.size);
    free(b.p);
}

/* Filters are H x W x I x O by columns. Element (o,i,y,x) has the value of its place in a row-major
 * O x I x H x W. */
static void put_filters(FILE *f, uint32_t in, uint32_t out) {
    const uint32_t sides[4] = {3, 3, in, out};
    bytes b;
    bytes_begin(&b);
    put_word(b.f, 7);
    put_word(b.f, 4 * 9 * in * out);
    for (uint32_t o = 0; o < out; o++)
        for (uint32_t i = 0; i < in; i++)
            for (uint32_t x = 0; x < 3; x++)
                for (uint32_t y = 0; y < 3; y++) {
                    const float v = (float)(((o * in + i) * 3 + y) * 3 + x) / 8;
                    fwrite(&v, sizeof v, 1, b.f);
                }
    if (9 * in * out % 2)
        put_word(b.f, 0);
    bytes_end(&b);
    put_array(f, 7, sides, 4, b.p, b.size);
    free(b.p);
}

static void put_layer(FILE *f, const char *name, uint32_t in, uint32_t out, bool list) {
    static const char lists[] = "weights\0name\0\0\0\0",
                      apart[] = "filters\0biases\0\0name\0\0\0\0";
    const uint32_t one[2] = {1, 1}, two[2] = {1, 2}, wide[2] = {1, out}, letters[2] = {1, 7};
    bytes b, inner, bias, text;
    bytes_begin(&bias);
    put_word(bias.f, 7);
    put_word(bias.f, 4 * out);
    put_numbers(bias.f, 'f', 5, out);
    if (out % 2)
        put_word(bias.f, 0);
    bytes_end(&bias);
    bytes_begin(&text);
    put_element(text.f, 16, name, 7);
    bytes_end(&text);
    bytes_begin(&inner);
    put_filters(inner.f, in, out);
    put_array(inner.f, 7, wide, 2, bias.p, bias.size);
    bytes_end(&inner);
    bytes_begin(&b);
    put_word(b.f, 4 << 16 | 5);
    put_word(b.f, 8);
    put_element(b.f, 1, list ? lists : apart, list ? 16 : 24);
    if (list)
        put_array(b.f, 1, two, 2, inner.p, inner.size);
    else
        fwrite(inner.p, 1, inner.size, b.f);
    put_array(b.f, 4, letters, 2, text.p, text.size);
    bytes_end(&b);
    put_array(f, 2, one, 2, b.p, b.size);
    free(b.p), free(inner.p), free(bias.p), free(text.p);
}

static const char *write_mat(scratch *s, bool packed, bool list, size_t cut) {
    const uint32_t sides[2] = {1, 2};
    bytes b, layers, whole;
    bytes_begin(&layers);
    put_layer(layers.f, "conv1_1", 3, 2, list);
    put_layer(layers.f, "conv1_2", 2, 1, list);
    bytes_end(&layers);
    bytes_begin(&b);
    put_array(b.f, 1, sides, 2, layers.p, layers.size);
    bytes_end(&b);
    bytes_begin(&whole);
    char header[128] = "MATLAB 5.0 MAT-file, made by a test";
    header[125] = 1, header[126] = 'I', header[127] = 'M';
    fwrite(header, 1, sizeof header, whole.f);
    if (packed) {
        unsigned char out[8192];
        uLongf size = sizeof out;
        assert_int_equal(compress(out, &size, (const unsigned char *)b.p, b.size), Z_OK);
        put_word(whole.f, 15);
        put_word(whole.f, (uint32_t)size);
        fwrite(out, 1, size, whole.f);
    } else {
        fwrite(b.p, 1, b.size, whole.f);
    }
    bytes_end(&whole);
    assert_true(cut < whole.size);
    const char *path = scratch_write(s, "net.mat", whole.p, whole.size - cut);
    free(b.p), free(layers.p), free(whole.p);
    return path;
}

static void test_mat(void **state) {
    for (int i = 0; i < 4; i++) {
        imp_import_report r;
        imp_network *n = import(*state, write_mat(*state, i % 2, i < 2, 0), &r);
        assert_string_equal(r.format, "MATLAB 5");
        assert_true(r.layers == 2 && !n->info.bgr && n->info.range == 255);
        assert_true(n->info.mean[0] == 123.68F && n->info.mean[2] == 103.939F);
        const imp_node *const a = imp_network_find(n, "relu1_1"), *const b = imp_network_find(
                                                                      n, "relu1_2");
        for (size_t k = 0; k < 54; k++)
            assert_true(a->weights[k] == (float)k / 8);
        for (size_t k = 0; k < 18; k++)
            assert_true(b->weights[k] == (float)k / 8);
        assert_true(a->bias[1] == 6 / 8.0F && b->bias[0] == 5 / 8.0F);
        imp_network_close(n);
        refuses(*state, write_mat(*state, i % 2, i < 2, 40), IMP_ERR_FORMAT, "");
    }
    char newer[600] = "MATLAB 7.3 MAT-file";
    refuses(*state, scratch_write(*state, "new.mat", newer, sizeof newer), IMP_ERR_UNSUPPORTED,
            "-v7");
}

/* ---- What it is instead ---------------------------------------------------------------------- */

static void test_named(void **state) {
    static const struct {
        const char *bytes, *what;
        size_t length;
    } files[] = {{"version https://git-lfs.github.com/spec/v1\noid", "Git LFS", 0},
                 {"\n<!DOCTYPE html><html>", "web page", 0},
                 {"<html><body>404", "web page", 0},
                 {"\x1f\x8b\x08\0\0\0\0\0", "gzip", 8},
                 {"\x93NUMPY\1\0", "NumPy", 8},
                 {"%PDF-1.5", "PDF", 0},
                 {"import torch\n", "Python", 0},
                 {"GGUF\3\0\0\0", "GGUF", 8}};
    static const tensor squeeze[] = {{"features.0.weight", 4, {64, 3, 3, 3}},
                                     {"features.3.squeeze.weight", 4, {16, 64, 1, 1}}};
    static const tensor resnet[] = {{"conv1.weight", 4, {64, 3, 7, 7}},
                                    {"layer1.0.conv1.weight", 4, {64, 64, 1, 1}}};
    static const tensor alex[] = {{"features.0.weight", 4, {64, 3, 11, 11}},
                                  {"features.3.weight", 4, {192, 64, 5, 5}}};
    static const tensor nin[] = {{"0.weight", 4, {96, 3, 11, 11}}, {"2.weight", 4, {96, 96, 1, 1}}};
    scratch *s = *state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const size_t length = files[i].length ? files[i].length : strlen(files[i].bytes);
        refuses(s, scratch_write(s, "vgg19.pth", files[i].bytes, length), IMP_ERR_UNSUPPORTED,
                files[i].what);
    }
    refuses(s, write_tensors(s, "a.safetensors", squeeze, 2), IMP_ERR_UNSUPPORTED, "SqueezeNet");
    refuses(s, write_tensors(s, "a.safetensors", resnet, 2), IMP_ERR_UNSUPPORTED, "ResNet");
    refuses(s, write_tensors(s, "a.safetensors", alex, 2), IMP_ERR_UNSUPPORTED, "AlexNet");
    refuses(s, write_tensors(s, "a.safetensors", nin, 2), IMP_ERR_UNSUPPORTED, "NIN");
    bytes pickle = {.p = "x", .size = 1};
    const part script[] = {
        {"m/data.pkl", &pickle}, {"m/constants.pkl", &pickle}, {"m/code/a.py", &pickle}};
    refuses(s, write_zip(s, "script.pt", script, 3, false), IMP_ERR_UNSUPPORTED, "TorchScript");
    const part arrays[] = {{"conv1_1.npy", &pickle}};
    refuses(s, write_zip(s, "vgg19.npz", arrays, 1, false), IMP_ERR_UNSUPPORTED, "NumPy");
}

/* ---- Before anything is replaced ------------------------------------------------------------- */

/* A file of ours with a deviation of 0, and weights whose features overflow, replace nothing. */
static void test_tried(void **state) {
    static const char *const sets[] = {"0,1,1", "nan,1,1"};
    scratch *s = *state;
    char good[192], json[600];
    snprintf(good, sizeof good, "%s/good.safetensors", s->folder);
    scratch_write(s, "good.safetensors", "keep", 4);
    for (size_t i = 0; i < 3; i++) {
        snprintf(
            json, sizeof json,
            "{\"__metadata__\":{\"format\":\"impasto-network-1\",\"input\":\"RGB\",\"range\":"
            "\"1\",\"mean\":\"0,0,0\",\"std\":\"%s\",\"padding\":\"zero\"},"
            "\"conv1_1.weight\":{\"dtype\":\"F32\",\"shape\":[1,3,3,3],\"data_offsets\":[0,108]}}",
            i < 2 ? sets[i] : "1,1,1");
        bytes b;
        bytes_begin(&b);
        for (size_t k = 0; k < 8; k++)
            fputc((int)(strlen(json) >> (8 * k) & 255), b.f);
        fputs(json, b.f);
        for (size_t k = 0; k < 27; k++) {
            const float v = i < 2 ? 1 : 1e30F;
            fwrite(&v, sizeof v, 1, b.f);
        }
        bytes_end(&b);
        char from[192];
        imp_error err = {0};
        snprintf(from, sizeof from, "%s", scratch_write(s, "bad.safetensors", b.p, b.size));
        free(b.p);
        assert_int_not_equal(imp_network_import(from, good, NULL, NULL, &err), IMP_OK);
        assert_non_null(strstr(err.text, i < 2 ? "std" : "trial picture"));
        size_t size;
        unsigned char *kept = scratch_read(s, "good.safetensors", &size);
        assert_int_equal(size, 4);
        free(kept);
    }
}

/* A network's file of another program is imported on the way. */
static void test_on_the_way(void **state) {
    imp_network *n = NULL;
    imp_error err = {0};
    imp_network_open(&n, write_torch(*state, "80 02 " STATE "."), &err);
    assert_string_equal(err.text, "");
    assert_true(imp_network_find(n, "relu1_1")->weights[53] == 53 / 8.0F);
    assert_true(n->info.mean[0] == 0.485F);
    imp_network_close(n);
}

/* ---- HDF5 ------------------------------------------------------------------------------------ */

/* Bits of an HDF5 file are flipped: the import gives a network or one line, and always returns. */
static void test_hdf5_damage(void **state) {
    scratch *s = *state;
    char to[192];
    size_t size, refused = 0;
    write_hdf5(s, "net.h5", "a/conv2d/kernel:0 3,3,3,2 f; a/conv2d/bias:0 2 f");
    unsigned char *file = scratch_read(s, "net.h5", &size);
    snprintf(to, sizeof to, "%s/out.safetensors", s->folder);
    for (size_t i = 0; i < 150; i++) {
        imp_error err = {0};
        const size_t at = i * 7919 % size;
        file[at] ^= (unsigned char)(1 << i % 8);
        const char *from = scratch_write(s, "bad.h5", file, size);
        if (imp_network_import(from, to, NULL, NULL, &err) != IMP_OK) {
            assert_true(*err.text && !strpbrk(err.text, "\r\n"));
            refused++;
        }
        file[at] ^= (unsigned char)(1 << i % 8);
    }
    assert_true(refused > 10);
    free(file);
}

/* A .keras whose weights unpack to more than any VGG has is refused before it is unpacked. */
static void test_keras_bomb(void **state) {
    scratch *s = *state;
    bytes content = {.p = calloc(1, 1 << 20), .size = 1 << 20};
    const part parts[] = {{"model.weights.h5", &content}};
    size_t size;
    write_zip(s, "bomb.keras", parts, 1, true);
    unsigned char *file = scratch_read(s, "bomb.keras", &size);
    for (size_t i = 0; i + 30 < size; i++) /* the size that the zip file declares */
        if (memcmp(file + i, "PK\1\2", 4) == 0)
            memcpy(file + i + 24, "\0\0\0\xf0", 4);
        else if (memcmp(file + i, "PK\3\4", 4) == 0)
            memcpy(file + i + 22, "\0\0\0\xf0", 4);
    const char *path = scratch_write(s, "bomb.keras", file, size);
    imp_error err = {0};
    assert_int_not_equal(imp_network_import(path, scratch_path(s, "o"), NULL, NULL, &err), IMP_OK);
    free(file);
    free(content.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes),    cmocka_unit_test(test_normalised),
        cmocka_unit_test(test_wrappers),    cmocka_unit_test(test_circles),
        cmocka_unit_test(test_parts),       cmocka_unit_test(test_onnx),
        cmocka_unit_test(test_mat),         cmocka_unit_test(test_named),
        cmocka_unit_test(test_tried),       cmocka_unit_test(test_on_the_way),
        cmocka_unit_test(test_hdf5_damage), cmocka_unit_test(test_keras_bomb),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
