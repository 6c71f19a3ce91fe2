/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr`: options in front, then a subcommand from a table. --sim is handled
 * here for all of them, wherever it stands: the program starts itself again
 * with the libraries of the simulated host in front of Xen's own.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/util.h"
#include "lib/version.h"
#include "tools/tools.h"

struct xsr_tool xsr_tool;

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;   /* arguments, and what it does */
    const char *detail; /* its options; NULL: it has a --help of its own */
} commands[] = {
    {"restore", xsr_cmd_restore,
     "restore [--paused] [--name NAME] [--helper PATH] [--config FILE]\n"
     "        [--stall SECONDS] [--json] FILE|-\n"
     "    one domain from an xl save file or a libxl stream",
     "FILE may be compressed with zstd; - is standard input.\n\n"
     "--paused         leave the domain paused\n"
     "--name NAME      its name, instead of the saved one\n"
     "--helper PATH    save helper to run, instead of xensr-helper\n"
     "--config FILE    configuration (JSON, as `xl list -l` prints it) instead "
     "of\n"
     "                 the saved one; needed for a stream without one\n"
     "--stall SECONDS  give a helper up that is silent that long in the middle "
     "of a\n"
     "                 message (30), or while input waits for it (120)\n"
     "--json           the result as one JSON document\n"
     "-v, -q           every record as it is applied; only errors\n\n"
     "Whatever goes wrong, Ctrl-C included, is undone: no domain, xenstore "
     "node or\n"
     "file stays behind."},
    {"save", xsr_cmd_save,
     "save [--live] [--keep running|paused] [--verify] [--config FILE]\n"
     "     [--helper PATH] [--suspend-timeout SECONDS] [--stall SECONDS] "
     "[--json]\n"
     "     DOMAIN FILE|-\n"
     "    one domain into an xl save file",
     "DOMAIN is a number or a name. FILE gets its name when all of it is on "
     "disk; one\n"
     "that is there already stays whole until then. - is standard output.\n\n"
     "--live           send the memory while the guest runs: a short pause\n"
     "--keep running   let the guest run on afterwards (-c), instead of\n"
     "                 destroying it\n"
     "--keep paused    leave it paused (-p)\n"
     "--verify         compare what was sent with the memory once more\n"
     "--config FILE    configuration (JSON) to save instead of the domain's\n"
     "--helper PATH    save helper to run, instead of xensr-helper\n"
     "--suspend-timeout SECONDS\n"
     "                 how long the guest may take to suspend (60)\n"
     "--stall SECONDS  give a helper up that is silent that long in the middle "
     "of a\n"
     "                 message (30), or though it could write (120)\n"
     "--json           the result as one JSON document\n\n"
     "Whatever goes wrong, Ctrl-C included: the guest is as it was, and there "
     "is no\n"
     "file."},
    {"migrate", xsr_cmd_migrate,
     "migrate [--no-live] [--verify] [--config FILE] [--helper PATH]\n"
     "        [--timeout SECONDS] [--suspend-timeout SECONDS] [--json] DOMAIN\n"
     "        -- TRANSPORT...\n"
     "    one domain to another host, while it runs",
     "TRANSPORT is a command that connects its standard input and output with "
     "a\n"
     "receiver, as in\n\n"
     "    xensr migrate web -- ssh HOST xensr migrate-receive\n"
     "    xensr migrate web -- ssh HOST xl migrate-receive\n\n"
     "--no-live        suspend the guest first, then send it\n"
     "--verify         compare what was sent with the memory once more\n"
     "--config FILE    configuration (JSON) to send instead of the domain's\n"
     "--helper PATH    save helper to run, instead of xensr-helper\n"
     "--timeout SECONDS\n"
     "                 patience for each answer of the receiver (300 for its "
     "first,\n"
     "                 600 until it has built the guest, 120 for its last)\n"
     "--suspend-timeout SECONDS\n"
     "                 how long the guest may take to suspend (60)\n"
     "--json           the result as one JSON document\n\n"
     "A transport that does not end by itself within 10 s of the migration "
     "gets\n"
     "SIGTERM, and SIGKILL after as long.\n\n"
     "Ctrl-C leaves the guest running here, until it is handed over at the "
     "end. With\n"
     "exit status 5 nobody could tell who has it; the message says how to find "
     "out."},
    {"migrate-receive", xsr_cmd_receive,
     "migrate-receive [--paused] [--config FILE] [--helper PATH]\n"
     "                [--timeout SECONDS] [--same-host]\n"
     "    the other end, started by the transport",
     "For a sender that is `xensr migrate` or `xl migrate`.\n\n"
     "--paused         leave the domain paused (-p)\n"
     "--config FILE    configuration (JSON) instead of the one that is sent\n"
     "--helper PATH    save helper to run, instead of xensr-helper\n"
     "--timeout SECONDS\n"
     "                 patience for each message of the sender behind the "
     "image (600)\n"
     "--same-host      the sender may be this host: the guest has its name and "
     "UUID\n"
     "                 here until it is given away\n"
     "-e -d -t -T      as `xl migrate-receive` has them: nothing; like -v; "
     "nothing"},
    {"destroy", xsr_cmd_destroy,
     "destroy DOMAIN\n"
     "    a domain, its xenstore nodes and its files",
     "For domains that `xensr restore` made; others are their toolstack's."},
    {"unpause", xsr_cmd_unpause,
     "unpause DOMAIN\n"
     "    let a paused domain run",
     "DOMAIN is a number or a name."},
    {"resume", xsr_cmd_resume,
     "resume DOMAIN\n"
     "    let a suspended domain run on",
     "DOMAIN is a number or a name. For a guest that stayed suspended because "
     "a\n"
     "migration ended with status 5, and only after its receiver was seen not "
     "to\n"
     "run it."},
    {"rename", xsr_cmd_rename,
     "rename DOMAIN NAME\n"
     "    give a domain another name",
     "DOMAIN is a number or a name; NAME may not be in use."},
    {"inspect", xsr_cmd_inspect,
     "inspect [--decode] [--hex] [--records TYPE] [--salvage] [--json] FILE|-\n"
     "        --pages | --memory | --raw OUT | --elf OUT ... FILE|-\n"
     "    the guest and the records of an image, checked; its pages; its "
     "memory",
     NULL},
    {"diff", xsr_cmd_diff,
     "diff [--json] A B\n"
     "    in what two images differ: records, fields, pages; exit 1 if they do",
     NULL},
    {"check", xsr_cmd_check,
     "check [--json] [--quiet] [--records] FILE|-\n"
     "check --rules\n"
     "    will this image restore? All that is wrong with it, and where",
     "FILE: xl save file, libxl stream or libxc image, may be compressed with "
     "zstd.\n\n"
     "--json     one JSON document\n"
     "--quiet    nothing but the exit status (-q)\n"
     "--records  list the records, too\n"
     "--rules    list all rules instead; =page: as docs/formats/rules.md\n\n"
     "Exit status 0: no error; 3: damaged, no restore will or should take it; "
     "4: valid,\n"
     "but xensr cannot restore it."},
    {"convert", xsr_cmd_convert,
     "convert [--from FORMAT] [--to FORMAT] [--image-version 2|3]\n"
     "        [--name NAME] [--uuid UUID] [--config FILE] [--aside FOLDER]\n"
     "        [--with FOLDER] [--fix-piix4acpi[=force]] [--drop-tmem] [--json]\n"
     "        FILE|- OUT|-\n"
     "    an image in another format",
     "FORMAT: xl, libxl, libxc (bare image, libxc-v2 or libxc-v3), xenserver; "
     "from: legacy\n"
     "too.\n\n"
     "--to FORMAT     without it the format stays, and older ones become libxl\n"
     "--from FORMAT   refuse any other input; it is recognised anyway\n"
     "--image-version 2|3\n"
     "                of the libxc image inside: 2 for Xen 4.6 to 4.13\n"
     "--name NAME     the guest's name in the xl header's configuration\n"
     "--uuid UUID     its UUID there\n"
     "--config FILE   its configuration (JSON), instead of the input's\n"
     "--aside FOLDER  what the output has no place for goes there, a file "
     "each,\n"
     "                instead of being a reason to refuse\n"
     "--with FOLDER   what went there is put in where there is a place\n"
     "--fix-piix4acpi[=force]\n"
     "                put the version number of XenServer 6.0 to 6.2's power\n"
     "                management record right; force: by its length alone\n"
     "--drop-tmem     leave transcendent memory out of a legacy image\n"
     "--json          the report as one JSON document\n\n"
     "OUT gets its name when all of it is on disk. What cannot be exact is "
     "refused."},
    {"sim", xsr_cmd_sim,
     "sim create --type pv|pvh|hvm ... | list | guest DOMID | run -- COMMAND | "
     "...\n"
     "    a simulated host and its guests",
     NULL},
};

static void print_help(void)
{
    size_t i;

    printf("usage: xensr [--sim[=DIR]] [-v] [-q] COMMAND ...\n\n"
           "--sim[=DIR]   on a simulated host instead of a Xen host; DIR is "
           "its folder\n"
           "-v, -q        every record; only errors\n\n"
           "`xensr COMMAND --help` tells more of one.\n\n");
    for (i = 0; i < XSR_ARRAY_LEN(commands); i++)
        printf("%s\n\n", commands[i].help);
    printf("exit status: 0 done; 1 failed, all undone; 2 usage; 3 input "
           "damaged or refused;\n4 valid but not supported; 5 failed, and "
           "somebody must look\n");
}

int xsr_tool_usage(const char *fmt, ...)
{
    va_list ap;

    fputs("xensr: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs("; xensr --help lists commands and options\n", stderr);
    return XENSR_USAGE;
}

bool xsr_tool_takes(int c)
{
    if (c == 'q')
        xsr_tool.quiet = true;
    if (c == 'v')
        xsr_tool.verbose = true;
    return c == 'q' || c == 'v';
}

int xsr_tool_seconds(const char *option, const char *text, unsigned *ms_out)
{
    unsigned long seconds;
    char *end;

    errno = 0;
    seconds = strtoul(text, &end, 10);
    if (errno || !isdigit((unsigned char)*text) || *end || seconds == 0 ||
        seconds > 1000000)
        return xsr_tool_usage("%s takes a number of seconds from 1 to 1000000",
                              option);
    *ms_out = (unsigned)seconds * 1000;
    return XENSR_OK;
}

static void on_log(void *ctx, enum xensr_level level, const char *text)
{
    (void)ctx;
    xsr_progress_clear();
    xsr_log_to_stderr((void *)"xensr", (enum xsr_level)level, text);
}

static void on_progress(void *ctx, const char *what, uint64_t done,
                        uint64_t total)
{
    (void)ctx;
    xsr_progress_report(what, done, total);
}

int xsr_tool_open(const struct xensr_options *options, struct xensr **x_out)
{
    struct xensr_options o = *options;

    /* whoever reads what we say may go (| head): no reason to leave a domain
       half made. Programs that we start get the signal back */
    signal(SIGPIPE, SIG_IGN);
    /* a file that may not grow (ulimit -f) is an error like a full disk, in
       the save helper too */
    signal(SIGXFSZ, SIG_IGN);
    o.on_log = on_log;
    o.on_progress = on_progress;
    o.max_level = xsr_tool.quiet     ? XENSR_LOG_ERROR
                  : xsr_tool.verbose ? XENSR_LOG_DEBUG
                                     : XENSR_LOG_INFO;
    if (xensr_open(&o, x_out) == XENSR_OK)
        return XENSR_OK;
    fprintf(stderr, "xensr: cannot start: %s\n", strerror(errno));
    return XENSR_FAILED;
}

/* ---- --sim -------------------------------------------------------------- */

/* Take --sim[=DIR] out of argv. Behind "--" nothing is ours. */
static bool take_sim(int *argc, char **argv, const char **dir_out)
{
    bool found = false;
    int in, out = 1;

    for (in = 1; in < *argc && strcmp(argv[in], "--") != 0; in++) {
        if (strcmp(argv[in], "--sim") == 0) {
            found = true;
        } else if (strncmp(argv[in], "--sim=", 6) == 0) {
            found = true;
            *dir_out = argv[in] + 6;
        } else {
            argv[out++] = argv[in];
        }
    }
    while (in < *argc)
        argv[out++] = argv[in++];
    argv[out] = NULL;
    *argc = out;
    return found;
}

/* The library path counts only when a program starts. */
static int start_again(char **argv, const char *dir)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int rc = xsr_sim_environment(dir);

    if (rc != XENSR_OK)
        return rc;
    self[n < 0 ? 0 : n] = '\0';
    execv(self, argv); /* by its name: a debugger may stand between */
    fprintf(stderr, "xensr: cannot start again for --sim: %s\n",
            strerror(errno));
    return XENSR_FAILED;
}

/* ---- main --------------------------------------------------------------- */

/* Started without some of them, what we open would be taken for those. */
void xsr_tool_fill_fds(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* The text for which the program was called has to arrive. */
static int printed(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return XENSR_OK;
    fprintf(stderr, "xensr: error: cannot write to standard output: %s\n",
            strerror(errno));
    return XENSR_FAILED;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_command(int argc, char **argv)
{
    size_t i;

    if (argc < 1)
        return xsr_tool_usage("a command is missing");
    for (i = 0; i < XSR_ARRAY_LEN(commands); i++) {
        if (strcmp(argv[0], commands[i].name) != 0)
            continue;
        if (argc < 2 || !is_help(argv[1]) || !commands[i].detail)
            return commands[i].run(argc, argv);
        printf("usage: xensr [--sim[=DIR]] %s\n\n%s\n", commands[i].help,
               commands[i].detail);
        return printed();
    }
    return xsr_tool_usage("there is no command \"%s\"", argv[0]);
}

/* The second name of this program, or that of the one it stands in for. */
static bool is_converter(const char *name)
{
    const char *slash = name ? strrchr(name, '/') : NULL;

    name = slash ? slash + 1 : name;
    return name && (strcmp(name, "xensr-convert-legacy") == 0 ||
                    strcmp(name, "convert-legacy-stream") == 0);
}

int main(int argc, char **argv)
{
    const char *dir = NULL;
    int i;

    if (is_converter(argv[0]))
        return xsr_legacy_main(argc, argv);
    xsr_tool_fill_fds();
    if (take_sim(&argc, argv, &dir))
        return start_again(argv, dir);
    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (argv[i][1] == 'v' &&
            strspn(argv[i] + 1, "v") == strlen(argv[i] + 1)) {
            xsr_tool.verbose = true;
        } else if (strcmp(argv[i], "-t") == 0 || strcmp(argv[i], "-T") == 0) {
            continue; /* xl's, in front of its migrate-receive */
        } else if (strcmp(argv[i], "-q") == 0) {
            xsr_tool.quiet = true;
        } else if (is_help(argv[i])) {
            print_help();
            return printed();
        } else if (strcmp(argv[i], "--version") == 0) {
            printf("xensr %s\n", XSR_VERSION);
            return printed();
        } else {
            return xsr_tool_usage("there is no option \"%s\"", argv[i]);
        }
    }
    return run_command(argc - i, argv + i);
}
