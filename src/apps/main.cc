// SPDX-License-Identifier: MIT
#include "apps/command_line.h"

int main(int argc, char** argv) { return fathom::run_command_line(argc, argv); }
