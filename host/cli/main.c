/* SPDX-License-Identifier: MIT
 *
 * The program's entry point: finds the command and passes it the arguments.
 */
#include "cli/guard.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* COMMAND --help shows the defaults of the preset given with it, unless several are given (grid).
 */
static int help(cli_request *request) {
    const char *preset = cli_given(request, "preset");
    preset = preset && strchr(preset, ',') ? NULL : preset;
    const int status = cli_values_default(&request->values, preset);
    if (status)
        return status;
    if (request->command->bit == CLI_HELP)
        cli_help_program();
    else
        cli_help_command(request->command, &request->values);
    return CLI_DONE;
}

/* Paths are kept in IMP_PATH_MAX bytes; a longer one must not be cut off to another file's. */
static int check_lengths(char *const *argv) {
    for (; *argv; argv++)
        if (strlen(*argv) >= IMP_PATH_MAX)
            return cli_complain(CLI_MISUSE, "argument '%.60s...': longer than %d bytes", *argv,
                                IMP_PATH_MAX - 1);
    return CLI_DONE;
}

static int run(int argc, char **argv) {
    char *version[] = {"version", NULL}, *overview[] = {"help", NULL};
    cli_request request = {0};
    if (argc < 2)
        return cli_complain(CLI_MISUSE,
                            "missing command; usage: impasto paint CONTENT STYLE; 'impasto help' "
                            "lists the commands");
    argv++;
    argc--;
    if (!strcmp(argv[0], "--version") && argc == 1)
        argv = version;
    if ((!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")) && argc == 1)
        argv = overview;
    if (argv[0][0] == '-')
        return cli_complain(CLI_MISUSE,
                            "option '%s': must follow a command; usage: impasto COMMAND %s",
                            argv[0], argv[0]);
    request.command = cli_command_find(argv[0]);
    if (!request.command)
        return CLI_MISUSE;
    int status = check_lengths(argv);
    if (!status)
        status = cli_parse(&request, argc, argv);
    if (status)
        return status;
    return cli_given(&request, "help") ? help(&request) : request.command->run(&request);
}

/* A file that is opened must not get the number of a standard stream that is closed: what is
 * printed would go into it. Reading and writing such a stream fails, as it would if it stayed
 * closed. */
static void hold_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv) {
    hold_standard_streams();
    cli_interrupt_set(CLI_INTERRUPT_RELEASE);
    int status = run(argc, argv);
    const bool unread = status == CLI_INTERRUPTED; /* perhaps nobody reads standard output */
    if ((fflush(stdout) != 0 || ferror(stdout)) && !unread) {
        const int failed =
            cli_complain(CLI_FAILED, "standard output: cannot be written: %s", strerror(errno));
        status = status ? status : failed;
    }
    status = cli_interrupt_status(status);
    cli_guard_done(status);
    return status;
}
