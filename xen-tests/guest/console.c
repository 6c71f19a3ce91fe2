/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test guest's lines on its Xen console ring. Nobody has to read it: a line
 * that finds no room is dropped at once, or after a limit if it matters, and a
 * reader that was waited for in vain is not waited for again until it has taken
 * something. How many lines were lost is said as soon as there is room.
 */
#include "xg.h"

#include <xen/io/console.h>
#include <xen/sched.h>

#include "hypercall.h"

#define PATIENCE (5 * XG_SECOND)

struct xencons_interface *xg_console;

static uint32_t n_dropped;
static bool gave_up;
static uint32_t gave_up_at;

static uint32_t used(void)
{
    xg_barrier();
    return xg_console->out_prod - xg_console->out_cons;
}

static uint32_t room(void)
{
    uint32_t n = used(), size = sizeof(xg_console->out);

    return n < size ? size - n : 0;
}

/* Until the ring is no fuller than that. */
static bool wait_for(uint32_t fill)
{
    uint64_t until = xg_now() + PATIENCE;

    if (gave_up && xg_console->out_cons == gave_up_at)
        return false;
    gave_up = false;
    while (used() > fill) {
        if (xg_now() >= until) {
            gave_up = true;
            gave_up_at = xg_console->out_cons;
            return false;
        }
        xg_notify(xg_ports.console);
        xg_wait(xg_now() + 10 * XG_MS);
    }
    return true;
}

static void put(const char *text, size_t len)
{
    uint32_t prod = xg_console->out_prod;

    for (size_t i = 0; i < len; i++, prod++)
        xg_console->out[prod % sizeof(xg_console->out)] = text[i];
    xg_barrier();
    xg_console->out_prod = prod;
    xg_barrier();
    xg_notify(xg_ports.console);
}

static size_t make_line(char *line, size_t size, const char *format,
                        va_list args)
{
    size_t len;

    memcpy(line, "xg: ", 4);
    len = 4 + xg_format(line + 4, size - 6, format, args);
    memcpy(line + len, "\r\n", 2);
    return len + 2;
}

__attribute__((format(printf, 3, 4))) static size_t make(char *line,
                                                         size_t size,
                                                         const char *format,
                                                         ...)
{
    va_list args;
    size_t len;

    va_start(args, format);
    len = make_line(line, size, format, args);
    va_end(args);
    return len;
}

void xg_say(enum xg_patience patience, const char *format, ...)
{
    uint32_t size = sizeof(xg_console->out);
    char line[256], lost[64];
    size_t len, lost_len = 0;
    va_list args;

    if (!xg_console)
        return;
    va_start(args, format);
    len = make_line(line, sizeof(line), format, args);
    va_end(args);
    if (n_dropped)
        lost_len = make(lost, sizeof(lost), "dropped lines=%u", n_dropped);
    if (room() < len + lost_len &&
        !(patience == XG_WAIT && wait_for(size - (uint32_t)(len + lost_len)))) {
        n_dropped++;
        return;
    }
    put(lost, lost_len);
    put(line, len);
    n_dropped = 0;
}

void xg_console_drain(void)
{
    if (xg_console)
        wait_for(0);
}

_Noreturn void xg_panic(const char *what, uint64_t value)
{
    struct sched_shutdown crash = {.reason = SHUTDOWN_crash};
    static bool again;
    char line[256];
    size_t len;

    if (!again) {
        again = true;
        len = make(line, sizeof(line), "panic: %s: 0x%lx", what, value);
        /* Xen's log, if it was built or told to take it */
        xg_hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, len,
                     (unsigned long)line, 0);
        xg_say(XG_DROP, "panic: %s: 0x%lx", what, value);
    }
    for (;;)
        xg_call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &crash);
}
