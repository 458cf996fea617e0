#!/bin/sh
# The documentation as a site, by npm run docs: build into site/dist, serve while writing (dev), or look at all pages in a browser (check).
# Its packages are its own, installed when first needed: what the program needs does not pay for them.
set -eu
cd "$(dirname "$0")/../site"
if ! cmp -s package-lock.json node_modules/.installed; then
  # no package of these needs its install script
  npm ci --ignore-scripts --no-audit --no-fund
  cp package-lock.json node_modules/.installed
fi
vitepress() { sh ../scripts/node.sh site/node_modules/vitepress/bin/vitepress.js "$@"; }
case ${1:-build} in
  build) vitepress build site ;;
  dev) vitepress dev site ;;
  check) vitepress build site && sh ../scripts/node.sh site/check.ts ;;
  *) echo "usage: $0 [build|dev|check]" >&2; exit 2 ;;
esac
