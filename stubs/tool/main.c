/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim`: looks at and after one simulated host. `xensr sim ...` runs it;
 * it is a program of its own because it needs the host's insides, which the
 * other programs reach through Xen's libraries only.
 *
 * main: options before the subcommand -> folder of the host -> table.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/tool/tool.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *args, *what, *more; /* more: below its own --help */
} commands[] = {
    {"init", xsr_sim_cmd_init,
     "[--memory MIB] [--resident] [--no-shadow] [--record-suspends]",
     "make the host with other than default hardware",
     "--memory MIB       of the machine (default 16384)\n"
     "--resident         its memory has its storage from the start\n"
     "--no-shadow        PV guests cannot be tracked, as on Debian's Xen\n"
     "--record-suspends  keep a digest of each guest that suspends"},
    {"create", xsr_sim_cmd_create, "--type pv|pvh|hvm [OPTION...]",
     "a simulated guest; prints the domain's number",
     "--name NAME, --uuid UUID   (made up)\n"
     "--memory MIB (64), --vcpus N (1)\n"
     "--seed S           its memory follows from it (1)\n"
     "--zero PCT         of its pages are and stay zero (40)\n"
     "--dirty-rate PAGES written in a second of running time (0)\n"
     "--hot-set PCT      of the memory is where it writes (10)\n"
     "--phase SECONDS:PAGES[:PCT]  other rates at first; up to seven\n"
     "--suspend xenstore|evtchn|call|never|refuse  when asked so (xenstore)\n"
     "--no-suspend, --refuse-suspend  the same as never, refuse\n"
     "--churn-tables     PV: rewrites page tables of its own\n"
     "--p2m list|tree    PV: how it says where its frames are (list)\n"
     "--no-dm            HVM: without a device model\n"
     "--paused           do not start it\n"
     "--json             say more than its number"},
    {"list", xsr_sim_cmd_list, "[--json]", "its domains", NULL},
    {"info", xsr_sim_cmd_info, "[--json] DOMID",
     "everything the hypervisor knows about one domain", NULL},
    {"guest", xsr_sim_cmd_guest, "[--json] DOMID",
     "what a simulated guest says of itself; 1 if it is damaged", NULL},
    {"digest", xsr_sim_cmd_digest, "[--json] DOMID",
     "hashes over what a save of the domain carries", NULL},
    {"fault", xsr_sim_cmd_fault, "DOMID|host [KIND[=N|=off]...]",
     "hypercalls that shall fail",
     "KIND: logdirty-refused, logdirty-busy, logdirty-read, page-types, map,\n"
     "getcontext, populate, shutdown, resume. =N: the N-th call only; =off: no\n"
     "more; off: none of them any more. Without KIND: what is set."},
    {"memory", xsr_sim_cmd_memory, "[--skip-owned] DOMID",
     "the domain's pages: number (8 octets), 4096 octets", NULL},
    {"xenstore", xsr_sim_cmd_xenstore, "[--json] [PATH]",
     "nodes, values and permissions", NULL},
    {"destroy", xsr_sim_cmd_destroy, "DOMID",
     "end a domain and remove its nodes and files", NULL},
    {"run", xsr_sim_cmd_run, "[--toolstack] [--] COMMAND...",
     "run a program that uses Xen's libraries (xl: --toolstack)",
     "--toolstack  in a mount namespace with the host's /var/lib/xen,\n"
     "             /run/xen, /etc/xen and /var/log/xen"},
    {"log", xsr_sim_cmd_log, "", "what was refused or is not simulated", NULL},
    {"reset", xsr_sim_cmd_reset, "", "remove the host with all its domains",
     NULL},
};

int xsr_sim_fail(const char *fmt, ...)
{
    va_list ap;

    fputs("xensr-sim: error: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return XSR_SIM_FAILED;
}

int xsr_sim_usage(const char *fmt, ...)
{
    va_list ap;

    fputs("xensr-sim: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs(" (see xensr-sim --help)\n", stderr);
    return XSR_SIM_USAGE;
}

void xsr_sim_flag(int *argc, char **argv, const char *name, bool *flag_out)
{
    int i, n = 1;

    *flag_out = false;
    for (i = 1; i < *argc; i++) {
        if (strcmp(argv[i], name) == 0)
            *flag_out = true;
        else
            argv[n++] = argv[i];
    }
    *argc = n;
}

int xsr_sim_words(int argc, char **argv, int min, int max)
{
    for (int i = 1; i < argc; i++)
        if (argv[i][0] == '-')
            return xsr_sim_usage("%s has no option \"%s\"", argv[0], argv[i]);
    if (argc - 1 < min)
        return xsr_sim_usage("%s needs %s", argv[0],
                             max == min && min == 1 ? "one argument"
                                                    : "more arguments");
    if (argc - 1 > max)
        return xsr_sim_usage("%s does not take \"%s\"", argv[0], argv[max + 1]);
    return XSR_SIM_OK;
}

int xsr_sim_domid(const char *text, uint32_t *domid_out)
{
    unsigned long n;
    char *end;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || n > 0x7fef)
        return xsr_sim_usage("\"%s\" is not the number of a domain (0 to "
                             "32751)",
                             text);
    *domid_out = (uint32_t)n;
    return XSR_SIM_OK;
}

int xsr_sim_print_json(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    int rc = XSR_SIM_OK;

    if (!text || puts(text) < 0 || fflush(stdout))
        rc = xsr_sim_fail("cannot write the result: %s", strerror(errno));
    free(text);
    json_decref(json);
    return rc;
}

static int help(void)
{
    puts("usage: xensr-sim [--dir DIR] COMMAND ...\n\n"
         "Looks at a simulated Xen host. DIR is its folder (default: "
         "$XENSR_SIM_DIR,\nelse a folder of the user's).\n");
    for (size_t i = 0; i < XSR_ARRAY_LEN(commands); i++)
        printf("  %-8s %-28s %s\n", commands[i].name, commands[i].args,
               commands[i].what);
    puts("\nExit status: 0 done, 1 failed, 2 wrong usage, 5 failed and "
         "somebody must look.");
    return fflush(stdout) ? XSR_SIM_FAILED : XSR_SIM_OK;
}

static int command_help(size_t i)
{
    printf("usage: xensr-sim [--dir DIR] %s%s%s\n\n%s\n", commands[i].name,
           commands[i].args[0] ? " " : "", commands[i].args, commands[i].what);
    if (commands[i].more)
        printf("\n%s\n", commands[i].more);
    return fflush(stdout) ? XSR_SIM_FAILED : XSR_SIM_OK;
}

static int run_command(int argc, char **argv)
{
    for (size_t i = 0; i < XSR_ARRAY_LEN(commands); i++) {
        if (strcmp(argv[0], commands[i].name))
            continue;
        if (argc > 1 && strcmp(argv[1], "--help") == 0)
            return command_help(i);
        return commands[i].run(argc, argv);
    }
    return xsr_sim_usage("there is no command \"%s\"", argv[0]);
}

int main(int argc, char **argv)
{
    int i = 1;

    while (i < argc && argv[i][0] == '-') {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return help();
        if (!strcmp(argv[i], "--dir") && i + 1 < argc) {
            setenv("XENSR_SIM_DIR", argv[i + 1], 1);
            i += 2;
        } else if (!strncmp(argv[i], "--dir=", 6)) {
            setenv("XENSR_SIM_DIR", argv[i] + 6, 1);
            i++;
        } else {
            return xsr_sim_usage("unknown or incomplete option \"%s\"",
                                 argv[i]);
        }
    }
    if (i == argc)
        return xsr_sim_usage("a command is missing");
    return run_command(argc - i, argv + i);
}
