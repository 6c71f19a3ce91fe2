# xensr: `make help` lists the targets.
#
# VARIANT=asan|cov builds into build-asan/ or build-cov/ with the same sources.
# O=DIR builds somewhere else. WERROR=1 makes warnings errors (CI does).

VARIANT ?=
O       ?= build$(if $(VARIANT),-$(VARIANT))
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
XEN_VER ?= 4.17

CFLAGS  ?= -O2 -g
BASE_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -fPIC -fvisibility=hidden \
	-Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wundef -Wformat=2 \
	-fno-strict-aliasing -fstack-protector-strong -pthread
BASE_LDFLAGS = -pthread -Wl,-z,relro,-z,now
ifeq ($(VARIANT),asan)
BASE_CFLAGS  += -fsanitize=address,undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined
BASE_LDFLAGS += -fsanitize=address,undefined
endif
ifeq ($(VARIANT),cov)
BASE_CFLAGS  += --coverage -O0
BASE_LDFLAGS += --coverage
endif
ifeq ($(WERROR),1)
BASE_CFLAGS += -Werror
endif

# ---- what is built of what (wildcards: a new file needs no line here) ------

obj = $(patsubst %.c,$(O)/%.o,$(wildcard $(1)))
LIB_O    := $(call obj,lib/*.c)
STREAM_O := $(call obj,stream/*.c)
ENGINE_O := $(call obj,engine/*.c)
HELPER_O := $(call obj,helper/*.c)
PLUGIN_O := $(call obj,plugin/*.c)
TOOLS_O  := $(call obj,tools/*.c)
WORLD_O  := $(call obj,stubs/world/*.c stubs/hv/*.c stubs/xs/*.c)
SIMTOOL_O := $(call obj,stubs/tool/*.c)
TESTS_GEN := $(patsubst tests/gen/%.c,$(O)/tests/gen/%,$(wildcard tests/gen/*.c))
TESTS_BIN := $(patsubst tests/bin/%.c,$(O)/tests/bin/%,$(wildcard tests/bin/*.c))
UNIT     := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/*.c))
STUBS    := $(patsubst stubs/libs/%.c,$(O)/stubs/%,$(wildcard stubs/libs/*.c))
STUB_SO  := $(foreach s,$(STUBS),$(s).so)

XEN_LIBS     = -lxenctrl -lxenforeignmemory -lxentoollog
HELPER_LIBS  = -lxenguest $(XEN_LIBS)
PLUGIN_LIBS  = -lxenctrl -lxenstore -lxentoollog -ljansson
TOOLS_LIBS   = $(PLUGIN_LIBS) -lzstd

BINS = $(O)/bin/xensr $(O)/bin/xensr-helper $(O)/lib/libxensr.so \
	$(O)/stubs/libxensrsim.so $(O)/stubs/xensr-sim $(STUB_SO)

.PHONY: all
all: $(BINS)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/libxsr.a: $(LIB_O)
$(O)/libstream.a: $(STREAM_O)
$(O)/libengine.a: $(ENGINE_O)
$(O)/libplugin.a: $(PLUGIN_O)
$(O)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(O)/bin/xensr-helper: $(HELPER_O) $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ $(HELPER_LIBS)

$(O)/lib/libxensr.so: $(PLUGIN_O) $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) -shared $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-soname,libxensr.so.0 \
		-o $@ $^ $(PLUGIN_LIBS)

$(O)/bin/xensr: $(TOOLS_O) $(O)/libplugin.a $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS)

# ---- the simulated host ----------------------------------------------------

$(O)/stubs/libxensrsim.so: $(WORLD_O) $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) -shared $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-soname,libxensrsim.so \
		-o $@ $^

# stubs/libs/NAME.c + NAME.map -> build/stubs/NAME.so; the soname link beside it
# comes from the first line of NAME.map: "# soname: libfoo.so.N [extra libs]".
$(O)/stubs/%.so: $(O)/stubs/libs/%.o stubs/libs/%.map \
		$(O)/stubs/libxensrsim.so $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	soname=$$(sed -n '1s/^# soname: \([^ ]*\).*/\1/p' stubs/libs/$*.map) && \
	extra=$$(sed -n '1s/^# soname: [^ ]* *//p' stubs/libs/$*.map) && \
	$(CC) -shared $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-soname,$$soname \
		-Wl,--version-script=stubs/libs/$*.map -Wl,-rpath,'$$ORIGIN' \
		-o $@ $< $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a \
		-L$(O)/stubs -lxensrsim $$extra && \
	ln -sf $*.so $(O)/stubs/$$soname

$(O)/stubs/xensr-sim: $(SIMTOOL_O) $(O)/stubs/libxensrsim.so $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-rpath,'$$ORIGIN' -o $@ \
		$(SIMTOOL_O) $(O)/libxsr.a -L$(O)/stubs -lxensrsim -ljansson

# ---- tests -----------------------------------------------------------------

$(O)/tests/gen/%: tests/gen/%.c $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(BASE_LDFLAGS) -MMD -MP -o $@ $< \
		$(O)/libstream.a $(O)/libxsr.a -ljansson

$(O)/tests/bin/%: tests/bin/%.c $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(BASE_LDFLAGS) -MMD -MP -o $@ $< \
		$(O)/libxsr.a

$(O)/tests/unit/%: tests/unit/%.c $(O)/libplugin.a $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(BASE_LDFLAGS) -MMD -MP -o $@ $< \
		$(O)/libplugin.a $(O)/libstream.a $(O)/libxsr.a \
		-lcmocka $(PLUGIN_LIBS)

.PHONY: unit
unit: $(UNIT)
	@for t in $(UNIT); do echo "# $$t"; $$t || exit 1; done

.PHONY: clean
clean:
	rm -rf build build-asan build-cov

-include $(shell find $(O) -name '*.d' 2>/dev/null)
