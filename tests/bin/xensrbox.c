/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sends a signal to one of two processes of a save, the toolstack's or its
 * helper, at each message that the helper sends and each answer that it reads,
 * and judges what is left: of a guest, its device model, files and processes.
 * The command saves the guest and lets it run on, through a helper that has
 * at_call.so loaded.
 *
 *   xensrbox --kill parent|self --signal N --fd FD --mark FILE --target FILE
 *            --status FILE --resume COMMAND --errors FILE DOMID COMMAND...
 *     --target   file that must not be there after a failure
 *     --status   of the device model, if there is one; --state: the file for
 *                its state, which must not be there when the guest runs on
 *     --resume   for a guest that is left suspended, its toolstack being gone
 *
 * Prints "pass TEXT" or "fail TEXT" with the number of cases.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/loop.h"
#include "tests/fake/bad_world.h"

#define LIMIT_MS 20000u

static struct {
    struct world w;
    const char *who, *mark, *target, *status, *state, *resume, *errors;
    char **command;
    int sig, fd;
    unsigned n_cases;
    char failure[600];
} box = {.status = "", .state = ""};

/* ---- running --------------------------------------------------------------
 */

static void child_main(unsigned n, bool after)
{
    int fd = open(box.errors, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    char at[64];

    if (n) {
        snprintf(at, sizeof(at), "%d:%u:%s:%d:%s", box.fd, n,
                 after ? "after" : "before", box.sig, box.who);
        setenv("AT_CALL", at, 1);
        setenv("AT_CALL_SEEN", box.mark, 1);
    }
    dup2(fd, 1);
    dup2(fd, 2);
    execvp(box.command[0], box.command);
    _exit(127);
}

/* All that the command started have ended, too; they are ours by then. */
static int wait_for_all(pid_t pid, int *status_out, char why[256])
{
    uint64_t end = xsr_now_ms() + LIMIT_MS;
    int status;
    pid_t got;

    while ((got = waitpid(-1, &status, WNOHANG)) >= 0) {
        if (got == pid)
            *status_out = status;
        if (got == 0)
            nap_ms(1);
        if (xsr_now_ms() > end)
            return bad(why, "processes are left after %u ms", LIMIT_MS);
    }
    return 0;
}

static int run_command(unsigned n, bool after, int *status_out, char why[256])
{
    pid_t pid;

    unlink(box.target);
    fflush(stdout);
    pid = fork();
    if (pid == 0)
        child_main(n, after);
    return pid < 0 ? die("fork") : wait_for_all(pid, status_out, why);
}

/* ---- judgement ------------------------------------------------------------
 */

static bool file_has(const char *path, const char *text)
{
    char bytes[8192];
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(bytes, 1, sizeof(bytes) - 1, f) : 0;

    if (f)
        fclose(f);
    bytes[n] = '\0';
    return strstr(bytes, text);
}

static int judge_device_model(char why[256])
{
    if (!box.status[0])
        return 0;
    if (!file_has(box.status, "\"status\":\"running\""))
        return bad(why, "the device model does not run");
    if (!file_has(box.status, "\"logdirty\":false"))
        return bad(why, "the device model is left logging");
    return 0;
}

static int judge_guest_and_file(char why[256])
{
    struct stat st;

    if (stat(box.state, &st) == 0)
        return bad(why, "the device model's state is left");
    return judge_guest(&box.w, why);
}

static int judge_all(char why[256])
{
    return judge_guest_and_file(why) < 0 ? -1 : judge_device_model(why);
}

/* The toolstack lives, so it puts everything right, and says what was. */
static int judge_alone(int status, char why[256])
{
    struct stat st;

    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        return bad(why, "wait status %#x", status);
    if (WEXITSTATUS(status) == 0) /* it was done already, or never mind */
        return judge_all(why);
    if (stat(box.target, &st) == 0)
        return bad(why, "there is a file of a save that failed");
    if (!file_has(box.errors,
                  box.sig == SIGKILL ? "signal 9" : "interrupted") &&
        !file_has(box.errors, "stopped by signal"))
        return bad(why, "the error does not name the cause");
    return judge_all(why);
}

/* A toolstack that dies in the moment in which it tells its guest something
   leaves it the word, and the guest hears it a little later. */
static bool word_is_heard(uint32_t domid)
{
    void *lib = dlopen("libxenstore.so.4", RTLD_NOW);
    void *(*open_store)(unsigned long flags);
    void (*close_store)(void *xs);
    void *(*read_node)(void *xs, uint32_t t, const char *path, unsigned *len);
    char path[64], *word = NULL;
    unsigned len = 0;
    void *xs;

    if (!lib)
        die("libxenstore");
    find(lib, "xs_open", &open_store);
    find(lib, "xs_close", &close_store);
    find(lib, "xs_read", &read_node);
    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    xs = open_store(0);
    if (xs) {
        word = read_node(xs, 0, path, &len);
        close_store(xs);
    }
    free(word);
    dlclose(lib);
    return len == 0;
}

/* The toolstack has gone: log-dirty mode is the helper's, who cleans up; a
   guest that was suspended is the operator's. */
static int judge_orphan(int status, char why[256])
{
    uint64_t end = xsr_now_ms() + LIMIT_MS;
    struct xsr_hv_domain d;
    struct stat st;

    if (!WIFSIGNALED(status))
        return bad(why, "the toolstack was not killed: %#x", status);
    if (stat(box.target, &st) == 0)
        return bad(why, "there is a file of a save that was killed");
    if (box.w.next_domain(box.w.domid, &d) || d.domid != box.w.domid)
        return bad(why, "the guest is gone");
    if (guest_logdirty(&box.w))
        return bad(why, "log-dirty mode is left on");
    for (; !word_is_heard(box.w.domid); nap_ms(5))
        if (box.w.next_domain(box.w.domid, &d) || xsr_now_ms() > end)
            return bad(why, "the guest does not hear what it was told");
    if (guest_suspended(&box.w) && system(box.resume) != 0)
        return bad(why, "a suspended guest cannot be resumed");
    return judge_guest_and_file(why);
}

/* Undisturbed, it succeeds, and then all is well. */
static int again(char why[256])
{
    int status = -1;

    if (run_command(0, false, &status, why) < 0)
        return -1;
    if (status != 0)
        return bad(why, "then the same save fails: wait status %#x", status);
    return judge_all(why);
}

/* ---- the places -----------------------------------------------------------
 */

/* false: the place was not reached. */
static bool try_one(unsigned n, bool after)
{
    bool orphan = strcmp(box.who, "parent") == 0 && box.sig == SIGKILL;
    bool reached;
    char why[256] = "";
    int status = -1, rc;

    rc = run_command(n, after, &status, why);
    reached = unlink(box.mark) == 0;
    if (rc == 0 && reached)
        rc = orphan ? judge_orphan(status, why) : judge_alone(status, why);
    if (rc == 0 && (orphan || n % 4 == 0))
        rc = again(why);
    if (rc < 0 && !box.failure[0])
        snprintf(box.failure, sizeof(box.failure), ": %s it at place %u: %s",
                 after ? "after" : "before", n, why);
    box.n_cases += reached;
    return reached;
}

static void get_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"kill", 1, NULL, 'k'},   {"signal", 1, NULL, 's'},
        {"fd", 1, NULL, 'f'},     {"mark", 1, NULL, 'm'},
        {"target", 1, NULL, 't'}, {"status", 1, NULL, 'd'},
        {"resume", 1, NULL, 'r'}, {"errors", 1, NULL, 'e'},
        {"state", 1, NULL, 'q'},  {NULL, 0, NULL, 0},
    };
    const char **texts[] = {
        ['k'] = &box.who,    ['m'] = &box.mark,   ['t'] = &box.target,
        ['d'] = &box.status, ['r'] = &box.resume, ['e'] = &box.errors,
        ['q'] = &box.state,
    };
    int c;

    while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (c == '?')
            exit(2);
        if (c == 's')
            box.sig = (int)strtol(optarg, NULL, 10);
        else if (c == 'f')
            box.fd = (int)strtol(optarg, NULL, 10);
        else
            *texts[c] = optarg;
    }
    if (!box.who || !box.mark || !box.target || !box.resume || !box.errors ||
        optind + 2 > argc)
        exit(2);
    box.command = argv + optind + 1;
}

int main(int argc, char **argv)
{
    unsigned n;

    get_options(argc, argv);
    /* what a shell ignores for its background jobs */
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    world_open(&box.w, (uint32_t)strtoul(argv[optind], NULL, 10));
    for (n = 1; n < 4096; n++)
        if (!try_one(n, n % 2))
            break;
    printf("%s signal %d to the %s at every %s%s (%u cases)\n",
           box.failure[0] || !box.n_cases ? "fail" : "pass", box.sig,
           strcmp(box.who, "self") ? "toolstack" : "helper",
           box.fd ? "message" : "answer", box.failure, box.n_cases);
    xc_interface_close(box.w.xch);
    return 0;
}
