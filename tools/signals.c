/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ctrl-C, SIGTERM and SIGHUP of a command that changes something: they ask the
 * library to stop and undo, however often they come, and end every wait of the
 * command's own. The command decides what "interrupted" means for its result.
 */
#include <signal.h>
#include <stdio.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "tools/tools.h"

static struct xensr *volatile running;
static volatile sig_atomic_t stop_flag;

static void on_stop_signal(int sig)
{
    (void)sig;
    stop_flag = 1;
    if (running)
        xensr_interrupt(running);
}

/* No SA_RESTART: opening a file must come to an end too. */
void xsr_signals_begin(struct xensr *x)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction sa = {.sa_handler = on_stop_signal}, old;
    size_t i;

    running = x;
    sigemptyset(&sa.sa_mask);
    for (i = 0; i < XSR_ARRAY_LEN(signals); i++) {
        sigaction(signals[i], NULL, &old);
        /* nohup stays nohup; the Ctrl-C for a script's foreground is not for
           its background */
        if (old.sa_handler != SIG_IGN || signals[i] == SIGTERM)
            sigaction(signals[i], &sa, NULL);
    }
    xsr_fd_set_stop_flag(&stop_flag);
}

bool xsr_signals_stopped(void)
{
    return stop_flag;
}

void xsr_signals_end(void)
{
    running = NULL;
    xsr_fd_set_stop_flag(NULL);
}
