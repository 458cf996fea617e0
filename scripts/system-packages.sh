#!/bin/sh
# Installs the system's packages that Slipway stands on, where apt is there and this is root; else says what to install.
# With --tests also those that only the tests need.
set -eu
want=""
need() { # program or file, package
  case $1 in
    /*) [ -e "$1" ] || want="$want $2" ;;
    *) command -v "$1" >/dev/null 2>&1 || want="$want $2" ;;
  esac
}
PATH=$PATH:/usr/sbin:/sbin
ldconfig -p | grep -q 'libatomic\.so\.1' || want="$want libatomic1" # Node itself is linked to it
need crun crun
need runc runc
need conmon conmon
need catatonit catatonit
need /usr/lib/podman/aardvark-dns aardvark-dns
need mmdebstrap mmdebstrap
need /usr/share/doc/busybox-static busybox-static
need iptables iptables
need ip iproute2
need ps procps
need xz xz-utils
need bzip2 bzip2
if [ "${1:-}" = --tests ]; then
  need skopeo skopeo
  need docker-registry docker-registry
  need unshare util-linux
  need git git
  need script bsdutils
  need ssh-agent openssh-client
  need ssh-keygen openssh-client
  need groff groff-base
  need chromium chromium # the page of builds, in a browser
  need /usr/lib/python3/dist-packages/docker python3-docker
fi
[ -n "$want" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "these packages are missing; install them as root:" >&2
  echo "  apt-get install$want" >&2
  exit 1
fi
echo "installing system packages:$want"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 -- a list of words
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $want; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install them: see above" >&2
  exit 1
fi
