/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The main of a fuzz target that is built without libFuzzer: `TARGET PATH...`
 * feeds it every file named, and every file of a folder named. Says at the end
 * how many there were; a finding ends it with a signal and the file's name, an
 * input that takes too long with exit code 1.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "tests/fuzz/support/fuzz.h"

#define SECONDS 20 /* for one input; real ones take microseconds */

static const char *current = "(none)";
static unsigned long n_inputs;

static void say(const char *what)
{
    if (write(2, what, strlen(what)) < 0 ||
        write(2, current, strlen(current)) < 0 || write(2, "\n", 1) < 0)
        _exit(1);
}

static void on_abort(int sig)
{
    (void)sig;
    say("finding in ");
}

static void on_alarm(int sig)
{
    (void)sig;
    say("takes too long: ");
    _exit(1);
}

static int feed(const char *path)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf buf = XSR_BUF_INIT;
    uint8_t *copy;
    FILE *f = fopen(path, "re");
    uint8_t piece[65536];
    size_t n;

    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        fuzz_good(xsr_buf_put(&buf, piece, n, &err), &err);
    fclose(f);
    current = path;
    copy = fuzz_copy(buf.p, buf.len);
    alarm(SECONDS);
    LLVMFuzzerTestOneInput(copy, buf.len);
    alarm(0);
    free(copy);
    xsr_buf_fini(&buf);
    n_inputs++;
    return 0;
}

static int feed_folder(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort), rc = n < 0 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        char file[4096];

        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && feed(file) < 0)
            rc = -1;
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    else
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return rc;
}

int main(int argc, char **argv)
{
    struct stat st;
    int rc = 0;

    signal(SIGABRT, on_abort);
    signal(SIGALRM, on_alarm);
    for (int i = 1; i < argc; i++)
        if (!stat(argv[i], &st) && S_ISDIR(st.st_mode))
            rc |= feed_folder(argv[i]);
        else
            rc |= feed(argv[i]);
    fprintf(stderr, "%lu inputs\n", n_inputs);
    return rc || !n_inputs ? 1 : 0;
}
