/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts of `xensr-sim`: one function per subcommand, in the table of main.c.
 * Each gets its own words (argv[0] is its name) and returns the exit code.
 */
#ifndef XSR_STUBS_TOOL_H
#define XSR_STUBS_TOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "stubs/hv/hv.h"
#include "stubs/xs/xs.h"

enum {
    XSR_SIM_OK = 0,
    XSR_SIM_FAILED = 1,
    XSR_SIM_USAGE = 2,
    XSR_SIM_LOOK = 5
};

int xsr_sim_cmd_init(int argc, char **argv);
int xsr_sim_cmd_create(int argc, char **argv);
int xsr_sim_cmd_fault(int argc, char **argv);
int xsr_sim_cmd_guest(int argc, char **argv);
int xsr_sim_cmd_digest(int argc, char **argv);
int xsr_sim_cmd_list(int argc, char **argv);
int xsr_sim_cmd_info(int argc, char **argv);
int xsr_sim_cmd_memory(int argc, char **argv);
int xsr_sim_cmd_xenstore(int argc, char **argv);
int xsr_sim_cmd_destroy(int argc, char **argv);
int xsr_sim_cmd_run(int argc, char **argv);
int xsr_sim_cmd_log(int argc, char **argv);
int xsr_sim_cmd_reset(int argc, char **argv);

/* ---- main.c -------------------------------------------------------------- */

/* "xensr-sim: error: ..." on stderr. Returns XSR_SIM_FAILED. */
int xsr_sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for wrong arguments, with where to find the right ones. */
int xsr_sim_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Options of a subcommand: sets *flag when "--name" is among the words, and
 * takes it out. Afterwards xsr_sim_words() refuses unknown options and a wrong
 * number of words (argv[0] not counted).
 */
void xsr_sim_flag(int *argc, char **argv, const char *name, bool *flag_out);
int xsr_sim_words(int argc, char **argv, int min, int max);
/* A domain number in text; the rest of main.c's errors likewise: 0 or code. */
int xsr_sim_domid(const char *text, uint32_t *domid_out);
int xsr_sim_print_json(json_t *json_take);

/* ---- toolstack.c --------------------------------------------------------- */

/*
 * From now on this process sees the host's folders where Xen's are. host and
 * stubs: absolute paths of the host and of the simulated libraries.
 */
int xsr_sim_enter_toolstack(const char *host, const char *stubs);
/* LIBXL_SAVE_HELPER, unless it is set. */
int xsr_sim_name_helper(const char *stubs);

/* ---- list.c -------------------------------------------------------------- */

/* The domain of that number; prints why not. 0 or exit code. */
int xsr_sim_find_domain(uint32_t domid, struct xsr_hv_domain *out);
const char *xsr_sim_type_name(enum xsr_hv_type type);
const char *xsr_sim_state_name(const struct xsr_hv_domain *d);
void xsr_sim_uuid(const struct xsr_hv_domain *d, char out[37]);
/* The name in xenstore, malloc'ed; NULL if there is none. */
char *xsr_sim_domain_name(uint32_t domid);
/* What list and info both say about a domain. */
json_t *xsr_sim_domain_json(const struct xsr_hv_domain *d);

/* ---- destroy.c ----------------------------------------------------------- */

/* The domain, its nodes and its files. 0 or exit code. */
int xsr_sim_destroy(uint32_t domid);

#endif
