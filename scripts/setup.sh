#!/bin/sh
# Makes a checkout ready: system packages, npm packages, and a bundle that is not older than the sources.
set -eu
cd "$(dirname "$0")/.."
sh scripts/system-packages.sh "$@"
if [ ! -d node_modules/koffi ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
fi
# clients of Docker's API; without them, the tests that use them say that they are skipped
if [ "${1:-}" = --tests ] && [ ! -d test/clients/node_modules ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefix test/clients || true
fi
if [ ! -f dist/slipway.cjs ] || [ -n "$(find src scripts/bundle.ts scripts/link.ts scripts/loader.ts scripts/program.ts -newer dist/slipway.cjs -type f | head -n 1)" ]; then
  echo "bundling"
  sh scripts/node.sh scripts/bundle.ts
fi
