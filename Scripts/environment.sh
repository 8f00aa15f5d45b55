# What ./run, ./test and Benchmarks/run share: where the build goes and how missing packages are installed.
# Sourced, never run by itself.

# One scratch path outside the clone, so that a second clone does not compile the libraries again.
if [ -z "${MARTINET_SCRATCH:-}" ]; then
  if [ -w /var/cache ]; then
    MARTINET_SCRATCH=/var/cache/martinet-build
  else
    MARTINET_SCRATCH="${XDG_CACHE_HOME:-$HOME/.cache}/martinet-build"
  fi
fi
export MARTINET_SCRATCH

# What the compiler itself needs, which an unpacked toolchain does not bring: libraries, a linker, the headers of C and
# C++, and git for its packages.
SWIFT_PACKAGES="g++ git ca-certificates libncurses6 libxml2 libsqlite3-0 libcurl4"
# Libraries the program is built with, and what the tests and benchmarks run beside it.
BUILD_PACKAGES="libsqlite3-dev zlib1g-dev libssl-dev libsrtp2-dev libcurl4-openssl-dev pkg-config tzdata"
TEST_PACKAGES="python3 python3-aiosmtpd python3-websockets sip-tester kamailio kamailio-tls-modules baresip-core
  linphone-cli sox iproute2 nftables openssl sslscan pebble sipvicious curl faketime"
BENCHMARK_PACKAGES="python3 kamailio rtpengine-daemon sip-tester openssl iproute2"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# install_missing PACKAGE...: installs those that are not there, with one sentence when it may not.
install_missing() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "Installing ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "These Debian packages are missing: ${missing[*]}
Install them as root (apt-get install ${missing[*]}) and run this again."
    as_root=(sudo)
  fi
  # The test peers must not start as services of their own. However the installation ends, the machine's services
  # must be able to start again: the marker says that the policy is ours, and is there before it.
  (
    trap 'trap "" INT TERM HUP
      "${as_root[@]}" sh -c "[ ! -e /run/martinet-policy ] || rm -f /usr/sbin/policy-rc.d /run/martinet-policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    "${as_root[@]}" sh -c '[ -e /usr/sbin/policy-rc.d ] || { touch /run/martinet-policy
      printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; }'
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  )
}

# prepare PACKAGE...: a compiler that works, and these packages.
prepare() {
  command -v swift >/dev/null || fail "swift is not on the PATH.
Install Swift 6.3 for Debian 12 from https://www.swift.org/install/linux/ and run this again."
  # shellcheck disable=SC2086
  install_missing $SWIFT_PACKAGES "$@"
  local version
  version="$(swift --version 2>&1 || true)"
  grep -qE 'Swift version (6\.[3-9]|[7-9])' <<<"$version" ||
    fail "This needs Swift 6.3 or newer; \`swift --version\` says: $version"
}

# build_program [ARGUMENT...]: the release build, quiet unless it fails.
build_program() {
  rm -f "$MARTINET_SCRATCH/built-for"
  swift build -c release --scratch-path "$MARTINET_SCRATCH" "$@"
}

# build_for_running: the same, and remembers of which clone the program is. The note is as old as the start of the
# build, so that what is changed meanwhile is newer.
build_for_running() {
  mkdir -p "$MARTINET_SCRATCH"
  printf '%s' "$PWD" >"$MARTINET_SCRATCH/building-for"
  build_program --product martinet >&2
  mv "$MARTINET_SCRATCH/building-for" "$MARTINET_SCRATCH/built-for"
}

# is_built: the program is that of this clone as it is now, so that a look at the server need not wait for the compiler.
is_built() {
  local note="$MARTINET_SCRATCH/built-for"
  [ -x "$(program_path)" ] && [ "$(cat "$note" 2>/dev/null)" = "$PWD" ] &&
    [ -z "$(find Package.swift Sources Scripts -newer "$note" -print -quit)" ]
}

program_path() { printf '%s/release/martinet' "$MARTINET_SCRATCH"; }
