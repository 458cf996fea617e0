#!/bin/sh
# npm test: makes everything ready, then checks types, style, unused code and format, and runs all tests. The ones on real
# parts run as root in a network and mount namespace of their own, so that the machine's firewall, interfaces and mounts stay.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh --tests
echo "types"
node_modules/.bin/tsc --noEmit
node_modules/.bin/tsc --noEmit -p src/ui/page
echo "lint"
node_modules/.bin/oxlint --type-aware --quiet src test scripts bench
echo "unused code"
node_modules/.bin/knip --no-progress
echo "format"
node_modules/.bin/oxfmt --list-different .
node=$(sh scripts/node.sh -p process.execPath)
run="$node --no-warnings --test --test-concurrency=2 --test-reporter=spec"
pure=$(find src test -name '*.test.ts' -not -path 'test/integration/*' | sort)
if [ "$(id -u)" -ne 0 ]; then
  echo "not root: the tests on real parts (test/integration) are left out"
  # shellcheck disable=SC2086 -- lists of words
  exec $run $pure
fi
# the bundle, which is new: it is what people run, and it starts in a third of the time
export SLIPWAY_SOURCES=
real=$(find test/integration -name '*.test.ts' | sort)
# shellcheck disable=SC2016 -- expanded inside
exec unshare --net --mount --propagation private sh -c 'ip link set lo up; exec "$@"' sh $run $pure $real
