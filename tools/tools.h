/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The subcommands of `xensr` and what they share. main.c has the table; every
 * subcommand is one file and returns the exit code (enum xensr_result).
 */
#ifndef XSR_TOOLS_TOOLS_H
#define XSR_TOOLS_TOOLS_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/log.h"
#include "plugin/xensr.h"
#include "tools/input.h"

struct xsr_tool { /* options in front of the subcommand */
    bool quiet, verbose;
};
extern struct xsr_tool xsr_tool;

/* argv[0] is the subcommand's name. */
int xsr_cmd_restore(int argc, char **argv);
int xsr_cmd_save(int argc, char **argv);
int xsr_cmd_migrate(int argc, char **argv);
int xsr_cmd_receive(int argc, char **argv);
int xsr_cmd_destroy(int argc, char **argv);
int xsr_cmd_unpause(int argc, char **argv);
int xsr_cmd_resume(int argc, char **argv);
int xsr_cmd_rename(int argc, char **argv);
int xsr_cmd_inspect(int argc, char **argv);
int xsr_cmd_diff(int argc, char **argv);
int xsr_cmd_check(int argc, char **argv);
int xsr_cmd_convert(int argc, char **argv);
int xsr_cmd_sim(int argc, char **argv);

/* The program under its name xensr-convert-legacy; argv[0] is that. */
int xsr_legacy_main(int argc, char **argv);
/* Whichever of 0, 1, 2 is closed becomes /dev/null. */
void xsr_tool_fill_fds(void);

/* "xensr: ..." and where to find help; returns XENSR_USAGE. */
int xsr_tool_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* -q and -v, which every command has too: was c one of them? */
bool xsr_tool_takes(int c);
/* The value of an option in milliseconds; 0 or XENSR_USAGE. */
int xsr_tool_seconds(const char *option, const char *text, unsigned *ms_out);
/* A domain by its number or name; an exit code, with the reason printed. */
int xsr_domain_arg(struct xensr *x, const char *text, uint32_t *domid_out);
/* A context with the tool's options, which logs to stderr. */
int xsr_tool_open(const struct xensr_options *options, struct xensr **x_out);

/* ---- signals.c ---------------------------------------------------------- */

/* Ctrl-C, SIGTERM and SIGHUP interrupt x's operations until the end. */
void xsr_signals_begin(struct xensr *x);
bool xsr_signals_stopped(void); /* did one of them come? */
void xsr_signals_end(void);

/* ---- sim.c -------------------------------------------------------------- */

/*
 * Set the environment of a simulated host: library path, XENSR_SIM_DIR (dir,
 * or the present one, or the user's default), folders below it. dir may be
 * NULL. 0 or an exit code, with the reason printed.
 */
int xsr_sim_environment(const char *dir);
/* Do the libraries of a simulated host stand in for Xen's in this process? */
bool xsr_sim_active(void);

/* ---- progress.c --------------------------------------------------------- */

/* One updating line on a terminal, plain lines elsewhere, silent with -q. */
void xsr_progress_init(const struct xsr_input *in);
void xsr_progress_report(const char *what, uint64_t done, uint64_t total);
/* The line is finished; log lines do it themselves. */
void xsr_progress_clear(void);
void xsr_progress_fini(void);

#endif
