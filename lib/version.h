/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The release, as every program's --version prints it. */
#ifndef XSR_LIB_VERSION_H
#define XSR_LIB_VERSION_H

#define XSR_VERSION "0.1.0"

#endif
