/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands where a toolstack expects its save helper (LIBXL_SAVE_HELPER), starts
 * the real one ($CAPTURE_HELPER) between two pipes, and writes down the whole
 * conversation in a new folder below $CAPTURE_DIR:
 *
 *   argv   one argument a line, from the first after the name
 *   fds    descriptors given, with their kinds: "5 pipe 0", the last is the
 *          file status flags' access mode
 *   talk   one line for each piece read, in the order in which it came:
 *          "< HEX" from the helper, "> HEX" to it; at the end "exit N"
 *
 * SIGTERM and the like are passed on. The stream is not ours: its descriptor
 * is the helper's alone once it runs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE 65536

static volatile pid_t helper;

static void die(const char *what)
{
    perror(what);
    _exit(127);
}

static void pass_on(int sig)
{
    if (helper > 0)
        kill(helper, sig);
}

/* The first free number below $CAPTURE_DIR, and what is done there. */
static int new_folder(const char *mode)
{
    const char *base = getenv("CAPTURE_DIR");
    char path[512];
    int n;

    for (n = 0; base && n < 1000; n++) {
        snprintf(path, sizeof(path), "%s/%02d%s", base, n, mode + 1);
        if (mkdir(path, 0755) == 0)
            return open(path, O_DIRECTORY | O_CLOEXEC);
        if (errno != EEXIST)
            break;
    }
    die("capture: no folder below $CAPTURE_DIR");
    return -1;
}

static FILE *new_file(int folder, const char *name)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f)
        die("capture: a file of the capture");
    return f;
}

static void note_argv(int folder, int argc, char **argv)
{
    FILE *f = new_file(folder, "argv");
    int i;

    for (i = 1; i < argc; i++)
        fprintf(f, "%s\n", argv[i]);
    fclose(f);
}

static const char *kind_of(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return "?";
    return S_ISREG(st.st_mode)    ? "file"
           : S_ISFIFO(st.st_mode) ? "pipe"
           : S_ISCHR(st.st_mode)  ? "device"
           : S_ISSOCK(st.st_mode) ? "socket"
           : S_ISDIR(st.st_mode)  ? "folder"
                                  : "other";
}

/* Only what the toolstack gave: this comes before anything of ours is open. */
static char *list_fds(void)
{
    static char text[4096];
    size_t n = 0;
    int fd, mode;

    for (fd = 0; fd < 256; fd++) {
        mode = fcntl(fd, F_GETFL);
        if (mode >= 0)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%d %s %d\n", fd,
                                  kind_of(fd), mode & O_ACCMODE);
    }
    return text;
}

static void start(const int in[2], const int out[2], char **argv)
{
    char *program = getenv("CAPTURE_HELPER");

    helper = fork();
    if (helper < 0)
        die("capture: fork");
    if (helper > 0)
        return;
    if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
        die("capture: pipes");
    argv[0] = program;
    execv(program ? program : "", argv);
    die("capture: $CAPTURE_HELPER");
}

/* One piece from one side to the other; false at the end. */
static int piece(FILE *talk, char sign, int from, int to)
{
    static unsigned char buf[PIECE];
    ssize_t n = read(from, buf, sizeof(buf)), i;

    if (n < 0 && errno == EINTR)
        return 1;
    if (n <= 0)
        return 0;
    fprintf(talk, "%c ", sign);
    for (i = 0; i < n; i++)
        fprintf(talk, "%02x", buf[i]);
    fputc('\n', talk);
    fflush(talk);
    return write(to, buf, (size_t)n) == n;
}

static void converse(FILE *talk, int to, int from)
{
    struct pollfd p[2] = {{.fd = from, .events = POLLIN},
                          {.fd = 0, .events = POLLIN}};

    while (p[0].fd >= 0) {
        if (poll(p, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            die("capture: poll");
        }
        if (p[0].revents && !piece(talk, '<', from, 1))
            p[0].fd = -1;
        if (p[1].fd >= 0 && p[1].revents && !piece(talk, '>', 0, to)) {
            close(to); /* the toolstack is gone: so it sees */
            p[1].fd = -1;
        }
    }
}

int main(int argc, char **argv)
{
    const char *fds = list_fds();
    int in[2], out[2], fd, folder, status;
    FILE *f;

    if (argc < 3 || strncmp(argv[1], "--", 2) != 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, pass_on);
    signal(SIGINT, pass_on);
    folder = new_folder(argv[1] + 1);
    note_argv(folder, argc, argv);
    f = new_file(folder, "fds");
    fputs(fds, f);
    fclose(f);
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        die("capture: pipes");
    f = new_file(folder, "talk");
    start(in, out, argv);
    close(in[0]);
    close(out[1]);
    /* the stream and all else is the helper's alone */
    for (fd = 3; fd < 256; fd++)
        if (fd != in[1] && fd != out[0] && fd != fileno(f))
            close(fd);
    converse(f, in[1], out[0]);
    while (waitpid(helper, &status, 0) < 0)
        if (errno != EINTR)
            die("capture: wait");
    if (WIFEXITED(status))
        fprintf(f, "exit %d\n", WEXITSTATUS(status));
    else
        fprintf(f, "signal %d\n", WTERMSIG(status));
    fclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
