#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# No common misspelling in sources and documents.
. "${0%/*}/../lib.sh"
requires codespell git
cd "$TOP" || exit 1

spelled()
{
    git ls-files -co --exclude-standard '*.[chS]' '*.sh' '*.md' INSTALL \
        Makefile 'xen-tests/dom0/*' | xargs codespell -L "${XENSR_SPELL_OK:-parms,fo,inout,ser}"
}
ok "no common misspelling" spelled
done_testing
