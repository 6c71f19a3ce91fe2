/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be seen of the host, in one program because starting a dozen costs
 * seconds in an emulator:
 *
 *     look all DIR PID      domains, xenstore, processes, free, log-dirty in
 * DIR look log-dirty        lines "DOMID on|off"
 *
 * Each file has sorted lines that are the same whenever the host is: what
 * belongs to one life of a guest is replaced (its number by its name, values
 * that differ each time by "*"). host.sh compares them and says which
 * things of a guest never are as before. PID: whose processes do not count.
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenstore.h>

#define MAX_DOMAINS 64
#define PAGES_MIB   256

static xc_interface *xen;
static struct xs_handle *store;
static struct {
    unsigned id;
    char word[80]; /* "<name>" */
} guest[MAX_DOMAINS];
static int n_guests;

/* ---- sorted lines -------------------------------------------------------- */

static char **lines;
static size_t n_lines, room;

__attribute__((format(printf, 1, 2))) static void line(const char *format, ...)
{
    va_list args;

    if (n_lines == room) {
        room = room ? 2 * room : 256;
        lines = realloc(lines, room * sizeof(*lines));
        if (!lines)
            err(1, "memory");
    }
    va_start(args, format);
    if (vasprintf(&lines[n_lines++], format, args) < 0)
        err(1, "memory");
    va_end(args);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void write_lines(const char *dir, const char *name)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "we");
    if (!f)
        err(1, "%s", path);
    if (n_lines)
        qsort(lines, n_lines, sizeof(*lines), by_text);
    for (size_t i = 0; i < n_lines; i++) {
        fprintf(f, "%s\n", lines[i]);
        free(lines[i]);
    }
    n_lines = 0;
    if (fclose(f))
        err(1, "%s", path);
}

/* ---- domains ------------------------------------------------------------- */

static void know_guest(unsigned id)
{
    char path[64], *name;
    unsigned len;

    snprintf(path, sizeof(path), "/local/domain/%u/name", id);
    name = xs_read(store, XBT_NULL, path, &len);
    guest[n_guests].id = id;
    snprintf(guest[n_guests].word, sizeof(guest[0].word), "<%s>",
             name ? name : "no name");
    n_guests++;
    free(name);
}

/* Memory, vCPUs and state; whether it runs or waits just now is chance. */
static void see_domains(void)
{
    static xc_domaininfo_t info[MAX_DOMAINS];
    int n = xc_domain_getinfolist(xen, 0, MAX_DOMAINS, info);

    if (n < 0)
        err(1, "the domains");
    for (int i = 0; i < n; i++) {
        uint32_t f = info[i].flags;
        int why =
            (int)((f >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask);

        know_guest(info[i].domain);
        line("%s %lu KiB, %u vCPUs,%s%s%s %d", guest[i].word,
             (unsigned long)info[i].tot_pages * 4, info[i].nr_online_vcpus,
             f & XEN_DOMINF_paused ? " paused" : "",
             f & XEN_DOMINF_shutdown ? " shut down" : "",
             f & XEN_DOMINF_dying ? " dying" : "",
             f & XEN_DOMINF_shutdown ? why : 0);
    }
}

static void see_free(void)
{
    xc_physinfo_t info = {0};

    if (xc_physinfo(xen, &info))
        err(1, "Xen's memory");
    line("%lu", (unsigned long)info.free_pages / PAGES_MIB);
}

/* ---- xenstore ------------------------------------------------------------ */

/* Of a path: the last part equals one of the names. */
static bool ends_in(const char *path, const char *const *names)
{
    size_t len = strlen(path);

    for (; *names; names++) {
        size_t n = strlen(*names);

        if (len > n && path[len - n - 1] == '/' &&
            strcmp(path + len - n, *names) == 0)
            return true;
    }
    return false;
}

/* Belongs to one life of a guest. */
static bool of_one_life(const char *path)
{
    static const char *const names[] = {
        "ring-ref", "event-channel", "port",
        "tty",      "pid",           "start_time",
        "domid",    "frontend-id",   "device-model-pid",
        NULL};

    return ends_in(path, names) || strstr(path, "/control/feature-");
}

/* Is there after a guest's first start only, or until the first guest. */
static bool of_first_life(const char *path)
{
    const char *p = NULL;

    if (strncmp(path, "/vm/", 4) == 0)
        p = strchr(path + 4, '/');
    if (p && strncmp(p, "/image", 6) == 0 && (!p[6] || p[6] == '/'))
        return true;
    if (strncmp(path, "/local/domain/", 14) == 0)
        p = strchr(path + 14, '/');
    if (!p || path[14] == '0')
        return false;
    return (strncmp(p, "/platform", 9) == 0 && (!p[9] || p[9] == '/')) ||
           (strncmp(p, "/device/vkbd/", 13) == 0 && strstr(p, "/request-"));
}

/* Numbers of guests as a whole part of a path become names. */
static char *with_names(const char *text)
{
    size_t size = strlen(text) * 2 + sizeof(guest[0].word) * 8, n = 0;
    char *out = malloc(size), *end;

    if (!out)
        err(1, "memory");
    while (*text && n + sizeof(guest[0].word) < size) {
        out[n++] = *text++;
        if (text[-1] != '/' || !isdigit((unsigned char)*text))
            continue;
        for (int i = 0; i < n_guests; i++)
            if (guest[i].id && strtoul(text, &end, 10) == guest[i].id &&
                (*end == '/' || *end == '\0')) {
                n += (size_t)snprintf(out + n, size - n, "%s", guest[i].word);
                text = end;
                break;
            }
    }
    out[n] = '\0';
    return out;
}

static const char *who(unsigned id)
{
    static char number[16];

    for (int i = 0; i < n_guests; i++)
        if (guest[i].id == id && id)
            return guest[i].word;
    snprintf(number, sizeof(number), "%u", id);
    return number;
}

static void see_node(const char *path)
{
    unsigned len = 0, n_perms = 0;
    char *value = xs_read(store, XBT_NULL, path, &len);
    struct xs_permissions *perms;
    char *p, *v, rights[512];
    size_t n = 0;

    if (!value) /* it went away just now */
        return;
    perms = xs_get_permissions(store, XBT_NULL, path, &n_perms);
    rights[0] = '\0';
    for (unsigned i = 0; perms && i < n_perms && n < 400; i++)
        n += (size_t)snprintf(rights + n, sizeof(rights) - n, "%s%c%s",
                              i ? "," : "", "nwrb"[perms[i].perms & 3],
                              who(perms[i].id));
    p = with_names(path);
    v = with_names(value);
    line("%s = \"%s\" (%s)", p, of_one_life(path) ? "*" : v, rights);
    free(perms);
    free(value);
    free(p);
    free(v);
}

static void see_below(const char *path)
{
    unsigned n = 0;
    /* folders that guests leave empty when they go, some of them, sometimes */
    static const char *const folders[] = {"vm", "libxl", "device-model", NULL};
    char **names = xs_directory(store, XBT_NULL, path, &n), below[1024];
    bool top = path[1] == '\0', dom0 = !strcmp(path, "/local/domain/0");

    for (unsigned i = 0; names && i < n; i++) {
        snprintf(below, sizeof(below), "%s/%s", top ? "" : path, names[i]);
        if (of_first_life(below))
            continue;
        if (!(top || dom0) || !ends_in(below, folders))
            see_node(below);
        see_below(below);
    }
    free(names);
}

/* ---- processes ----------------------------------------------------------- */

static struct process {
    int pid, parent, session;
    char name[32];
} process[1024];
static int n_processes;

static const struct process *find_process(int pid)
{
    for (int i = 0; i < n_processes; i++)
        if (process[i].pid == pid)
            return &process[i];
    return NULL;
}

static void read_process(int pid)
{
    struct process *p = &process[n_processes];
    char path[64], text[512] = "", *open, *close;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "re");
    if (!f)
        return;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    open = strchr(text, '(');
    close = strrchr(text, ')');
    if (!open || !close ||
        sscanf(close + 1, " %*c %d %*d %d", &p->parent, &p->session) != 2)
        return;
    *close = '\0';
    snprintf(p->name, sizeof(p->name), "%s", open + 1);
    p->pid = pid;
    n_processes++;
}

/* Programs that run, without their numbers: not the kernel's own threads, not
   the test and what it starts, not the shells and small tools of dom0's init,
   and not the daemon that `xl` leaves behind for each guest (it leads a session
   of its own): it goes when it sees its guest suspended, even if that comes
   back. */
static bool counts(const struct process *p, int me)
{
    static const char *const small[] = {"bash",     "sleep", "cut",
                                        "timeout",  "sed",   "tee",
                                        "suite.sh", "init",  NULL};
    int pid = p->pid;

    for (int i = 0; small[i]; i++)
        if (strcmp(p->name, small[i]) == 0)
            return false;
    if (strcmp(p->name, "xl") == 0 && p->pid == p->session)
        return false;
    while (pid > 2 && pid != me) {
        const struct process *q = find_process(pid);

        pid = q ? q->parent : 0;
    }
    return pid < 2;
}

static void see_processes(int me)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    if (!proc)
        err(1, "/proc");
    while ((entry = readdir(proc)) && n_processes < 1024)
        if (isdigit((unsigned char)entry->d_name[0]))
            read_process((int)strtol(entry->d_name, NULL, 10));
    closedir(proc);
    for (int i = 0; i < n_processes; i++)
        if (counts(&process[i], me))
            line("%s", process[i].name);
}

/* ---- log-dirty mode ------------------------------------------------------ */

/* Xen tells nobody but its console what it knows of each domain (debug key q):
   what stands behind the last such heading. A domain without a line of paging
   modes has nothing switched on. */
static int log_dirty_modes(bool on[], unsigned ids[])
{
    static char text[1 << 20], key[] = "q";
    unsigned size = sizeof(text) - 1;
    const char *p, *next;
    int n = 0;

    if (xc_send_debug_keys(xen, key) ||
        xc_readconsolering(xen, text, &size, 0, 0, NULL))
        err(1, "Xen's console");
    text[size] = '\0';
    p = text;
    while ((next = strstr(p + 1, "'q' pressed")))
        p = next;
    for (; p && n < MAX_DOMAINS;
         p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
        const char *end = strchrnul(p, '\n'), *what;

        what =
            memmem(p, (size_t)(end - p), "General information for domain ", 31);
        if (what) {
            ids[n] = (unsigned)strtoul(what + 31, NULL, 10);
            on[n++] = false;
        } else if (n &&
                   memmem(p, (size_t)(end - p), "paging assistance:", 18) &&
                   memmem(p, (size_t)(end - p), "log_dirty", 9)) {
            on[n - 1] = true;
        }
    }
    return n;
}

static void see_log_dirty(void)
{
    static bool on[MAX_DOMAINS];
    static unsigned ids[MAX_DOMAINS];
    int n = log_dirty_modes(on, ids), n_on = 0;

    if (n == 0)
        errx(1, "Xen says nothing of its domains");
    for (int i = 0; i < n; i++)
        n_on += on[i];
    line("%d guests with log-dirty", n_on);
}

static void print_log_dirty(void)
{
    static bool on[MAX_DOMAINS];
    static unsigned ids[MAX_DOMAINS];
    int n = log_dirty_modes(on, ids);

    for (int i = 0; i < n; i++)
        printf("%u %s\n", ids[i], on[i] ? "on" : "off");
}

int main(int argc, char **argv)
{
    xen = xc_interface_open(NULL, NULL, 0);
    store = xs_open(0);
    if (!xen || !store)
        err(1, "Xen, or xenstore");
    if (argc == 2 && strcmp(argv[1], "log-dirty") == 0) {
        print_log_dirty();
        return 0;
    }
    if (argc != 4 || strcmp(argv[1], "all"))
        errx(2, "usage: look all DIR PID | look log-dirty");
    see_domains();
    write_lines(argv[2], "domains");
    see_below("/");
    write_lines(argv[2], "xenstore");
    see_processes((int)strtol(argv[3], NULL, 10));
    write_lines(argv[2], "processes");
    see_free();
    write_lines(argv[2], "free");
    see_log_dirty();
    write_lines(argv[2], "log-dirty");
    return 0;
}
