/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the test guest share, in the order in which a start uses
 * them. One vCPU, no interrupts: everything happens in turn, in main.c.
 */
#ifndef XG_XG_H
#define XG_XG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>

#define XG_PAGE   4096ul
#define XG_WORDS  512u
#define XG_MS     1000000ul /* nanoseconds */
#define XG_SECOND 1000000000ul

extern char xg_image[], xg_constant_end[], xg_image_end[], xg_hvm_l4[];

/* ---- options.c: the command line ----------------------------------------- */

enum xg_suspend { XG_BY_XENSTORE, XG_BY_EVTCHN, XG_NOT_AT_ALL };

struct xg_options {
    uint64_t seed;
    uint32_t rate, hot, zero; /* pages a second, per cent, per cent */
    enum xg_suspend suspend;
    int64_t damage; /* index of a data page to spoil, or -1 */
    bool p2m_tree;  /* PV: frame lists even where the tools know better */
};

extern struct xg_options xg_options;
/* Returns the first word that it does not understand, or NULL. */
const char *xg_options_read(const char *line);

/* ---- text.c -------------------------------------------------------------- */

void *memset(void *to, int byte, size_t len);
void *memcpy(void *to, const void *from, size_t len);
/* %s, %u (32 bits), %lu, %lx (64 bits). Always terminated; returns the length.
 */
size_t xg_format(char *to, size_t size, const char *format, va_list args);
size_t xg_length(const char *text);
bool xg_same(const char *a, const char *b);
bool xg_starts(const char *text, const char *with);
uint64_t xg_mix(uint64_t x);

/* ---- pv.c, hvm.c: what depends on the type of the guest ------------------ */

struct xg_platform {
    const char *name;
    void (*find_ports)(void);
    unsigned long (*before_suspend)(void); /* third argument of the call */
    void (*after_suspend)(bool cancelled);
    void (*check)(void); /* whatever else has to be right; xg_damaged() */
};

extern const struct xg_platform *xg_platform;
extern struct shared_info *xg_shared;

/* They tell pages.c where memory is and return the command line. */
const char *xg_pv_start(struct start_info *si, unsigned long stack_end);
const char *xg_hvm_start(unsigned long start_info);

/* pv_tables.c: maps all of the nr_pages at their pseudo-physical address */
void xg_pv_map_all(uint64_t *l4, unsigned long nr_pages);
/* Maps another frame at the address of a page; 0 or Xen's error. */
long xg_pv_remap(void *at, unsigned long frame, bool writable);
extern unsigned long *xg_p2m;

/* ---- pages.c: which memory there is -------------------------------------- */

void xg_ram(unsigned long first_pfn, unsigned long count);
void xg_own_until(unsigned long pfn); /* from the image on all is ours */
void *xg_own(unsigned long n_pages);  /* and this, too */
/* All that is RAM and not ours: */
unsigned long xg_n_pages(void);
unsigned long xg_pfn_of(unsigned long index);

/* ---- memory.c: what is in it --------------------------------------------- */

void xg_memory_fill(void);
void xg_memory_write(uint64_t n); /* pages of the hot set */
uint64_t xg_memory_writes(void);  /* so far */
uint64_t xg_memory_digest(void);  /* of all generations */
void xg_memory_spoil(unsigned long index);
void xg_memory_check_some(void);
void xg_memory_check_all(void);

/* ---- console.c ----------------------------------------------------------- */

enum xg_patience { XG_DROP, XG_WAIT };

extern struct xencons_interface *xg_console;
/* One line, without "xg: " and line end. */
void xg_say(enum xg_patience patience, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void xg_console_drain(void);
/* A word to the console and Xen's log, and a crash. */
_Noreturn void xg_panic(const char *what, uint64_t value);

/* ---- events.c: ports and time -------------------------------------------- */

extern struct xg_ports {
    uint32_t console, store, suspend, here; /* 0: there is none */
} xg_ports;

void xg_notify(uint32_t port);
bool xg_take_event(uint32_t port);
uint64_t xg_now(void); /* ns of running time; does not jump */
void xg_time_stops(void);
void xg_time_goes_on(void);
/* Until then, or until an event comes. */
void xg_wait(uint64_t deadline);
uint32_t xg_port_alloc(domid_t remote);
void xg_port_close(uint32_t port);
bool xg_moved(void); /* suspend=none: this is another domain than before */

/* ---- store.c ------------------------------------------------------------- */

extern struct xenstore_domain_interface *xg_store;
/* Says what the guest can do, and watches control/shutdown. 0 or -1. */
int xg_store_connect(bool again);
bool xg_store_fired(void); /* the watch, since the last question */
/* Takes what stands in control/shutdown, unless it is to stay. */
enum xg_request { XG_NOTHING, XG_SUSPEND, XG_POWEROFF, XG_REBOOT, XG_HALT };
enum xg_request xg_store_request(void);

/* ---- suspend.c, trap.c --------------------------------------------------- */

void xg_suspend(void);
void xg_arrived(void); /* suspend=none: verdict in a domain that is new */
void xg_damaged_page(unsigned long pfn, unsigned at, uint64_t found,
                     uint64_t expected);
void xg_damaged(const char *what, uint64_t found, uint64_t expected);
extern uint32_t xg_n_suspends, xg_n_damaged;

void xg_trap_init(bool pv);
void xg_trap_check(void);

#endif
