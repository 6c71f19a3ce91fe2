/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions to xenstore: missing nodes, names that are not allowed, sizes,
 * permissions, introducing domains, watches and when they fire; transactions
 * that conflict, and what is left of those that do not.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <xenstore.h>

#include "probe.h"

#define BASE      "/xensr-probe"
#define DEADLINE  20000 /* ms: a watch that must fire */
#define SILENT_MS 300   /* one that must not; a marker behind it is sure */

static struct xs_handle *xs;

static void ok(const char *question, bool done)
{
    said(question, "%s", done ? "done" : errno_name(errno));
}

static bool put(xs_transaction_t t, const char *path, const char *value)
{
    return xs_write(xs, t, path, value, (unsigned)strlen(value));
}

static void get(const char *question, xs_transaction_t t, const char *path)
{
    unsigned len = 0;
    char *value = xs_read(xs, t, path, &len);

    if (value)
        said(question, "\"%s\", %u octets", value, len);
    else
        said(question, "%s", errno_name(errno));
    free(value);
}

static void list(const char *question, const char *path)
{
    unsigned i, n = 0;
    char **names = xs_directory(xs, XBT_NULL, path, &n), text[256] = "";

    for (i = 0; names && i < n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
                 names[i]);
    said(question, "%s%s", names ? "names:" : errno_name(errno), text);
    free(names);
}

static void perms(const char *question, const char *path)
{
    unsigned i, n = 0;
    struct xs_permissions *p = xs_get_permissions(xs, XBT_NULL, path, &n);
    char text[128] = "";

    for (i = 0; p && i < n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u:%u",
                 p[i].id, p[i].perms);
    said(question, "%s%s", p ? "has" : errno_name(errno), text);
    free(p);
}

/* ---- nodes --------------------------------------------------------------- */

static void ask_missing(void)
{
    get("read what is missing", XBT_NULL, BASE "/none");
    list("names below what is missing", BASE "/none");
    perms("permissions of what is missing", BASE "/none");
    ok("remove what is missing", xs_rm(xs, XBT_NULL, BASE "/none"));
    ok("remove below what is missing", xs_rm(xs, XBT_NULL, BASE "/none/a/b"));
    ok("make a folder", xs_mkdir(xs, XBT_NULL, BASE "/dir"));
    ok("make it again", xs_mkdir(xs, XBT_NULL, BASE "/dir"));
    get("read a folder", XBT_NULL, BASE "/dir");
    ok("write below what is missing", put(XBT_NULL, BASE "/a/b/c", "1"));
    get("read what was made on the way", XBT_NULL, BASE "/a/b");
    list("names of the folder", BASE);
    ok("make a folder that has a value", xs_mkdir(xs, XBT_NULL, BASE "/a/b/c"));
    get("read it then", XBT_NULL, BASE "/a/b/c");
    ok("remove the root", xs_rm(xs, XBT_NULL, "/"));
    ok("write the root", put(XBT_NULL, "/", ""));
    get("read the root", XBT_NULL, "/");
}

static void ask_names(void)
{
    static const char *const bad[] = {
        "",         "//",       BASE "/",  BASE "//a",      BASE "/a b",
        BASE "/a%", BASE "/a*", BASE "/@", BASE "/a:b-c_d", "@made-up",
        "relative",
    };
    static char path[4096];
    char what[64];
    size_t i, n;

    for (i = 0; i < COUNT_OF(bad); i++) {
        snprintf(what, sizeof(what), "write \"%s\"", bad[i]);
        ok(what, put(XBT_NULL, bad[i], "1"));
        snprintf(what, sizeof(what), "read \"%s\"", bad[i]);
        get(what, XBT_NULL, bad[i]);
    }
    for (n = 3070; n <= 3073; n++) {
        memset(path, 'x', n);
        memcpy(path, BASE "/long/", strlen(BASE "/long/"));
        path[n] = '\0';
        snprintf(what, sizeof(what), "write a name of %zu octets", n);
        ok(what, put(XBT_NULL, path, "1"));
    }
}

static void ask_sizes(void)
{
    static char value[5000];
    static const unsigned sizes[] = {0, 1, 2048, 2049, 4000, 4070, 4096};
    char what[64];
    size_t i;

    memset(value, 'v', sizeof(value));
    for (i = 0; i < COUNT_OF(sizes); i++) {
        snprintf(what, sizeof(what), "write %u octets", sizes[i]);
        ok(what, xs_write(xs, XBT_NULL, BASE "/size", value, sizes[i]));
    }
    ok("write a zero octet", xs_write(xs, XBT_NULL, BASE "/zero", "a\0b", 3));
    get("read it", XBT_NULL, BASE "/zero");
}

static void ask_permissions(void)
{
    struct xs_permissions p[3] = {{.id = 0, .perms = XS_PERM_NONE},
                                  {.id = 7, .perms = XS_PERM_READ}};

    put(XBT_NULL, BASE "/perm", "1");
    perms("permissions of a new node", BASE "/perm");
    ok("set two", xs_set_permissions(xs, XBT_NULL, BASE "/perm", p, 2));
    perms("permissions then", BASE "/perm");
    put(XBT_NULL, BASE "/perm/child", "1");
    perms("permissions of a child", BASE "/perm/child");
    p[0].id = 5;
    ok("give it away", xs_set_permissions(xs, XBT_NULL, BASE "/perm", p, 1));
    put(XBT_NULL, BASE "/perm/child2", "1");
    perms("permissions of a child of somebody's", BASE "/perm/child2");
    put(XBT_NULL, BASE "/perm", "2");
    perms("permissions after writing it", BASE "/perm");
    ok("set none", xs_set_permissions(xs, XBT_NULL, BASE "/perm", p, 0));
    p[0].perms = XS_PERM_READ;
    ok("set those of what is missing",
       xs_set_permissions(xs, XBT_NULL, BASE "/none", p, 1));
}

/* ---- domains ------------------------------------------------------------- */

static void ask_domains(void)
{
    uint32_t domid = new_domain(PVH, 1, 64);
    uint64_t gfns[4];
    char *path;
    int port;

    give_pages(domid, 0, 4, gfns);
    port = xc_evtchn_alloc_unbound(xch, domid, 0);
    path = xs_get_domain_path(xs, 77);
    said("path of domain 77", "%s", path ? path : errno_name(errno));
    free(path);
    said("is it introduced", "%d", xs_is_domain_introduced(xs, domid));
    said("is dom0", "%d", xs_is_domain_introduced(xs, 0));
    said("is nobody", "%d", xs_is_domain_introduced(xs, NOBODY));
    ok("release what is not introduced", xs_release_domain(xs, domid));
    ok("release dom0", xs_release_domain(xs, 0));
    ok("release nobody", xs_release_domain(xs, NOBODY));
    ok("resume what is not introduced", xs_resume_domain(xs, domid));
    ok("introduce nobody", xs_introduce_domain(xs, NOBODY, 3, 1));
    ok("introduce with a port that is not there",
       xs_introduce_domain(xs, domid, 3, 900));
    /* the page: by grant, which nobody has set up here */
    said("is it introduced then", "%d", xs_is_domain_introduced(xs, domid));
    ok("target nobody", xs_set_target(xs, domid, NOBODY));
    (void)port;
    destroy(domid);
}

/* ---- watches ------------------------------------------------------------- */

static bool next_event(int ms, char *path, char *token, size_t len)
{
    struct pollfd fd = {.fd = xs_fileno(xs), .events = POLLIN};
    unsigned n;
    char **v;

    if (poll(&fd, 1, ms) != 1)
        return false;
    v = xs_read_watch(xs, &n);
    if (!v)
        return false;
    snprintf(path, len, "%s", v[XS_WATCH_PATH]);
    snprintf(token, len, "%s", v[XS_WATCH_TOKEN]);
    free(v);
    return true;
}

/* Events up to that of the marker, which comes last. */
static void events(const char *question)
{
    char text[480] = "", path[128], token[128];
    static unsigned round;
    char value[16];

    snprintf(value, sizeof(value), "%u", round++);
    put(XBT_NULL, BASE "-marker", value);
    while (next_event(DEADLINE, path, token, sizeof(path)) &&
           strcmp(token, "marker") != 0)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s(%s)",
                 path, token);
    said(question, "events:%s", text);
}

static void ask_watches(void)
{
    char path[128], token[128];
    struct xs_permissions p = {.id = 0, .perms = XS_PERM_READ};
    xs_transaction_t t;

    put(XBT_NULL, BASE "/w/x/y", "1");
    xs_watch(xs, BASE "-marker", "marker");
    next_event(DEADLINE, path, token, sizeof(path));
    ok("watch", xs_watch(xs, BASE "/w", "t"));
    events("a new watch");
    ok("watch it again", xs_watch(xs, BASE "/w", "t"));
    ok("watch it with another token", xs_watch(xs, BASE "/w", "u"));
    events("the second watch");
    ok("unwatch the second", xs_unwatch(xs, BASE "/w", "u"));
    ok("unwatch what is not", xs_unwatch(xs, BASE "/w", "v"));
    ok("watch what is missing", xs_watch(xs, BASE "/w/none", "n"));
    ok("watch a bad name", xs_watch(xs, BASE "/a b", "n"));
    events("of a missing node");
    put(XBT_NULL, BASE "/w", "2");
    events("written");
    put(XBT_NULL, BASE "/w", "2");
    events("written the same");
    put(XBT_NULL, BASE "/w/x/y", "2");
    events("written below");
    put(XBT_NULL, BASE "/w/p/q/r", "2");
    events("written deep below, with new folders");
    xs_mkdir(xs, XBT_NULL, BASE "/w/p");
    events("made what is there");
    xs_set_permissions(xs, XBT_NULL, BASE "/w/p", &p, 1);
    events("permissions set");
    xs_rm(xs, XBT_NULL, BASE "/w/p");
    events("a folder removed");
    xs_rm(xs, XBT_NULL, BASE "/w/p");
    events("removed again");
    t = xs_transaction_start(xs);
    put(t, BASE "/w/x/y", "3");
    put(t, BASE "/w/x/y", "4");
    put(t, BASE "/w/z", "4");
    events("within a transaction");
    xs_transaction_end(xs, t, false);
    events("transaction ended");
    t = xs_transaction_start(xs);
    put(t, BASE "/w/x/y", "5");
    xs_transaction_end(xs, t, true);
    events("transaction given up");
    xs_watch(xs, BASE "/w/x/y", "deep");
    events("a watch on a leaf");
    xs_rm(xs, XBT_NULL, BASE "/w/x");
    events("its folder removed");
    xs_rm(xs, XBT_NULL, BASE "/w");
    events("all removed");
    ok("watch a special name", xs_watch(xs, "@releaseDomain", "rel"));
    ok("watch an unknown special name", xs_watch(xs, "@nothing", "no"));
    events("special watches");
}

static struct xs_handle *open_store(void)
{
    struct xs_handle *h = xs_open(0);

    if (!h) {
        perror("probe: opening xenstore");
        exit(1);
    }
    return h;
}

void ask_store(void)
{
    about("store", -1);
    xs = open_store();
    xs_rm(xs, XBT_NULL, BASE);
    ask_missing();
    ask_names();
    ask_sizes();
    ask_permissions();
    ask_domains();
    xs_rm(xs, XBT_NULL, BASE);
    ask_watches();
    xs_rm(xs, XBT_NULL, BASE);
    xs_rm(xs, XBT_NULL, BASE "-marker");
    xs_rm(xs, XBT_NULL, "relative");
    xs_close(xs);
}

/* ---- transactions -------------------------------------------------------- */

static void end(const char *question, xs_transaction_t t, bool abort)
{
    ok(question, xs_transaction_end(xs, t, abort));
}

static void ask_conflicts(void)
{
    xs_transaction_t a, b;
    char *v;

    put(XBT_NULL, BASE "/n", "0");
    a = xs_transaction_start(xs);
    put(a, BASE "/n", "1");
    get("seen outside", XBT_NULL, BASE "/n");
    get("seen inside", a, BASE "/n");
    put(XBT_NULL, BASE "/n", "2");
    get("seen inside after a write outside", a, BASE "/n");
    end("end after a write outside", a, false);
    get("value then", XBT_NULL, BASE "/n");
    a = xs_transaction_start(xs);
    v = xs_read(xs, a, BASE "/n", NULL);
    free(v);
    put(a, BASE "/mine", "1");
    put(XBT_NULL, BASE "/n", "3");
    end("end when what was read has changed", a, false);
    a = xs_transaction_start(xs);
    v = xs_read(xs, a, BASE "/n", NULL);
    free(v);
    put(XBT_NULL, BASE "/n", "4");
    end("end of a reader when it has changed", a, false);
    a = xs_transaction_start(xs);
    put(a, BASE "/one", "1");
    put(XBT_NULL, BASE "/two", "1");
    end("end when a neighbour was made", a, false);
    a = xs_transaction_start(xs);
    put(a, BASE "/one", "2");
    put(XBT_NULL, BASE "/two", "2");
    end("end when a neighbour was written", a, false);
    a = xs_transaction_start(xs);
    b = xs_transaction_start(xs);
    put(a, BASE "/first", "a");
    put(b, BASE "/second", "b");
    end("the first of two, both new nodes", a, false);
    end("the second of two, both new nodes", b, false);
    a = xs_transaction_start(xs);
    b = xs_transaction_start(xs);
    put(a, BASE "/first", "aa");
    put(b, BASE "/first", "bb");
    end("the second of two, ended first", b, false);
    end("the first of two, ended last", a, false);
    get("value of the two", XBT_NULL, BASE "/first");
}

/* ... when what it touched was removed, or has come, meanwhile. */
static void ask_removals(void)
{
    xs_transaction_t a = xs_transaction_start(xs);

    xs_rm(xs, a, BASE "/first");
    get("removed inside, read inside", a, BASE "/first");
    get("removed inside, read outside", XBT_NULL, BASE "/first");
    end("give up", a, true);
    get("after giving up", XBT_NULL, BASE "/first");
    end("end it again", a, false);
    end("end what never was", 123456, false);
    ok("write in what never was", put(123456, BASE "/n", "1"));
    get("read in what never was", 123456, BASE "/n");
    a = xs_transaction_start(xs);
    end("end an empty one", a, false);
    a = xs_transaction_start(xs);
    put(a, BASE "/one", "3");
    xs_rm(xs, XBT_NULL, BASE "/one");
    end("end when what was written was removed", a, false);
    a = xs_transaction_start(xs);
    free(xs_directory(xs, a, BASE, &(unsigned){0}));
    put(XBT_NULL, BASE "/three", "3");
    end("end when a folder that was listed has grown", a, false);
    a = xs_transaction_start(xs);
    get("a missing node inside", a, BASE "/four");
    put(XBT_NULL, BASE "/four", "4");
    end("end when what was missing has come", a, false);
    a = xs_transaction_start(xs);
    put(a, BASE "/one", "9");
    xs_rm(xs, XBT_NULL, BASE);
    end("end when the folder was removed", a, false);
    list("names then", BASE);
}

void ask_transactions(void)
{
    xs_transaction_t t[64];
    struct xs_handle *mine;
    unsigned n;

    about("transactions", -1);
    xs = open_store();
    xs_rm(xs, XBT_NULL, BASE);
    ask_conflicts();
    ask_removals();
    for (n = 0; n < 64 && (t[n] = xs_transaction_start(xs)) != XBT_NULL; n++)
        ;
    said("open at a time", n == 64 ? "64 and more" : "%u, then %s", n,
         errno_name(errno));
    while (n-- > 0)
        xs_transaction_end(xs, t[n], true);
    mine = open_store();
    t[0] = xs_transaction_start(xs);
    ok("of another connection", xs_write(mine, t[0], BASE "/n", "1", 1));
    xs_close(mine);
    xs_transaction_end(xs, t[0], true);
    xs_rm(xs, XBT_NULL, BASE);
    xs_close(xs);
}
