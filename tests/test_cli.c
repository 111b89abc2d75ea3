/* SPDX-License-Identifier: MIT
 *
 * Messages and help: every mistake gives one line, the right exit status and no file; help, man
 * page and completions are complete and valid.
 */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Mistakes -------------------------------------------------------------------------------- */

typedef struct mistake {
    const char *line;
    int status;
    const char *says;
} mistake;

/* a.png and b.jpg are pictures; make_files makes the other files. */
static const mistake mistakes[] = {
    {"impasto", 2, "missing command"},
    {"impasto piant a.png b.jpg", 2, "the nearest is 'paint'"},
    {"impasto xyzzy", 2, "'impasto help' lists them"},
    {"impasto --size 3 paint", 2, "must follow a command"},
    {"impasto help piant", 2, "the nearest is 'paint'"},
    {"impasto paint", 2, "needs two pictures"},
    {"impasto paint a.png", 2, "needs two pictures"},
    {"impasto paint a.png b.jpg c.png", 1, "c.png"},
    {"impasto paint 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", 2, "'17': unexpected argument"},
    {"impasto paint a.png b.jpg --strength 1.1", 2, "a number from 0 to 1"},
    {"impasto paint a.png b.jpg --strength 0.5 --style-weight 3", 2, "give one or the other"},
    {"impasto paint --texture b.jpg --strength 0.5", 2, "all style"},
    {"impasto paint a.png -s b.jpg:0", 2, "all weights are 0"},
    {"impasto paint a.png b.jpg --style-weight 0 --content-weight 0", 2,
     "all of content and style"},
    {"impasto paint --texture b.jpg --style-weight 0", 2, "all of content and style"},
    {"impasto paint a.png -s b.jpg -s a.png:-1", 2, "'a.png:-1': negative weight"},
    {"impasto paint a.png -s b.jpg:x", 1, "b.jpg:x"},
    {"impasto paint a.png -s b.jpg --mask a.png", 2, "mask of style 1: is missing"},
    {"impasto paint a.png -s b.jpg --style-mask a.png", 2, "mask of the content: is missing"},
    {"impasto paint a.png b.jpg --style-mask a.png --style-mask red", 2, "2 times for 1 styles"},
    {"impasto paint a.png b.jpg --protect b.jpg", 2, "make them the same size"},
    {"impasto paint a.png b.jpg --protect a.png", 2, "has colours"},
    {"impasto paint a.png b.jpg --protect a.png:2", 2, "invalid strength"},
    {"impasto paint a.png b.jpg --protect none.png", 1, "none.png"},
    {"impasto paint --texture b.jpg --protect a.png", 2, "--protect: has no effect"},
    {"impasto paint a.png b.jpg --keep-edges -1", 2, "invalid value '-1'"},
    {"impasto paint a.png b.jpg --iterations-step 1", 2, "invalid value '1'"},
    {"impasto paint a.png b.jpg --mask b.jpg --style-mask red", 2, "make them the same size"},
    {"impasto paint a.png b.jpg --itertions 5", 2, "the nearest is '--iterations'"},
    {"impasto paint a.png b.jpg --itertions=5", 2, "'--itertions': unknown"},
    {"impasto paint a.png b.jpg --xyzzyfoo", 2, "see 'impasto help paint'"},
    {"impasto paint a.png b.jpg --style- 5", 2, "--style-layers, --style-weight"},
    {"impasto paint a.png b.jpg --dump d", 2, "belongs to 'impasto score'"},
    {"impasto paint a.png b.jpg --iterations", 2, "needs a value: --iterations N"},
    {"impasto paint a.png b.jpg -n", 2, "needs a value: --iterations N"},
    {"impasto paint a.png b.jpg --quiet=3", 2, "takes no value"},
    {"impasto paint a.png b.jpg -Z", 2, "'-Z': unknown"},
    {"impasto paint a.png b.jpg -n 0", 2, "from 1 to 10000000"},
    {"impasto paint a.png b.jpg -n 1e3", 2, "invalid value '1e3'"},
    {"impasto paint a.png b.jpg -n ' 3'", 2, "invalid value ' 3'"},
    {"impasto paint a.png b.jpg -n 99999999999999999999", 2, "a whole number from 1"},
    {"impasto paint a.png b.jpg --quality 101", 2, "from 1 to 100"},
    {"impasto paint a.png b.jpg --style-weight nan", 2, "invalid value 'nan'"},
    {"impasto paint a.png b.jpg --style-weight inf", 2, "a number from 0"},
    {"impasto paint a.png b.jpg --style-weight 0x10", 2, "a number from 0"},
    {"impasto paint a.png b.jpg --tv-weight -1", 2, "invalid value '-1'"},
    {"impasto paint a.png b.jpg --learning-rate 0", 2, "a number from 1e-09"},
    {"impasto paint a.png b.jpg --history 1001", 2, "from 1 to 1000"},
    {"impasto paint a.png b.jpg --seed -1", 2, "from 0 to 18446744073709551615"},
    {"impasto paint a.png b.jpg --optimizer adm", 2, "the nearest is adam"},
    {"impasto paint a.png b.jpg --pooling avrage", 2, "the nearest is average"},
    {"impasto paint a.png b.jpg --gemm fast", 2, "auto|clblast|own"},
    {"impasto paint a.png b.jpg --preset gaytys", 2, "the nearest is 'gatys'"},
    {"impasto paint a.png b.jpg --preset xyzzy", 2, "expected one of default"},
    {"impasto paint a.png b.jpg --size 0", 2, "or 'original'"},
    {"impasto paint a.png b.jpg --size orignal", 2, "or 'original'"},
    {"impasto paint a.png b.jpg --time-limit 0", 2, "like 90s, 5m or 2h"},
    {"impasto paint a.png b.jpg --time-limit 5d", 2, "like 90s, 5m or 2h"},
    {"impasto paint a.png b.jpg --style-layers ''", 2, "LAYER[:WEIGHT]"},
    {"impasto paint a.png b.jpg --style-layers relu1_1:x", 2, "LAYER[:WEIGHT]"},
    {"impasto paint a.png b.jpg --style-layers relu1_1:-2", 2, "LAYER[:WEIGHT]"},
    {"impasto paint a.png b.jpg --style-layers relu1_1,", 2, "LAYER[:WEIGHT]"},
    {"impasto paint a.png b.jpg --style-layers rellu1_1", 2, "the nearest is 'relu1_1'"},
    {"impasto paint a.png b.jpg --content-layers relu2_9:3", 2, "the nearest is 'relu2_1'"},
    {"impasto paint a.png b.jpg --device croacle", 2, "the nearest is 'oracle'"},
    {"impasto paint a.png b.jpg --device 999", 2, "999"},
    {"IMPASTO_DEVICE=xyzzy impasto paint a.png b.jpg", 2, "xyzzy"},
    {"impasto paint a.png b.jpg -o missing/x.png", 1, "there is no folder"},
    {"impasto paint a.png b.jpg -o /proc/x.png", 1, "/proc"},
    {"impasto paint a.png b.jpg -o x.gif", 2, ".gif"},
    {"impasto paint a.png b.jpg -o x", 2, ".png"},
    {"impasto paint a.png b.jpg -o a.png", 2, "one of the input pictures"},
    {"impasto paint a.png b.jpg -o ./b.jpg", 2, "one of the input pictures"},
    {"impasto paint a.png b.jpg -o x.png --film x.avi", 2, "name it .mp4, .webm or .gif"},
    {"impasto film a.png -o x.mp4", 2, "missing argument"},
    {"impasto film a.png b.jpg", 2, "film: missing output"},
    {"impasto film a.png b.jpg -o x", 2, "its name has no extension"},
    {"impasto paint missing.png b.jpg", 1, "missing.png"},
    {"impasto paint a.png .", 1, "folder"},
    {"impasto paint empty.png b.jpg", 1, "empty.png"},
    {"impasto paint a.png cut.png", 1, "cut.png"},
    {"impasto paint cut.jpg b.jpg", 1, "cut.jpg"},
    {"impasto paint a.png corrupt.png", 1, "corrupt.png"},
    {"impasto paint text.jpg b.jpg", 1, "text.jpg"},
    {"impasto paint a.png b.jpg --max-pixels 100", 1, "--max-pixels"},
    {"impasto paint a.png b.jpg --network missing.safetensors", 1, "missing.safetensors"},
    {"impasto paint a.png b.jpg --network cut.safetensors", 1, "cut.safetensors"},
    {"impasto paint a.png b.jpg --network overlap.safetensors", 1, "overlap.safetensors"},
    {"impasto paint a.png b.jpg --network overflow.safetensors", 1, "overflow.safetensors"},
    {"impasto paint a.png b.jpg --network text.jpg", 1, "text.jpg"},
    {"impasto paint a.png b.jpg --preset gatys", 1, "run 'impasto weights fetch vgg19-caffe'"},
    {"impasto paint a.png b.jpg --network vgg19", 1, "run 'impasto weights fetch vgg19'"},
    {"impasto paint a.png b.jpg --size 100000", 1, "the largest size that fits is"},
    {"impasto paint --like a.png", 1, "records no parameters"},
    {"impasto paint --like missing.png", 1, "missing.png"},
    {"impasto paint --like foreign.png", 1, "not a record of parameters"},
    {"impasto paint --like damaged.png a.png b.jpg", 1, "damaged: --size"},
    {"impasto paint --like a.png --preset gatys", 2, "--like and --preset"},
    {"impasto paint --like a.png a.png", 1, "records no parameters"},
    {"impasto score", 2, "missing argument"},
    {"impasto score a.png", 2, "--content FILE and --style FILE"},
    {"impasto score a.png --content a.png --style b.jpg --dump a.png", 1, "is a file"},
    {"impasto score a.png --content a.png --style b.jpg --dump no/where", 1, "cannot be created"},
    {"impasto score cut.png --content a.png --style b.jpg", 1, "cut.png"},
    {"impasto weights", 2, "missing argument"},
    {"impasto weights info", 2, "usage: impasto weights info NAME|FILE"},
    {"impasto weights inof builtin", 2, "the nearest is 'info'"},
    {"impasto weights xyzzy", 2, "see 'impasto help weights'"},
    {"impasto weights info vgg91", 1, "not a known name or a file; the nearest is 'vgg19'"},
    {"impasto weights info vgg16", 1, "run 'impasto weights fetch vgg16'"},
    {"impasto weights fetch xyzzy", 2, "others need an address"},
    {"impasto weights fetch ../x --from http://x", 2, "invalid name"},
    {"impasto weights fetch builtin", 2, "not the name of a built-in network"},
    {"impasto weights fetch x --from missing.pth", 1, "missing.pth"},
    {"impasto weights fetch vgg19 --from a.png", 1, "damaged or a different one"},
    {"impasto weights verify xyzzy", 1, "not installed"},
    {"impasto weights remove xyzzy", 1, "not installed"},
    {"impasto weights remove", 2, "usage: impasto weights remove NAME..."},
    {"HOME= XDG_DATA_HOME= IMPASTO_WEIGHTS= impasto weights list", 1, "set IMPASTO_WEIGHTS"},
    {"IMPASTO_WEIGHTS=/proc/x impasto weights fetch x --from a.png", 1, "/proc/x"},
    {"impasto weights info cut.safetensors", 1, "cut.safetensors"},
    {"impasto weights import cut.safetensors -o never", 1, "cut.safetensors"},
    {"impasto weights import cut.safetensors --name ../up", 2, "invalid name"},
    {"impasto weights import cut.safetensors -o never --name x", 2, "cannot be combined; give one"},
    {"impasto weights import cut.safetensors --input BGR", 2, "torchvision"},
    {"impasto help --completion fsh", 2, "the nearest is fish"},
    {"impasto version >/dev/full", 1, "standard output: cannot be written"},
};

/* Writes the first half of a file as `cut`, and the whole with its middle byte inverted as
 * `corrupt`. */
static void spoil(scratch *s, const char *from, const char *cut, const char *corrupt) {
    size_t size;
    unsigned char *bytes = scratch_read(s, from, &size);
    scratch_write(s, cut, bytes, size / 2);
    bytes[size / 2] ^= 0xff;
    if (corrupt)
        scratch_write(s, corrupt, bytes, size);
    free(bytes);
}

static void write_record(scratch *s, const char *name, const char *text) {
    float grey[3] = {0.5F, 0.5F, 0.5F};
    const imp_picture p = {.width = 1, .height = 1, .rgb = grey};
    assert_int_equal(
        imp_picture_write(&p, scratch_path(s, name), &(imp_write_options){.text = text}, NULL),
        IMP_OK);
}

/* A network file: its header, and `size` bytes of tensors. */
static void write_network(scratch *s, const char *name, const char *header, size_t size) {
    unsigned char bytes[2048] = {0};
    const size_t length = strlen(header);
    assert_true(8 + length + size <= sizeof bytes);
    bytes[0] = (unsigned char)(length & 255);
    bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length); /* NOLINT(bugprone-not-null-terminated-result) */
    scratch_write(s, name, bytes, 8 + length + size);
}

static void make_files(scratch *s) {
    static const char text[] = "this is no picture\n";
    write_waves(s, "a.png", 48, 40);
    write_waves(s, "b.jpg", 40, 48);
    spoil(s, "a.png", "cut.png", "corrupt.png");
    spoil(s, "b.jpg", "cut.jpg", NULL);
    scratch_write(s, "empty.png", text, 0);
    scratch_write(s, "text.jpg", text, sizeof text - 1);
    scratch_write(s, "cut.safetensors", "\xff\x01\0\0\0\0\0\0{", 9);
    write_network(
        s, "overlap.safetensors",
        "{\"conv1_1.weight\":{\"dtype\":\"F32\",\"shape\":[1,3,1,1],\"data_offsets\":[0,12]},"
        "\"conv1_1.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
        12);
    write_network(s, "overflow.safetensors",
                  "{\"conv1_1.weight\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,3,1,1],"
                  "\"data_offsets\":[0,12]}}",
                  12);
    write_record(s, "foreign.png", "{\"Software\":\"another\"}");
    write_record(s, "damaged.png",
                 "{\"impasto\":\"0\",\"options\":{\"preset\":\"default\",\"size\":\"-3\"}}");
}

static void test_mistakes(void **state) {
    scratch *s = *state;
    make_files(s);
    const size_t files = scratch_count(s);
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        ended e = program_run(s, mistakes[i].line);
        assert_complaint(&e, mistakes[i].line, mistakes[i].status, mistakes[i].says);
        if (*e.out || scratch_count(s) != files)
            fail_msg("%s: %zu files (%zu before), standard output: %s", mistakes[i].line,
                     scratch_count(s), files, e.out);
        ended_free(&e);
    }
}

/* A record is untrusted: it may contain names, but never paths. */
static void test_record_names_are_no_paths(void **state) {
    scratch *s = *state;
    static const char line[] = "impasto paint --like sly.png";
    write_record(s, "sly.png",
                 "{\"impasto\":\"0.0.0\",\"options\":{\"preset\":\"default\"},\"content\":{"
                 "\"name\":\"../../../../etc/passwd\",\"sha256\":\"00\"}}");
    ended e = program_run(s, line);
    assert_int_equal(e.status, 1);
    assert_non_null(strstr(e.err, "give CONTENT and STYLE"));
    assert_null(strstr(e.err, "passwd"));
    ended_free(&e);
}

/* ---- Help ------------------------------------------------------------------------------------ */

static const char *const commands[] = {"paint", "score", "devices", "weights", "presets", "version",
                                       "help",  "film",  "batch",   "resume",  "compare", "grid"};

static void test_help(void **state) {
    char line[64], usage[64];
    for (size_t i = 0; i < COUNT(commands); i++) {
        snprintf(line, sizeof line, "impasto %s --help", commands[i]);
        snprintf(usage, sizeof usage, "impasto help %s", commands[i]);
        ended e = program_run(*state, line), same = program_run(*state, usage);
        assert_silent(&e, line);
        assert_silent(&same, usage);
        snprintf(usage, sizeof usage, "usage: impasto %s", commands[i]);
        if (strcmp(commands[i], "help") != 0) {
            assert_string_equal(e.out, same.out);
            assert_memory_equal(e.out, usage, strlen(usage));
            assert_non_null(strstr(e.out, "\nExamples\n"));
        }
        ended_free(&e);
        ended_free(&same);
    }
}

/* The defaults shown are those of the preset given. */
static void test_help_shows_the_presets_defaults(void **state) {
    const imp_preset *preset;
    char line[128], value[64], size[96], iterations[96];
    for (size_t i = 0; (preset = imp_preset_at(i)); i++) {
        imp_settings settings;
        imp_settings_init(&settings, sizeof settings);
        imp_settings_set(&settings, "preset", preset->name, NULL);
        snprintf(line, sizeof line, "impasto paint --help --preset %s", preset->name);
        imp_settings_get(&settings, "size", value, sizeof value, NULL);
        snprintf(size, sizeof size, "(default: %s)", value);
        imp_settings_get(&settings, "iterations", value, sizeof value, NULL);
        snprintf(iterations, sizeof iterations, "(default: %s)", value);
        ended e = program_run(*state, line);
        assert_silent(&e, line);
        assert_non_null(strstr(e.out, size));
        assert_non_null(strstr(e.out, iterations));
        ended_free(&e);
    }
}

/* Names that settings had once work as options, in preset files and in records; what is written has
 * the present names. A new setting is part of a preset file by itself. */
static void test_names_of_settings(void **state) {
    static const char older[] = "{\"options\":{\"preset\":\"brush\",\"settle\":\"3\","
                                "\"seam\":\"x\",\"carry\":\"off\",\"xyzzy\":\"1\"}}";
    static const char *const present[] = {"\"convergence\":\"3\"", "\"tileable\":\"x\"",
                                          "\"warm-start\":\"off\""};
    scratch_write(*state, "older.json", older, sizeof older - 1);
    ended e = program_run(*state, "impasto presets older.json --json");
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.err, "left out 'xyzzy'"));
    for (size_t i = 0; i < sizeof present / sizeof *present; i++)
        assert_non_null(strstr(e.out, present[i]));
    const imp_setting *setting;
    for (size_t i = 0; (setting = imp_setting_at(i)); i++) {
        char name[64];
        snprintf(name, sizeof name, "\"%s\":\"", setting->name);
        if (strcmp(setting->name, "memory") != 0) /* it does not change the picture */
            assert_non_null(strstr(e.out, name));
    }
    assert_null(strstr(e.out, "settle"));
    ended_free(&e);
    assert_fails(*state, "impasto paint a.png b.jpg --settle x", 2,
                 "option '--convergence': invalid value 'x'");
    assert_fails(*state, "impasto paint a.png b.jpg --seam=y --device xyzzy", 1, "a.png");
}

/* Runs the line; skips the test if `needs` is not installed. */
static void assert_clean(scratch *s, const char *needs, const char *line) {
    if (!program_exists(needs)) {
        print_message("no %s here\n", needs);
        skip();
    }
    ended e = program_run(s, line);
    assert_silent(&e, line);
    ended_free(&e);
}

static void test_man_page(void **state) {
    assert_clean(*state, "groff",
                 "(impasto help --man) >man.1 && test -s man.1 && groff -ww -man -Tascii -z man.1");
}

static void test_completion_bash(void **state) {
    assert_clean(*state, "bash",
                 "(impasto help --completion bash) >c.bash && bash -n c.bash && "
                 "bash -c '. ./c.bash; COMP_WORDS=(impasto paint --poo); COMP_CWORD=2; _impasto; "
                 "test \"${COMPREPLY[*]}\" = --pooling && COMP_WORDS=(impasto paint --pooling \"\")"
                 " COMP_CWORD=3; _impasto; test \"${COMPREPLY[*]}\" = \"max average twice l2\"'");
}

static void test_completion_zsh(void **state) {
    assert_clean(*state, "zsh",
                 "(impasto help --completion zsh) >_impasto && test -s _impasto && "
                 "zsh -n _impasto");
}

static void test_completion_fish(void **state) {
    assert_clean(*state, "fish",
                 "(impasto help --completion fish) >c.fish && fish -n c.fish && "
                 "fish --no-config -c 'source c.fish; complete -C \"impasto paint --pooling \"' | "
                 "grep -q average");
}

int main(void) {
    setenv("IMPASTO_DEVICE", "cpu", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mistakes, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_record_names_are_no_paths, scratch_open,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(test_help, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_names_of_settings, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_help_shows_the_presets_defaults, scratch_open,
                                        scratch_close),
        cmocka_unit_test_setup_teardown(test_man_page, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_completion_bash, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_completion_zsh, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_completion_fish, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
