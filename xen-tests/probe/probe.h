/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program of questions to a hypervisor and its xenstore: what does it answer
 * to calls at the edge of what is allowed? Run in dom0 of real Xen and on the
 * simulated host; every line that differs is a mistake of the simulation, or a
 * known difference with its reason (tests/golden/answers/README.md). One file a
 * topic; each makes its own domains and removes them. Answers hold no number
 * that differs between two runs, such as those of domains and machine frames.
 */
#ifndef XSR_PROBE_H
#define XSR_PROBE_H

#define __XEN_TOOLS__ 1
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xencall.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>

#define PAGE        4096u
#define NOBODY      0x6ff0u /* a number that no domain has */
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

enum kind { PV, PVH, HVM, N_KINDS };

extern xc_interface *xch;
extern xenforeignmemory_handle *fmem;

/* ---- answers (main.c) ---------------------------------------------------- */

/* What follows is about this; kind: -1 for none. */
void about(const char *topic, int kind);
__attribute__((format(printf, 2, 3))) void said(const char *question,
                                                const char *fmt, ...);
/* A result: a number, or the name of errno if it is below zero. */
void gave(const char *question, long rc);
const char *errno_name(int e);

/* ---- calls --------------------------------------------------------------- */

/* Memory that a hypercall may use; all of it is free again after clear(). */
void *scratch(size_t n);
void clear_scratch(void);
/* Raw calls: the result, or -1 and errno. */
long domctl(uint32_t cmd, uint32_t domid, struct xen_domctl *op);
long memory_op(unsigned cmd, void *arg, size_t len);
long evtchn_op(unsigned cmd, void *arg, size_t len);
long mmuext(uint32_t domid, unsigned cmd, uint64_t mfn);
long mmu_update(uint32_t domid, uint64_t ptr, uint64_t value);
long resume(uint32_t domid);

/* ---- domains ------------------------------------------------------------- */

struct xen_domctl_createdomain config_of(enum kind kind);
/* -1 and errno, or the number of a domain that has nothing yet. */
long create(const struct xen_domctl_createdomain *c);
/* One with so many vCPUs and at most so many pages; exits if refused. */
uint32_t new_domain(enum kind kind, unsigned vcpus, unsigned long pages);
void destroy(uint32_t domid);
/* n pages from gfn on; PV: list gets their machine frames. */
void give_pages(uint32_t domid, uint64_t gfn, size_t n, uint64_t *list);
struct xen_domctl_getdomaininfo info_of(uint32_t domid);
unsigned long pages_of(uint32_t domid);
/* Map one frame; the error of the page is in errno. */
void *map_page(uint32_t domid, int prot, uint64_t frame);
void unmap_page(void *p);

/* ---- topics -------------------------------------------------------------- */

void ask_create(void);
void ask_life(void);
void ask_dying(void);
void ask_memory(void);
void ask_tables(void);
void ask_logdirty(void);
void ask_hvm(void);
void ask_context(void);
void ask_vcpus(void);
void ask_policy(void);
void ask_ports(void);
void ask_store(void);
void ask_transactions(void);

#endif
