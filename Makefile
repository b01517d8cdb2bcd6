# SPDX-License-Identifier: MIT
# The front door (docs/building.md). Each goal first runs ./setup, which is silent when nothing is missing.
MAKEFLAGS += --no-print-directory --no-builtin-rules
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build chat test fast asan tsan fuzz-smoke format tidy clean

help:
	@echo 'make chat        talk to the model that ships with fathom'
	@echo 'make build       the program, build/release/fathom'
	@echo 'make test        everything that continuous integration checks'
	@echo 'make fast        the fast tests of the release build only'
	@echo 'make asan        fast tests under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make tsan        the tests that use threads, under ThreadSanitizer'
	@echo 'make fuzz-smoke  each fuzz target over its corpus and 20 s more'
	@echo 'make format      lay out all C++ files'
	@echo 'make tidy        clang-tidy on the sources that differ from the main branch'

build:
	@./setup build
	@tools/build.sh release fathom

# Its own process group in the foreground: Ctrl-C stops the reply, not make.
chat: build
	@if [ -t 0 ]; then set -m; fi; build/release/fathom chat; exit $$?

test:
	@tools/check_all.sh release slow asan fuzz-smoke tsan

fast:
	@tools/check_all.sh release

asan tsan:
	@tools/check_all.sh $@

fuzz-smoke:
	@tools/check_all.sh fuzz-smoke

format:
	@./setup test
	@tools/check_format.sh --fix

tidy:
	@./setup tidy
	@tools/build.sh release --tests
	@tools/check_tidy.sh

clean:
	@rm -rf build
