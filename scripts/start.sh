#!/bin/sh
# npm start: makes everything ready and runs the tour.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec bin/slipway tour "$@"
