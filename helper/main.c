/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xensr-helper: started by a toolstack (libxl through LIBXL_SAVE_HELPER, or
 * libxensr) with the image on an inherited fd and the pipe protocol on fds 0
 * and 1. Judges its arguments, then hands over to save.c or restore.c; what the
 * process says by its exit status is decided here and nowhere else.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/run.h"
#include "lib/log.h"
#include "lib/version.h"

enum { EXIT_REPORTED = 0, EXIT_PARENT_GONE = 1, EXIT_BAD_ARGS = 2 };

static int print(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) < 0)
        return EXIT_PARENT_GONE;
    return EXIT_REPORTED;
}

static void say(const struct xsr_err *err)
{
    static char name[] = "xensr-helper";

    xsr_log_to_stderr(name, XSR_LOG_ERROR, err->text);
}

/* A pipe at stdout after a valid mode: there is a toolstack behind it. */
static bool have_parent(void)
{
    struct stat st;

    return fstat(STDOUT_FILENO, &st) == 0 &&
           (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int run(enum xsr_args_verdict verdict, const struct xsr_args *args,
               const struct xsr_err *why)
{
    struct xsr_answer a;
    int status;

    xsr_answer_init(&a, args->gen);
    if (verdict != XSR_ARGS_RUN)
        xsr_refuse_run(args, &a, why);
    else if (args->side == XSR_IPC_SAVE)
        xsr_save_run(args, &a);
    else
        xsr_restore_run(args, &a);
    status = a.parent_gone ? EXIT_PARENT_GONE : EXIT_REPORTED;
    xsr_answer_fini(&a);
    return status;
}

/*
 * The number of "log" is the same in every release, that of "complete" is
 * not: so an unknown protocol gets a reason, but no message to be answered.
 */
static int refuse_unknown(const struct xsr_args *args,
                          const struct xsr_err *why)
{
    struct xsr_answer a;

    say(why);
    if (have_parent()) {
        xsr_answer_init(&a, args->gen);
        xsr_answer_log(&a, XSR_XTL_ERROR, -1, "xensr-helper", why->text);
        xsr_answer_fini(&a);
    }
    return EXIT_BAD_ARGS;
}

int main(int argc, char **argv)
{
    enum xsr_args_verdict verdict;
    struct xsr_args args;
    struct xsr_err err;

    /* a parent that is gone is an error like others, not a sudden death */
    signal(SIGPIPE, SIG_IGN);
    verdict = xsr_args_get(argc, argv, &args, &err);
    switch (verdict) {
    case XSR_ARGS_HELP:
        return print(xsr_args_help());
    case XSR_ARGS_VERSION:
        return print("xensr-helper " XSR_VERSION "\n");
    case XSR_ARGS_USAGE:
        say(&err);
        return EXIT_BAD_ARGS;
    case XSR_ARGS_UNKNOWN:
        return refuse_unknown(&args, &err);
    default:
        break;
    }
    /* by hand, the answers would be binary noise on the terminal */
    if (isatty(STDOUT_FILENO)) {
        xsr_fail(&err, XSR_E_PEER,
                 "standard output is a terminal; toolstacks "
                 "start this program, see --help");
        say(&err);
        return EXIT_BAD_ARGS;
    }
    return run(verdict, &args, &err);
}
