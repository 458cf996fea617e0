#!/bin/sh
# Runs the Node that the project is pinned to, whatever Node the machine has.
cd "$(dirname "$0")/.." || exit 1
for arch in x64 arm64; do
  node=node_modules/node-linux-$arch/bin/node
  if [ -x "$node" ]; then exec "$node" --no-warnings "$@"; fi
done
echo "node_modules is missing: run npm ci" >&2
exit 1
