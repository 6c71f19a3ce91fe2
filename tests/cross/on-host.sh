#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs a toolstack on one simulated host, whatever host the caller works on: the
# ends of a migration start each other with it.
#
#     on-host.sh HOST_FOLDER xensr|xl ARGUMENT...
#
# XENSR_BUILD, XENSR_STUBS_DIR and the helper are the caller's, unless this is a
# receiver for which RECEIVER_STUBS and RECEIVER_HELPER are set. A receiver leaves
# a copy of what it was sent in STREAM_COPY.
set -eu
host=$1 toolstack=$2
shift 2
unset XENSR_DM_DIR XENSR_RUN_DIR XENSR_STATE_DIR XENSR_DEVICE_MODEL
unset LD_LIBRARY_PATH
export XENSR_SIM_DIR=$host
if [ "$1" = migrate-receive ] && [ -n "${RECEIVER_STUBS-}" ]; then
    export XENSR_STUBS_DIR=$RECEIVER_STUBS
    export XENSR_HELPER=$RECEIVER_HELPER LIBXL_SAVE_HELPER=$RECEIVER_HELPER
fi
if [ "$1" = migrate-receive ] && [ -n "${STREAM_COPY-}" ]; then
    exec < <(exec tee "$STREAM_COPY")
fi
case $toolstack in
xensr) exec "$XENSR_BUILD/bin/xensr" --sim="$host" -q "$@" ;;
xl) exec "$XENSR_BUILD/stubs/xensr-sim" run --toolstack -- "$XL" "$@" ;;
esac
echo "on-host.sh: no toolstack $toolstack" >&2
exit 2
