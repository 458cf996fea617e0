// What a stand-in for an image of Alpine has beside Debian's packages: an `apk` that says what it is and installs from Debian, the
// `adduser` and `addgroup` of busybox, and busybox's applets where Debian has no program of that name.

/** A word of a tag that asks for Alpine: `alpine`, `alpine3.18`. */
export const asksForAlpine = (tag: string): boolean => tag.split('-').some((word) => /^alpine(?:\d+(?:\.\d+)?)?$/.test(word));

export const ALPINE_PACKAGES: readonly string[] = ['busybox'];

const APK = String.raw`#!/bin/sh
# apk of a stand-in for Alpine: this is Debian, and packages come from Debian.
set -eu
state=/var/lib/apk-stand-in
say() { printf '%s\n' "$*" >&2; }
fail() { say "ERROR: $*"; exit 1; }

# the name that Debian has for a package of Alpine
debian() {
  case $1 in
    build-base) echo build-essential ;;
    musl-dev | libc-dev) echo libc6-dev ;;
    linux-headers) echo linux-libc-dev ;;
    openssl-dev) echo libssl-dev ;;
    zlib-dev) echo zlib1g-dev ;;
    postgresql-dev | libpq-dev) echo libpq-dev ;;
    sqlite-dev) echo libsqlite3-dev ;;
    sqlite) echo sqlite3 ;;
    libxml2-dev | libxslt-dev | libffi-dev) echo "$1" ;;
    yaml-dev) echo libyaml-dev ;;
    curl-dev) echo libcurl4-openssl-dev ;;
    python3-dev | python3) echo "$1" ;;
    py3-*) echo "python3-${'$'}{1#py3-}" ;;
    go) echo golang-go ;;
    rust) echo rustc ;;
    nodejs) echo nodejs ;;
    openjdk17) echo openjdk-17-jdk-headless ;;
    openjdk17-jre*) echo openjdk-17-jre-headless ;;
    php8 | php82) echo php-cli ;;
    openssh) echo openssh-client ;;
    openssh-client-default) echo openssh-client ;;
    shadow) echo passwd ;;
    su-exec) echo gosu ;;
    libcap | libcap-utils) echo libcap2-bin ;;
    pkgconf) echo pkg-config ;;
    docker-cli) echo docker.io ;;
    bind-tools) echo dnsutils ;;
    *) echo "$1" ;;
  esac
}

command=
virtual=
quiet=
keep=yes
packages=
while [ $# -gt 0 ]; do
  case $1 in
    --no-cache) keep= ;;
    -q | --quiet) quiet=-qq ;;
    -t | --virtual) [ $# -gt 1 ] || fail "$1 needs a name"; virtual=$2; shift ;;
    --virtual=*) virtual=${'$'}{1#*=} ;;
    -X | --repository | --repository=*) fail "$1: repositories of Alpine cannot be used: this is a stand-in made of Debian" ;;
    -U | -u | -v | -i | --update | --update-cache | --upgrade | --latest | --no-progress | --no-interactive | --purge | --wait | --available) ;;
    --wait=*) ;;
    -h | --help) command=help ;;
    -*) fail "unrecognized option '$1' (apk of a stand-in)" ;;
    *) if [ -z "$command" ]; then command=$1; else packages="$packages $1"; fi ;;
  esac
  shift
done

update() { apt-get update -qq -o APT::Update::Error-Mode=any || fail "Debian's packages cannot be reached"; }
clean() { [ -n "$keep" ] || rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb; }

add() {
  wanted=
  for package in $packages; do
    case $package in
      *[\<\>=~]*) fail "$package: this is Debian, which has no version of Alpine; leave the version out" ;;
    esac
    wanted="$wanted $(debian "$package")"
  done
  [ -n "$wanted" ] || return 0
  # lists that are there are used, as apk uses its cache
  ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || update
  for package in $wanted; do
    apt-cache show "$package" >/dev/null 2>&1 || fail "unable to select packages:
  $package (no such package): this is a stand-in for Alpine, and Debian has no package of that name"
  done
  before=$(dpkg-query -W -f '${'$'}{Package}\n' | sort)
  [ -n "$quiet" ] || say "apk: a stand-in for Alpine; from Debian:$wanted"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
  if [ -n "$virtual" ]; then
    mkdir -p $state
    dpkg-query -W -f '${'$'}{Package}\n' | sort | while read -r package; do
      case "
$before
" in *"
$package
"*) ;; *) echo "$package" ;; esac
    done > "$state/$virtual"
  fi
  clean
  [ -n "$quiet" ] || echo "OK: $(dpkg-query -W -f '.\n' | wc -l) packages"
}

del() {
  unwanted=
  for package in $packages; do
    if [ -f "$state/$package" ]; then
      unwanted="$unwanted $(tr '\n' ' ' < "$state/$package")"
      rm "$state/$package"
    else
      unwanted="$unwanted $(debian "$package")"
    fi
  done
  DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq $unwanted >/dev/null
  [ -n "$quiet" ] || echo "OK: $(dpkg-query -W -f '.\n' | wc -l) packages"
}

case $command in
  add) add ;;
  del) del ;;
  update) update; say 'apk: a stand-in for Alpine; the lists are those of Debian' ;;
  upgrade) update; DEBIAN_FRONTEND=noninteractive apt-get upgrade -y -qq >/dev/null; clean ;;
  info) if [ -n "$packages" ]; then for p in $packages; do dpkg-query -W "$(debian "$p")"; done; else dpkg-query -W -f '${'$'}{Package}\n'; fi ;;
  search) for p in $packages; do apt-cache search --names-only "$p"; done ;;
  version) echo 'apk of a stand-in made by slipway bootstrap: packages of Debian' ;;
  help | '') echo 'apk of a stand-in made by slipway bootstrap: add, del, update, upgrade, info, search, with packages of Debian' ;;
  *) fail "apk $command is not to be had in a stand-in, which is Debian" ;;
esac
`;

const ADDUSER = String.raw`#!/bin/sh
# adduser as busybox has it, for a stand-in for Alpine.
set -eu
set_home=; options=; group=; system=; create=-m
while getopts 'h:g:s:G:SDHu:k:' flag; do
  case $flag in
    h) set_home="-d $OPTARG" ;;
    g) ;;
    s) options="$options -s $OPTARG" ;;
    G) group=$OPTARG ;;
    S) system=yes ;;
    D) ;;
    H) create=-M ;;
    u) options="$options -u $OPTARG" ;;
    k) options="$options -k $OPTARG" ;;
    *) exit 1 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { echo 'adduser: a name is missing' >&2; exit 1; }
if [ $# -ge 2 ]; then exec usermod -aG "$2" "$1"; fi
if [ -n "$system" ]; then options="$options -r -s /sbin/nologin"; create=-M; fi
if [ -n "$group" ]; then options="$options -g $group"; elif [ -n "$system" ]; then options="$options -g nogroup"; else options="$options -U"; fi
exec useradd $create $set_home $options "$1"
`;

const ADDGROUP = String.raw`#!/bin/sh
# addgroup as busybox has it, for a stand-in for Alpine.
set -eu
options=
while getopts 'g:S' flag; do
  case $flag in
    g) options="$options -g $OPTARG" ;;
    S) options="$options -r" ;;
    *) exit 1 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { echo 'addgroup: a name is missing' >&2; exit 1; }
if [ $# -ge 2 ]; then exec usermod -aG "$2" "$1"; fi
exec groupadd $options "$1"
`;

/** Writes a program in the root file system; its text holds no line `END`. */
const program = (path: string, text: string): string => `cat > ${path} <<'END'\n${text}END\nchmod 755 ${path}`;

export const ALPINE_SETUP: readonly string[] = [
  program('/sbin/apk', APK),
  program('/usr/local/sbin/adduser', ADDUSER),
  program('/usr/local/sbin/addgroup', ADDGROUP),
  'for applet in $(busybox --list); do command -v "$applet" >/dev/null || ln -s /bin/busybox "/usr/bin/$applet"; done',
];
