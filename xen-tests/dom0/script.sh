#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs one script of xen-tests/ in dom0: script.sh FILE ARGUMENT... What it says
# goes to /share/out/script.log and, as it comes, to the user's terminal
# (host/watch.sh shows /share/progress). init starts this.
set -uo pipefail
cd /share/xen-tests || exit 1
file=$1
shift
name=${file##*/}
export OUT=/share/out/${name%.sh} T=/tmp/script
mkdir -p "$OUT" "$T"
bash "$file" "$@" 2>&1 | tee /share/out/script.log >>/share/progress
